"""A few example pictures per name -> a linear classifier of regions, and its leave-one-out accuracy."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.metrics import confusion_matrix

from inference.anomaly.detector import Detector
from inference.anomaly.region_examples import FEWEST_EXAMPLES, RegionExamples, describe_views, fit_names
from inference.atomic_file import write_atomically
from inference.enrollment.regions import check_region_name, with_examples
from inference.errors import InputError
from inference.model.artefact import pack_artefact, read_artefact
from inference.model.decide import UNKNOWN
from inference.pictures.image_io import read_image
from inference.pictures.listing import Listing, Picture
from pipeline.anomaly.sections import NameReport
from pipeline.data.groups import PhotoGroups, groups_of
from pipeline.metrics.intervals import Estimate, bootstrap
from pipeline.progress import track
from pipeline.settings.run_folder import RunFolder


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

    Writes names.npz and region_examples.npz into the run's folder and into its model.

    Raises:
        InputError: see read_examples.
    """
    recipe = run.read_recipe()
    artefact = read_artefact(run.model)
    detector = Detector(artefact, threads=2)
    examples = read_examples(detector, folder, recipe.anomaly.crop_scale, groups)
    named = with_examples(artefact, detector, pool_examples(examples, recipe.anomaly.crop_scale))
    for path in (run.region_names, run.region_examples):
        write_atomically(path, named.files[path.name])
    write_atomically(run.model, pack_artefact(named))
    return leave_out(examples)


def read_examples(detector: Detector, folder: Path, scale: float, groups: PhotoGroups) -> list[Example]:
    """Return the examples in a folder that has one subfolder per name.

    scale: factor that enlarges the pictures to the scale of the photographs.

    Raises:
        InputError: see list_examples.
    """
    numbers, listed = groups.numbers(), list_examples(folder).examples
    examples = []
    for picture, label in track(listed, len(listed), "examples"):
        views = describe_views(detector, read_image(picture.path), scale)
        examples.append(Example(picture.key, label, groups_of(picture.key, numbers), views))
    return examples


@dataclass(frozen=True)
class ListedExamples:
    """The pictures of example regions, each with its name; a message for each file that can't be used."""

    examples: tuple[tuple[Picture, str], ...]
    refused: tuple[str, ...]


def list_examples(folder: Path) -> ListedExamples:
    """Return the readable pictures in a folder with one subfolder per name.

    Raises:
        InputError: there are fewer than two names, or a name has too few examples.
    """
    listed, refused = [], []
    for picture in Listing([folder]):
        label, slash, _ = picture.key.partition("/")
        try:
            if not slash:
                raise InputError("an example must be in a folder with its name, as in knot/1.jpg. Move it.")
            check_region_name(label)
            read_image(picture.path)
        except InputError as fault:
            refused.append(f"{picture}: {fault}")
            continue
        listed.append((picture, label))
    counts = Counter(label for _, label in listed)
    scarce = sorted(f"{label} ({count})" for label, count in counts.items() if count < FEWEST_EXAMPLES)
    if len(counts) < 2 or scarce:
        received = ", ".join(scarce) or ", ".join(counts) or "none"
        reason = f" Not usable: {refused[0]}" if refused else ""
        raise InputError(
            f"{folder}: must hold two or more names of {FEWEST_EXAMPLES} examples. Received: {received}. Add "
            f"some.{reason}"
        )
    return ListedExamples(tuple(listed), tuple(refused))


def pool_examples(examples: Sequence[Example], scale: float = 1.0) -> RegionExamples:
    """Return the views of all examples as a file stores them."""
    labels = tuple(sorted({one.label for one in examples}))
    numbers = np.repeat([labels.index(one.label) for one in examples], [len(one.views) for one in examples])
    return RegionExamples(labels, numbers.astype(np.int32), np.concatenate([one.views for one in examples]), scale)


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
    kept = [one for number, one in enumerate(examples) if number not in left_out]
    if not kept:  # all are of one group
        return [UNKNOWN] * len(examples[number].views)
    others = pool_examples(kept)
    names = fit_names(others.labels, others.numbers, others.descriptions)
    return [names.name(view)[0] for view in examples[number].views]


def _balanced(answers: Sequence[Sequence[str]], examples: Sequence[Example]) -> Estimate:
    """Return the balanced accuracy, the mean over the names, with an interval over the examples."""
    labels = np.array([one.label for one in examples])
    rights = np.array([np.mean(np.array(names) == one.label) for names, one in zip(answers, examples, strict=True)])

    def mean(drawn: np.ndarray) -> float | None:
        return float(np.mean([rights[drawn][labels[drawn] == label].mean() for label in np.unique(labels[drawn])]))

    keys = np.array([one.key for one in examples])
    return bootstrap(mean(np.arange(len(labels))), mean, keys)
