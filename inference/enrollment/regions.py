"""model.tflite for anomalies + a few example regions of a name -> a model.tflite that gives regions that name."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from ..anomaly.detector import Detector
from ..anomaly.region_examples import (
    FEWEST_EXAMPLES,
    NO_EXAMPLES,
    VIEWS,
    RegionExamples,
    describe_views,
    examples_to_file,
    read_region_examples,
)
from ..anomaly.region_names import EXAMPLES_NAME, NAMES_NAME, names_to_file
from ..errors import InputError
from ..model.artefact import Artefact
from ..model.card import Card, card_files, is_new_name, same_name
from ..model.decide import ANOMALY, UNKNOWN
from ..pictures.image_io import decode_image
from ..pictures.limits import DEFAULT_LIMITS, Limits
from ..pictures.listing import Picture


@dataclass(frozen=True)
class DescribedPictures:
    """Descriptions of example pictures, float32 [views, numbers] each, and the errors of unreadable pictures."""

    views: list[np.ndarray]
    faults: dict[str, str]


def read_examples(artefact: Artefact) -> RegionExamples:
    """Return the examples in a file for anomalies; none where it has no names yet.

    Raises:
        InputError: they are damaged, or an earlier program gave it names without them.
    """
    if EXAMPLES_NAME in artefact.files:
        return read_region_examples(artefact.files[EXAMPLES_NAME], artefact.name)
    if NAMES_NAME in artefact.files:
        raise InputError(
            f"{artefact.name}: has names of regions without the examples behind them, as earlier versions wrote. "
            "Name its regions again: python -m pipeline run ... --crops EXAMPLES."
        )
    return NO_EXAMPLES


def count_examples(artefact: Artefact, card: Card) -> dict[str, str]:
    """Return the number of examples of each name; "unknown" where an earlier program did not store them."""
    if EXAMPLES_NAME not in artefact.files:
        return dict.fromkeys(card.region_labels, UNKNOWN)
    examples = read_examples(artefact)
    counts = np.bincount(examples.numbers, minlength=len(examples.labels)) // VIEWS
    return {label: str(count) for label, count in zip(examples.labels, counts, strict=True)}


def describe_pictures(
    detector: Detector, pictures: Iterable[Picture], scale: float, limits: Limits = DEFAULT_LIMITS
) -> DescribedPictures:
    """Return the descriptions of example pictures, each of the region in it with the highest score.

    scale: factor that scales them to the scale of the photographs.
    """
    views, faults = [], {}
    for picture in pictures:
        try:
            views.append(describe_views(detector, decode_image(picture.read(limits), limits), scale))
        except InputError as fault:
            faults[str(picture)] = str(fault)
    return DescribedPictures(views, faults)


def add_examples(examples: RegionExamples, name: str, described: list[np.ndarray]) -> RegionExamples:
    """Return the examples and others of a name, which may be new.

    Raises:
        InputError: the name has another meaning or can't be shown, or there are too few examples.
    """
    check_region_name(name)
    alike = [one for one in examples.labels if one != name and same_name(name, one)]
    if alike:
        raise InputError(f"a new name of regions must not be like another. Received: {name!r}. Give {alike[0]!r}.")
    if len(described) < FEWEST_EXAMPLES and name not in examples.labels:
        raise InputError(f"{name}: needs at least {FEWEST_EXAMPLES} examples. Received: {len(described)}. Add some.")
    if not described:
        raise InputError(f"{name}: there is no readable example. Add some.")
    return examples.with_views(name, np.concatenate(described))


def check_region_name(name: str) -> None:
    """Refuse a name that has another meaning or can't be shown.

    Raises:
        InputError: states the rule.
    """
    if any(same_name(name, one) for one in (ANOMALY, UNKNOWN)) or not is_new_name(name):
        raise InputError(
            f"a name of regions must be one line of text, not {UNKNOWN!r} or {ANOMALY!r}. Received: {name!r}."
        )


def remove_examples(examples: RegionExamples, name: str) -> RegionExamples:
    """Return the examples without a name.

    Raises:
        InputError: there is no such name.
    """
    if name not in examples.labels:
        raise InputError(f"there are no regions of that name. Received: {name}; known: {', '.join(examples.labels)}.")
    return examples.without(name)


def with_examples(artefact: Artefact, detector: Detector, examples: RegionExamples) -> Artefact:
    """Return a file with these examples and the names that they give; fewer than two names give none."""
    files = {name: data for name, data in artefact.files.items() if name not in (NAMES_NAME, EXAMPLES_NAME)}
    names = examples.fit()
    card = replace(detector.card, region_labels=() if names is None else names.labels)
    files |= card_files(card) | {EXAMPLES_NAME: examples_to_file(examples)}
    if names is not None:
        files[NAMES_NAME] = names_to_file(names)
    return Artefact(artefact.flatbuffer, files)
