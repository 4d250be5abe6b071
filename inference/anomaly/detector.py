"""model.tflite + photograph -> anomaly map, regions, answer: the path that command line, fit and evaluation share."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..errors import InputError
from ..model.artefact import Artefact, read_artefact
from ..model.card import read_card, refuse_foreign_options
from ..model.decide import ANOMALY, Decision
from ..model.model import DIGITS, PLAIN, Answer, AnswerOptions, Model
from ..pictures.image_io import decode_image, read_image, resize_image
from ..pictures.regions import Box
from .anomaly_map import AnomalyMap, SeenPhotograph
from .components import Component, find_components, trace_contour
from .confidence import anomaly_probability, answer_confidence
from .feature_network import FeatureNetwork
from .files import mask_text, write_mask, write_scores
from .local_contrast import normalize_local_contrast
from .memory_bank import BANK_NAME, MemoryBank, enlarge, half_heights, read_memory_bank, top_mean
from .region_names import NAMES_NAME, RegionNames, describe, read_names
from .surface import SURFACE_NAME, Surface, read_surface
from .tiles import Tiling

NORMAL = "normal"
_MOST_COMPARED = 32  # positions down and across, of a test vector
_REDUCED = 128  # pixels along the longest side of an encoded test picture
_STRIP = 256  # rows of a photograph that are worked on at once


@dataclass(frozen=True)
class Region:
    """One unusual region: where it is, the highest score in it, its name and how sure that is."""

    component: Component
    score: float
    result: str
    confidence: float


class Detector(Model):
    """A loaded model with its card and memory bank.

    >>> Detector(Path("wood.tflite")).detect(Path("board.jpg"))  # doctest: +SKIP
    Decision(result='anomaly', confidence=0.99, mask=array(...))
    """

    takes_boxes = False

    def __init__(
        self,
        file: Path | str | Artefact,
        threads: int = 1,
        threshold: float | None = None,
        labels: Path | None = None,
        scaling: str | None = None,
        delegates: bool = True,
    ) -> None:
        """Load a model whose card states the decision "anomaly".

        file: its path, or the file where it has been read already.
        threshold: from 0, which flags everything, to 1, which flags nothing; default 0.5, the model's own score. See
            score_threshold.
        labels, scaling: must be None, the card has them.
        delegates: whether LiteRT may use its fast path, XNNPACK.

        Raises:
            InputError: the file is no such model, or its parts do not fit.
        """
        artefact = file if isinstance(file, Artefact) else read_artefact(Path(file))
        name = artefact.name
        refuse_foreign_options(labels, scaling, name)
        self.card = read_card(artefact, name)
        if self.card.decision != ANOMALY or BANK_NAME not in artefact.files:
            raise InputError(f"{name}: is no model for anomalies: it needs {BANK_NAME}. Export a run of such a recipe.")
        self.network = FeatureNetwork(artefact.flatbuffer, name, threads, delegates)
        self.memory_bank = read_memory_bank(artefact.files[BANK_NAME], self.network.features, name)
        self.tiling = make_tiling(self.network, self.memory_bank, name)
        self.surface: Surface | None = None
        if SURFACE_NAME in artefact.files:
            self.surface = read_surface(artefact.files[SURFACE_NAME], name)
        self.names: RegionNames | None = None
        if NAMES_NAME in artefact.files:
            self.names = read_names(artefact.files[NAMES_NAME], self.card.region_labels, name)
        self.threshold = self.card.threshold if threshold is None else threshold

    @cached_property
    def score_threshold(self) -> float:
        """Return the raw score from which a position is an anomaly; -inf or inf for a threshold of 0 or 1.

        0.1 lowers it by log(9) = 2.2 widths.
        """
        if not 0 < self.threshold < 1:
            return float("-inf") if self.threshold <= 0 else float("inf")
        logit = float(np.log(self.threshold / (1 - self.threshold)))
        return self.memory_bank.threshold + self.memory_bank.width * logit

    def check(self, options: AnswerOptions, name: str) -> None:
        """Refuse what only classifiers list."""
        if options.top > 1:
            raise InputError("--top: only for classifiers. A photograph is an anomaly or normal; leave it out.")

    def prepare(self, pixels: np.ndarray, boxes: Sequence[Box] | None = None) -> SeenPhotograph:
        """Return the photograph as the network sees it, which is all of it that is kept in memory.

        Raises:
            InputError: there are boxes.
        """
        if boxes is not None:
            raise InputError("a model for anomalies finds its regions itself. Leave --boxes out.")
        seen = as_seen(pixels, self.memory_bank.longest_side, self.memory_bank.local_contrast)
        return SeenPhotograph(seen, brightness(pixels))

    def answer(self, prepared: SeenPhotograph, options: AnswerOptions = PLAIN, key: str = "") -> Answer:
        """Return {"confidence", "result", "score", "regions"}, "mask" where asked for; write mask and scores.

        score: raw, see image_score, to be compared with the threshold of the memory bank. Each region has box (left,
        top, width, height), area in pixels, contour, score, result (its name) and confidence.
        """
        anomaly_map = self.score(prepared)
        components = self.find(anomaly_map)
        decision = self.decide(anomaly_map, components)
        if options.masks is not None and decision.mask is not None:
            write_mask(options.masks, key, decision.mask)
        if options.scores is not None:
            write_scores(options.scores, key, anomaly_map.scores)
        answer: Answer = {
            "confidence": round(decision.confidence, DIGITS),
            "result": decision.result,
            "score": round(self.image_score(anomaly_map, components), DIGITS),
            "regions": [_describe_region(region) for region in self.name(anomaly_map, components)],
        }
        return answer if decision.mask is None or not options.mask else answer | {"mask": mask_text(decision.mask)}

    def detect(self, image: Path | str | np.ndarray) -> Decision:
        """Decide about one photograph: a file, or uint8 pixels [height, width, 3], RGB.

        result: "anomaly" where any region is one, else "normal"; confidence: in that result; mask: uint8 [height,
        width], 255 where an anomaly is. See inference.anomaly.confidence.

        Raises:
            InputError: the file is no readable picture.
        """
        anomaly_map = self.anomaly_map(image)
        return self.decide(anomaly_map, self.find(anomaly_map))

    def anomaly_map(self, image: Path | str | np.ndarray) -> AnomalyMap:
        """Return the raw scores of a photograph: a file, or uint8 pixels [height, width, 3], RGB."""
        return self.score(self.prepare(image if isinstance(image, np.ndarray) else read_image(Path(image))))

    def score(self, photograph: SeenPhotograph) -> AnomalyMap:
        """Return the raw scores of what `prepare` returned."""
        seen, grey = photograph.pixels, photograph.grey
        position_scores = score_positions(
            self.memory_bank, self.surface, self._distances(seen), seen, self.tiling.stride
        )
        # one resize from the map to the photograph, whether that was reduced or not
        scores = enlarge(position_scores, self.tiling.stride, seen.shape[:2], grey.shape)
        return AnomalyMap(position_scores, scores, grey, grey.shape[1] / seen.shape[1])

    def find(self, anomaly_map: AnomalyMap) -> list[Component]:
        """Return the regions that are anomalies, the largest first."""
        if self.memory_bank.score_share and self.image_score(anomaly_map, []) < self.score_threshold:
            return []
        smallest = max(1, round(self.memory_bank.smallest_area * anomaly_map.factor**2))
        mask = anomaly_map.scores >= self.score_threshold
        if mask.any() and self.memory_bank.halo and self.threshold > 0:
            self._leave_halos_out(mask, anomaly_map)
        return find_components(mask, smallest)

    def decide(self, anomaly_map: AnomalyMap, components: list[Component]) -> Decision:
        """Return the decision about a photograph whose regions are found."""
        mask = np.zeros(anomaly_map.scores.shape, np.uint8)
        for component in components:
            mask[component.slices][component.mask] = 255
        probability = self.probability(self.image_score(anomaly_map, components))
        confidence = answer_confidence(probability, bool(components))
        return Decision(ANOMALY if components else NORMAL, confidence, mask)

    def probability(self, score: float) -> float:
        """Return the place of a raw score on the scale of confidence, 0.5 at the threshold in use."""
        return anomaly_probability(score, self.score_threshold, self.memory_bank.width)

    def image_score(self, anomaly_map: AnomalyMap, components: list[Component]) -> float:
        """Return the photograph's score, raw.

        The mean over its highest positions where the memory bank says so; else the highest in a region, or anywhere.
        """
        if self.memory_bank.score_share:
            return top_mean(anomaly_map.position_scores, self.memory_bank.score_share)
        if components:
            return max(float(anomaly_map.scores[one.slices][one.mask].max()) for one in components)
        return float(anomaly_map.scores.max())

    def name(self, anomaly_map: AnomalyMap, components: list[Component]) -> list[Region]:
        """Name regions; without names to give each is an "anomaly"."""
        regions = []
        for component in components:
            score = float(anomaly_map.scores[component.slices][component.mask].max())
            result, confidence = ANOMALY, self.probability(score)
            if self.names is not None:
                description = describe(component, anomaly_map)
                result, confidence = self.names.name_region(description)
            regions.append(Region(component, score, result, confidence))
        return regions

    @property
    def vector_size(self) -> tuple[int, int]:
        """Return that of a photograph of one tile."""
        return self.tiling.step, self.tiling.step

    def numbers(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the scores of at most _MOST_COMPARED x _MOST_COMPARED positions, by rows; no features."""
        scores = self.anomaly_map(pixels).position_scores
        every = -(-max(scores.shape) // _MOST_COMPARED)
        return scores[::every, ::every].ravel(), np.zeros(0, np.float32)

    def prepared_pixels(self, data: bytes) -> np.ndarray:
        """Return a photograph reduced to _REDUCED pixels, which tests the resize whatever longest_side is."""
        return reduce(decode_image(data), _REDUCED)

    def _distances(self, seen: np.ndarray) -> np.ndarray:
        """Return the distances to the memory bank, float32 [rows, columns], of uint8 [height, width, 3].

        One row of tiles at a time, since the features of a large photograph would fill the memory.
        """
        if self.memory_bank.centred:  # by the mean of all features
            return self.memory_bank.distances(self.tiling.look(self.network, seen))
        return np.concatenate([self.memory_bank.distances(one) for one in self.tiling.strips(self.network, seen)])

    def _leave_halos_out(self, mask: np.ndarray, anomaly_map: AnomalyMap) -> None:
        """Set those pixels of a mask, bool [height, width], to False that a higher score nearby bleeds into."""
        halves = half_heights(anomaly_map.position_scores, max(1, round(self.memory_bank.halo / self.tiling.stride)))
        for top in range(0, len(mask), _STRIP):
            rows = np.s_[top : top + _STRIP]
            if mask[rows].any():
                heights = enlarge(halves, self.tiling.stride, anomaly_map.seen, mask.shape, rows)
                mask[rows] &= anomaly_map.scores[rows] >= heights


def _describe_region(region: Region) -> dict[str, Any]:
    return {
        "box": list(region.component.box),
        "area": region.component.area,
        "score": round(region.score, DIGITS),
        "result": region.result,
        "confidence": round(region.confidence, DIGITS),
        "contour": [list(point) for point in trace_contour(region.component)],
    }


def score_positions(
    bank: MemoryBank, surface: Surface | None, distances: np.ndarray, seen: np.ndarray, stride: int
) -> np.ndarray:
    """Return the scores of a photograph, float32 [rows, columns], from its distances to the memory bank.

    seen: uint8 [height, width, 3], as the network sees it.
    """
    return bank.finish(distances if surface is None else surface.scores(distances, seen, stride), stride)


def make_tiling(network: FeatureNetwork, memory_bank: MemoryBank, name: str = "model") -> Tiling:
    """Return the tiling of a network by the margin and alignment of its memory bank.

    Raises:
        InputError: the margin leaves nothing of a tile, or is no whole number of positions.
    """
    margin = memory_bank.margin
    if 2 * margin >= network.side or margin % network.stride:
        raise InputError(f"{name}: {BANK_NAME}: the margin {margin} does not fit tiles of {network.side} pixels.")
    return Tiling(network.side, margin, network.stride, memory_bank.alignment)


def brightness(pixels: np.ndarray) -> np.ndarray:
    """Return uint8 [height, width] of RGB pixels."""
    strips = [pixels[top : top + _STRIP] for top in range(0, len(pixels), _STRIP)]
    return np.concatenate([np.asarray(Image.fromarray(strip).convert("L")) for strip in strips])


def as_seen(pixels: np.ndarray, longest_side: int, window: int) -> np.ndarray:
    """Return a photograph as the network is to see it: reduced, its local contrast normalised; see MemoryBank."""
    seen = reduce(pixels, longest_side)
    return normalize_local_contrast(seen, window) if window else seen


def reduce(pixels: np.ndarray, longest_side: int) -> np.ndarray:
    """Return the photograph with its longest side reduced to longest_side pixels; 0 or a smaller one leaves it."""
    height, width = pixels.shape[:2]
    if not longest_side or max(height, width) <= longest_side:
        return pixels
    factor = longest_side / max(height, width)
    return resize_image(pixels, (max(1, round(height * factor)), max(1, round(width * factor))))
