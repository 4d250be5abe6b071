"""A user's data, or drawn data -> PatchIndex: the functions of a recipe's source.kind."""

import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from inference.errors import InputError, quote
from inference.pictures.archive import is_archive
from pipeline.data.annotations.read import AnnotationSet, annotated_classes, read_annotations
from pipeline.data.cifar10 import write_originals
from pipeline.data.class_folders import folder_classes, index_class_folders
from pipeline.data.classes import FoundClass
from pipeline.data.file_listing import is_folder, may_be_reached
from pipeline.data.groups import PhotoGroups, describe_separated, fit_groups, read_photo_groups
from pipeline.data.index import INDEX_NAME, PatchIndex, read_index
from pipeline.data.outliers import add_outliers
from pipeline.data.patches import cut_patches
from pipeline.drawn.memes.dataset import write_meme_pictures
from pipeline.drawn.scenes.dataset import write_scenes
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder, read_json

EMBEDDED = "embedded scenes"
PHOTOGRAPHS = "photographs"
CLASS_FOLDERS = "pictures in class folders"
ORIGINALS = "CIFAR-10 as published"
DRAWN_MEMES = "embedded memes"

# Names of folders that say nothing about the data; the folder around them does.
_LAYOUT_NAMES = ("all", "image", "images", "img", "imgs", "jpegimages", "train", "training")


@dataclass(frozen=True)
class DataPlace:
    """The location of a run's data: photographs and annotations, class folders, or nothing; and the folder of runs.

    groups: JSON file of photographs that belong together, see pipeline.data.groups. masks, test, crops: only for
    anomaly recipes: masks, test photographs, example regions.
    """

    images: Path | None
    annotations: Path | None
    runs: Path
    groups: Path | None = None
    masks: Path | None = None
    test: Path | None = None
    crops: Path | None = None

    def check(self, source: str) -> None:
        """Raise InputError unless the paths exist and suit the kind of source."""
        if source in SOURCES:
            _refuse_anomaly_options(self)
            SOURCES[source].check(self)
        else:
            _check_whole_photographs(self)
        read_photo_groups(self.groups)

    def to_json(self) -> dict[str, str | None]:
        """Return the content of source.json: absolute paths."""
        paths = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return {name: None if path is None else str(path.resolve()) for name, path in paths.items()}

    @property
    def title(self) -> str:
        """Return the title of the data by their folder or archive: my_trees/images gives "my trees"."""
        path = self.images.resolve() if self.images else Path()
        named = path.parent if path.name.lower() in _LAYOUT_NAMES and path.parent.name else path
        name = named.name if named.is_dir() else named.stem
        return name.replace("_", " ").strip() or "untitled"

    @property
    def embedded(self) -> bool:
        """Return whether no data is given, so that pictures are drawn or downloaded by Keras."""
        return self.images is None


def place_from_json(paths: dict[str, str | None]) -> DataPlace:
    """Return the location in a source.json; earlier versions wrote no groups.

    Raises:
        InputError: one of the paths is none.
    """
    for name, text in paths.items():
        if text is not None and (not isinstance(text, str) or "\0" in text):
            raise InputError(f"source.json: {name} must be a path. Received: {quote(text)}. Start a new run.")
    given = {entry.name: Path(text) if (text := paths.get(entry.name)) else None for entry in fields(DataPlace)}
    given.pop("runs")
    return DataPlace(runs=Path(str(paths["runs"])), **given)


@dataclass(frozen=True)
class PreparedData:
    """Patches ready for training, the path of their index, and numbers of clipped boxes and refused entries."""

    index: PatchIndex
    file: Path
    kind: str
    clipped_boxes: int
    written: int
    refused: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """One kind of data that becomes patches; see docs/adding_a_recipe.md.

    prepare: returns the patches of a location. check: raises InputError unless the location suits the source.
    photographs: for sources with boxes, returns the folder of the photographs; None for sources without boxes. If
    given, the card stores the recipe's margin for regions, and the control examines the surroundings of boxes.
    classes: returns the classes of given data; None: the recipe's labels are not compared with the data beforehand.
    """

    prepare: Callable[[DataPlace, Recipe], PreparedData]
    check: Callable[[DataPlace], None]
    photographs: Callable[[DataPlace, Recipe], Path] | None = None
    classes: Callable[[DataPlace, Recipe], tuple[FoundClass, ...]] | None = None


