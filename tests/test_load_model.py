"""load_model: one function for every kind of model, one reading of the file, and nothing loaded before it is needed."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import inference
from inference.enrollment.enroll import compute_vectors, open_model
from inference.errors import InputError
from inference.load import LOADERS, load_model
from inference.model.answers import answer_pixels
from inference.model.classifier import Classifier
from inference.model.decide import DECISION_NAMES
from inference.model.model import AnswerOptions
from tests.open_model import make_open_model, make_pictures

ROOT = Path(__file__).parent.parent


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return the list to which every file is added when it is opened."""
    opened: list[Path] = []
    real = Path.open

    def note(path: Path, *arguments: Any, **named: Any) -> Any:
        opened.append(path)
        return real(path, *arguments, **named)

    monkeypatch.setattr(Path, "open", note)
    return opened


def test_a_model_is_read_once(tiny_model: Path, reads: list[Path]) -> None:
    """Faults: a file read to learn its kind, and again to load it: another may lie there by then."""
    assert isinstance(load_model(tiny_model), Classifier)
    assert reads == [tiny_model]


def test_enroll_reads_a_model_once(tmp_path: Path, reads: list[Path]) -> None:
    """Faults: the vectors of a network that was exchanged after its neighbours were read."""
    path = tmp_path / "model.tflite"
    path.write_bytes(make_open_model())
    reads.clear()
    compute_vectors(open_model(path), [])
    assert reads == [path]


def test_every_decision_has_a_loader() -> None:
    """Faults: a card that is accepted and then ends in a KeyError."""
    assert set(LOADERS) == set(DECISION_NAMES)


def test_the_library_names_what_it_offers(tiny_model: Path) -> None:
    """Faults: a name in __all__ that can't be imported; an answer unlike the classifier's."""
    assert inference.load_model is load_model
    assert inference.Classifier is Classifier
    (red,) = make_pictures((220, 30, 30), 1)
    assert answer_pixels(inference.load_model(tiny_model), red)["result"] == Classifier(tiny_model).classify(red).result
    with pytest.raises(AttributeError, match="no attribute 'Trainer'"):
        inference.Trainer  # noqa: B018 - the access is what fails


def test_a_classifier_refuses_what_only_anomalies_have(tiny_model: Path) -> None:
    """Faults: --masks that writes nothing and says nothing."""
    model = load_model(tiny_model)
    model.check(AnswerOptions(top=3), "model")
    with pytest.raises(InputError, match="--masks, --regions: only for models that find anomalies"):
        model.check(AnswerOptions(masks=Path("masks"), regions=True), "model")


@pytest.mark.parametrize("words", [["--help"], ["serve", "--help"]])
def test_help_needs_neither_numpy_nor_litert(words: list[str]) -> None:
    """Faults: an import that makes the command line wait, or fail, for what only its workers need."""
    blocked = "import sys; sys.modules.update(dict.fromkeys(['numpy', 'PIL', 'ai_edge_litert'])); "
    code = blocked + "from inference.__main__ import main; sys.exit(main(sys.argv[1:]))"
    answer = subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert "usage: python -m inference" in answer.stdout
