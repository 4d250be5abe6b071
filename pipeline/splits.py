"""Photographs -> train, validation, test: near-duplicates on one side, stratified, the same on every machine."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import imagehash
import numpy as np
from PIL import Image

from pipeline.recipe import SplitSettings

SPLITS = ("train", "validation", "test")

_HASH_SIDE = 8  # 64 bits
_LEAST_BITS = 16  # a view with any structure sets 32 of them, plain colour at most one: all plain views look alike
_BLOCK_ROWS = 256  # views compared at a time, to bound memory


@dataclass(frozen=True)
class Photo:
    """What the split needs to know of a photograph.

    labels: one entry for each box. views: perceptual hashes of the whole picture and of each box, every one
    beside that of its mirror image; boxes show the same specimen on another canvas or in another crop.
    """

    name: str
    labels: tuple[str, ...]
    views: tuple[tuple[int, int], ...]


def perceptual_hashes(rgb: np.ndarray) -> tuple[int, int]:
    """Return 64-bit hashes of a picture uint8 [height, width, 3] and of its mirror image.

    pHash: signs of the low frequencies of a 32x32 grey copy against their median, so scaling, recompression and
    small changes of light alter few bits (Zauner 2010, "Implementation and Benchmarking of Perceptual Image
    Hash Functions").
    """
    picture = Image.fromarray(rgb)
    mirrored = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    first, second = (int(str(imagehash.phash(view, _HASH_SIDE)), 16) for view in (picture, mirrored))
    return first, second


def assign_splits(
    photos: Iterable[Photo], settings: SplitSettings, known: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the split of each photograph's name.

    Groups of near-duplicates are dealt, in an order that only names and seed decide, each to the split that
    lacks its labels most. Photographs in `known` keep their split and draw their near-duplicates to it; one
    that resembles known photographs of two splits belongs to neither and is left out of the result.
    """
    known = known or {}
    groups = group_near_duplicates(photos, settings.near_duplicate_distance)
    shares = {
        "train": 1 - settings.validation - settings.test,
        "validation": settings.validation,
        "test": settings.test,
    }
    needs = _needs(groups, shares)
    result: dict[str, str] = {}
    for group in sorted(groups, key=lambda group: _deal_order(group, known, settings.seed)):
        sides = {known[photo.name] for photo in group if photo.name in known}
        side = sides.pop() if len(sides) == 1 else None if sides else _neediest(group, needs)
        for photo in group:
            split = known.get(photo.name, side)
            if split is not None:
                result[photo.name] = split
                needs[split].subtract(_strata(photo))
    return result


def group_near_duplicates(photos: Iterable[Photo], distance: int) -> list[list[Photo]]:
    """Join photographs of which two views, one of them mirrored or not, differ in at most `distance` bits.

    A view of plain colour resembles nothing.
    """
    ordered = sorted(photos, key=lambda photo: photo.name)
    roots = list(range(len(ordered)))
    for first, second in _close_pairs(ordered, distance):
        roots[_root(roots, second)] = _root(roots, first)
    groups: dict[int, list[Photo]] = {}
    for place, photo in enumerate(ordered):
        groups.setdefault(_root(roots, place), []).append(photo)
    return list(groups.values())


def _close_pairs(photos: list[Photo], distance: int) -> Iterable[tuple[int, int]]:
    """Yield pairs of photographs (first < second) with close views, comparing each view with all."""
    owner = np.array([place for place, photo in enumerate(photos) for _ in photo.views])  # [views]
    hashes = np.array([view for photo in photos for view in photo.views], np.uint64).reshape(-1, 2)  # [views, 2]
    telling = np.bitwise_count(hashes).min(axis=1, initial=64) >= _LEAST_BITS  # [views]
    owner, hashes = owner[telling], hashes[telling]
    for start in range(0, len(hashes), _BLOCK_ROWS):
        block = hashes[start : start + _BLOCK_ROWS, :1, np.newaxis]  # [block, 1, 1]
        differing = np.bitwise_count(block ^ hashes.T[np.newaxis]).min(axis=1)  # [block, views]
        for row, column in np.argwhere(differing <= distance):
            first, second = int(owner[start + row]), int(owner[column])
            if first < second:
                yield first, second


def _root(roots: list[int], place: int) -> int:
    while roots[place] != place:
        roots[place] = roots[roots[place]]
        place = roots[place]
    return place


def _strata(photo: Photo) -> Counter[str]:
    """Count a photograph once for each of its labels; one without boxes is a stratum of its own."""
    return Counter(sorted(set(photo.labels)) or [""])  # sorted: sums of floats depend on their order


def _needs(groups: list[list[Photo]], shares: Mapping[str, float]) -> dict[str, Counter]:
    """Return how many photographs of each stratum every split should get."""
    totals: Counter[str] = Counter()
    for group in groups:
        for photo in group:
            totals.update(_strata(photo))
    return {split: Counter({label: n * share for label, n in totals.items()}) for split, share in shares.items()}


def _deal_order(group: list[Photo], known: Mapping[str, str], seed: int) -> tuple[bool, int, str]:
    """Known photographs first, since they fill quotas; then large groups, which are hardest to fit; then by lot."""
    lot = hashlib.sha256(f"{seed}:{group[0].name}".encode("utf-8", "surrogateescape")).hexdigest()
    return not any(photo.name in known for photo in group), -len(group), lot


def _neediest(group: list[Photo], needs: Mapping[str, Counter]) -> str:
    """Return the split that lacks the group's labels most; a split's share decides between equals."""
    wanted: Counter[str] = Counter()
    for photo in group:
        wanted.update(_strata(photo))
    return max(SPLITS, key=lambda split: sum(needs[split][label] * n for label, n in wanted.items()))