def annotated_photos(place: DataPlace, recipe: Recipe) -> PreparedData:
    """Cut patches from photographs with boxes into a folder shared by runs with the same data and settings.

    Raises:
        InputError: only one of photographs and annotations is given, or no photograph can be used.
    """
    place.check("annotated_photos")
    images = photographs_of(place, recipe)
    annotations = place.annotations or write_scenes(images.parent, recipe.source.count, recipe.source.seed)
    found = read_annotations(annotations, images, recipe.labels)
    _print_notes(found.notes)
    return cut_boxes(found, images, annotations, place, recipe)


def photographs_of(place: DataPlace, recipe: Recipe) -> Path:
    """Return the folder of the photographs with boxes: the given one, or the drawn scenes."""
    drawn = place.runs / recipe.name / f"scenes-{recipe.source.count}-seed{recipe.source.seed}" / "photos"
    return place.images or drawn


def cut_boxes(found: AnnotationSet, images: Path, annotations: Path, place: DataPlace, recipe: Recipe) -> PreparedData:
    """Cut the patches of boxes on the photographs under images; annotations: the path of the annotations."""
    groups, notes = fit_groups(read_photo_groups(place.groups), found.photos)
    _print_notes([*notes, *describe_separated(groups, {} if recipe.split.folds else found.splits)])
    folder = place.runs / recipe.name / _patch_folder(images, annotations, recipe, groups)
    cut = cut_patches(found, images, folder, recipe, groups)
    kind = EMBEDDED if place.embedded else PHOTOGRAPHS
    index = _with_outliers(cut.index, folder / BACKGROUND, recipe)
    return PreparedData(index, folder / INDEX_NAME, kind, found.clipped, cut.written, (*found.refused, *cut.refused))


def find_photographs(run: RunFolder, folder_of: Callable[[DataPlace, Recipe], Path], root: Path) -> Path:
    """Return the folder of the photographs that a run's patches, under root, were cut from.

    folder_of: function of the run's source. The folder of runs is derived from root, since it may have been moved.

    Raises:
        InputError: the folder does not exist.
    """
    place = replace(place_from_json(read_json(run.source, "Start a new run.")), runs=root.resolve().parents[1])
    images = folder_of(place, run.read_recipe())
    if not images.is_dir():
        raise InputError(f"{images}: does not exist. It must hold the run's photographs; put them back.")
    return images


def trained_photos(weights: Path, photos: Iterable[Path]) -> set[Path]:
    """Return those photographs, or copies of them, on which the run that a file of weights lies in was trained.

    Files are compared, not names: many data sets have a 001.jpg. Without the run's index, or where its photographs are
    gone, nothing is known.
    """
    by_size = defaultdict[int, list[Path]](list)
    for path in _photos_of_run(weights.resolve().parent):
        by_size[path.stat().st_size].append(path)
    return {
        photo
        for photo in photos
        if any(photo.samefile(one) or photo.read_bytes() == one.read_bytes() for one in by_size[photo.stat().st_size])
    }


def _photos_of_run(folder: Path) -> list[Path]:
    """Return the photographs that a run was trained on or chosen by, where they still exist."""
    run = RunFolder(folder)
    if not (folder / INDEX_NAME).is_file() or not run.source.is_file():
        return []
    try:
        images = place_from_json(read_json(run.source, "")).images
        patches = read_index(folder / INDEX_NAME).patches
    except (InputError, KeyError):  # of another program, or damaged: nothing is known
        return []
    if images is None:
        return []
    # of class folders the picture itself is the file; its photo may lack the extension
    names = sorted({name for patch in patches if patch.split != "test" for name in (patch.photo, patch.file)})
    return [path for name in names if (path := images / name).is_file()]


def class_folders(place: DataPlace, recipe: Recipe) -> PreparedData:
    """Return the pictures of class folders; see pipeline.data.class_folders.

    Raises:
        InputError: no folder or zip is given, or no picture can be used.
    """
    place.check("class_folders")
    assert place.images is not None  # checked
    return _index_folders(place.images, CLASS_FOLDERS, place, recipe)


def cifar10(place: DataPlace, recipe: Recipe) -> PreparedData:
    """Return the pictures of class folders, by default CIFAR-10 downloaded by Keras.

    Raises:
        InputError: the download fails, or no picture can be used.
    """
    place.check("cifar10")
    if place.images is not None:
        return _index_folders(place.images, CLASS_FOLDERS, place, recipe)
    return _index_folders(write_originals(place.runs / recipe.name), ORIGINALS, place, recipe)


def memes(place: DataPlace, recipe: Recipe) -> PreparedData:
    """Return the pictures of class folders, by default drawn memes of the styles named by the labels.

    Raises:
        InputError: nothing is given and a label is not a style that can be drawn, or no picture can be used.
    """
    place.check("memes")
    if place.images is not None:
        return _index_folders(place.images, CLASS_FOLDERS, place, recipe)
    source, name = recipe.source, "-".join(recipe.outputs)
    folder = place.runs / recipe.name / f"pictures-{name}-{source.count}-seed{source.seed}"
    drawn = write_meme_pictures(folder, source.count, source.seed, recipe.outputs)
    return _index_folders(drawn, DRAWN_MEMES, place, recipe)


