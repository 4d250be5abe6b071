"""Held-out scores of photographs -> the score from which a position is an anomaly.

Where anomalies are common, the bulk of all scores sets it; see bulk_threshold. Otherwise it is the upper bound of a
prediction interval for the highest score of the next clean photograph, from the highest scores of the held-out
photographs. Where these may hold anomalies, the highest score of a photograph is capped at the value expected from the
bulk of its scores.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from inference.anomaly.memory_bank import top_mean
from pipeline.anomaly.gaussian import fit_bulk

_BULK, _HIGH = 0.75, 0.95  # quantiles of a photograph's scores to which the tail is fitted
_BULK_DEVIATIONS = 2.5  # above the median of all scores, in logarithms
_PEAK = 0.9  # quantile of the photographs' highest scores
_BULK_PROBABILITY = 0.05  # of an anomaly, at the median of all scores
_LEAST_SPREAD = 0.03  # of the mean highest score: a few photographs may be similar by chance


@dataclass(frozen=True)
class ScoreThreshold:
    """score: threshold of a position. width: difference of scores that changes the logit of the probability by 1.

    highest: the expected highest score of each photograph if it is clean.
    """

    score: float
    width: float
    highest: tuple[float, ...]


def choose_threshold(
    maps: Sequence[np.ndarray], clean: bool, false_positive_rate: float, share: float = 0.0
) -> ScoreThreshold:
    """Return the threshold that at most the share false_positive_rate of clean photographs is expected to reach.

    The highest scores are assumed to be normally distributed: the upper bound is their mean plus Student's quantile
    times their standard deviation times sqrt(1 + 1 / n). At the mean the probability of an anomaly is that share.

    Args:
        maps: held-out scores of positions, float [rows, columns] per photograph; two or more.
        clean: whether the photographs are free of anomalies.
        false_positive_rate: in (0, 0.5).
        share: share of a photograph's positions, the highest, whose mean is its score; 0: only the highest.
    """
    highest = np.array([top_mean(one, share) if clean else expected_highest(one, share) for one in maps])
    count, mean = len(highest), float(highest.mean())
    spread = max(float(highest.std(ddof=1)), _LEAST_SPREAD * mean)
    quantile = float(stats.t.ppf(1 - false_positive_rate, count - 1))
    score = mean + quantile * spread * float(np.sqrt(1 + 1 / count))
    width = (score - mean) / float(np.log((1 - false_positive_rate) / false_positive_rate))
    return ScoreThreshold(score, width, tuple(float(value) for value in highest))


def bulk_threshold(scores: Sequence[np.ndarray]) -> ScoreThreshold:
    """Return the threshold for photographs that all may show anomalies, from all their scores together.

    It lies 2.5 deviations above the median of the logarithms of all scores, or half-way to the highest ones where those
    are farther than 5: the edge of a blurred region is at half its height. At the median the probability of an anomaly
    is 5 %.

    Args: scores, float [positions] per photograph, without background.
    """
    bulk = fit_bulk(np.concatenate(scores))
    highest = np.array([one.max() for one in scores])
    steps = max(_BULK_DEVIATIONS, float(np.quantile(bulk(highest), _PEAK)) / 2)
    score = float(np.exp(bulk.median + steps * bulk.deviation))
    width = (score - float(np.exp(bulk.median))) / float(np.log(1 / _BULK_PROBABILITY - 1))
    return ScoreThreshold(score, width, tuple(float(value) for value in highest))


def expected_highest(scores: np.ndarray, share: float = 0.0) -> float:
    """Return the highest score expected from the bulk of a photograph's scores, at most the highest observed one.

    Above the 75 % quantile the scores are assumed to follow an exponential distribution, with the scale fitted up to
    the 95 % quantile: anomalies on less than 5 % of the area have no effect. Of 10,000 positions the highest is
    expected log(500) = 6.2 scales above the 95 % quantile; the mean of the highest share lies one scale above that
    share's lowest.
    """
    bulk, high = (float(value) for value in np.quantile(scores, [_BULK, _HIGH]))
    falloff = (high - bulk) / float(np.log((1 - _BULK) / (1 - _HIGH)))
    steps = np.log((1 - _HIGH) / share) + 1 if share else np.log(max(scores.size * (1 - _HIGH), 1))
    return min(top_mean(scores, share), high + falloff * float(steps))
