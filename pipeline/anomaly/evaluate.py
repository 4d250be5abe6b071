"""A released model, held-out scores and masks -> the report of an anomaly run."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from inference.anomaly.anomaly_map import AnomalyMap
from inference.anomaly.detector import Detector, brightness
from inference.anomaly.memory_bank import enlarge
from inference.model.decide import ANOMALY
from inference.pictures.image_io import read_image
from inference.version import VERSION
from pipeline.anomaly.photos import FIT, AnomalyPhoto, Measured, known_to_be_clean, read_photos
from pipeline.anomaly.pictures import write_pictures
from pipeline.anomaly.prevalence import Prevalence, resolve_recipe
from pipeline.anomaly.sections import (
    AnomalyCalibration,
    AnomalyCost,
    AnomalyData,
    AnomalyMetrics,
    AnomalyReport,
    AnomalyTraining,
    CurvePoint,
    NameReport,
    PhotoLine,
    PixelFigures,
    ReportedSettings,
    share_of_clean,
)
from pipeline.metrics.intervals import Estimate, bootstrap, share_of
from pipeline.metrics.ranking import auroc
from pipeline.metrics.segmentation import aupro, best_f1, f1
from pipeline.progress import track
from pipeline.report.stored import read_section
from pipeline.settings.run_folder import RunFolder, read_json

REPORT_FORMAT = 1
CURVE = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.99)  # probabilities of the threshold curve


def evaluate_anomalies(run: RunFolder) -> AnomalyReport:
    """Return the report of a run, measured on its released model.

    Photographs of the memory bank are scored by memory
    banks without them and their group, test photographs by the released model. Thresholds are the model's own; no mask
    was used to choose anything.
    """
    recipe = resolve_recipe(run)
    calibration = read_section(AnomalyCalibration, run.calibration, "Calibrate first.")
    detector = Detector(run.model, threads=2)
    photos = read_photos(run.photos)
    clean = known_to_be_clean(photos)
    with np.load(run.held_out_scores) as held_out:
        read = track(photos, len(photos), "photographs measured")
        measured = [measure_photo(detector, photo, held_out, calibration.clean, photo.name in clean) for photo in read]
    environment = read_json(run.environment, "Start a new run.")
    return AnomalyReport(
        format=REPORT_FORMAT,
        recipe=recipe.name,
        title=recipe.title,
        run=run.path.name,
        machine=environment["machine"],
        seed=recipe.seed,
        released=recipe.export.mode,
        settings=ReportedSettings(trunk=recipe.network.trunk, **vars(recipe.anomaly)),
        data=describe_data(measured, read_json(run.data, "Start a new run.")),
        training=read_section(AnomalyTraining, run.fit, "Fit first."),
        calibration=calibration,
        metrics=measure(measured),
        photos=tuple(describe_photo(one) for one in measured),
        pictures=write_pictures(run.maps, measured, detector.score_threshold),
        names=read_section(NameReport, run.name_report, "") if run.name_report.is_file() else None,
        cost=measure_cost(run.model, detector, photos),
        prevalence=read_section(Prevalence, run.prevalence, "") if run.prevalence.is_file() else None,
        curve=threshold_curve(run.model, measured),
        version=VERSION,
    )


def measure_photo(
    detector: Detector, photo: AnomalyPhoto, held_out: Any, clean_fit: bool, clean: bool = False
) -> Measured:
    """Return the model's result for one photograph.

    held_out: scores of the photographs of the fit, by name; clean_fit: these show no anomalies; clean: the same of this
    photograph, so that it counts as one with an empty mask.
    """
    pixels = read_image(photo.path)
    seen = photo.split == FIT
    anomaly_map = map_of(detector, held_out[photo.name], pixels) if seen else detector.anomaly_map(pixels)
    components = detector.find(anomaly_map)
    decision = detector.decide(anomaly_map, components)
    mask = photo.read_mask((pixels.shape[0], pixels.shape[1]))
    if mask is None and clean:
        mask = np.zeros(pixels.shape[:2], bool)
    is_anomaly = bool(mask.any()) if mask is not None else (False if clean_fit and seen else None)
    found = np.asarray(decision.mask) > 0
    score = detector.image_score(anomaly_map, components)
    return Measured(photo, anomaly_map.scores, found, score, decision.result, decision.confidence, mask, is_anomaly)


def map_of(detector: Detector, positions: np.ndarray, pixels: np.ndarray) -> AnomalyMap:
    """Return the anomaly map of a photograph, uint8 [height, width, 3], from the scores of its positions."""
    size = (pixels.shape[0], pixels.shape[1])
    longest = detector.memory_bank.longest_side
    factor = max(1.0, max(size) / longest) if longest else 1.0
    seen = (max(1, round(size[0] / factor)), max(1, round(size[1] / factor)))
    scores = enlarge(positions, detector.tiling.stride, seen, size)
    return AnomalyMap(positions, scores, brightness(pixels), size[1] / seen[1])


def measure(measured: Sequence[Measured]) -> AnomalyMetrics:
    """Return all figures; pixel figures pool all photographs with a mask, as published figures do.

    Pixel figures have no interval: there are few photographs with anomalies, and the figures of each photograph show
    the spread.
    """
    known = [one for one in measured if one.is_anomaly is not None]
    clean = [one for one in known if not one.is_anomaly]
    flagged = np.array([one.result == ANOMALY for one in known], bool)
    anomalous = np.array([bool(one.is_anomaly) for one in known], bool)
    return AnomalyMetrics(
        image_auroc=_image_auroc(known, anomalous),
        flagged_clean=share_of_clean([one.result == ANOMALY for one in clean], [one.photo.split for one in clean]),
        found_anomalous=share_of(flagged[anomalous]),
        **vars(_pixel_figures([one for one in measured if one.mask is not None])),
    )


def threshold_curve(model: Path, measured: Sequence[Measured]) -> tuple[CurvePoint, ...]:
    """Return what other thresholds would find, by scores alone: regions too small or too faint beside others count."""
    points = []
    for probability in CURVE:
        detector = Detector(model, threshold=probability)
        score, shared = detector.score_threshold, bool(detector.memory_bank.score_share)
        flagged = [one for one in measured if (one.score if shared else float(one.scores.max())) >= score]
        found = sum(int((one.scores >= score).sum()) for one in flagged)
        points.append(CurvePoint(probability, len(flagged), found / sum(one.scores.size for one in measured)))
    return tuple(points)


def describe_photo(one: Measured) -> PhotoLine:
    """Return the report's line for one photograph."""
    true = one.mask if one.mask is not None and one.mask.any() else None
    return PhotoLine(
        name=one.photo.name,
        split=one.photo.split,
        score=one.score,
        result=one.result,
        confidence=one.confidence,
        is_anomaly=one.is_anomaly,
        found_pixels=int(one.found.sum()),
        true_pixels=None if one.mask is None else int(one.mask.sum()),
        aupro=None if true is None else aupro([one.scores], [true]),
        f1=None if true is None else f1(one.found.ravel(), true.ravel()),
    )


