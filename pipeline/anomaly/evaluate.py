"""A released model, held-out scores and masks -> the report dict of a run that looks for anomalies."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from inference.anomaly.detector import AnomalyMap, Detector, brightness
from inference.anomaly.memory_bank import enlarge
from inference.model.decide import ANOMALY
from inference.pictures.image_io import read_image
from pipeline.anomaly.measured import Measured
from pipeline.anomaly.photos import FIT, SurfacePhoto, read_photos
from pipeline.anomaly.pictures import write_pictures
from pipeline.metrics.intervals import bootstrap, proportion
from pipeline.metrics.segmentation import aupro, auroc, best_f1, f1
from pipeline.settings.run_folder import RunFolder, read_json

REPORT_FORMAT = 1
Report = dict[str, Any]


def evaluate_surfaces(run: RunFolder) -> Report:
    """Measure a run's released model.

    A photograph of the fit is measured by the scores that a bank without it and its group gave, one of the test by
    the released model itself. Thresholds are the model's own; no mask had a part in any choice.
    """
    recipe, calibration = run.read_recipe(), read_json(run.calibration, "Calibrate first.")
    detector = Detector(run.model, threads=2)
    photos = read_photos(run.photos)
    with np.load(run.held_out_scores) as held_out:
        measured = [measure_photo(detector, photo, held_out, calibration["clean"]) for photo in photos]
    environment = read_json(run.environment, "Start a new run.")
    return {
        "format": REPORT_FORMAT,
        "recipe": recipe.name,
        "title": recipe.title,
        "run": run.path.name,
        "machine": environment["machine"],
        "seed": recipe.seed,
        "released": recipe.export.mode,
        "settings": {"trunk": recipe.network.trunk, **_listed(recipe.anomaly)},
        "data": describe_data(measured, read_json(run.data, "Start a new run.")),
        "training": read_json(run.fit, "Fit first."),
        "calibration": calibration,
        "metrics": measure(measured),
        "photos": [describe_photo(one) for one in measured],
        "pictures": write_pictures(run.maps, measured, detector.score_threshold),
        "names": read_json(run.name_report, "") if run.name_report.is_file() else None,
        "cost": measure_cost(run.model, detector, photos),
    }


def measure_photo(detector: Detector, photo: SurfacePhoto, held_out: Any, clean: bool) -> Measured:
    """Let the model look at one photograph; held_out has the scores of those of the fit, by name."""
    pixels = read_image(photo.path)
    seen = photo.split == FIT
    surface = surface_of(detector, held_out[photo.name], pixels) if seen else detector.anomaly_map(pixels)
    components = detector.find(surface)
    decision = detector.decide(surface, components)
    mask = photo.read_mask((pixels.shape[0], pixels.shape[1]))
    is_anomaly = bool(mask.any()) if mask is not None else (False if clean and photo.split == FIT else None)
    found = np.asarray(decision.mask) > 0
    score = detector.image_score(surface, components)
    return Measured(photo, surface.scores, found, score, decision.result, decision.confidence, mask, is_anomaly)


def surface_of(detector: Detector, places: np.ndarray, pixels: np.ndarray) -> AnomalyMap:
    """Return a photograph, uint8 [height, width, 3], of which the scores of the places are known."""
    size = (pixels.shape[0], pixels.shape[1])
    longest = detector.memory_bank.longest_side
    factor = max(1.0, max(size) / longest) if longest else 1.0
    seen = (max(1, round(size[0] / factor)), max(1, round(size[1] / factor)))
    scores = enlarge(places, detector.tiling.stride, seen, size)
    return AnomalyMap(places, scores, brightness(pixels), size[1] / seen[1])


def measure(measured: Sequence[Measured]) -> Report:
    """Return every figure; those of pixels over all photographs with a mask, as published figures pool them.

    Pixel figures have no interval: the photographs with anomalies are few, and each photograph's own figures show how
    far they lie apart.
    """
    masked = [one for one in measured if one.mask is not None]
    known = [one for one in measured if one.is_anomaly is not None]
    flagged = np.array([one.result == ANOMALY for one in known], bool)
    anomalous = np.array([bool(one.is_anomaly) for one in known], bool)
    return {
        "image_auroc": _image_auroc(known, anomalous),
        "flagged_clean": proportion(int(flagged[~anomalous].sum()), int((~anomalous).sum())),
        "found_anomalous": proportion(int(flagged[anomalous].sum()), int(anomalous.sum())),
        **_pixel_figures(masked),
    }


def describe_photo(one: Measured) -> Report:
    """Return one photograph's line of the report."""
    has = one.mask is not None and bool(one.mask.any())
    return {
        "name": one.photo.name,
        "split": one.photo.split,
        "score": one.score,
        "result": one.result,
        "confidence": one.confidence,
        "is_anomaly": one.is_anomaly,
        "found_pixels": int(one.found.sum()),
        "true_pixels": None if one.mask is None else int(one.mask.sum()),
        "aupro": aupro([one.scores], [one.mask]) if has and one.mask is not None else None,
        "f1": f1(one.found.ravel(), one.mask.ravel()) if has and one.mask is not None else None,
    }


def describe_data(measured: Sequence[Measured], data: Report) -> Report:
    """Return how many photographs there are of each kind."""
    return {
        "kind": data["kind"],
        "refused": data["refused"],
        "fit": sum(one.photo.split == FIT for one in measured),
        "test": sum(one.photo.split != FIT for one in measured),
        "masks": sum(one.mask is not None for one in measured),
        "anomalous": sum(one.is_anomaly is True for one in measured),
        "clean": sum(one.is_anomaly is False for one in measured),
        "unknown": sum(one.is_anomaly is None for one in measured),
    }


def measure_cost(model: Path, detector: Detector, photos: Sequence[SurfacePhoto]) -> Report:
    """Return bytes, and seconds for one photograph on two threads, decoding not counted."""
    pixels = read_image(photos[0].path)
    seconds = min(_seconds(lambda: detector.detect(pixels)) for _ in range(3))
    megapixels = pixels.shape[0] * pixels.shape[1] / 1e6
    return {"bytes": model.stat().st_size, "seconds": seconds, "megapixels": megapixels, "threads": 2}


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _image_auroc(known: Sequence[Measured], anomalous: np.ndarray) -> Report:
    scores = np.array([one.score for one in known])
    names = np.array([one.photo.name for one in known])
    return bootstrap(auroc(scores, anomalous), lambda drawn: auroc(scores[drawn], anomalous[drawn]), names)


def _pixel_figures(masked: Sequence[Measured]) -> Report:
    """Return the figures over all pixels of photographs with a mask; None where there is no anomaly among them."""
    masks = [one.mask for one in masked if one.mask is not None]
    if not masks or not any(mask.any() for mask in masks):
        return dict.fromkeys(("pixel_auroc", "aupro", "best_f1", "best_f1_threshold", "f1", "pixels"))
    scores = np.concatenate([one.scores.ravel() for one in masked])
    positive = np.concatenate([mask.ravel() for mask in masks])
    found = np.concatenate([one.found.ravel() for one in masked])
    best = best_f1(scores, positive)
    return {
        "pixel_auroc": auroc(scores, positive),
        "aupro": aupro([one.scores for one in masked], masks),
        "best_f1": best and best.value,
        "best_f1_threshold": best and best.threshold,
        "f1": f1(found, positive),
        "pixels": len(positive),
    }


def _listed(settings: Any) -> Report:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(settings).items()}
