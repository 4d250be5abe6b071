"""card.json: what a runner must know of a model in addition to its network, and what was measured of it."""

import json
import unicodedata
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from .artefact import Artefact, flatbuffer_sha256
from .decide import DECISION_NAMES, UNKNOWN

CARD_FORMAT = 1
CARD_NAME = "card.json"
LABELS_NAME = "labels.txt"
RESIZE_RULES = ("stretch",)
_LARGEST_MARGIN = 100  # sides of a region; a margin beyond it shows the whole photograph
_NOT_SHOWN = ("Cc", "Cs", "Zl", "Zp")  # Unicode's controls, halves of a character, line and paragraph ends
_LATER = ("enrolled", "region_labels")  # fields that files of earlier programs lack


@dataclass(frozen=True)
class Card:
    """The description of one model.

    labels: one for each output, in the output's order, then the added classes.
    enrolled: those of the labels that were added after the training; see inference.model.enrolled.
    reject_labels: those of the labels that mean "none of them" and are answered as "unknown".
    input_size: (height, width) in pixels.
    region_margin: share of a region's side added on each side before it is cut out, as the training patches had.
    region_labels: names that a model for anomalies gives to regions; see inference.anomaly.region_names.
    temperature: the divisor of the logits, already folded into the network.
    training, measured: for people; the runner does not read them.
    """

    recipe: str
    labels: tuple[str, ...]
    reject_labels: tuple[str, ...]
    input_size: tuple[int, int]
    decision: str
    threshold: float
    temperature: float
    quantization: str
    flatbuffer_sha256: str
    resize: str = "stretch"
    region_margin: float = 0.0
    enrolled: tuple[str, ...] = ()
    region_labels: tuple[str, ...] = ()
    training: dict[str, Any] = field(default_factory=dict)
    measured: dict[str, Any] = field(default_factory=dict)
    format: int = CARD_FORMAT

    @property
    def answers(self) -> np.ndarray:
        """Return the numbers of the network's outputs that a decision can give."""
        return np.array([n for n, label in enumerate(self.outputs) if label not in self.reject_labels])

    @property
    def outputs(self) -> tuple[str, ...]:
        """Return the labels of the network's outputs."""
        return self.labels[: len(self.labels) - len(self.enrolled)]


