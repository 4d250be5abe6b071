"""A folder or zip with one folder of pictures per class -> PatchIndex; every picture is one patch."""

import hashlib
import os
import re
import shutil
import zipfile
from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from pathlib import Path, PurePosixPath

from inference.errors import InputError, printable
from inference.pictures.image_io import decode_image
from inference.pictures.system_files import is_passed_over
from pipeline.data.classes import FoundClass, LabelledPhoto, find_classes, plain_label, refuse_others
from pipeline.data.file_listing import list_files
from pipeline.data.groups import NO_GROUPS, PhotoGroups, describe_parted, fit_groups, groups_of
from pipeline.data.index import INDEX_NAME, Patch, PatchIndex, read_index, write_index
from pipeline.data.splits import HashedPhoto, complete_splits, describe_missing, perceptual_hashes
from pipeline.progress import map_in_threads, track
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.recipe import Recipe

# folder above the class folders -> split
GIVEN_SPLITS = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "eval": "validation",
    "holdout": "test",
}
_FILLERS = ("", "data", "folder", "image", "images", "imgs", "photos", "pictures", "seg", "split")  # say no split
_REFUSED_NAME = "refused.txt"
_TEXT_SUFFIXES = (".csv", ".html", ".json", ".md", ".txt", ".xml", ".yaml", ".yml")  # a folder of these is no class


@dataclass(frozen=True)
class ListedPicture:
    """A file of a class folder. photo: its path without extension, the same for all versions of one picture."""

    file: str
    label: str
    photo: str
    split: str  # "" if the folders give no split


@dataclass(frozen=True)
class ListedFolders:
    """Class folders under root: their pictures in a fixed order, and one message about each thing that is left out."""

    root: Path
    pictures: tuple[ListedPicture, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class ExaminedPicture:
    """The properties of a decoded file that the split depends on."""

    listed: ListedPicture
    width: int
    height: int
    views: tuple[int, int]


@dataclass(frozen=True)
class IndexedFolders:
    """The index, its path, one message per file or folder that was left out, and notes for the user."""

    index: PatchIndex
    file: Path
    refused: tuple[str, ...]
    notes: tuple[str, ...] = ()


def index_class_folders(images: Path, work: Path, recipe: Recipe, groups: PhotoGroups = NO_GROUPS) -> IndexedFolders:
    """Return the index of class folders: each picture is decoded once and assigned to a split.

    Class folders inside folders named train, test and validation (or val) keep these splits; without validation or
    test, a share of train is used. If no splits are given, near-duplicates and groups share a split. Versions of a
    picture, a.jpg and a.png, count as one photograph.

    Args:
        images: a folder, or a zip that is unpacked into work; the class folders may be inside a single other folder.
        work: folder of the index, which is reused for the same files and settings.

    Raises:
        InputError: a class has no picture, none can be decoded, or cross-validation is requested although there is a
            test set.
    """
    root = _find_root(_unpacked(images, work), recipe.outputs)
    listed, other_folders = _list(root, recipe.outputs)
    if not listed:
        raise InputError(
            f"{images}: must hold a folder of pictures for each class ({', '.join(recipe.labels)}), perhaps inside "
            "train and test. None was found. Rename the folders, or list them with --set labels=a,b."
        )
    if missing := [label for label in recipe.labels if label not in {picture.label for picture in listed}]:
        raise InputError(
            f"{images}: must hold a folder of pictures for each class. Missing: {', '.join(missing)}. "
            "Add pictures, or list the existing classes with --set labels=a,b."
        )
    if len({picture.split == "" for picture in listed}) > 1:
        raise InputError(f"{images}: class folders must be either all inside train and test or none. Received: both.")
    if recipe.split.folds and any(picture.split == "test" for picture in listed):
        raise InputError(f"{images}: has a test set, but cross-validation splits all pictures. Use run.")
    groups, notes = fit_groups(groups, {picture.photo for picture in listed})
    notes += describe_parted(groups, {picture.photo: picture.split for picture in listed if picture.split})
    folder = work / f"index-{_fingerprint(root, listed, recipe, groups)}"
    if not (folder / INDEX_NAME).is_file():
        _write(folder, root, listed, recipe, groups)
    faults = (folder / _REFUSED_NAME).read_text(encoding="utf-8").splitlines()
    index = read_index(folder / INDEX_NAME, root)
    split_off = describe_missing({picture.split for picture in listed}, recipe.split)
    notes += [f"the folders lack a part, which is split off from train: {split_off}"] if split_off else []
    return IndexedFolders(index, folder / INDEX_NAME, (*other_folders, *faults), tuple(notes))


def folder_classes(images: Path, work: Path) -> tuple[FoundClass, ...]:
    """Return the classes that folders of pictures are named after; for the arguments see index_class_folders."""
    return _classes_in(_find_root(_unpacked(images, work), ()))


def list_class_folders(images: Path, work: Path) -> ListedFolders:
    """Return the pictures of all class folders, whatever they are called; for the arguments see index_class_folders."""
    root = _find_root(_unpacked(images, work), ())
    listed, left_out = _list(root, tuple(one.label for one in _classes_in(root)))
    return ListedFolders(root, tuple(listed), tuple(left_out))


def given_split(folder: str) -> str:
    """Return the split that the name of a folder states, or "": Training_set, "Test Images" and seg_train state one."""
    words = [word.removesuffix("set") for word in re.split("[^a-z]+", folder.lower())]
    telling = [word for word in words if word not in _FILLERS]
    return GIVEN_SPLITS.get(telling[0], "") if len(telling) == 1 else ""


def _classes_in(root: Path) -> tuple[FoundClass, ...]:
    files = [file for file in _list_pictures(root) if PurePosixPath(file).suffix.lower() not in _TEXT_SUFFIXES]
    holding = {depth: {file.split("/")[0] for file in files if file.count("/") == depth} for depth in (1, 2)}
    classes = tuple(holding[1] - holding[2])  # a folder `train` of pictures alone is a class, of trains
    doubled = _doubled(files)
    placed = [(file, *_place(file, classes, doubled)) for file in files]
    return find_classes(
        LabelledPhoto(folders[0], str(PurePosixPath(file).with_suffix("")), split)
        for file, folders, split in placed
        if folders
    )


def _write(folder: Path, root: Path, listed: list[ListedPicture], recipe: Recipe, groups: PhotoGroups) -> None:
    """Decode the pictures; write the list of refused files and, last, the index."""
    examined = map_in_threads(lambda picture: _examine(root, picture), listed, "pictures read")
    usable = [answer for answer in examined if isinstance(answer, ExaminedPicture)]
    refused = [answer for answer in examined if isinstance(answer, str)]
    if not usable:
        raise InputError(f"{root}: no picture can be used. First error: {refused[0]}")
    splits = _split(usable, recipe, groups)
    patches = tuple(_patch(picture, splits[picture.listed.photo]) for picture in usable)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _REFUSED_NAME).write_text("".join(f"{line}\n" for line in refused), encoding="utf-8")
    write_index(PatchIndex(root, patches), folder / INDEX_NAME)


