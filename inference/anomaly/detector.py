"""model.tflite + photograph -> what is unusual on it: the one path that command line, fit and evaluation share."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from inference.anomaly.bank import BANK_NAME, Bank, enlarge, half_heights, read_bank, top_mean
from inference.anomaly.components import Component, find_components
from inference.anomaly.feature_network import FeatureNetwork
from inference.anomaly.light import even_light
from inference.anomaly.region_names import NAMES_NAME, RegionNames, describe, read_names
from inference.anomaly.tiles import Tiling
from inference.batch.worker import WorkerSettings
from inference.errors import InputError
from inference.model.artefact import Artefact, read_artefact
from inference.model.card import CARD_NAME, Card, read_card
from inference.model.decide import ANOMALY, Decision
from inference.model.logistic import logistic
from inference.pictures.image_io import read_image, resize_image

NORMAL = "normal"


@dataclass(frozen=True)
class Surface:
    """A photograph as the network sees it.

    places: the score of each, float32 [rows, columns]; raw distances.
    scores: the same at the photograph's size, float32 [height, width].
    grey: the photograph's brightness, uint8 [height, width].
    factor: pixels of the photograph for each pixel that was looked at, 1 unless it was reduced.
    """

    places: np.ndarray
    scores: np.ndarray
    grey: np.ndarray
    factor: float


@dataclass(frozen=True)
class Region:
    """One unusual region: where it is, the highest score in it, its name and how sure that is."""

    component: Component
    score: float
    result: str
    confidence: float


class Detector:
    """A loaded model with its card and bank.

    >>> Detector(Path("wood.tflite")).detect(Path("board.jpg"))  # doctest: +SKIP
    Decision(result='anomaly', confidence=0.99, mask=array(...))
    """

    def __init__(self, path: Path | str, threads: int = 1, threshold: float | None = None) -> None:
        """Load a model whose card states the decision "anomaly".

        threshold: the probability of "anomaly" from which a place counts as one; default 0.5, the model's own score.

        Raises:
            InputError: the file is no such model, or its parts do not fit.
        """
        artefact = read_artefact(Path(path))
        self._set_up(artefact, read_card(artefact, str(path)), str(path), threads)
        self.threshold = self.card.threshold if threshold is None else threshold

    def _set_up(self, artefact: Artefact, card: Card, name: str, threads: int) -> None:
        if card.decision != ANOMALY or BANK_NAME not in artefact.files:
            raise InputError(f"{name}: is no model for anomalies: it needs {BANK_NAME}. Export a run of such a recipe.")
        self.card = card
        self.network = FeatureNetwork(artefact.flatbuffer, name, threads)
        self.bank: Bank = read_bank(artefact.files[BANK_NAME], self.network.features, name)
        self.tiling = make_tiling(self.network, self.bank, name)
        self.names: RegionNames | None = None
        if NAMES_NAME in artefact.files:
            self.names = read_names(artefact.files[NAMES_NAME], card.region_labels, name)

    @cached_property
    def score_threshold(self) -> float:
        """Return the raw score at which the probability of "anomaly" is the threshold; -inf or inf at 0 and 1."""
        if not 0 < self.threshold < 1:
            return float("-inf") if self.threshold <= 0 else float("inf")
        return self.bank.threshold + self.bank.width * float(np.log(self.threshold / (1 - self.threshold)))

    def detect(self, image: Path | str | np.ndarray) -> Decision:
        """Decide about one photograph: a file, or uint8 pixels [height, width, 3], RGB.

        result: "anomaly" where any region is one, else "normal"; confidence: in that result; mask: uint8 [height,
        width], 255 where an anomaly is.

        Raises:
            InputError: the file is no readable picture.
        """
        surface = self.look(image)
        return self.decide(surface, self.find(surface))

    def look(self, image: Path | str | np.ndarray) -> Surface:
        """Return the scores of a photograph, raw."""
        pixels = image if isinstance(image, np.ndarray) else read_image(Path(image))
        seen = as_seen(pixels, self.bank.longest_side, self.bank.even_light)
        places = self.bank.scores(self.tiling.look(self.network, seen), self.tiling.stride)
        # one resize from the map to the photograph, whether that was reduced or not
        scores = enlarge(places, self.tiling.stride, seen.shape[:2], pixels.shape[:2])
        return Surface(places, scores, brightness(pixels), pixels.shape[1] / seen.shape[1])

    def find(self, surface: Surface) -> list[Component]:
        """Return the regions that are anomalies, the largest first."""
        if self.bank.score_share and top_mean(surface.places, self.bank.score_share) < self.score_threshold:
            return []
        smallest = max(1, round(self.bank.smallest_area * surface.factor**2))
        mask = surface.scores >= self.score_threshold
        if mask.any() and self.bank.halo and self.threshold > 0:
            mask &= surface.scores >= self._halves(surface)
        return find_components(mask, smallest)

    def decide(self, surface: Surface, components: list[Component]) -> Decision:
        """Return the decision about a photograph whose regions are found."""
        mask = np.zeros(surface.scores.shape, np.uint8)
        for component in components:
            mask[component.place][component.mask] = 255
        score = self.image_score(surface, components)
        probability = self.probability(score)
        if components:
            return Decision(ANOMALY, max(probability, self.threshold), mask)
        return Decision(NORMAL, 1 - min(probability, self.threshold), mask)

    def probability(self, score: float) -> float:
        """Return the probability of "anomaly" that a raw score stands for."""
        return float(logistic(np.array((score - self.bank.threshold) / self.bank.width)))

    def image_score(self, surface: Surface, components: list[Component]) -> float:
        """Return the photograph's score, raw.

        The mean over its highest places where the bank says so; else the highest of a region that counts, or of all.
        """
        if self.bank.score_share:
            return top_mean(surface.places, self.bank.score_share)
        if components:
            return max(float(surface.scores[one.place][one.mask].max()) for one in components)
        return float(surface.scores.max())

    def name(self, surface: Surface, components: list[Component]) -> list[Region]:
        """Name regions; without names to give each is an "anomaly"."""
        regions = []
        for component in components:
            score = float(surface.scores[component.place][component.mask].max())
            result, confidence = ANOMALY, self.probability(score)
            if self.names is not None:
                result, confidence = self.names.name(describe(component, surface.scores, surface.grey, surface.factor))
            regions.append(Region(component, score, result, confidence))
        return regions

    def _halves(self, surface: Surface) -> np.ndarray:
        """Return the score that a place needs beside higher ones, float32 [height, width]."""
        halves = half_heights(surface.places, max(1, round(self.bank.halo / self.tiling.stride)))
        height, width = surface.scores.shape
        seen = (max(1, round(height / surface.factor)), max(1, round(width / surface.factor)))
        return enlarge(halves, self.tiling.stride, seen, (height, width))


def finds_anomalies(path: Path) -> bool:
    """Tell whether a model's card states the decision "anomaly"; False for one from elsewhere.

    Raises:
        InputError: the file is no model, or its card is damaged.
    """
    artefact = read_artefact(path)
    return CARD_NAME in artefact.files and read_card(artefact, str(path)).decision == ANOMALY


def load_detector(settings: WorkerSettings) -> Detector:
    """Return the detector that a worker's settings describe.

    Raises:
        InputError: see Detector; or the settings hold what only classifiers have.
    """
    if settings.labels is not None or settings.scaling is not None:
        raise InputError(f"{settings.model}: carries its card. Leave --labels and --scaling out.")
    if settings.top > 1:
        raise InputError("--top: only for classifiers. A photograph is an anomaly or normal; leave it out.")
    return Detector(settings.model, settings.threads, settings.threshold)


def make_tiling(network: FeatureNetwork, bank: Bank, name: str = "model") -> Tiling:
    """Return the tiling of a network by its bank's margin.

    Raises:
        InputError: the margin leaves nothing of a tile, or is no whole number of places.
    """
    if 2 * bank.margin >= network.side or bank.margin % network.stride:
        raise InputError(f"{name}: {BANK_NAME}: the margin {bank.margin} does not fit tiles of {network.side} pixels.")
    return Tiling(network.side, bank.margin, network.stride, bank.lag)


def brightness(pixels: np.ndarray) -> np.ndarray:
    """Return uint8 [height, width] of RGB pixels."""
    return np.asarray(Image.fromarray(pixels).convert("L"))


def as_seen(pixels: np.ndarray, longest_side: int, window: int) -> np.ndarray:
    """Return a photograph as the network is to see it: reduced, its light evened; see Bank."""
    seen = reduce(pixels, longest_side)
    return even_light(seen, window) if window else seen


def reduce(pixels: np.ndarray, longest_side: int) -> np.ndarray:
    """Return the photograph with its longest side reduced to longest_side pixels; 0 or a smaller one leaves it."""
    height, width = pixels.shape[:2]
    if not longest_side or max(height, width) <= longest_side:
        return pixels
    factor = longest_side / max(height, width)
    return resize_image(pixels, (max(1, round(height * factor)), max(1, round(width * factor))))
