"""The address of a request and the settings of a server -> what is asked for, or the refusal with its status."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..pictures.limits import Limits
from ..pictures.regions import Box

RETRY = {"Retry-After": "1"}  # seconds; of an answer 503
OPTIONS = ("top", "boxes", "name", "mask")
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
REQUEST_LIMITS = Limits(bytes=64 * 2**20)
_FARTHEST = 10**9  # pixels from the corner of a photograph: beyond it the arithmetic of boxes may overflow


@dataclass(frozen=True)
class Settings:
    """What a server accepts; all limits are chosen at its start.

    limits: of one picture; its bytes limit the whole request.
    most_pictures: pictures of a request, or regions of its one picture.
    most_top: labels that ?top= may ask for.
    most_requests: that are read, wait or are answered at a time.
    read_seconds: how long a client may take to send a request.
    hosts: names that the Host header may carry; None: any.
    """

    limits: Limits = REQUEST_LIMITS
    most_pictures: int = 64
    most_top: int = 10
    most_requests: int = 128
    read_seconds: float = 120.0
    hosts: frozenset[str] | None = None


@dataclass(frozen=True)
class Options:
    """What the address of a request asks for; see inference.model.model.AnswerOptions."""

    top: int = 1
    mask: bool = False
    boxes: tuple[Box, ...] | None = None
    name: str | None = None


class RefusalError(Exception):
    """Report a request that the client can fix, with the status to answer: the rule, the value, the remedy."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


def read_options(query: Iterable[tuple[str, str]], settings: Settings, finds_anomalies: bool = False) -> Options:
    """Return the options of an address.

    finds_anomalies: whether the server's model does, which takes no boxes and gives masks.

    Raises:
        RefusalError: one is unknown, given twice, has a wrong value or no effect for this kind of model.
    """
    given: dict[str, str] = {}
    for key, value in query:
        if key == "threshold":
            raise RefusalError(400, "threshold can't be set by a request. Set it when the server starts: --threshold.")
        if key not in OPTIONS:
            raise RefusalError(400, f"options must be some of {', '.join(OPTIONS)}. Received: {key}. Leave it out.")
        if key in given:
            raise RefusalError(400, f"an option must be given once. Received twice: {key}. Leave one out.")
        given[key] = value
    boxes = _read_boxes(given["boxes"], settings.most_pictures) if "boxes" in given else None
    top, mask = _read_top(given.get("top", "1"), settings.most_top), _read_flag(given.get("mask", "false"))
    options = Options(top, mask, boxes, given.get("name"))
    _check_kind(options, finds_anomalies)
    return options


def _read_top(text: str, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):
        raise RefusalError(400, f"top must be a whole number from 1 to {most}. Received: {text[:40]}.")
    return int(text)


def _read_flag(text: str) -> bool:
    if text not in _FLAGS:
        raise RefusalError(400, f"mask must be one of {', '.join(_FLAGS)}. Received: {text[:40]}.")
    return _FLAGS[text]


def _check_kind(options: Options, finds_anomalies: bool) -> None:
    """Refuse what the server's kind of model has no answer for."""
    asked = {"top": options.top > 1, "boxes": options.boxes is not None, "mask": options.mask}
    for name in ("top", "boxes") if finds_anomalies else ("mask",):
        if asked[name]:
            kinds = ("classifiers", "a model that finds anomalies")
            other, here = kinds if finds_anomalies else ("models that find anomalies", "a classifier")
            raise RefusalError(400, f"{name} is for {other}. Received: a request to {here}. Leave {name} out.")


def _read_boxes(text: str, most: int) -> tuple[Box, ...]:
    try:
        boxes = json.loads(text)
    except (ValueError, RecursionError):
        boxes = None
    if not isinstance(boxes, list) or not boxes or not all(map(_is_box, boxes)):
        rule = f"boxes must be JSON like [[left, top, width, height]], in pixels, none beyond {_FARTHEST:,}"
        raise RefusalError(400, f"{rule}. Received: {text[:80]}. Write numbers only, at least one box.")
    if len(boxes) > most:
        raise RefusalError(413, f"a request may ask for {most} regions. Received: {len(boxes)}. Send several requests.")
    return tuple((box[0], box[1], box[2], box[3]) for box in boxes)


def _is_box(box: Any) -> bool:
    """Tell four numbers; a comparison with NaN is false, so that this refuses it too."""
    if not isinstance(box, list) or len(box) != 4:
        return False
    return all(type(value) in (int, float) and -_FARTHEST <= value <= _FARTHEST for value in box)
