"""A picture or its pixels -> the answer that is written for it, the same for every front end and kind of model."""

from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..pictures.limits import DEFAULT_LIMITS, Limits
from ..pictures.listing import Picture
from ..pictures.regions import Box
from .model import PLAIN, Answer, AnswerOptions, Model


def answer_picture(
    model: Model,
    picture: Picture,
    options: AnswerOptions = PLAIN,
    boxes: Sequence[Box] | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Answer | str:
    """Return the answer for a picture, or the reason why there is none; see Model."""
    try:
        return model.answer(model.prepare_encoded(picture.read(limits), boxes, limits), options, picture.key)
    except InputError as fault:
        return str(fault)


def answer_pixels(
    model: Model, pixels: np.ndarray, options: AnswerOptions = PLAIN, boxes: Sequence[Box] | None = None
) -> Answer:
    """Return the answer for uint8 [height, width, 3], RGB; see Model.

    Raises:
        InputError: as Model.prepare and Model.answer.
    """
    return model.answer(model.prepare(pixels, boxes), options)


def faults_of(answer: Answer) -> list[str]:
    """Return the reasons for regions of an answer that have no result."""
    return [region["error"] for region in answer.get("regions", ()) if "error" in region]
