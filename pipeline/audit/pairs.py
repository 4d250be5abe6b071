"""Candidates -> pairs of photographs that show the same thing, and their groups.

A copy is the same picture: re-encoded, resized, mirrored, recoloured or cut a little. Other pairs are further views of
one specimen or scene. The thresholds were chosen by benchmarks/audit.py; docs/audit.md says on which pictures.
"""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from threadpoolctl import threadpool_limits

from pipeline.audit.candidates import Candidate, edge_candidates, keypoint_candidates
from pipeline.audit.edges import edge_correlation
from pipeline.audit.features import Features
from pipeline.audit.keypoints import LEAST_KEYPOINTS, align
from pipeline.progress import count

Kind = Literal["copy", "view"]

_COMPARISONS = 30_000  # nearest neighbours searched for all photographs together; more photographs have fewer each
_FEWEST, _MOST = 5, 20  # neighbours of each
_EDGE_NEIGHBOURS = 5


@dataclass(frozen=True)
class Thresholds:
    """When two photographs count as a pair.

    inliers, spread: of keypoints.Alignment; few_inliers: enough where the edges correlate by few_edges. copy_edges:
    edge correlation of a copy without keypoints; aligned_edges: of one whose keypoints agree.
    """

    inliers: int = 8
    spread: float = 0.15
    copy_edges: float = 0.9
    few_inliers: int = 5
    few_edges: float = 0.8
    aligned_edges: float = 0.6


THRESHOLDS = Thresholds()


@dataclass(frozen=True)
class Evidence:
    """What was measured of a candidate."""

    first: int
    second: int
    mirrored: bool
    inliers: int
    spread: float
    edges: float

    def kind(self, thresholds: Thresholds = THRESHOLDS) -> Kind | None:
        """Return what the pair is; None for different things."""
        needed = thresholds.few_inliers if self.edges >= thresholds.few_edges else thresholds.inliers
        agree = self.inliers >= needed and self.spread >= thresholds.spread
        if self.edges >= (thresholds.aligned_edges if agree else thresholds.copy_edges):
            return "copy"
        return "view" if agree else None


def compare_photos(features: Features) -> list[Evidence]:
    """Return the pairs that show the same thing, each once: the stronger evidence, mirrored or not."""
    nearest = int(np.clip(_COMPARISONS // max(len(features.photos), 1), _FEWEST, _MOST))
    by_edges = edge_candidates(features, _EDGE_NEIGHBOURS)
    wanted = _by_photo({*keypoint_candidates(features, nearest), *by_edges})
    found: dict[tuple[int, int], Evidence] = {}
    with (
        threadpool_limits(1, "blas"),  # products are small; photographs are spread over the cores instead
        count(len(wanted), "photographs compared") as progress,
        ThreadPoolExecutor(os.cpu_count() or 1) as pool,
    ):
        for several in pool.map(lambda candidates: _measure_all(features, candidates, by_edges), wanted.values()):
            progress.advance()
            for one in several:
                key = (one.first, one.second)
                if key not in found or _strength(one) > _strength(found[key]):
                    found[key] = one
    return [found[key] for key in sorted(found)]


def _by_photo(candidates: Iterable[Candidate]) -> dict[int, list[Candidate]]:
    """Return the candidates by their first photograph."""
    wanted: dict[int, list[Candidate]] = {}
    for candidate in sorted(candidates):
        wanted.setdefault(candidate[0], []).append(candidate)
    return wanted


def group_photos(photos: int, pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Return the groups of two and more photographs that pairs connect, in chains too."""
    ends = np.array(list(pairs), int).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends)), ends.T), (photos, photos))
    members: dict[int, list[int]] = {}
    for position, number in enumerate(connected_components(graph, directed=False)[1]):
        members.setdefault(int(number), []).append(position)
    return [group for group in members.values() if len(group) > 1]


def group_numbers(photos: int, groups: Iterable[Iterable[int]]) -> np.ndarray:
    """Return the number of each photograph's group, int [photos]; one outside of groups is alone in its own."""
    numbers = np.arange(photos)
    for group in groups:
        members = list(group)
        numbers[members] = members[0]
    return numbers


def _measure_all(features: Features, candidates: list[Candidate], by_edges: set[Candidate]) -> list[Evidence]:
    """Return the evidence of those candidates of one photograph that are pairs."""
    own = features.keypoints(candidates[0][0])
    answers = []
    for candidate in candidates:
        first, second, mirrored = candidate
        aligned = align(own, features.keypoints(second), mirrored)
        inliers = aligned.inliers if aligned else 0
        edges = 0.0
        if candidate in by_edges or inliers >= LEAST_KEYPOINTS:
            other = features.edges[second][:, ::-1] if mirrored else features.edges[second]
            edges = edge_correlation(np.asarray(features.edges[first]), np.ascontiguousarray(other))
        if inliers >= THRESHOLDS.few_inliers or edges >= THRESHOLDS.copy_edges:  # else no pair, whatever the spread
            spread = aligned.spread() if aligned else 0.0
            answers.append(Evidence(first, second, mirrored, inliers, spread, edges))
    return [one for one in answers if one.kind()]


def _strength(one: Evidence) -> tuple[int, float]:
    return one.inliers, one.edges
