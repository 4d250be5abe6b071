"""A few example pictures for each name -> a linear classifier of regions, and how often it is right on one left out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import confusion_matrix
from sklearn.preprocessing import StandardScaler

from inference.anomaly.components import Component, find_components
from inference.anomaly.detector import AnomalyMap, Detector
from inference.anomaly.region_names import NAMES_NAME, RegionNames, describe, names_to_file
from inference.atomic_file import write_atomically
from inference.errors import InputError
from inference.model.artefact import Artefact, pack_artefact, read_artefact
from inference.model.card import card_files, read_card
from inference.pictures.image_io import read_image, resize_image
from inference.pictures.listing import Listing
from pipeline.anomaly.sections import NameReport
from pipeline.data.groups import PhotoGroups, groups_of
from pipeline.metrics.intervals import Estimate, bootstrap
from pipeline.settings.run_folder import RunFolder

_WIDENINGS = (0.85, 0.92, 1.0, 1.08, 1.18)  # sizes at which each example is seen
_SHRINKAGE = 0.2  # of the covariance towards its diagonal: the examples are few
_LEAST = 2  # examples of each name


@dataclass(frozen=True)
class Example:
    """One example picture: its key, name, the groups that it belongs to, and what its views look like.

    views: float32 [views, numbers], see inference.anomaly.region_names.describe; the first as it is.
    """

    key: str
    label: str
    groups: tuple[int, ...]
    views: np.ndarray


def name_regions(run: RunFolder, folder: Path, groups: PhotoGroups) -> NameReport:
    """Fit the names of regions on a folder of examples; write names.npz, also into the run's model.

    Returns what names.json holds; see leave_out.

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
    """Describe the example pictures in a folder of a folder for each name.

    scale: by which the pictures are enlarged to have the scale of the photographs.

    Raises:
        InputError: there are fewer than two names, too few examples of one, or a picture that can't be read.
    """
    numbers = groups.numbers()
    examples = []
    for picture in Listing([folder]):
        label, slash, _ = picture.key.partition("/")
        if not slash:
            raise InputError(f"{picture}: an example must lie in a folder with its name, as in knot/1.jpg. Move it.")
        views = describe_views(detector, read_image(picture.path), scale)
        examples.append(Example(picture.key, label, groups_of(picture.key, numbers), views))
    labels = sorted({one.label for one in examples})
    scarce = [label for label in labels if sum(one.label == label for one in examples) < _LEAST]
    if len(labels) < 2 or scarce:
        received = ", ".join(scarce) or ", ".join(labels)
        raise InputError(f"{folder}: two names or more need {_LEAST} examples each. Received: {received}. Add some.")
    return examples


def describe_views(detector: Detector, pixels: np.ndarray, scale: float) -> np.ndarray:
    """Return float32 [views, numbers] of a picture's most striking region: as it is, mirrored, smaller and larger.

    The first view is the picture as it is.
    """
    views = []
    for widening in sorted(_WIDENINGS, key=lambda value: abs(value - 1)):
        factor = scale * widening
        size = (max(1, round(pixels.shape[0] * factor)), max(1, round(pixels.shape[1] * factor)))
        seen = resize_image(pixels, size)
        for turned in (seen, seen[:, ::-1], seen[::-1], seen[::-1, ::-1]):
            surface = detector.anomaly_map(np.ascontiguousarray(turned))
            views.append(describe(striking_region(surface), surface.scores, surface.grey, surface.factor))
    return np.stack(views)


def striking_region(surface: AnomalyMap) -> Component:
    """Return the region around the highest score, down to half its height above the median."""
    median, highest = float(np.median(surface.scores)), float(surface.scores.max())
    regions = find_components(surface.scores >= median + (highest - median) / 2)
    return max(regions, key=lambda one: float(surface.scores[one.slices][one.mask].max()))


def fit_names(examples: Sequence[Example]) -> RegionNames:
    """Fit a linear discriminant (Fisher 1936), its covariance shrunk by a fixed share; names count alike."""
    labels = tuple(sorted({one.label for one in examples}))
    views = np.concatenate([one.views for one in examples])
    names = np.repeat([labels.index(one.label) for one in examples], [len(one.views) for one in examples])
    scaler = StandardScaler().fit(views)
    model = LinearDiscriminantAnalysis(
        solver="lsqr", shrinkage=_SHRINKAGE, priors=np.full(len(labels), 1 / len(labels))
    ).fit(scaler.transform(views), names)
    weights, biases = model.coef_.T, model.intercept_
    if len(labels) == 2:  # scikit-learn gives the difference of the two
        weights, biases = np.hstack([-weights / 2, weights / 2]), np.r_[-biases / 2, biases / 2]
    spread = np.maximum(scaler.scale_, 1e-6)
    return RegionNames(labels, *(np.asarray(one, np.float32) for one in (scaler.mean_, spread, weights, biases)))


def leave_out(examples: Sequence[Example]) -> NameReport:
    """Return what names.json holds: how a fit without each example names it, and one without its groups.

    An example counts by the share of its views that are named rightly; confusion and wrong are of the first views.
    """
    labels = sorted({one.label for one in examples})
    answers = [_names_without(examples, place, [place]) for place in range(len(examples))]
    true = np.array([labels.index(one.label) for one in examples])
    given = np.array([labels.index(names[0]) for names in answers])
    by_group = None
    if any(one.groups for one in examples):
        together = [_names_without(examples, place, _related(examples, place)) for place in range(len(examples))]
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


def _related(examples: Sequence[Example], place: int) -> list[int]:
    mine = set(examples[place].groups)
    return [n for n, one in enumerate(examples) if n == place or mine & set(one.groups)]


def _names_without(examples: Sequence[Example], place: int, left_out: Sequence[int]) -> list[str]:
    """Return the names that a fit on the rest gives to the views of the example at a place."""
    names = fit_names([one for number, one in enumerate(examples) if number not in left_out])
    return [names.name(view)[0] for view in examples[place].views]


def _balanced(answers: Sequence[Sequence[str]], examples: Sequence[Example]) -> Estimate:
    """Return the mean over the names of the share that was named rightly, with an interval over the examples."""
    labels = np.array([one.label for one in examples])
    rights = np.array([np.mean(np.array(names) == one.label) for names, one in zip(answers, examples, strict=True)])

    def mean(drawn: np.ndarray) -> float | None:
        return float(np.mean([rights[drawn][labels[drawn] == label].mean() for label in np.unique(labels[drawn])]))

    keys = np.array([one.key for one in examples])
    return bootstrap(mean(np.arange(len(labels))), mean, keys)
