"""What every kind of model offers: a picture's pixels -> what its network is shown -> the answer that is written."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import InputError
from ..pictures.limits import DEFAULT_LIMITS, Limits
from ..program import PROGRAM

if TYPE_CHECKING:  # the command line names this module and must start without numpy
    import numpy as np

    from ..pictures.regions import Box
    from .card import Card

Answer = dict[str, Any]  # {"confidence": 0.93, "result": "pyrite"}, with "top" or instead "regions" where asked for
DIGITS = 6  # to which numbers of an answer are rounded


@dataclass(frozen=True)
class AnswerOptions:
    """What is asked for in addition to result and confidence.

    top: how many labels of a picture, or of a region, to list, best first; 1 lists none. For classifiers.
    masks, scores: folders in which a file for each photograph is written; None: none are. For anomalies; see
        inference.anomaly.files.
    regions: whether the answer that a user reads lists the regions that a model for anomalies finds.
    mask: whether the answer carries the photograph's mask: "mask", a PNG in base64. For anomalies.
    """

    top: int = 1
    masks: Path | None = None
    scores: Path | None = None
    regions: bool = False
    mask: bool = False


PLAIN = AnswerOptions()


class Model(ABC):
    """A loaded model. inference.load.load_model returns the kind that a file's card names.

    Two steps, so that one picture is decoded while the network processes another: prepare, then answer. Not safe across
    threads, but prepare may run in another thread than answer.

    takes_boxes: whether it can be asked for given regions of a picture.
    """

    card: "Card"
    takes_boxes: ClassVar[bool]

    @abstractmethod
    def check(self, options: AnswerOptions, name: str) -> None:
        """Refuse options that have no effect for this kind of model; name: of the model, for the message.

        Raises:
            InputError: there is one.
        """

    @abstractmethod
    def prepare(self, pixels: "np.ndarray", boxes: "Sequence[Box] | None" = None) -> Any:
        """Return what `answer` takes, for uint8 [height, width, 3], RGB.

        boxes: regions to answer instead of the whole picture.

        Raises:
            InputError: there are boxes and the model takes none.
        """

    def prepare_encoded(
        self, data: bytes, boxes: "Sequence[Box] | None" = None, limits: Limits = DEFAULT_LIMITS
    ) -> Any:
        """Return what `prepare` does, for an encoded picture, which need not be decoded in full size.

        Raises:
            InputError: as prepare and inference.pictures.image_io.decode_image.
        """
        from ..pictures.image_io import decode_image

        return self.prepare(decode_image(data, limits), boxes)

    @abstractmethod
    def answer(self, prepared: Any, options: AnswerOptions = PLAIN, key: str = "") -> Answer:
        """Return the answer, JSON's types alone, for what prepare returned; write the files that are asked for.

        key: of the picture's result; files about it are named after it.

        Raises:
            InputError: the network fails or overflows, or a file can't be written.
        """

    @property
    @abstractmethod
    def vector_size(self) -> tuple[int, int]:
        """Return (height, width) of the pictures that `numbers` takes."""

    @abstractmethod
    def numbers(self, pixels: "np.ndarray") -> "tuple[np.ndarray, np.ndarray]":
        """Return what test vectors compare: scores before any threshold, and features, perhaps none; float32 [numbers].

        pixels: uint8 [height, width, 3] of vector_size, RGB; see inference.verify.
        """

    @abstractmethod
    def prepared_pixels(self, data: bytes) -> "np.ndarray":
        """Return the pixels that an encoded picture becomes before the network, uint8 [height, width, 3]."""


def not_for_boxes(name: str) -> InputError:
    """Return the error for a model of anomalies where pictures, or given regions of them, are to be classified."""
    return InputError(f"{name}: finds anomalies, it is no classifier. Use `{PROGRAM}`, or Detector.")
