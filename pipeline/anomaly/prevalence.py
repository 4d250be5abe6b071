"""Photographs -> whether anomalies on them are rare or common, and the settings that follow: prevalence.json.

Two findings mean "common". Regions far from the bulk of all surfaces show on a quarter of the photographs, each scored
by a fit without it. Or half of the photographs have parts that stand out, and those stand out hardly more where the
photograph was not in the fit: then they are not what distinguishes one photograph from the others.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from inference.anomaly.memory_bank import smooth
from pipeline.anomaly.gaussian import Gaussian, fit_bulk, fit_gaussian
from pipeline.anomaly.memory_bank import split_folds
from pipeline.settings.anomaly import AnomalySettings
from pipeline.settings.effect import has_effect
from pipeline.settings.recipe import SETTINGS, Recipe
from pipeline.settings.run_folder import RunFolder, read_json, write_json

FEWEST_PHOTOS = 4
# Levels that show anomalies of all sizes; the coarse ones of networks for small pictures blur.
_WIDE_LEVELS, _SMALL_LEVELS = (4, 8, 16, 32), {"patch_net": (2, 4, 8), "patch_net_32": (1, 2, 4, 8)}
_DIMENSIONS = 96
_MARGIN = 96  # pixels; context for level 32
_FAR, _FAR_PHOTOS = 8.0, 0.25  # deviations above the bulk; share of photographs
_STANDS_OUT, _STANDS_OUT_AREA, _STANDS_OUT_PHOTOS = 4.0, 0.001, 0.5  # deviations; shares of positions and photographs
_TAIL, _MOST_SHIFT = 0.98, 0.5  # quantile of a photograph's scores; deviations by which it may rise when held out
_VECTORS = 20_000  # in a fit


@dataclass(frozen=True)
class Prevalence:
    """What was found: "rare" or "common", and why in a sentence.

    far, standing_out: shares of photographs; shift: in deviations of the bulk. They are None where nothing was
    estimated. replaced: names of the settings that do not hold with it.
    """

    prevalence: str
    reason: str
    photographs: int = 0
    far: float | None = None
    standing_out: float | None = None
    shift: float | None = None
    replaced: tuple[str, ...] | None = None


def resolve_recipe(run: RunFolder) -> Recipe:
    """Return a run's recipe with the settings of the prevalence that its fit found; earlier runs have no such file."""
    recipe = run.read_recipe()
    if not run.prevalence.is_file():
        return recipe
    return with_prevalence(recipe, read_json(run.prevalence, "")["prevalence"])


def write_prevalence(run: RunFolder, found: Prevalence) -> None:
    """Write prevalence.json."""
    write_json(run.prevalence, asdict(found))


def with_prevalence(recipe: Recipe, prevalence: str) -> Recipe:
    """Return the recipe with the settings for a prevalence: those of `wide_settings` where anomalies are common.

    A recipe with another method than patchcore keeps its own.
    """
    if prevalence != "common" or recipe.anomaly.method != "patchcore":
        return recipe
    return replace(recipe, anomaly=wide_settings(recipe.anomaly, recipe.network.trunk))


def replaced_settings(recipe: Recipe, prevalence: str) -> tuple[str, ...]:
    """Return the names of a recipe's settings that a prevalence changes, or that have no effect with it."""
    changed = with_prevalence(recipe, prevalence)
    return tuple(
        name
        for name, one in SETTINGS.items()
        if name != "anomaly.prevalence"
        and (
            recipe.value(name) != changed.value(name)
            or (has_effect(one, recipe.value) and not has_effect(one, changed.value))
        )
    )


def wide_settings(settings: AnomalySettings, trunk: str) -> AnomalySettings:
    """Return the settings for common anomalies: a Gaussian of all levels, with colour, at twice the finest stride."""
    levels = _SMALL_LEVELS.get(trunk, _WIDE_LEVELS)
    stride = max(2, 2 * levels[0])
    return replace(
        settings,
        method="gaussian",
        levels=tuple(str(level) for level in levels),
        stride=stride,
        dimensions=_DIMENSIONS,
        colour=True,
        normalize_by_median=False,
        margin=_MARGIN if 32 in levels and settings.tile > 2 * _MARGIN else settings.margin,
        smoothing=stride / 2,
        score_share=0.0,
    )


def estimate_prevalence(
    maps: Sequence[np.ndarray], normal: Sequence[np.ndarray], groups: Sequence[int], smoothing: float
) -> Prevalence:
    """Return the prevalence found on photographs.

    Args:
        maps: projected feature vectors, float [rows, columns, dimensions] per photograph.
        normal: positions that count, bool [rows, columns] per photograph: no background, no edge.
        groups: photographs with the same number are held out together.
        smoothing: standard deviation of the Gaussian filter over scores, in positions.
    """
    vectors = [one[inside] for one, inside in zip(maps, normal, strict=True)]
    vectors = [one[:: max(1, len(one) * len(maps) // _VECTORS)] for one in vectors]
    gaussian = _fit(vectors)
    pooled = [_scores(gaussian, one, inside, smoothing) for one, inside in zip(maps, normal, strict=True)]
    held_out = list[np.ndarray](pooled)
    for fold in split_folds(groups, 8):
        gaussian = _fit([one for one, group in zip(vectors, groups, strict=True) if group not in fold])
        for number in [n for n, group in enumerate(groups) if group in fold]:
            held_out[number] = _scores(gaussian, maps[number], normal[number], smoothing)
    return _judge(pooled, held_out)


def _judge(pooled: Sequence[np.ndarray], held_out: Sequence[np.ndarray]) -> Prevalence:
    """Return the prevalence from the scores of each photograph, float [positions]."""
    inside, outside = fit_bulk(np.concatenate(pooled)), fit_bulk(np.concatenate(held_out))
    far = float(np.mean([outside(one).max() >= _FAR for one in held_out]))
    standing_out = float(np.mean([np.mean(inside(one) > _STANDS_OUT) > _STANDS_OUT_AREA for one in pooled]))
    tails = [np.log(np.quantile(b, _TAIL) / np.quantile(a, _TAIL)) for a, b in zip(pooled, held_out, strict=True)]
    shift = float(np.mean(tails)) / inside.deviation
    common = far >= _FAR_PHOTOS or (standing_out >= _STANDS_OUT_PHOTOS and shift < _MOST_SHIFT)
    count = len(pooled)
    reason = (
        f"{round(far * count)} of {count} photographs have regions far from the bulk of all surfaces (common from a "
        f"quarter on). {round(standing_out * count)} have parts that stand out; held out, photographs score "
        f"{shift:.2f} deviations higher (common below {_MOST_SHIFT}, if half of them have such parts)"
    )
    return Prevalence("common" if common else "rare", reason, count, far, standing_out, shift)


def _fit(vectors: Sequence[np.ndarray]) -> Gaussian:
    return fit_gaussian(np.concatenate(vectors))


def _scores(gaussian: Gaussian, features: np.ndarray, normal: np.ndarray, smoothing: float) -> np.ndarray:
    """Return the smoothed distances of the positions that count, float32 [positions]."""
    distances = gaussian.distances(features)
    distances = np.where(normal, distances, np.median(distances[normal])).astype(np.float32)
    return np.asarray(smooth(distances, smoothing)[normal])
