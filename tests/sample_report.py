"""A report with made-up but consistent numbers, a training history and pictures, for tests and for looking at."""

import argparse
import math
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipeline.report.report import summary_lines, write_report
from pipeline.report.sections import ClassificationReport
from pipeline.report.stored import parse_section

CLASSES = ("quartz", "biotite", "bornite", "chrysocolla", "malachite", "muscovite", "pyrite")  # not by alphabet
PATCHES = (60, 66, 58, 71, 83, 49, 77)  # test patches of each class
BACKGROUND = 140
BINS = 10


def parsed(report: dict[str, Any]) -> ClassificationReport:
    """Return a report of JSON as the program holds it."""
    return parse_section(ClassificationReport, report)


def sample_report(seed: int = 0) -> dict[str, Any]:
    """Return a full report as report.json has it: three models, every optional part present."""
    rng = np.random.default_rng(seed)
    return {
        "format": 2,
        "recipe": "minerals",
        "run": "20261122-153000-seed0",
        "machine": "2-core Intel Xeon 2.5 GHz, Linux, Python 3.11",
        "seed": seed,
        "data": _data(),
        "training": {"epochs": 24, "best_epoch": 17, "seconds": 913.4},
        "calibration": {
            "temperature": 1.31,
            "threshold": 0.624,
            "target_accepted": 0.95,
            "accepted": proportion(431, 453),
            "ood_scores": _ood_scores(),
        },
        "models": {"int8": _metrics(rng, 431), "float32": _metrics(rng, 434), "keras": _metrics(rng, 434)},
        "released": "int8",
        "baseline": {"name": "HSV histogram with logistic regression", "accuracy": proportion(331, 464)},
        "cost": {
            "parameters": 412_345,
            "macs": 38_212_000,
            "bytes": {"int8": 611_232, "float32": 1_702_116, "keras": 5_120_840},
            "latency_ms": {
                "int8": {"median": 2.31, "p95": 2.6, "n": 200},
                "float32": {"median": 3.42, "p95": 3.97, "n": 200},
            },
        },
        "parity": {
            "int8": {"agreement": proportion(599, 604), "mean_difference": 0.0112, "max_difference": 0.2034},
            "float32": {"agreement": proportion(604, 604), "mean_difference": 0.0, "max_difference": 0.0001},
        },
        "mistakes": _mistakes(),
        "label_errors": _label_errors(),
        "robustness": _robustness(),
    }


def _robustness() -> dict[str, Any]:
    right = {("blur", "weak"): 170, ("blur", "strong"): 121, ("looser box", "weak"): 168, ("looser box", "strong"): 155}
    changes = [
        {
            "change": change,
            "strength": strength,
            "accuracy": proportion(count, 200),
            "difference": {
                "value": count / 200 - 0.91,
                "low": count / 200 - 0.94,
                "high": count / 200 - 0.88,
                "n": 200,
            },
        }
        for (change, strength), count in right.items()
    ]
    return {"of": 464, "unchanged": proportion(182, 200), "changes": changes}


def _ood_scores() -> dict[str, Any]:
    values = {"softmax": (0.871, 0.902), "energy": (0.862, 0.911), "softmax x neighbours": (0.931, 0.978)}
    scores = {
        name: {
            kind: {"auroc": auroc, "fpr95": 3 * (1 - auroc), "n_known": 108, "n_unknown": 200}
            for kind, auroc in zip(("near", "far"), pair, strict=True)
        }
        for name, pair in values.items()
    }
    return {"decided_by": "softmax x neighbours", "scores": scores}


def sample_history(epochs: int = 24) -> list[dict[str, float]]:
    """Return a history whose validation loss turns up again after a while."""
    rng = np.random.default_rng(3)
    return [
        {
            "epoch": epoch,
            "loss": 1.9 * math.exp(-epoch / 6) + 0.12,
            "val_loss": 1.8 * math.exp(-epoch / 5) + 0.28 + 0.004 * epoch + 0.03 * rng.standard_normal(),
            "accuracy": 0.985 - 0.8 * math.exp(-epoch / 4),
            "val_accuracy": 0.93 - 0.75 * math.exp(-epoch / 4) + 0.012 * rng.standard_normal(),
            "learning_rate": 0.001,
            "seconds": 38.0,
        }
        for epoch in range(epochs)
    ]


