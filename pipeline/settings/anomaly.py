"""The section of a recipe that looks for anomalies on surfaces."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class AnomalySettings:
    """How a bank of normal features is made of photographs, and from which score a place is an anomaly.

    method: patchcore or padim, see inference.anomaly.memory_bank; taught: the score is that of the taught trunk's head.
    levels: strides of the trunk's layers that are looked at. stride: of the map of scores, in pixels. dimensions: that
    the features are projected to. teach_steps: batches in which the trunk learns from the photographs themselves, see
    anomaly.self_supervised. relative: a place's score counts as a multiple of its photograph's median, so that another
    kind of surface is no anomaly as a whole. clean: the photographs are known to be free of anomalies. candidates:
    feature vectors drawn from all photographs; trimmed: the share of them, the least like those of other photographs,
    that never enters the bank; bank: how many of the rest are kept. folds: parts in which the photographs are held
    out. alarms: share of clean photographs that may be flagged. tile, margin, smoothing, halo, border, smallest_area:
    in pixels, the last in square pixels; see inference.anomaly.memory_bank, also for centred, even_light and
    score_share. longest_side: larger photographs
    are reduced to it, 0: none. crop_scale: by which example regions are enlarged to have the photographs' scale.
    """

    method: Literal["patchcore", "padim", "taught"] = "patchcore"
    levels: tuple[str, ...] = ("4", "8")
    stride: int = 4
    dimensions: int = 64
    teach_steps: int = 0
    teach_rate: float = 1e-3
    relative: bool = True
    clean: bool = False
    candidates: int = 12000
    trimmed: float = 0.02
    bank: int = 2000
    folds: int = 8
    alarms: float = 0.05
    tile: int = 512
    margin: int = 64
    smoothing: float = 4.0
    halo: int = 16
    border: int = 0
    centred: bool = False
    even_light: int = 0
    score_share: float = 0.0
    smallest_area: int = 16
    longest_side: int = 0
    crop_scale: float = 1.0
