"""Measure how much a classifier uses colour and structure: accuracy on test patches with one of them removed.

    python -m benchmarks.colour_and_structure RUN [--json OUT]

RUN: an exported run's or cross-validation's folder. Each test patch of a class is resized to the network's input,
changed, and classified by the runner's code with nothing rejected; folds of a cross-validation are pooled. Changed
patches differ from all training patches, so a lower accuracy means that the network used the removed property or was
confused by the change; the remaining accuracy does not depend on it.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from benchmarks.folds import classes_of, percent_text, runs_of, show
from inference.model.classifier import Classifier
from inference.pictures.image_io import read_image, resize_image
from pipeline.classification.stages import run_index
from pipeline.metrics.intervals import share_of
from pipeline.random_generator import make_generator
from pipeline.settings.run_folder import RunFolder, describe_machine

MIDDLE_GREY = 128
BLUR = 0.1  # standard deviation of the Gaussian as a share of the side


def main(arguments: list[str]) -> int:
    """Print one line per variant; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.colour_and_structure")
    parser.add_argument("run", type=Path, metavar="RUN", help="a folder of `pipeline run` or `pipeline crossval`")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures here too")
    options = parser.parse_args(arguments)
    return show(lambda: measure_variants(options.run), table, options.json)


def measure_variants(path: Path) -> dict[str, Any]:
    """Return the accuracy of each variant, overall and by class, each an estimate of pipeline.metrics.intervals.

    Raises:
        InputError: a run is not exported, or its patches are missing.
    """
    runs = runs_of(path)
    parts = [_classify_run(run) for run in runs]
    labels = np.concatenate([true for true, _ in parts])
    classes = dict.fromkeys(label for run in runs for label in classes_of(Classifier(run.model)))
    variants = {}
    for name in VARIANTS:
        right = np.concatenate([given[name] for _, given in parts]) == labels
        per_class = {label: share_of(right[labels == label]) for label in classes}
        variants[name] = {"accuracy": share_of(right), "per_class": per_class}
    return {"machine": describe_machine(), "runs": [run.path.name for run in runs], "variants": variants}


def table(report: dict[str, Any]) -> list[str]:
    """Return the report for a terminal: a line per variant, then a table of classes by variant."""
    variants = report["variants"]
    lines = ["accuracy in percent [95 % interval], nothing rejected"]
    for name, figures in variants.items():
        lines.append(f"  {name:26}{percent_text(figures['accuracy'])}  n = {figures['accuracy'].n}")
    lines += ["", f"  {'by class':20}{'n':>5}" + "".join(f"{_short(name):>12}" for name in variants)]
    for label, estimate in variants["as it is"]["per_class"].items():
        shares = (figures["per_class"][label].value for figures in variants.values())
        texts = ("?" if share is None else f"{100 * share:.1f}" for share in shares)
        lines.append(f"  {label:20}{estimate.n:>5}" + "".join(f"{text:>12}" for text in texts))
    return lines


def grey(rgb: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return the luma (ITU-R 601) in every channel: structure and brightness remain. uint8 [height, width, 3]."""
    return np.asarray(Image.fromarray(rgb).convert("L").convert("RGB"))


def grey_without_brightness(rgb: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return the same with the mean shifted to middle grey: the mean colour is removed, except for clipping."""
    luma = grey(rgb, random).astype(np.float32)
    return (luma - luma.mean() + MIDDLE_GREY).round().clip(0, 255).astype(np.uint8)


def shuffle_pixels(rgb: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return the pixels in random order: the colour histogram remains, structure does not."""
    return random.permutation(rgb.reshape(-1, 3)).reshape(rgb.shape)


def blur(rgb: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return the picture blurred by BLUR of the side: the layout of colours remains, texture does not."""
    radius = BLUR * min(rgb.shape[:2])
    return np.asarray(Image.fromarray(rgb).filter(ImageFilter.GaussianBlur(radius)))


def _keep(rgb: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return rgb


VARIANTS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "as it is": _keep,
    "grey": grey,
    "grey, mean taken out": grey_without_brightness,
    "colour only, shuffled": shuffle_pixels,
    "blurred": blur,
}


def _classify_run(run: RunFolder) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the true labels of a run's test patches, str [patches], and the labels given to each variant."""
    classifier = Classifier(run.model, threshold=0.0)
    index = run_index(run).select("test", classes_of(classifier))
    given: dict[str, list[str]] = {name: [] for name in VARIANTS}
    for patch in index.patches:
        pixels = resize_image(read_image(index.path(patch)), classifier.card.input_size)
        for name, change in VARIANTS.items():
            changed = change(pixels, make_generator(0, name, patch.file))
            given[name].append(classifier.classify(changed).result)
    labels = np.array([patch.label for patch in index.patches])
    return labels, {name: np.array(results) for name, results in given.items()}


def _short(name: str) -> str:
    return name.split(",")[-1].strip().removesuffix(" out")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