def card_to_json(card: Card) -> bytes:
    """Return the bytes of card.json: sorted keys, UTF-8.

    The key region_labels is left out where it is empty, so that earlier runners can read the file.
    """
    values = asdict(card)
    if not card.region_labels:
        del values["region_labels"]
    return (json.dumps(values, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def card_files(card: Card) -> dict[str, bytes]:
    """Return the associated files that describe a model, by name."""
    return {CARD_NAME: card_to_json(card), LABELS_NAME: ("\n".join(card.outputs) + "\n").encode()}


def read_card(artefact: Artefact, name: str = "model") -> Card:
    """Read the card of a model and check it against the flatbuffer beside it.

    Raises:
        InputError: there is no card, it is damaged or from a newer program, or it belongs to another flatbuffer.
    """
    if CARD_NAME not in artefact.files:
        raise InputError(f"{name}: carries no {CARD_NAME}. Give a .tflite that `python -m export` wrote.")
    card = _parse(artefact.files[CARD_NAME], name)
    _check_values(card, name)
    found = flatbuffer_sha256(artefact.flatbuffer)
    if found != card.flatbuffer_sha256:
        raise InputError(
            f"{name}: its card belongs to another network: the card names {card.flatbuffer_sha256[:12]}, "
            f"the file holds {found[:12]}. Export the model again."
        )
    return card


def is_new_name(name: str) -> bool:
    """Tell whether a new class or kind of region may have a name: a line that can be shown, no blanks around it."""
    shown = not any(unicodedata.category(character) in _NOT_SHOWN for character in name)
    return shown and name not in ("", UNKNOWN) and name == name.strip()


def same_name(name: str, other: str) -> bool:
    """Tell whether people would take two names for one: they differ in capitals, or in how an accent is stored."""
    first, second = (unicodedata.normalize("NFC", one).lower() for one in (name, other))
    return first == second


def refuse_foreign_options(labels: Path | None, scaling: str | None, name: str) -> None:
    """Refuse what a model with a card does not need and must not be given."""
    for option, value in (("--labels", labels), ("--scaling", scaling)):
        if value is not None:
            raise InputError(
                f"{name}: has a card with its own labels and scaling. Received: {option} {value}. Leave {option} out."
            )


def _parse(data: bytes, name: str) -> Card:
    try:
        values = json.loads(data)
    except (ValueError, RecursionError) as fault:
        raise InputError(f"{name}: {CARD_NAME} is no JSON: {fault}. Export the model again.") from fault
    if not isinstance(values, dict) or values.get("format") != CARD_FORMAT:
        received = values.get("format") if isinstance(values, dict) else type(values).__name__
        raise InputError(
            f"{name}: {CARD_NAME} must have format {CARD_FORMAT}. Received: {received}. "
            "Update the runner or export the model again."
        )
    for key in ("labels", "reject_labels", "input_size", "enrolled", "region_labels"):
        if not isinstance(values.setdefault(key, [] if key in _LATER else None), list):
            raise InputError(
                f"{name}: {CARD_NAME}: {key} must be a list. Received: {values.get(key)!r}. Export the model again."
            )
        values[key] = tuple(values[key])
    try:
        return Card(**values)
    except TypeError as fault:
        raise InputError(f"{name}: {CARD_NAME} has wrong fields: {fault}. Export the model again.") from fault


def _check_values(card: Card, name: str) -> None:
    named = card.region_labels
    rules = (
        ("labels must be unique texts, at least one", card.labels, _are_labels(card.labels)),
        ("enrolled must be the last of the labels, not all", card.enrolled, _are_last(card)),
        ("reject_labels must be some of the labels, not all", card.reject_labels, _are_some(card)),
        (f"only a reject label may be called {UNKNOWN}", card.labels, UNKNOWN not in _answers(card)),
        ("input_size must be two positive numbers", card.input_size, _is_size(card.input_size)),
        (f"resize must be one of {RESIZE_RULES}", card.resize, card.resize in RESIZE_RULES),
        (f"decision must be one of {DECISION_NAMES}", card.decision, card.decision in DECISION_NAMES),
        ("threshold must lie in [0, 1]", card.threshold, _is_share(card.threshold)),
        (f"region_margin must lie in [0, {_LARGEST_MARGIN}]", card.region_margin, _is_margin(card.region_margin)),
        ("region_labels must be unique texts", named, not named or _are_labels(named)),
        ("flatbuffer_sha256 must be a text", card.flatbuffer_sha256, isinstance(card.flatbuffer_sha256, str)),
    )
    for rule, received, holds in rules:
        if not holds:
            raise InputError(f"{name}: {CARD_NAME}: {rule}. Received: {received}. Export the model again.")


def _are_labels(labels: tuple[object, ...]) -> bool:
    return all(_is_text(label) for label in labels) and len(set(labels)) == len(labels) > 0


def _is_text(value: object) -> bool:
    """Tell a text that can be written as UTF-8: JSON's escapes also spell halves of a character."""
    return isinstance(value, str) and not any("\ud800" <= character <= "\udfff" for character in value)


def _are_last(card: Card) -> bool:
    """Tell whether the added classes are answers and follow at least one label of the network."""
    known = len(card.labels) - len(card.enrolled)
    rejected = any(label in card.reject_labels for label in card.enrolled)
    return known > 0 and card.labels[known:] == card.enrolled and not rejected


def _are_some(card: Card) -> bool:
    return all(label in card.labels for label in card.reject_labels) and len(card.answers) > 0


def _answers(card: Card) -> list[str]:
    """Return the labels that a decision can give."""
    return [label for label in card.labels if label not in card.reject_labels]


def _is_size(size: tuple[int, ...]) -> bool:
    return len(size) == 2 and all(isinstance(side, int) and side > 0 for side in size)


def _is_share(value: object) -> bool:
    return isinstance(value, (int, float)) and 0 <= value <= 1


def _is_margin(value: object) -> bool:
    return isinstance(value, (int, float)) and 0 <= value <= _LARGEST_MARGIN
