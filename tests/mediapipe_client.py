"""MODEL PICTURES.npy -> JSON on standard output: what MediaPipe Tasks' ImageClassifier answers.

Runs in the environment of `make test-mediapipe`, which has nothing of ours. It knows of a model what its metadata say.
"""

import json
import sys

import mediapipe
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision


def main() -> None:
    """Write for each picture {label: score} of each head, by the head's name."""
    model, pictures = sys.argv[1:]
    options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=model))
    with vision.ImageClassifier.create_from_options(options) as classifier:
        answers = [
            classifier.classify(mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=picture))
            for picture in np.load(pictures)  # uint8 [pictures, height, width, 3]
        ]
    heads = [
        {head.head_name: {one.category_name: one.score for one in head.categories} for head in answer.classifications}
        for answer in answers
    ]
    json.dump(heads, sys.stdout)


main()
