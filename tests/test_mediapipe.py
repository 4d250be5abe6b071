"""Another program's client: MediaPipe Tasks opens the released files by their metadata and answers as our runner."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from inference.model.classifier import Classifier
from tests.drawn_pictures import pictures_of_size

ROOT = Path(__file__).parent.parent
PYTHON = ROOT / ".venv-mediapipe" / "bin" / "python"
READY = ROOT / ".venv-mediapipe" / "ready"  # written when everything is installed
MODELS = sorted((ROOT / "models" / "released").glob("*.tflite"))
COUNT = 100

pytestmark = pytest.mark.skipif(not READY.exists(), reason="MediaPipe is missing. Install and run: make test-mediapipe")


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_mediapipe_answers_as_the_runner(model: Path, tmp_path: Path) -> None:
    """Faults: metadata that no other program accepts, labels in another order, pixels that are scaled again.

    A model with neighbours has a second head, its features; scores are those of the softmax, without the neighbours.
    """
    classifier = Classifier(model)
    pictures = np.stack(pictures_of_size(COUNT, classifier.card.input_size))
    np.save(tmp_path / "pictures.npy", pictures)
    command = [str(PYTHON), str(ROOT / "tests" / "mediapipe_client.py"), str(model), str(tmp_path / "pictures.npy")]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert answer.returncode == 0, answer.stderr
    labels = list(classifier.card.labels)
    heads = json.loads(answer.stdout)
    assert [set(head["probability"]) for head in heads] == [set(labels)] * COUNT
    theirs = np.array([[head["probability"][label] for label in labels] for head in heads])
    ours = np.array([classifier.softmax(picture) for picture in pictures])
    assert len(set(ours.argmax(axis=1))) > 2, "pictures that all look alike would prove nothing"
    assert (theirs.argmax(axis=1) == ours.argmax(axis=1)).sum() >= COUNT - 1
    assert np.abs(theirs - ours).max() < 0.02
