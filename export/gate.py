"""Keras and a converted file on the same validation patches -> whether the file may be written.

The test patches decide nothing here: a file that was chosen by them would be measured too favourably on them.
"""

import math

import numpy as np
from scipy.stats import binom

from inference.errors import InputError
from inference.model.decide import UNKNOWN
from pipeline.metrics.classification import Scores
from pipeline.metrics.intervals import share_over_photos
from pipeline.report.sections import Gate, Shift
from pipeline.settings.sections import ExportSettings

_LEVEL = 0.05  # of the sign test over photographs
_LEVEL_PATCHES = 0.001  # of the one over patches, which are alike within a photograph: finds ruin in few photographs


class GateError(InputError):
    """Report a file that differs more from Keras than the recipe allows, without a remedy.

    override: the setting that would allow it.
    """

    def __init__(self, rule: str, override: str) -> None:
        super().__init__(rule)
        self.override = override


def compare_answers(reference: Scores, given: Scores) -> Gate:
    """Return the comparison of a file's answers with those of Keras on the same patches."""

    def shift(first: np.ndarray, second: np.ndarray, part: np.ndarray) -> Shift:
        first, second, photos = first[part], second[part], reference.photos[part]
        keras, converted = share_over_photos(first, photos), share_over_photos(second, photos)
        return Shift(keras, converted, beyond_chance(first, second, photos))

    unknown = reference.results == UNKNOWN, given.results == UNKNOWN
    return Gate(
        accuracy=shift(reference.best == reference.labels, given.best == given.labels, reference.positive),
        unknown=shift(*unknown, reference.positive),
        unknown_background=shift(*unknown, ~reference.positive),
    )


def check_gate(gate: Gate, mode: str, settings: ExportSettings) -> None:
    """Refuse a file that loses accuracy, or changes how often the answer is "unknown", by more than is allowed.

    Only a change that chance does not explain is refused: of 60 patches one is 1.7 points.

    Raises:
        GateError: names the rule, the figures and the setting that allows more.
    """
    loss, change = settings.max_accuracy_loss, settings.max_unknown_change
    _check(gate.accuracy, f"the {mode} file may lose at most {loss:.3f} of accuracy", "max_accuracy_loss", loss)
    for shift, patches in ((gate.unknown, "the classes'"), (gate.unknown_background, "background")):
        rule = f'the {mode} file may change the share of "{UNKNOWN}" to {patches} patches by at most {change:.3f}'
        _check(shift, rule, "max_unknown_change", change)


def beyond_chance(first: np.ndarray, second: np.ndarray, photos: np.ndarray) -> bool:
    """Return whether two answers to the same patches differ more often in one direction than a coin would.

    Exact sign tests over the photographs whose patches changed on balance, and, at a stricter level, over the patches:
    5 of 5 photographs are beyond chance (0.03), 4 of 4 are not (0.06); so are 10 of 10 patches of one (0.001).

    Args: first, second bool [n]; photos str [n].
    """
    changes = second.astype(int) - first.astype(int)
    by_photo = np.bincount(np.unique(photos, return_inverse=True)[1], changes)
    return _coin(by_photo) <= _LEVEL or _coin(changes) <= _LEVEL_PATCHES


def _coin(changes: np.ndarray) -> float:
    """Return the probability that of so many fair coins at least as many fall on the more frequent side as here."""
    more, fewer = sorted((int((changes > 0).sum()), int((changes < 0).sum())), reverse=True)
    return float(binom.sf(more - 1, more + fewer, 0.5))


def _check(shift: Shift, rule: str, setting: str, allowed: float) -> None:
    """Refuse a shift that is larger than allowed and beyond chance; a gain of accuracy is none."""
    keras, converted = shift.keras.value, shift.converted.value
    if keras is None or converted is None:  # without such patches
        return
    change = keras - converted if setting == "max_accuracy_loss" else abs(keras - converted)
    if change > allowed + 1e-9 and shift.beyond_chance:
        raise GateError(
            f"{rule}, on validation patches. Received: {change:.3f} ({keras:.3f} in Keras, {converted:.3f} converted, "
            f"n = {shift.keras.n}).",
            f"export.{setting}={math.ceil(change * 100 - 1e-7) / 100:g}",
        )
