"""A folder or zip with one folder of pictures per class -> PatchIndex; every picture is one patch."""

import hashlib
import os
import shutil
import zipfile
from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from pathlib import Path, PurePosixPath

from inference.errors import InputError, printable
from inference.pictures.image_io import decode_image
from pipeline.data.classes import (
    FoundClass,
    LabelledPhoto,
    find_classes,
    list_classes,
    plain_label,
    probe_photos,
    refuse_others,
)
from pipeline.data.file_listing import list_visible
from pipeline.data.folder_layout import FolderLayout, ListedPicture, enter_root, place_files
from pipeline.data.groups import NO_GROUPS, PhotoGroups, describe_separated, fit_groups, groups_of
from pipeline.data.index import INDEX_NAME, Patch, PatchIndex, read_index, write_index
from pipeline.data.splits import HashedPhoto, complete_splits, describe_missing, perceptual_hashes
from pipeline.progress import map_in_threads, track
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.recipe import Recipe

_REFUSED_NAME = "refused.txt"
_TEXT_SUFFIXES = (".csv", ".html", ".json", ".md", ".txt", ".xml", ".yaml", ".yml")  # a folder of these is no class
_SIDECARS = (".aae", ".xmp")  # what phones and editors keep beside a picture
_TEXTS = ("copying", "licence", "license", "notice", "readme")  # without suffix
_ARCHIVES = (".7z", ".gz", ".rar", ".tar", ".tgz", ".zip")


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
class RefusedPicture:
    """Why a file can't be used; may_be_repaired: the disk, not the file, is at fault, such as a missing permission."""

    message: str
    may_be_repaired: bool


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
    root, files = _find_files(images, work, recipe.outputs)
    layout, texts = _without_texts(place_files(files, recipe.outputs))
    listed = layout.pictures
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
    kept = {} if recipe.split.folds else {picture.photo: picture.split for picture in listed if picture.split}
    notes += describe_separated(groups, kept)
    folder = work / f"index-{_fingerprint(root, listed, recipe, groups)}"
    if not (folder / INDEX_NAME).is_file():
        folder = _write(folder, root, listed, recipe, groups)
    faults = (folder / _REFUSED_NAME).read_text(encoding="utf-8").splitlines()
    index = read_index(folder / INDEX_NAME, root)
    split_off = describe_missing({picture.split for picture in listed}, recipe.split)
    notes += [f"the folders lack a part, which is split off from train: {split_off}"] if split_off else []
    notes += [f"texts are no pictures, and passed over: {_list_some(texts)}"] if texts else []
    left_out = _left_out(root, layout, recipe.outputs)
    return IndexedFolders(index, folder / INDEX_NAME, (*left_out, *faults), tuple(notes))


def folder_classes(images: Path, work: Path) -> tuple[FoundClass, ...]:
    """Return the classes that folders of pictures are named after; for the arguments see index_class_folders."""
    root, files = _find_files(images, work, None)
    found = _classes_in(root, files)
    if not any(one.photos for one in found):
        raise InputError(f"{images}: {_describe_nothing(root, [file for file in files if not _is_text(file)])}")
    return found


def list_class_folders(images: Path, work: Path) -> ListedFolders:
    """Return the pictures of all class folders, whatever they are called; for the arguments see index_class_folders."""
    root, files = _find_files(images, work, None)
    labels = tuple(one.label for one in _classes_in(root, files) if one.photos)
    layout, _ = _without_texts(place_files(files, labels))
    return ListedFolders(root, tuple(layout.pictures), tuple(_left_out(root, layout, labels)))


def _find_files(images: Path, work: Path, labels: tuple[str, ...] | None) -> tuple[Path, list[str]]:
    """Return the folder of the class folders or splits, and the files in it; labels: the classes, if known."""
    folder = _unpacked(images, work)
    root, inside = enter_root(list_visible(folder), labels)
    return folder / root, inside


def _classes_in(root: Path, files: Iterable[str]) -> tuple[FoundClass, ...]:
    return find_classes(_probe(root, place_files([file for file in files if not _is_text(file)], None).pictures))


def _probe(root: Path, pictures: Iterable[ListedPicture]) -> list[LabelledPhoto]:
    return probe_photos(
        (LabelledPhoto(one.label, one.photo, one.split), None if _is_text(one.file) else root / one.file)
        for one in pictures
    )


def _is_text(file: str) -> bool:
    path = PurePosixPath(file)
    return path.suffix.lower() in (*_TEXT_SUFFIXES, *_SIDECARS) or path.name.lower() in _TEXTS