def write_sample_pictures(folder: Path) -> None:
    """Write the pictures of the sample's mistakes: coloured noise, one of them missing on purpose."""
    shown = _mistakes()["shown"]
    files = [entry["file"] for entry in (*shown[:-1], *_label_errors()["shown"])]
    files += [one["file"] for entry in shown for one in (*entry["maps"], *entry["nearest"])]
    rng = np.random.default_rng(5)
    for number, file in enumerate(files):
        tint = rng.integers(40, 220, 3)
        coarse = np.clip(tint + rng.integers(-40, 40, (12, 12, 3)), 0, 255).astype(np.uint8)
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(coarse).resize((96 + 40 * (number % 3), 96), Image.Resampling.BICUBIC).save(path)


def proportion(right: int, n: int) -> dict[str, Any]:
    """Return an estimate with Wilson's score interval: 0 of 0 is undefined."""
    if n == 0:
        return {"value": None, "low": None, "high": None, "n": 0}
    value, z = right / n, 1.96
    centre = (value + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(value * (1 - value) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return {"value": value, "low": max(centre - half, 0.0), "high": min(centre + half, 1.0), "n": n}


def average(value: float, half: float, n: int) -> dict[str, Any]:
    """Return an estimate with an interval of the given half width."""
    return {"value": value, "low": max(value - half, 0.0), "high": min(value + half, 1.0), "n": n}


def _data() -> dict[str, Any]:
    patches = {
        split: {**{name: factor * n for name, n in zip(CLASSES, PATCHES, strict=True)}, "background": factor * 140}
        for split, factor in (("train", 4), ("validation", 1), ("test", 1))
    }
    refused = ["annotations.json: annotation 118: box has no area", "IMG_0441.jpg: cannot be read: is a directory."]
    photos = {"train": 420, "validation": 104, "test": 106}
    return {"kind": "embedded scenes", "photos": photos, "patches": patches, "clipped_boxes": 37, "refused": refused}


def _metrics(rng: np.random.Generator, right: int) -> dict[str, Any]:
    counts = _confusion_counts(rng)
    known = sum(PATCHES)
    unknown = int(counts[:-1, -1].sum())
    answered_right = int(np.trace(counts[:-1, :-1]))
    return {
        "accuracy": proportion(right, known),
        "top2_accuracy": proportion(right + (known - right) // 2, known),
        "balanced_accuracy": average(right / known - 0.006, 0.027, known),
        "macro_f1": average(right / known - 0.004, 0.026, known),
        "micro_f1": average(right / known, 0.024, known),
        "ece": average(0.031, 0.011, known),
        "rejected_known": proportion(unknown, known),
        "rejected_background": proportion(int(counts[-1, -1]), BACKGROUND),
        "accuracy_of_accepted": proportion(answered_right, known - unknown),
        "auroc_background": average(0.978, 0.012, known + BACKGROUND),
        "per_class": _per_class(counts),
        "confusion": {
            "rows": [*CLASSES, "background"],
            "columns": [*CLASSES, "unknown"],
            "counts": counts.tolist(),
        },
        "reliability": _reliability(known),
        "threshold_curve": _threshold_curve(),
    }


def _confusion_counts(rng: np.random.Generator) -> np.ndarray:
    """Return int [true label, result]: mostly right, background mostly unknown."""
    rows = []
    for place, n in enumerate(PATCHES):
        chances = np.full(len(CLASSES) + 1, 0.004)
        chances[place], chances[(place + 3) % 7], chances[-1] = 0.9, 0.03, 0.045
        rows.append(rng.multinomial(n, chances / chances.sum()))
    rows.append(rng.multinomial(BACKGROUND, [0.005] * 5 + [0.02, 0.01, 0.945]))
    return np.array(rows)


def _per_class(counts: np.ndarray) -> dict[str, Any]:
    scores = {}
    for place, name in enumerate(CLASSES):
        right, answered, true = int(counts[place, place]), int(counts[:, place].sum()), int(counts[place].sum())
        f1 = average(2 * right / (answered + true), 0.05, true)
        others = int(counts[:-1].sum()) - answered - true + right
        scores[name] = {
            "accuracy": proportion(others + right, int(counts[:-1].sum())),
            "precision": proportion(right, answered),
            "recall": proportion(right, true),
            "f1": f1,
        }
    return scores


def _reliability(known: int) -> list[dict[str, Any]]:
    shares = (0, 0, 0.004, 0.01, 0.02, 0.03, 0.045, 0.07, 0.13, 0.691)
    rows = []
    for place, part in enumerate(shares):
        n, middle = round(part * known), (place + 0.5) / BINS
        confidence, accuracy = (middle, middle - 0.02 - 0.08 * math.sin(place)) if n else (None, None)
        rows.append(
            {"low": place / BINS, "high": (place + 1) / BINS, "n": n, "confidence": confidence, "accuracy": accuracy}
        )
    return rows


def _threshold_curve() -> list[dict[str, float]]:
    thresholds = [place / 50 for place in range(51)]
    return [
        {
            "threshold": threshold,
            "accepted_known": 1 - 0.055 * (threshold / 0.624) ** 4 if threshold < 0.98 else 0.6,
            "rejected_background": 1 / (1 + math.exp(-11 * (threshold - 0.38))),
        }
        for threshold in thresholds
    ]


def _mistakes() -> dict[str, Any]:
    pairs = (("pyrite", "bornite"), ("malachite", "chrysocolla"), ("background", "quartz"), ("biotite", "pyrite"))
    shown = [_mistake(number, *pairs[number % 4]) for number in range(11)]
    return {
        "count": 33,
        "rejected": 9,
        "right_rejected": 14,
        "tested": sum(PATCHES) + BACKGROUND,
        "pairs": [
            {"label": "pyrite", "given": "bornite", "count": 7, "n": 77, "rejected": 2},
            {"label": "background", "given": "quartz", "count": 5, "n": BACKGROUND, "rejected": 0},
        ],
        "shown": shown,
        "searched": {"patches": 5000, "of": 12_345},
        "fields": [6, 6],
    }


def no_mistakes() -> dict[str, Any]:
    """Return the mistakes of a model that made none."""
    counts = dict.fromkeys(("count", "rejected", "right_rejected"), 0)
    return {**_mistakes(), **counts, "pairs": [], "shown": [], "searched": {"patches": 0, "of": 0}}


def _mistake(number: int, label: str, given: str) -> dict[str, Any]:
    truth = 0.002 + 0.03 * number
    maps = [
        {"label": name, "file": f"mistakes/{number:02}-{kind}.jpg", "empty": number == 3 and kind == "true"}
        for name, kind in ((given, "given"), (label, "true"))
    ]
    nearest = [
        {
            "file": f"patches/train-{number:03}-{place}.png",
            "photo": f"IMG_{place}.jpg",
            "label": (given, given, label)[place],
            "cosine": 0.97 - 0.02 * place,
        }
        for place in range(3)
    ]
    return {
        "file": f"patches/{number:03}.png",
        "photo": f"IMG_{2041 + 7 * number}.jpg",
        "label": label,
        "given": given,
        "confidence": 0.991 - 0.013 * number,
        "truth": truth,
        "loss": -math.log(truth),
        "rejected": number > 8,
        "maps": maps,
        "nearest": nearest,
    }


def _label_errors() -> dict[str, Any]:
    shown = [
        {
            "file": f"patches/doubtful-{number}.png",
            "photo": f"IMG_{400 + number}.jpg",
            "label": "quartz",
            "suggested": "muscovite",
            "quality": 0.011 + 0.02 * number,
            "split": ("test", "validation")[number % 2],
        }
        for number in range(5)
    ]
    return {"checked": 917, "count": 5, "shown": shown}


def main() -> None:
    """Write the sample report to look at: python -m tests.sample_report FOLDER."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    write_sample_pictures(folder)
    _, page = write_report(folder, parsed(sample_report()), sample_history())
    print(*summary_lines(parsed(sample_report())), page, sep="\n")


if __name__ == "__main__":
    main()
