"""Results for photographs -> pictures for the report: the photograph with outlines, and its anomaly map."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from inference.atomic_file import write_atomically
from inference.pictures.encode import FULL_COLOUR, jpeg_bytes
from inference.pictures.image_io import read_image
from pipeline.anomaly.photos import Measured
from pipeline.anomaly.sections import PhotoPictures
from pipeline.report.heat_map import draw_heat_map

MOST_PICTURES = 24
LONGEST_SIDE = 640  # pixels
_FOUND, _TRUE = (255, 64, 32), (40, 200, 255)  # RGB
_LINE = 2  # pixels
_TINY = 14  # pixels; a region of the picture that is smaller gets a circle around it


def write_pictures(folder: Path, measured: Sequence[Measured], threshold: float) -> tuple[PhotoPictures, ...]:
    """Write the pictures of up to MOST_PICTURES photographs under the folder; return their entries of the report.

    Photographs with anomalies come first, then flagged ones, each sorted by score, highest first.
    """
    order = sorted(measured, key=lambda one: (one.is_anomaly is not True, one.result == "normal", -one.score))
    entries = []
    for one in order[:MOST_PICTURES]:
        pixels = read_image(one.photo.path)
        stem = hashlib.sha256(one.photo.name.encode("utf-8", "surrogateescape")).hexdigest()[:12]
        pictures = {
            "found": draw_found(pixels, one.found, one.mask),
            "heat": draw_scores(pixels, one.scores, threshold),
        }
        for kind, picture in pictures.items():
            write_atomically(folder / f"{stem}-{kind}.jpg", jpeg_bytes(picture, 85, FULL_COLOUR))
        paths = {kind: f"{folder.name}/{stem}-{kind}.jpg" for kind in pictures}
        entries.append(PhotoPictures(one.photo.name, **paths))
    return tuple(entries)


def draw_scores(pixels: np.ndarray, scores: np.ndarray, threshold: float) -> np.ndarray:
    """Return the photograph in grey, overlaid with its scores: transparent at the median, orange at the threshold.

    Args: pixels uint8 [height, width, 3]; scores float [height, width]; threshold: score from which a position is an
    anomaly.
    """
    low = float(np.median(scores))
    heat = (scores - low) / max(2 * (threshold - low), 1e-9)
    side = min(LONGEST_SIDE, max(pixels.shape[:2]))
    return draw_heat_map(pixels, np.clip(heat, 0, 1), side)


def draw_found(pixels: np.ndarray, found: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """Return the photograph with the found regions outlined in red and the mask outlined in blue.

    A tiny region has a circle around it, so that it is seen at a glance.
    """
    factor = min(1.0, LONGEST_SIDE / max(pixels.shape[:2]))
    size = (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))
    picture = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)).copy()
    for area, colour in ((mask, _TRUE), (found, _FOUND)):
        if area is not None and area.any():
            cv2.drawContours(picture, _outlines(area, size), -1, colour, _LINE, cv2.LINE_AA)
    return picture


def _outlines(area: np.ndarray, size: tuple[int, int]) -> list[np.ndarray]:
    """Return the contours of bool [height, width] in a picture of size (width, height), circles around tiny regions.

    Regions nearer to each other than a circle's radius count as one.
    """
    small = (cv2.resize(area.astype(np.uint8), size, interpolation=cv2.INTER_AREA) > 0).astype(np.uint8)
    lines = list(cv2.findContours(small, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)[0])
    widened = cv2.dilate(small, np.ones((_TINY + 1, _TINY + 1), np.uint8))
    boxes = cv2.connectedComponentsWithStats(widened, connectivity=8)[2][1:]
    tiny = [box for box in boxes if max(box[2], box[3]) < 2 * _TINY]
    turns = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    circle = np.stack([np.cos(turns), np.sin(turns)], axis=1) * _TINY
    middles = [np.array([left + width / 2, top + height / 2]) for left, top, width, height, _ in tiny]
    return lines + [np.round(circle + middle).astype(np.int32)[:, np.newaxis] for middle in middles]
