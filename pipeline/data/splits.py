"""Photographs -> train, validation, test: stratified, near-duplicates together, the same on every machine."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement
from typing import Any, TypeVar

import imagehash
import numpy as np
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipeline.progress import ticking
from pipeline.settings.sections import SplitSettings

SPLITS = ("train", "validation", "test")

_HASH_SIDE = 8  # 64 bits
_LEAST_BITS = 16  # a view with structure sets 32, plain colour at most one; plain views are ignored
_TILE = 512  # views compared with as many others at a time, so that a tile stays in the processor's cache

Part = TypeVar("Part", str, int)  # the name of a split, or the number of a fold


@dataclass(frozen=True)
class HashedPhoto:
    """The properties of a photograph that the split depends on.

    labels: one entry per box. views: perceptual hashes of the whole picture and of each box, each paired with that of
    its mirror image; boxes identify the same specimen on another background or in another crop. groups: numbers of the
    user's groups, which show one specimen each.
    """

    name: str
    labels: tuple[str, ...]
    views: tuple[tuple[int, int], ...]
    groups: tuple[int, ...] = ()


def perceptual_hashes(rgb: np.ndarray) -> tuple[int, int]:
    """Return 64-bit hashes of a picture uint8 [height, width, 3] and of its mirror image.

    pHash: low frequencies of a 32x32 grey copy compared with their median, so that scaling, recompression and small
    changes of light change few bits (Zauner 2010, "Implementation and Benchmarking of Perceptual Image Hash
    Functions").
    """
    picture = Image.fromarray(rgb)
    mirrored = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    first, second = (int(str(imagehash.phash(view, _HASH_SIDE)), 16) for view in (picture, mirrored))
    return first, second


def assign_splits(
    photos: Iterable[HashedPhoto], settings: SplitSettings, known: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the split of each photograph by name.

    Groups of near-duplicates are assigned, in an order that depends only on names and seed, to the split that lacks
    their labels most. Photographs in `known` keep their split, and their near-duplicates get the same; photographs that
    resemble known photographs of two splits are left out of the result. With folds, the fold `settings.fold` is the
    test set and the other groups are assigned to the other two splits.
    """
    known = known or {}
    groups = group_near_duplicates(photos, settings.near_duplicate_distance)
    shares = {"train": 1 - settings.validation - settings.test_share, "validation": settings.validation}
    if settings.folds:
        known = {**_test_fold(groups, settings, known), **known}
    else:
        shares["test"] = settings.test
    return _assign(groups, {split: share for split, share in shares.items() if share}, known, settings.seed)


def complete_splits(
    photos: Iterable[HashedPhoto],
    given: Mapping[str, str],
    settings: SplitSettings,
    known: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the split of each photograph by name, for data that give splits (name -> split).

    Given splits are kept; where there is no validation or no test, a share of the training photographs becomes that.
    Folds, and data that give training alone, are split as if nothing were given. known: as for assign_splits, but only
    what the data do not give is taken from it. With settings.validation_folds, what is not the test is then divided
    into folds, one of them the validation.
    """
    photos = list(photos)
    splits = _complete_splits(photos, given, settings, known)
    return {**splits, **_validation_fold(photos, splits, settings)} if settings.validation_folds else splits


def _complete_splits(
    photos: list[HashedPhoto], given: Mapping[str, str], settings: SplitSettings, known: Mapping[str, str] | None
) -> dict[str, str]:
    told = set(given.values())
    fixed = {name: split for name, split in given.items() if len(told) == len(SPLITS) or split != "train"}
    if settings.folds or not fixed:
        return assign_splits(photos, settings, known)
    validation, test = (0.0 if name in told else getattr(settings, name) for name in ("validation", "test"))
    known = {name: split for name, split in (known or {}).items() if split == "train" or split not in told}
    free = [photo for photo in photos if photo.name not in fixed]
    return {**assign_splits(free, replace(settings, validation=validation, test=test), known), **fixed}


def _validation_fold(photos: list[HashedPhoto], splits: Mapping[str, str], settings: SplitSettings) -> dict[str, str]:
    """Return "train" or "validation" for each photograph outside the test set; that is the same for all folds."""
    free = [photo for photo in photos if splits.get(photo.name, "test") != "test"]
    groups = group_near_duplicates(free, settings.near_duplicate_distance)
    count = settings.validation_folds
    folds = _assign(groups, dict.fromkeys(range(1, count + 1), 1 / count), {}, settings.seed)
    return {name: "validation" if fold == settings.validation_fold else "train" for name, fold in folds.items()}


def describe_missing(given: Iterable[str], settings: SplitSettings) -> str:
    """Return what is split off from the training photographs: "15 % for validation, 25 % for test", or ""."""
    told = set(given) - {""}
    missing = [name for name in ("validation", "test") if name not in told] if told and not settings.folds else []
    return ", ".join(f"{100 * getattr(settings, name):.0f} % for {name}" for name in missing)


def _test_fold(groups: list[list[HashedPhoto]], settings: SplitSettings, known: Mapping[str, str]) -> dict[str, str]:
    """Return "test" for the photographs of the fold; groups with known photographs keep the split of these.

    The folds depend only on the photographs, the number of folds and the seed, not on which fold is the test set.
    """
    folds = _assign(groups, dict.fromkeys(range(1, settings.folds + 1), 1 / settings.folds), {}, settings.seed)
    new = [group for group in groups if not any(photo.name in known for photo in group)]
    return {photo.name: "test" for group in new for photo in group if folds[photo.name] == settings.fold}


def _assign(
    groups: list[list[HashedPhoto]], shares: Mapping[Part, float], known: Mapping[str, Part], seed: int
) -> dict[str, Part]:
    """Return the part of each group: the one that lacks its labels most, or that of its known photographs."""
    missing = _target_counts(groups, shares)
    result: dict[str, Part] = {}
    for group in sorted(groups, key=lambda group: _assignment_order(group, known, seed)):
        sides = {known[photo.name] for photo in group if photo.name in known}
        side = sides.pop() if len(sides) == 1 else None if sides else _most_lacking(group, missing)
        for photo in group:
            part = known.get(photo.name, side)
            if part is not None:
                result[photo.name] = part
                missing.get(part, Counter()).subtract(_strata(photo))
    return result


def group_near_duplicates(photos: Iterable[HashedPhoto], distance: int) -> list[list[HashedPhoto]]:
    """Return groups of photographs with views that differ in at most `distance` bits, mirrored or not.

    Views of plain colour are ignored. Photographs of a user's group are grouped too. Chains form one group.
    """
    ordered = sorted(photos, key=lambda photo: photo.name)
    with ticking("comparing photographs"):
        pairs = np.concatenate([_known_pairs(ordered), *_close_pairs(ordered, distance)])
    graph = coo_array((np.ones(len(pairs)), pairs.T), (len(ordered), len(ordered)))
    groups: dict[int, list[HashedPhoto]] = {}
    for number, photo in zip(connected_components(graph, directed=False)[1], ordered, strict=True):
        groups.setdefault(int(number), []).append(photo)
    return list(groups.values())


def _close_pairs(photos: list[HashedPhoto], distance: int) -> Iterable[np.ndarray]:
    """Yield pairs of photographs (first < second) with close views, int [pairs, 2]."""
    owner = np.array([position for position, photo in enumerate(photos) for _ in photo.views])  # [views]
    hashes = np.array([view for photo in photos for view in photo.views], np.uint64).reshape(-1, 2)  # [views, 2]
    telling = np.bitwise_count(hashes).min(axis=1, initial=64) >= _LEAST_BITS  # [views]
    owner, hashes = owner[telling], hashes[telling]
    for start, other in combinations_with_replacement(range(0, len(hashes), _TILE), 2):  # owners are in order
        views, others = hashes[start : start + _TILE, :1], hashes[other : other + _TILE]
        differing = np.minimum(*(np.bitwise_count(views ^ oriented) for oriented in others.T))  # [views, others]
        rows, columns = np.nonzero(differing <= distance)
        pairs = np.stack([owner[start + rows], owner[other + columns]], axis=1)
        yield pairs[pairs[:, 0] < pairs[:, 1]]


def _known_pairs(photos: list[HashedPhoto]) -> np.ndarray:
    """Return each photograph of a user's group paired with the first of that group, int [pairs, 2]."""
    first: dict[int, int] = {}
    pairs = [
        (first.setdefault(number, position), position)
        for position, photo in enumerate(photos)
        for number in photo.groups
    ]
    return np.array(pairs, int).reshape(-1, 2)


def _strata(photo: HashedPhoto) -> Counter[str]:
    """Return the labels of a photograph, each counted once; photographs without boxes are a separate stratum."""
    return Counter(sorted(set(photo.labels)) or [""])  # sorted: sums of floats depend on their order


def _target_counts(groups: list[list[HashedPhoto]], shares: Mapping[Part, float]) -> dict[Part, Counter]:
    """Return the target number of photographs of each stratum in each part."""
    totals: Counter[str] = Counter()
    for group in groups:
        for photo in group:
            totals.update(_strata(photo))
    return {part: Counter({label: n * share for label, n in totals.items()}) for part, share in shares.items()}


def _assignment_order(group: list[HashedPhoto], known: Mapping[str, Any], seed: int) -> tuple[bool, int, str]:
    """Return a sort key: known photographs first, since they fill quotas; then large groups; then shuffled.

    The shuffle is by a hash of seed and name, which is the same on every machine.
    """
    digest = hashlib.sha256(f"{seed}:{group[0].name}".encode("utf-8", "surrogateescape")).hexdigest()
    return not any(photo.name in known for photo in group), -len(group), digest


def _most_lacking(group: list[HashedPhoto], missing: Mapping[Part, Counter]) -> Part:
    """Return the part that lacks the group's labels most; of equal ones the first."""
    wanted: Counter[str] = Counter()
    for photo in group:
        wanted.update(_strata(photo))
    return max(missing, key=lambda part: sum(missing[part][label] * n for label, n in wanted.items()))
