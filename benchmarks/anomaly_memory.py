"""Measure time and peak memory of a detector on a large photograph: features in strips, and of the whole at once.

    python -m benchmarks.anomaly_memory MODEL [--photograph FILE] [--size 3840x2160] [--full] [--out FILE]

MODEL: a file of a recipe for anomalies. Without --photograph, drawn planks lie side by side. The photograph is brought
to --size and encoded as JPEG; --full looks at it unreduced, whatever the model's longest side is. Each figure is of its
own process that reads the file, scores it, finds the regions and decides; loading the model is part of the memory, not
of the time. The two ways alternate, so that other load on the machine affects both equally. Their scores and regions
are compared.
"""

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from inference.anomaly.detector import Detector
from inference.pictures.image_io import read_image
from pipeline.drawn.planks import KINDS, draw_plank
from pipeline.settings.run_folder import describe_machine

WAYS = ("strips", "whole")
_KIB_IN_MB = 1024
_PLANK = (400, 300)  # pixels


@dataclass(frozen=True)
class Figures:
    """Peak memory in MB, wall and processor seconds of one process, and what it found.

    scores: every 16th of the raw scores, for comparison.
    """

    memory: float
    start: float  # MB after the model is loaded
    seconds: float
    processor: float
    areas: tuple[int, ...]
    scores: np.ndarray


def main() -> None:
    """Measure and print; write JSON to --out."""
    options = _parse()
    with tempfile.TemporaryDirectory() as place:
        photograph = Path(place, "photograph.jpg")
        _enlarged(options.photograph, options.size).save(photograph, quality=92)
        found: dict[str, list[Figures]] = {way: [] for way in WAYS}
        for _ in range(options.repetitions):
            for way in WAYS:
                found[way].append(_in_own_process(options.model, photograph, way, options))
    figures = {way: _describe(found[way]) for way in WAYS} | _compare(found["strips"][0], found["whole"][0])
    figures |= {"size": options.size, "full": options.full, "threads": options.threads, "machine": describe_machine()}
    text = json.dumps(figures, indent=1)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")


def look(model: Path, photograph: Path, way: str, threads: int, full: bool) -> Figures:
    """Return the figures of this process for one photograph."""
    detector = Detector(model, threads)
    if full:
        detector.memory_bank = replace(detector.memory_bank, longest_side=0)
    if way == "whole":
        strips = detector.tiling.strips
        object.__setattr__(detector.tiling, "strips", lambda *seen: iter([np.concatenate(list(strips(*seen)))]))
    start, began, processor = _peak(), time.perf_counter(), time.process_time()
    anomaly_map = detector.anomaly_map(read_image(photograph))
    components = detector.find(anomaly_map)
    detector.decide(anomaly_map, components)
    seconds, used = time.perf_counter() - began, time.process_time() - processor
    areas = tuple(one.area for one in components)
    return Figures(_peak(), start, seconds, used, areas, anomaly_map.scores[::16, ::16].copy())


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB_IN_MB


def _in_own_process(model: Path, photograph: Path, way: str, options: argparse.Namespace) -> Figures:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(look, (model, photograph, way, options.threads, options.full))


def _describe(found: list[Figures]) -> dict[str, float]:
    """Return the medians over the repetitions."""
    names = ("memory", "start", "seconds", "processor")
    return {name: round(median(asdict(one)[name] for one in found), 2) for name in names}


def _compare(strips: Figures, whole: Figures) -> dict[str, float | bool | int]:
    return {
        "memory_ratio": round(strips.memory / whole.memory, 3),
        "largest_difference": float(np.abs(strips.scores - whole.scores).max()),
        "same_regions": strips.areas == whole.areas,
        "regions": len(strips.areas),
    }


def _enlarged(photograph: Path | None, size: tuple[int, int]) -> Image.Image:
    """Return a photograph at this size (width, height), or drawn planks side by side, every third with defects."""
    if photograph is not None:
        return Image.fromarray(read_image(photograph)).resize(size, Image.Resampling.BICUBIC)
    canvas = Image.new("RGB", size)
    places = [(x, y) for y in range(0, size[1], _PLANK[1]) for x in range(0, size[0], _PLANK[0])]
    for number, place in enumerate(places):
        canvas.paste(Image.fromarray(draw_plank(number, () if number % 3 else KINDS, size=_PLANK).pixels), place)
    return canvas


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, metavar="MODEL")
    parser.add_argument("--photograph", type=Path, metavar="FILE")
    parser.add_argument("--size", type=_size, default=(3840, 2160), metavar="WIDTHxHEIGHT")
    parser.add_argument("--full", action="store_true", help="do not reduce the photograph")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--out", type=Path, metavar="FILE")
    return parser.parse_args()


def _size(text: str) -> tuple[int, int]:
    width, cross, height = text.partition("x")
    if not (cross and width.isdigit() and height.isdigit()):
        raise argparse.ArgumentTypeError(f"must be as in 3840x2160. Received: {text}.")
    return int(width), int(height)


if __name__ == "__main__":
    main()