def describe_data(measured: Sequence[Measured], data: dict[str, Any]) -> AnomalyData:
    """Return the number of photographs of each kind; data: the content of data.json."""
    return AnomalyData(
        kind=data["kind"],
        refused=tuple(data["refused"]),
        notes=tuple(data.get("notes", ())),  # earlier versions wrote none
        fit=sum(one.photo.split == FIT for one in measured),
        test=sum(one.photo.split != FIT for one in measured),
        masks=sum(bool(one.photo.mask) for one in measured),
        anomalous=sum(one.is_anomaly is True for one in measured),
        clean=sum(one.is_anomaly is False for one in measured),
        unknown=sum(one.is_anomaly is None for one in measured),
    )


def measure_cost(model: Path, detector: Detector, photos: Sequence[AnomalyPhoto]) -> AnomalyCost:
    """Return bytes, and seconds per photograph on two threads, without decoding."""
    pixels = read_image(photos[0].path)
    seconds = min(_seconds(lambda: detector.detect(pixels)) for _ in range(3))
    return AnomalyCost(model.stat().st_size, seconds, pixels.shape[0] * pixels.shape[1] / 1e6, threads=2)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _image_auroc(known: Sequence[Measured], anomalous: np.ndarray) -> Estimate:
    scores = np.array([one.score for one in known])
    names = np.array([one.photo.name for one in known])
    return bootstrap(auroc(scores, anomalous), lambda drawn: auroc(scores[drawn], anomalous[drawn]), names)


def _pixel_figures(masked: Sequence[Measured]) -> PixelFigures:
    masks = [one.mask for one in masked if one.mask is not None]
    if not any(mask.any() for mask in masks):
        return PixelFigures(None, None, None, None, None, None)
    scores = np.concatenate([one.scores.ravel() for one in masked])
    positive = np.concatenate([mask.ravel() for mask in masks])
    best = best_f1(scores, positive)
    return PixelFigures(
        pixel_auroc=auroc(scores, positive),
        aupro=aupro([one.scores for one in masked], masks),
        best_f1=best.value if best else None,
        best_f1_threshold=best.threshold if best else None,
        f1=f1(np.concatenate([one.found.ravel() for one in masked]), positive),
        pixels=len(positive),
    )