def _index_folders(images: Path, kind: str, place: DataPlace, recipe: Recipe) -> PreparedData:
    found = index_class_folders(images, place.runs / recipe.name, recipe, read_photo_groups(place.groups))
    _print_notes(found.notes)
    index = _with_outliers(found.index, found.file.parent / "outliers", recipe)  # not among the user's pictures
    return PreparedData(index, found.file, kind, clipped_boxes=0, written=0, refused=found.refused)


def _with_outliers(index: PatchIndex, folder: Path, recipe: Recipe) -> PatchIndex:
    """Return the index with drawn outliers under a folder, if the network learns background."""
    count = recipe.patches.outliers if BACKGROUND in recipe.outputs else 0
    return add_outliers(index, folder, count, recipe.patches.seed)


def _print_notes(notes: Iterable[str]) -> None:
    for note in notes:
        print(f"note: {note}", file=sys.stderr)


def _annotated_classes(place: DataPlace, recipe: Recipe) -> tuple[FoundClass, ...]:
    return annotated_classes(place.annotations, place.images) if place.annotations and place.images else ()


def _folder_classes(place: DataPlace, recipe: Recipe) -> tuple[FoundClass, ...]:
    return folder_classes(place.images, place.runs / recipe.name) if place.images else ()


def _check_annotated(place: DataPlace) -> None:
    if (place.images is None) != (place.annotations is None):
        raise InputError(
            "--images and --annotations belong together. Give both, or neither for the drawn scenes. For "
            "pictures in a folder for each class, without boxes, use the recipe folders."
        )
    if place.images is not None and not is_folder(place.images):
        unpack = " Unpack it." if place.images.is_file() and is_archive(place.images) else ""
        raise InputError(f"{place.images}: is not a folder.{unpack} Give the folder of the photographs to --images.")


def _check_folders(place: DataPlace) -> None:
    if place.images is None:
        raise InputError("this recipe needs pictures. Give a folder, or zip, of class folders to --images.")
    _check_folders_or_none(place)


def _check_folders_or_none(place: DataPlace) -> None:
    if place.annotations is not None:
        raise InputError(
            "class folders need no annotations. Received: --annotations. Leave it out, or use the recipe "
            "photos for boxes."
        )
    if place.images is not None and not may_be_reached(place.images):
        raise InputError(
            f"{place.images}: does not exist, or can't be reached. Give a folder, or zip, of class folders to --images."
        )


def _check_whole_photographs(place: DataPlace) -> None:
    """Check the location of an anomaly recipe's data; see pipeline.anomaly.stages."""
    if place.annotations is not None:
        raise InputError("recipes for anomalies need no annotations. Received: --annotations. Leave it out.")
    for name in ("images", "masks", "test", "crops"):
        path = getattr(place, name)
        if path is not None and not is_folder(path):
            raise InputError(f"{path}: is not a folder. Give a folder to --{name}, or leave it out.")
    if place.images is None and (place.test or place.masks):
        raise InputError("--test and --masks need photographs. Give the folder of the photographs to --images.")


def _refuse_anomaly_options(place: DataPlace) -> None:
    given = [f"--{name}" for name in ("masks", "test", "crops") if getattr(place, name) is not None]
    if given:
        raise InputError(f"{', '.join(given)}: only for recipes that find anomalies, such as wood. Leave it out.")


def _patch_folder(images: Path, annotations: Path, recipe: Recipe, groups: PhotoGroups) -> str:
    """Return a folder name with a hash of everything that patches and splits depend on."""
    new = (
        "validation_folds",
        "validation_fold",
    )  # left out where unused, so that folders of earlier versions are found
    split = {name: value for name, value in asdict(recipe.split).items() if value or name not in new}
    settings = [recipe.labels, asdict(recipe.patches), split]
    text = json.dumps([str(images.resolve()), str(annotations.resolve()), settings, groups.lists])
    return f"patches-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


SOURCES: dict[str, Source] = {
    "annotated_photos": Source(annotated_photos, _check_annotated, photographs_of, _annotated_classes),
    "class_folders": Source(class_folders, _check_folders, classes=_folder_classes),
    "cifar10": Source(cifar10, _check_folders_or_none, classes=_folder_classes),
    "memes": Source(memes, _check_folders_or_none, classes=_folder_classes),
}