def _unpacked(images: Path, work: Path) -> Path:
    """Return the folder itself, or the one into which the zip is unpacked, once."""
    if images.is_dir():
        return images
    status = images.stat()
    name = hashlib.sha256(f"{images.resolve()}:{status.st_size}:{status.st_mtime_ns}".encode()).hexdigest()[:8]
    folder = work / f"unpacked-{name}"
    if not folder.is_dir():
        partial = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
        partial.mkdir(parents=True, exist_ok=True)
        try:
            with zipfile.ZipFile(images) as archive:
                _check_room(archive, partial)
                entries = archive.infolist()
                for entry in track(entries, len(entries), "files unpacked"):
                    entry.filename = entry.filename.replace("\\", "/")  # some programs on Windows write these
                    archive.extract(entry, partial)  # never writes outside of the folder
        except InputError:
            raise
        except Exception as fault:  # zipfile raises BadZipFile, zlib.error, OSError, NotImplementedError ...
            shutil.rmtree(partial, ignore_errors=True)
            raise InputError(f"{images}: is neither a folder nor a readable zip ({fault}). Unpack it first.") from fault
        partial.rename(folder)
    return folder


def _check_room(archive: zipfile.ZipFile, folder: Path) -> None:
    """Refuse an archive that would fill the disk."""
    needed, free = sum(entry.file_size for entry in archive.infolist()), shutil.disk_usage(folder).free
    if needed > free // 2:
        raise InputError(
            f"{archive.filename}: unpacks to {needed:,} bytes, more than half of the {free:,} that are free."
        )


def _find_root(folder: Path, labels: tuple[str, ...]) -> Path:
    """Return the folder of the class folders or splits: the given one, or one inside it."""
    while True:
        inner = [entry for entry in folder.iterdir() if entry.is_dir() and not is_passed_over(entry.name)]
        name = inner[0].name if len(inner) == 1 else ""
        if not name or _label_of(name, labels, {name}) or given_split(name):
            return folder
        if not any(entry.is_dir() and not is_passed_over(entry.name) for entry in inner[0].iterdir()):
            return folder
        folder = inner[0]


def _list(root: Path, labels: tuple[str, ...]) -> tuple[list[ListedPicture], list[str]]:
    """Return the files of the classes in a fixed order, and messages about the files that are of none."""
    found: list[ListedPicture] = []
    others: list[LabelledPhoto] = []
    outside = 0
    files = _list_pictures(root)
    siblings: dict[str, set[str]] = {}  # folder -> the folders in it
    for folder in {parent for file in files for parent in PurePosixPath(file).parents}:
        siblings.setdefault(str(folder.parent), set()).add(folder.name)
    doubled = _doubled(files)
    # a folder `train` is the class of this name, unless there are classes in it
    classes = tuple(label for label in labels if not siblings.get(label, set()) & set(labels))
    for file in files:
        folders, split = _place(file, classes, doubled)
        photo = str(PurePosixPath(file).with_suffix(""))
        label = _label_of(folders[0], labels, siblings[_parent_of_class(file, folders)]) if folders else ""
        if label:
            found.append(ListedPicture(file, label, photo, split))
        elif folders:
            others.append(LabelledPhoto(folders[0], photo, split))
        else:
            outside += 1
    return found, [*_refuse_folders(others, labels), *_refuse_outside(outside)]


