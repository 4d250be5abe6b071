"""Views of test patches -> the network's answers with parts hidden, and Grad-CAM maps.

A hidden part is filled with the mean colour of the visible part, so that the fill carries no information about it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import keras
import numpy as np

from inference.model.classifier import Classifier
from inference.pictures.image_io import resize_image
from pipeline.evaluation.grad_cam import grad_cam
from pipeline.sanity.specimen_views import View

WHOLE, INSIDE_HIDDEN, OUTSIDE_HIDDEN = "whole", "inside_hidden", "outside_hidden"
_EXAMPLE_SIDE = 240


@dataclass(frozen=True)
class SeenViews:
    """Answers and pixels of n views.

    answers: to the whole view, with the inside hidden, with the outside hidden: str [n] each, nothing rejected. pixels:
    uint8 [n, side, side, 3] at the network's input size. inside: float [n, side, side], the share of each pixel that is
    inside. small: the views with their own aspect ratio, at display size.
    """

    small: tuple[View, ...]
    answers: dict[str, np.ndarray]
    pixels: np.ndarray
    inside: np.ndarray


def hide(pixels: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Return uint8 [height, width, 3] with the hidden part, bool [height, width], in the mean colour of the rest.

    If everything is hidden, the result is mid-grey.
    """
    result = pixels.copy()
    result[hidden] = pixels[~hidden].mean(axis=0).round() if not hidden.all() else 128
    return result


def classify_views(views: Iterable[View], classifier: Classifier, side: int) -> SeenViews:
    """Return the answers of the released file to each view, whole and with parts hidden, and the views' pixels.

    The classifier must reject nothing: threshold 0.
    """
    small, pixels, inside = [], [], []
    answers: dict[str, list[str]] = {WHOLE: [], INSIDE_HIDDEN: [], OUTSIDE_HIDDEN: []}
    for view in views:
        small.append(_reduced(view))
        variants = view.pixels, hide(view.pixels, view.inside), hide(view.pixels, ~view.inside)
        for given, variant in zip(answers.values(), variants, strict=True):
            given.append(classifier.classify(variant).result)
        pixels.append(resize_image(view.pixels, (side, side)))
        inside.append(resize_image(view.inside.astype(np.uint8) * 255, (side, side)) / 255)
    return SeenViews(
        tuple(small),
        {name: np.array(given, str) for name, given in answers.items()},
        np.array(pixels, np.uint8).reshape(-1, side, side, 3),
        np.array(inside, float).reshape(-1, side, side),
    )


def map_evidence(network: keras.Model, pixels: np.ndarray, classes: int) -> np.ndarray:
    """Return the Grad-CAM maps of the network's best class, float32 [n, side, side]; see evaluation.grad_cam.

    Args: pixels uint8 [n, side, side, 3]; classes: number of outputs, the first ones, that are classes.
    """
    if not len(pixels):
        return np.zeros(pixels.shape[:3], np.float32)
    logits = network.predict(pixels.astype(np.float32), verbose=0)
    return grad_cam(network, pixels, logits[:, :classes].argmax(axis=1))


def shares_inside(maps: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Return the share of each map's mass that is inside, float [n]; NaN for an empty map.

    Args: maps float [n, side, side], at least 0; inside float [n, side, side], from 0 to 1.
    """
    mass, total = (maps * inside).sum(axis=(1, 2)), maps.sum(axis=(1, 2))
    return np.divide(mass, total, out=np.full(len(maps), np.nan), where=total > 0)


def draw_example(view: View, heat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a view with its inside outlined, and the same with its Grad-CAM map: uint8 [height, width, 3] each.

    Args: heat float [side, side], 0 to 1.
    """
    light = resize_image((heat * 255).round().astype(np.uint8), view.inside.shape)[..., np.newaxis] / 255
    pictures = view.pixels.copy(), (view.pixels * (0.15 + 0.85 * light)).astype(np.uint8)
    edge = _outline(view.inside)
    for picture in pictures:
        picture[_thickened(edge)] = 0
        picture[edge] = 255
    return pictures


def _reduced(view: View) -> View:
    """Return a view at display size."""
    height, width = view.inside.shape
    factor = _EXAMPLE_SIDE / max(height, width)
    size = max(round(height * factor), 1), max(round(width * factor), 1)
    inside = resize_image(view.inside.astype(np.uint8) * 255, size) >= 128
    return View(view.patch, resize_image(view.pixels, size).copy(), inside)


def _outline(inside: np.ndarray) -> np.ndarray:
    """Return bool [height, width]: pixels inside that have a neighbour outside or are at the picture's edge."""
    padded = np.pad(inside, 1)
    return inside & ~(padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:])


def _thickened(edge: np.ndarray) -> np.ndarray:
    return cv2.dilate(edge.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