def _without_texts(layout: FolderLayout) -> tuple[FolderLayout, list[str]]:
    """Return a layout without the texts among the pictures of the classes and outside of class folders, and these."""
    texts = sorted(one.file for one in (*layout.pictures, *layout.outside) if _is_text(one.file))
    pictures, outside = ([one for one in some if not _is_text(one.file)] for some in (layout.pictures, layout.outside))
    return replace(layout, pictures=pictures, outside=outside), texts


def _describe_nothing(root: Path, files: list[str]) -> str:
    """Return why a folder holds no class of which a picture can be read, with the remedy."""
    rule = "must hold a folder of pictures for each class."
    if archives := [file for file in files if file.lower().endswith(_ARCHIVES)]:
        return f"{rule} Received archives: {_list_some(archives)}. Unpack them, each class into a folder of its own."
    if not files or all("/" not in file for file in files):
        count = f"{len(files)} files directly in it" if files else "an empty one"
        return f"{rule} Received {count}. Sort the pictures into folders, or use the recipe photos for boxes in them."
    answer = _examine(root, place_files(files, None).pictures[0])
    why = f" First error: {answer.message}" if isinstance(answer, RefusedPicture) else ""
    return f"{rule} None of {len(files)} files is a picture that can be read.{why}"


def _list_some(files: list[str]) -> str:
    """Return the first file and how many more there are."""
    return printable(files[0]) + (f" and {len(files) - 1} more" if len(files) > 1 else "")


def _write(folder: Path, root: Path, listed: list[ListedPicture], recipe: Recipe, groups: PhotoGroups) -> Path:
    """Decode the pictures; write the list of refused files and, last, the index; return the folder of both.

    Where the disk is at fault for a refusal, it is another folder than the given one, so that the pictures are read
    again the next time.
    """
    examined = map_in_threads(lambda picture: _examine(root, picture), listed, "pictures read")
    usable = [answer for answer in examined if isinstance(answer, ExaminedPicture)]
    refused = [answer for answer in examined if isinstance(answer, RefusedPicture)]
    if not usable:
        raise InputError(f"{root}: no picture can be used. First error: {refused[0].message}")
    if unread := "".join(one.message for one in refused if one.may_be_repaired):
        digest = hashlib.sha256(unread.encode("utf-8", "surrogateescape")).hexdigest()[:8]
        folder = folder.with_name(f"{folder.name}-without-{digest}")
    splits = _split(usable, recipe, groups)
    patches = tuple(_patch(picture, splits[picture.listed.photo]) for picture in usable)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _REFUSED_NAME).write_text("".join(f"{one.message}\n" for one in refused), encoding="utf-8")
    write_index(PatchIndex(root, patches), folder / INDEX_NAME)
    return folder


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


def _left_out(root: Path, layout: FolderLayout, labels: tuple[str, ...]) -> list[str]:
    """Return the messages about the files that are in no folder of a class, each kind together."""
    return [
        *_refuse_folders(_probe(root, layout.others), labels),
        *_refuse_unsplit(layout.unsplit),
        *_refuse_outside(len(layout.outside)),
    ]


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


def _refuse_unsplit(files: list[ListedPicture]) -> list[str]:
    counts = list_classes(find_classes(LabelledPhoto(one.label, one.photo) for one in files))
    remedy = "Sort their pictures into the class folders of a split to use them."
    return [f"folders in none of the splits, and left out: {counts}. {remedy}"] if files else []


def _refuse_outside(count: int) -> list[str]:
    return [f"outside of class folders: {count} files left out. Move them into their class."] if count else []


def _examine(root: Path, picture: ListedPicture) -> ExaminedPicture | RefusedPicture:
    """Return size and hashes of a picture, or the reason why it can't be used."""
    try:
        pixels = decode_image((root / picture.file).read_bytes())
    except OSError as fault:
        why = f"cannot be read: {fault.strerror or fault}. Make it readable, or remove it."
        return RefusedPicture(f"{printable(picture.file)}: {why}", may_be_repaired=True)
    except InputError as fault:
        return RefusedPicture(f"{printable(picture.file)}: {fault}", may_be_repaired=False)
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
        line = f"{picture.file}:{picture.photo}:{_stamp(root / picture.file)}\n"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:8]


def _stamp(path: Path) -> str:
    """Return size and time of a file; "" for one that can't be reached, such as a link that leads nowhere."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_size}:{status.st_mtime_ns}"
