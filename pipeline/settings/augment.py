"""The section of a recipe that says how training pictures are changed at random."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from pipeline.settings.field import NOT_NEGATIVE, SHARE, Kind, Limits, setting

_CLASSIFICATION: tuple[Kind, ...] = ("classification",)
_BELOW_ONE = Limits(at_least=0, below=1)


@dataclass(frozen=True)
class AugmentSettings:
    """The largest random changes of a training picture; 0 turns a change off."""

    kinds: ClassVar[tuple[Kind, ...]] = _CLASSIFICATION

    flip: Literal["none", "horizontal", "horizontal_and_vertical"] = setting(
        "horizontal_and_vertical", "directions of mirroring, each for half of the pictures"
    )
    crop: float = setting(0.65, "largest part that is cropped", _BELOW_ONE, unit="share of the area")
    detail: float = setting(
        0.33, "extra size of the stored pictures over the network's input, so that crops are sharp", NOT_NEGATIVE
    )
    aspect: float = setting(0.25, "largest change of the aspect ratio", NOT_NEGATIVE, unit="natural logarithm")
    shift: float = setting(
        0.0,
        "largest shift along either side, in whole pixels if no other warp is used",
        Limits(at_least=0, below=0.5),
        unit="share of the side",
    )
    rotation: float = setting(0.15, "largest rotation", NOT_NEGATIVE, unit="full turns")
    brightness: float = setting(0.15, "largest change of brightness", _BELOW_ONE, unit="share of 255")
    contrast: float = setting(0.3, "largest change of contrast", NOT_NEGATIVE, unit="natural logarithm")
    saturation: float = setting(0.4, "largest change of saturation", NOT_NEGATIVE, unit="share of the picture's own")
    hue: float = setting(0.03, "largest rotation of hue", NOT_NEGATIVE, unit="full turns")
    white_balance: float = setting(
        0.0,
        "largest change of the gain of each colour channel, as under other light",
        NOT_NEGATIVE,
        unit="natural logarithm",
    )
    blur: float = setting(
        0.0,
        "largest standard deviation of a Gaussian blur, as of a lens out of focus",
        _BELOW_ONE,
        unit="share of the side",
    )
    noise: float = setting(
        0.0,
        "largest standard deviation of the noise in every channel, as in weak light",
        _BELOW_ONE,
        unit="share of 255",
    )
    jpeg: float = setting(0.0, "share of the pictures that are compressed as JPEG of a random quality, 30 to 95", SHARE)
    erasing: float = setting(0.0, "share of the pictures with an erased square", SHARE)
    mixup: float = setting(0.25, "share of the pictures that are blended with another (MixUp)", SHARE)
    cutmix: float = setting(0.25, "share of the pictures that get a square of another (CutMix)", SHARE)
