"""A few example pictures per name -> a linear classifier of regions, and its leave-one-out accuracy."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import confusion_matrix
from sklearn.preprocessing import StandardScaler

from inference.anomaly.anomaly_map import AnomalyMap
from inference.anomaly.components import Component, find_components
from inference.anomaly.detector import Detector
from inference.anomaly.region_names import NAMES_NAME, RegionNames, describe, names_to_file
from inference.atomic_file import write_atomically
from inference.errors import InputError
from inference.model.artefact import Artefact, pack_artefact, read_artefact
from inference.model.card import card_files, read_card
from inference.pictures.image_io import read_image, resize_image
from inference.pictures.listing import Listing, Picture
from pipeline.anomaly.sections import NameReport
from pipeline.data.groups import PhotoGroups, groups_of
from pipeline.metrics.intervals import Estimate, bootstrap
from pipeline.progress import track
from pipeline.settings.run_folder import RunFolder

_WIDENINGS = (0.85, 0.92, 1.0, 1.08, 1.18)  # scales of the views of each example
_SHRINKAGE = 0.2  # of the covariance towards its diagonal, since there are few examples
_LEAST = 2  # examples per name


@dataclass(frozen=True)
class Example:
    """One example picture: its key, its name, its groups and the descriptors of its views.

    views: float32 [views, numbers], see inference.anomaly.region_names.describe; the first is of the unchanged picture.
    """

    key: str
    label: str
    groups: tuple[int, ...]
    views: np.ndarray


def name_regions(run: RunFolder, folder: Path, groups: PhotoGroups) -> NameReport:
    """Fit the classifier of region names on a folder of examples; return the content of names.json, see leave_out.

    Writes names.npz into the run's folder and into its model.

    Raises:
        InputError: see read_examples.
    """
    recipe = run.read_recipe()
    artefact = read_artefact(run.model)
    examples = read_examples(Detector(artefact, threads=2), folder, recipe.anomaly.crop_scale, groups)
    names = fit_names(examples)
    write_atomically(run.region_names, names_to_file(names))
    card = replace(read_card(artefact), region_labels=names.labels)
    files = artefact.files | card_files(card) | {NAMES_NAME: names_to_file(names)}
    write_atomically(run.model, pack_artefact(Artefact(artefact.flatbuffer, files)))
    return leave_out(examples)


def read_examples(detector: Detector, folder: Path, scale: float, groups: PhotoGroups) -> list[Example]:
    """Return the examples in a folder that has one subfolder per name.

    scale: factor that enlarges the pictures to the scale of the photographs.

    Raises:
        InputError: there are fewer than two names, a name has too few examples, or a picture can't be read.
    """
    numbers, listed = groups.numbers(), list_examples(folder)
    examples = []
    for picture, label in track(listed, len(listed), "examples"):
        views = describe_views(detector, read_image(picture.path), scale)
        examples.append(Example(picture.key, label, groups_of(picture.key, numbers), views))
    return examples


def list_examples(folder: Path) -> list[tuple[Picture, str]]:
    """Return the pictures in a folder with one subfolder per name, each with its name.

    Raises:
        InputError: there are fewer than two names, or a name has too few examples.
    """
    listed = []
    for picture in Listing([folder]):
        label, slash, _ = picture.key.partition("/")
        if not slash:
            raise InputError(f"{picture}: an example must be in a folder with its name, as in knot/1.jpg. Move it.")
        listed.append((picture, label))
    counts = Counter(label for _, label in listed)
    scarce = sorted(label for label, count in counts.items() if count < _LEAST)
    if len(counts) < 2 or scarce:
        received = ", ".join(scarce) or ", ".join(counts)
        raise InputError(f"{folder}: must hold two or more names of {_LEAST} examples. Received: {received}. Add some.")
    return listed


def describe_views(detector: Detector, pixels: np.ndarray, scale: float) -> np.ndarray:
    """Return float32 [views, numbers]: descriptors of the region with the highest score, in each view of a picture.

    The first view is the unchanged picture; the others are mirrored, smaller and larger.
    """
    views = []
    for widening in sorted(_WIDENINGS, key=lambda value: abs(value - 1)):
        factor = scale * widening
        size = (max(1, round(pixels.shape[0] * factor)), max(1, round(pixels.shape[1] * factor)))
        seen = resize_image(pixels, size)
        for turned in (seen, seen[:, ::-1], seen[::-1], seen[::-1, ::-1]):
            found = detector.anomaly_map(np.ascontiguousarray(turned))
            views.append(describe(highest_region(found), found))
    return np.stack(views)


def highest_region(anomaly_map: AnomalyMap) -> Component:
    """Return the region around the highest score, down to half of that score's height above the median."""
    median, highest = anomaly_map.median_score, float(anomaly_map.scores.max())
    regions = find_components(anomaly_map.scores >= median + (highest - median) / 2)
    return max(regions, key=lambda one: float(anomaly_map.scores[one.slices][one.mask].max()))


