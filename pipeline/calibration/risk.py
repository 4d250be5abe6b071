"""Validation answers -> the thresholds at which few of the answers are wrong, with 90 % confidence.

The share of wrong answers among those given (selective risk) is not monotone in the threshold, so that conformal risk
control (Angelopoulos et al. 2022, arXiv:2208.02814), which bounds the mean of a monotone loss, does not apply. It is
bounded here by Learn then Test (Angelopoulos et al. 2021, arXiv:2110.01052, section 3): one threshold after the other
is tested, the highest first, until a test fails. Each is an exact binomial test, so no assumption on the confidences is
needed. The guarantee: with probability CONFIDENCE over the validation photographs, at most the limit of the answers to
further such photographs is wrong, if each photograph counts once. It says nothing about other objects.

One patch of each photograph is used, since patches of one photograph are not independent. The temperature and the few
parameters of the neighbours are fitted on the same photographs, which the guarantee ignores.
"""

import math
from typing import Any

import numpy as np
from scipy.stats import binom

from inference.errors import InputError
from pipeline.metrics.classification import Scores
from pipeline.metrics.intervals import share_of
from pipeline.random_generator import make_generator

CONFIDENCE = 0.9


def fewest_photos(limit: float) -> int:
    """Return the number of photographs that can show a risk below the limit, none of them wrong: 45 for 0.05."""
    return math.ceil(math.log(1 - CONFIDENCE) / math.log(1 - limit))


def check_photo_count(photos: int, limit: float) -> None:
    """Refuse a limit that so few validation photographs can't show.

    Raises:
        InputError: names the number that is needed.
    """
    if limit and photos < fewest_photos(limit):
        raise InputError(
            f"calibrate.risk={limit:g} needs at least {fewest_photos(limit)} validation photographs of the classes, "
            f"even if no answer is wrong. Received: {photos}. Give more photographs, raise split.validation, or raise "
            "calibrate.risk."
        )


def limit_risk(scores: Scores, limit: float, threshold: float) -> tuple[float, dict[str, Any]]:
    """Return the threshold nearest to the given one that keeps the limit, and the figures for calibration.json.

    scores: of the validation patches of the classes.

    Raises:
        InputError: there are too few photographs, or no threshold keeps the limit.
    """
    drawn = scores.take(one_per_photo(scores.photos))
    check_photo_count(len(drawn.photos), limit)
    wrong = drawn.best != drawn.labels
    found = certified_thresholds(drawn.confidences, wrong, limit)
    if found is None:
        raise _not_kept(drawn.confidences, wrong, limit)
    threshold = min(max(threshold, found[0]), found[1])
    answered = drawn.confidences >= threshold
    return threshold, {
        "limit": limit,
        "confidence": CONFIDENCE,
        "answered": share_of(answered),
        "wrong": int(wrong[answered].sum()),
        "fewest_photos": fewest_photos(limit),
    }


def one_per_photo(photos: np.ndarray) -> np.ndarray:
    """Return the position of one patch of each photograph, drawn at random: int [photographs]."""
    order = make_generator(0, "risk", len(photos)).permutation(len(photos))
    return np.sort(order[np.unique(photos[order], return_index=True)[1]])


def certified_thresholds(confidences: np.ndarray, wrong: np.ndarray, limit: float) -> tuple[float, float] | None:
    """Return the lowest and the highest threshold that keep the limit, with all between them; None if none does.

    The threshold below the m most confident answers is tested for m = fewest_photos(limit), m + 1, ..., which does not
    depend on the data. Given the confidence of the next answer, these m are independent and each is wrong with the
    probability that is tested. The first threshold above the limit is kept by mistake with probability
    1 - CONFIDENCE at most, and all before it are below the limit: so no correction for their number is needed.

    Args:
        confidences: float [photographs].
        wrong: bool [photographs].
        limit: largest share of wrong answers among those given.
    """
    order = np.argsort(-confidences, kind="stable")
    below = np.append(confidences[order], -np.inf)  # below[m]: confidence of the first answer that is not given
    counts = np.arange(fewest_photos(limit), len(order) + 1)
    counts = counts[below[counts - 1] > below[counts]]  # equal confidences are accepted or rejected together
    mistakes = np.cumsum(wrong[order])[counts - 1]
    kept = binom.cdf(mistakes, counts, limit) <= 1 - CONFIDENCE
    passed = counts[: len(kept) if kept.all() else int(kept.argmin())]
    if not len(passed):
        return None
    lowest, highest = (max(float(np.nextafter(below[count], 1.0)), 0.0) for count in (passed[-1], passed[0]))
    return lowest, highest


def _not_kept(confidences: np.ndarray, wrong: np.ndarray, limit: float) -> InputError:
    count = fewest_photos(limit)
    mistakes = int(wrong[np.argsort(-confidences, kind="stable")[:count]].sum())
    return InputError(
        f"calibrate.risk={limit:g} needs a threshold that keeps it with {100 * CONFIDENCE:.0f} % confidence. Received: "
        f"{mistakes} wrong answers to the {count} most confident of {len(wrong)} validation photographs, where none "
        "may be. Raise calibrate.risk, or set it to 0: python -m pipeline resume RUN --set calibrate.risk=VALUE. Or "
        "start a new run with more photographs or a higher split.validation."
    )