def _list_pictures(root: Path) -> list[str]:
    return [file for file in list_files(root) if not any(map(is_passed_over, PurePosixPath(file).parts))]


def _place(file: str, classes: tuple[str, ...], doubled: set[str]) -> tuple[list[str], str]:
    """Return the folders of a file from its class on, and the split that they are in, or "".

    classes: those whose folder is of no split, whatever it is called.
    """
    *folders, _ = PurePosixPath(file).parts
    split = given_split(folders[0]) if folders and folders[0] not in classes else ""
    return folders[(2 if folders[0] in doubled else 1) if split else 0 :], split


def _doubled(files: Iterable[str]) -> set[str]:
    """Return the folders of splits that hold nothing but a folder of their name: seg_train/seg_train/sea/1.jpg."""
    inner: dict[str, set[str]] = {}
    for file in files:
        folder, *below = file.split("/")
        inner.setdefault(folder, set()).add(below[0] if len(below) > 2 else "")
    return {folder for folder, names in inner.items() if names == {folder} and given_split(folder)}


def _parent_of_class(file: str, folders: list[str]) -> str:
    """Return the folder that the class folder of a file lies in; folders: of the file from its class on."""
    return str(PurePosixPath(*PurePosixPath(file).parts[: -len(folders) - 1]))


def _refuse_folders(others: list[LabelledPhoto], labels: tuple[str, ...]) -> list[str]:
    """Return the messages about folders that are not among the labels: of background, and of all others together."""
    background = sum(plain_label(one.label).casefold() == BACKGROUND for one in others)
    rest = [one for one in others if plain_label(one.label).casefold() != BACKGROUND]
    classes = tuple(label for label in labels if label != BACKGROUND)
    messages = [f"folders {refuse_others(find_classes(rest), classes)}"] if rest else []
    if background:
        messages.append(
            f"folder {BACKGROUND}: {background} pictures left out, since the network has no output for it. "
            "To use them: --set network.background=output"
        )
    return messages


def _refuse_outside(count: int) -> list[str]:
    return [f"outside of class folders: {count} files left out. Move them into their class."] if count else []


def _label_of(folder: str, labels: tuple[str, ...], siblings: set[str]) -> str:
    """Return the class of a folder, oak for `Oak` where no other folder and no other class is called so, else ""."""
    plain = plain_label(folder).casefold()
    alike = [label for label in labels if plain_label(label).casefold() == plain]
    rivals = [name for name in siblings if plain_label(name).casefold() == plain]
    if folder in labels or len(alike) != 1 or len(rivals) > 1:
        return folder if folder in labels else ""
    return alike[0]


def _examine(root: Path, picture: ListedPicture) -> ExaminedPicture | str:
    """Return size and hashes of a picture, or the reason why it can't be used."""
    try:
        pixels = decode_image((root / picture.file).read_bytes())
    except (InputError, OSError) as fault:
        return f"{printable(picture.file)}: {fault}"
    return ExaminedPicture(picture, pixels.shape[1], pixels.shape[0], perceptual_hashes(pixels))


def _split(pictures: Iterable[ExaminedPicture], recipe: Recipe, groups: PhotoGroups) -> dict[str, str]:
    """Return the split of each photograph: that of its folder, otherwise by groups of near-duplicates."""
    numbers = groups.numbers()
    photos: dict[str, HashedPhoto] = {}
    given: dict[str, str] = {}
    for picture in pictures:
        name = picture.listed.photo
        new = HashedPhoto(name, (picture.listed.label,), (picture.views,), groups_of(name, numbers))
        photos[name] = replace(photos[name], views=(*photos[name].views, picture.views)) if name in photos else new
        given[name] = picture.listed.split
    return complete_splits(photos.values(), {name: split for name, split in given.items() if split}, recipe.split)


def _patch(picture: ExaminedPicture, split: str) -> Patch:
    listed = picture.listed
    return Patch(listed.file, listed.label, listed.photo, 0, 0, picture.width, picture.height, split)


def _fingerprint(root: Path, listed: list[ListedPicture], recipe: Recipe, groups: PhotoGroups) -> str:
    """Return a hash of everything that the index depends on: size and time of the files, labels, splits."""
    digest = hashlib.sha256(repr([str(root.resolve()), recipe.labels, astuple(recipe.split), groups.lists]).encode())
    for picture in listed:
        status = (root / picture.file).stat()
        digest.update(f"{picture.file}:{status.st_size}:{status.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:8]