def fit_names(examples: Sequence[Example]) -> RegionNames:
    """Return a linear discriminant (Fisher 1936) with a fixed covariance shrinkage and equal priors."""
    labels = tuple(sorted({one.label for one in examples}))
    views = np.concatenate([one.views for one in examples])
    names = np.repeat([labels.index(one.label) for one in examples], [len(one.views) for one in examples])
    scaler = StandardScaler().fit(views)
    model = LinearDiscriminantAnalysis(
        solver="lsqr", shrinkage=_SHRINKAGE, priors=np.full(len(labels), 1 / len(labels))
    ).fit(scaler.transform(views), names)
    weights, biases = model.coef_.T, model.intercept_
    if len(labels) == 2:  # scikit-learn returns the difference of the two
        weights, biases = np.hstack([-weights / 2, weights / 2]), np.r_[-biases / 2, biases / 2]
    spread = np.maximum(scaler.scale_, 1e-6)
    return RegionNames(labels, *(np.asarray(one, np.float32) for one in (scaler.mean_, spread, weights, biases)))


def leave_out(examples: Sequence[Example]) -> NameReport:
    """Return the content of names.json: results of fits without each example, and without its groups.

    Each example counts by the share of its views that are classified correctly; confusion and wrong are of the first
    views.
    """
    labels = sorted({one.label for one in examples})
    answers = [_names_without(examples, number, [number]) for number in range(len(examples))]
    true = np.array([labels.index(one.label) for one in examples])
    given = np.array([labels.index(names[0]) for names in answers])
    by_group = None
    if any(one.groups for one in examples):
        together = [_names_without(examples, number, _related(examples, number)) for number in range(len(examples))]
        by_group = _balanced(together, examples)
    return NameReport(
        labels=tuple(labels),
        examples=len(examples),
        views=len(answers[0]),
        balanced_accuracy=_balanced(answers, examples),
        confusion=tuple(map(tuple, confusion_matrix(true, given, labels=range(len(labels))).tolist())),
        wrong=tuple(one.key for one, right in zip(examples, true == given, strict=True) if not right),
        by_group=by_group,
    )


def _related(examples: Sequence[Example], number: int) -> list[int]:
    mine = set(examples[number].groups)
    return [n for n, one in enumerate(examples) if n == number or mine & set(one.groups)]


def _names_without(examples: Sequence[Example], number: int, left_out: Sequence[int]) -> list[str]:
    """Return the names that a fit without the left-out examples gives to the views of one example."""
    names = fit_names([one for number, one in enumerate(examples) if number not in left_out])
    return [names.name(view)[0] for view in examples[number].views]


def _balanced(answers: Sequence[Sequence[str]], examples: Sequence[Example]) -> Estimate:
    """Return the balanced accuracy, the mean over the names, with an interval over the examples."""
    labels = np.array([one.label for one in examples])
    rights = np.array([np.mean(np.array(names) == one.label) for names, one in zip(answers, examples, strict=True)])

    def mean(drawn: np.ndarray) -> float | None:
        return float(np.mean([rights[drawn][labels[drawn] == label].mean() for label in np.unique(labels[drawn])]))

    keys = np.array([one.key for one in examples])
    return bootstrap(mean(np.arange(len(labels))), mean, keys)
