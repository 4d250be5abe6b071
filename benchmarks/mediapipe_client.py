"""MODEL FOLDER -> seconds that MediaPipe Tasks' ImageClassifier takes for a folder of pictures, one by one.

Runs in the environment of `make test-mediapipe`, which has nothing of ours; started by benchmarks.runner.
"""

import sys
import time
from pathlib import Path

import mediapipe
from mediapipe.tasks.python import BaseOptions, vision


def main() -> None:
    """Print the seconds, without those of imports and loading."""
    model, folder = sys.argv[1:]
    options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=model))
    paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    with vision.ImageClassifier.create_from_options(options) as classifier:
        begun = time.perf_counter()
        for path in paths:
            classifier.classify(mediapipe.Image.create_from_file(str(path)))
        print(time.perf_counter() - begun)


main()
