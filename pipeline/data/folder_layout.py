"""The names of the files in class folders -> the class and the split of each."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from pipeline.data.classes import plain_label
from pipeline.data.file_listing import photo_name

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
    "evaluation": "validation",
    "holdout": "test",
}
_FILLERS = ("", "data", "folder", "image", "images", "imgs", "photos", "pictures", "seg", "split")  # say no split


@dataclass(frozen=True)
class ListedPicture:
    """A file of a class folder. photo: its path without extension, the same for all versions of one picture."""

    file: str
    label: str
    photo: str
    split: str  # "" if the folders give no split


@dataclass(frozen=True)
class FolderLayout:
    """The pictures of the classes, and the files that are left out, each in the order of the files.

    others: in folders that are no classes. unsplit: in folders of no split, where splits are given. outside: in no
    folder of a class.
    """

    pictures: list[ListedPicture] = field(default_factory=list)
    others: list[ListedPicture] = field(default_factory=list)
    unsplit: list[ListedPicture] = field(default_factory=list)
    outside: list[ListedPicture] = field(default_factory=list)


def given_split(folder: str) -> str:
    """Return the split that the name of a folder states, or "": Training_set, "Test Images" and seg_train state one."""
    words = [word.removesuffix("set") for word in re.split("[^a-z]+", folder.lower())]
    telling = [word for word in words if word not in _FILLERS]
    return GIVEN_SPLITS.get(telling[0], "") if len(telling) == 1 else ""


def enter_root(files: Sequence[str], labels: tuple[str, ...] | None) -> tuple[str, list[str]]:
    """Return the folder of the class folders or splits, "" or one inside, and the files in it, relative to it.

    A single folder with folders in it is entered, unless it is called like a split, or like a class that none of the
    folders in it is called by. labels: as for place_files.
    """
    root, paths = "", [file.split("/") for file in files]
    while True:
        names = {path[0] for path in paths if len(path) > 1}
        inner = {path[1] for path in paths if len(path) > 2}
        name = names.pop() if len(names) == 1 else ""
        is_class = _class_of(name, labels or ()) and not any(_class_of(folder, labels or ()) for folder in inner)
        if not inner or not name or is_class or given_split(name):
            return root, ["/".join(path) for path in paths]
        root, paths = f"{root}{name}/", [path[1:] for path in paths if len(path) > 1]


def place_files(files: Sequence[str], labels: tuple[str, ...] | None) -> FolderLayout:
    """Return the class and the split of each file; labels: the classes, None: every folder is one."""
    flat, doubled = _flat(files, labels or ()), _doubled(files)
    placed = [_place(file, flat, doubled) for file in files]
    classes = {one.label: one.label if labels is None else _class_of(one.label, labels) for one in placed}
    divided = any(classes[one.label] and one.split == "train" for one in placed)
    layout = FolderLayout()
    for one in placed:
        if not one.label:
            layout.outside.append(one)
        elif divided and not one.split:
            layout.unsplit.append(one)
        elif classes[one.label]:
            layout.pictures.append(replace(one, label=classes[one.label]))
        else:
            layout.others.append(one)
    return layout


def _place(file: str, flat: set[str], doubled: set[str]) -> ListedPicture:
    """Return a file with the name of its class folder as label, "" where it is in none, and its split."""
    *folders, _ = file.split("/")
    split = given_split(folders[0]) if folders and folders[0] not in flat else ""
    own = folders[(2 if folders[0] in doubled else 1) if split else 0 :]
    return ListedPicture(file, own[0] if own else "", photo_name(file), split)


def _flat(files: Iterable[str], labels: tuple[str, ...]) -> set[str]:
    """Return the folders that are of no split, whatever they are called.

    A folder `train` of pictures alone is a class, of trains; so is one of that label, unless there are classes in it.
    """
    inner = _inner_folders(files, 1)
    return {
        folder
        for folder, names in inner.items()
        if names == {""} or (folder in labels and not names.intersection(labels))
    }


def _doubled(files: Iterable[str]) -> set[str]:
    """Return the folders of splits that hold nothing but a folder of their name: seg_train/seg_train/sea/1.jpg."""
    inner = _inner_folders(files, 2)
    return {folder for folder, names in inner.items() if names == {folder} and given_split(folder)}


def _inner_folders(files: Iterable[str], levels: int) -> dict[str, set[str]]:
    """Return the names in each folder that begin at least so many levels of folders, "" for the files of fewer."""
    inner: dict[str, set[str]] = {}
    for file in files:
        folder, *below = file.split("/")
        inner.setdefault(folder, set()).add(below[0] if len(below) > levels else "")
    return inner


def _class_of(folder: str, labels: tuple[str, ...]) -> str:
    """Return the class of a folder: that of its name, else the only one whose name differs in case alone, else ""."""
    if folder in labels:
        return folder
    plain = plain_label(folder).casefold()
    alike = [label for label in labels if plain_label(label).casefold() == plain]
    return alike[0] if len(alike) == 1 else ""
