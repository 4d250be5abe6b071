"""One picture -> the answer that is written for it, the same for command line, library, service and Ray.

Two steps, so that one picture is decoded while the network looks at another: prepare, then answer_prepared.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from inference.errors import InputError
from inference.model.card import Card
from inference.model.classifier import Classifier
from inference.pictures.image_io import decode_image, resize_image
from inference.pictures.limits import DEFAULT_LIMITS, Limits
from inference.pictures.listing import Picture
from inference.pictures.regions import Box, cut_region

Answer = dict[str, Any]  # {"confidence": 0.93, "result": "pyrite"}, with "top" or instead "regions" where asked for
CONFIDENCE_DIGITS = 6


@dataclass(frozen=True)
class Prepared:
    """A picture, or regions of it, at the network's size: uint8 [height, width, 3], or why a region has none."""

    cutouts: tuple[np.ndarray | str, ...]
    boxes: tuple[Box, ...] | None


def answer_picture(
    classifier: Classifier,
    picture: Picture,
    top: int = 1,
    boxes: Sequence[Box] | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Answer | str:
    """Return the answer for a picture, or the reason why there is none; see answer_pixels."""
    try:
        return answer_pixels(classifier, decode_image(picture.read(limits), limits), top, boxes)
    except InputError as fault:
        return str(fault)


def answer_pixels(
    classifier: Classifier, pixels: np.ndarray, top: int = 1, boxes: Sequence[Box] | None = None
) -> Answer:
    """Return the answer for uint8 [height, width, 3], RGB.

    top: how many labels to list, best first, in "top"; 1 lists none.
    boxes: regions to classify instead of the whole picture; "regions" lists them in their order, one that can't
        be cut with an "error" instead of a result.

    Raises:
        InputError: the network overflows.
    """
    return answer_prepared(classifier, prepare(classifier.card, pixels, boxes), top)


def prepare(card: Card, pixels: np.ndarray, boxes: Sequence[Box] | None = None) -> Prepared:
    """Cut and resize what the network is to see of uint8 [height, width, 3]."""
    if boxes is None:
        return Prepared((resize_image(pixels, card.input_size),), None)
    return Prepared(tuple(_region(card, pixels, box) for box in boxes), tuple(boxes))


def answer_prepared(classifier: Classifier, prepared: Prepared, top: int = 1) -> Answer:
    """Let the network look; see answer_pixels."""
    if prepared.boxes is None:
        return _answer(classifier, prepared.cutouts[0], top)
    regions = zip(prepared.boxes, prepared.cutouts, strict=True)
    return {"regions": [{"box": list(box), **_answer(classifier, cutout, top)} for box, cutout in regions]}


def faults_of(answer: Answer) -> list[str]:
    """Return the reasons for regions of an answer that have no result."""
    return [region["error"] for region in answer.get("regions", ()) if "error" in region]


def _region(card: Card, pixels: np.ndarray, box: Box) -> np.ndarray | str:
    try:
        return resize_image(cut_region(pixels, box, card.region_margin), card.input_size)
    except InputError as fault:
        return str(fault)


def _answer(classifier: Classifier, cutout: np.ndarray | str, top: int) -> Answer:
    if isinstance(cutout, str):
        return {"error": cutout}
    probabilities = classifier.probabilities(cutout)
    decision = classifier.decide(probabilities)
    answer: Answer = {"confidence": round(decision.confidence, CONFIDENCE_DIGITS), "result": decision.result}
    if top > 1:
        best = np.argsort(-probabilities, kind="stable")[:top]
        answer["top"] = [
            {"confidence": _rounded(probabilities[place]), "label": classifier.card.labels[place]} for place in best
        ]
    return answer


def _rounded(probability: np.floating[Any]) -> float:
    return round(min(max(float(probability), 0.0), 1.0), CONFIDENCE_DIGITS)
