"""Draw the results of an anomaly model on drawn planks: python -m benchmarks.draw_planks MODEL.tflite [OUT_FOLDER]

One column per plank: the plank, the anomaly map, and found regions in red with the mask in blue.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from inference.anomaly.detector import Detector
from pipeline.anomaly.pictures import draw_found, draw_scores
from pipeline.drawn.planks import draw_plank

OUT = Path(__file__).parent.parent / "docs" / "pdf" / "pictures"
_PLANKS = (("knot",), ("crack",), ("hole",), ())
_FIRST_SEED = 910_000  # not used by any run
_GAP = 6  # pixels


def main(arguments: list[str]) -> int:
    """Write planks.jpg; return the exit code."""
    if not arguments:
        print("Usage: python -m benchmarks.draw_planks MODEL.tflite [OUT_FOLDER]", file=sys.stderr)
        return 2
    detector, out = Detector(Path(arguments[0])), Path(arguments[1]) if len(arguments) > 1 else OUT
    columns = [_draw_column(detector, _FIRST_SEED + number, kinds) for number, kinds in enumerate(_PLANKS)]
    gap = np.full((columns[0].shape[0], _GAP, 3), 255, np.uint8)
    sheet = np.concatenate([part for column in columns for part in (column, gap)][:-1], axis=1)
    Image.fromarray(sheet).save(out / "planks.jpg", quality=85)
    return 0


def _draw_column(detector: Detector, seed: int, kinds: tuple[str, ...]) -> np.ndarray:
    plank = draw_plank(seed, kinds)
    anomaly_map = detector.anomaly_map(plank.pixels)
    found = np.asarray(detector.decide(anomaly_map, detector.find(anomaly_map)).mask) > 0
    scores = draw_scores(plank.pixels, anomaly_map.scores, detector.score_threshold)
    gap = np.full((_GAP, plank.pixels.shape[1], 3), 255, np.uint8)
    return np.concatenate([plank.pixels, gap, scores, gap, draw_found(plank.pixels, found, plank.mask)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
