"""The first run of a network that nothing vouches for: in a child process, whose end is an error message."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import inference.model.foreign
from inference.errors import InputError
from inference.model import probe
from inference.model.classifier import Classifier
from tests.foreign_model import (
    changed,
    make_described,
    write_model,
)

ROOT = Path(__file__).parent.parent


def test_a_network_that_its_card_vouches_for_is_not_probed(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a start-up that costs every user a second process."""
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("started a process"))
    assert Classifier(tiny_model).classify(np.zeros((9, 9, 3), np.uint8)).result == "unknown"


def use_child(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Let the probe start another program in place of its own."""
    monkeypatch.setattr(probe, "_COMMAND", (sys.executable, "-c", program))


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import os; os.kill(os.getpid(), 11)", r"crashes LiteRT \(signal 11, SIGSEGV\)\. Convert the network again"),
        ("import os; os.abort()", r"crashes LiteRT \(signal 6, SIGABRT\)\."),
        ("raise ValueError('odd')", r"crashes LiteRT \(exit code 1: ValueError: odd\)\."),
        ("import time; time.sleep(600)", r"must load it and run it on two pictures in 2 seconds, and did not\."),
    ],
)
def test_a_child_that_fails_is_an_error_message(program: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a crash or a hang that is taken for a network that runs."""
    use_child(monkeypatch, program)
    with pytest.raises(InputError, match=rf"^m\.tflite: .*{message}"):
        probe.probe_network(b"", "m.tflite", 2.0)


def test_the_child_sees_the_network_before_this_process_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches an interpreter started beside the crash that the probe is there for."""
    use_child(monkeypatch, "import os; os.abort()")
    monkeypatch.setattr(inference.model.foreign, "TfliteModel", lambda *_: pytest.fail("loaded it"))
    model = make_described()
    path = write_model(tmp_path / "model.tflite", model.flatbuffer, model.files)
    with pytest.raises(InputError, match=r"model\.tflite: crashes LiteRT \(signal 6"):
        Classifier(path)


def test_what_litert_refuses_is_refused_in_one_line(tmp_path: Path) -> None:
    """Catches an operator that LiteRT does not know reported as a crash, or over several lines."""

    def rename(model: Any, graph: Any) -> None:
        code = model.operatorCodes[graph.operators[0].opcodeIndex]
        code.builtinCode = code.deprecatedBuiltinCode = 32
        code.customCode = b"Mystery"

    model = changed(rename)
    path = write_model(tmp_path / "model.tflite", model.flatbuffer, model.files)
    with pytest.raises(InputError) as refusal:
        Classifier(path)
    assert str(refusal.value).startswith(f"{path}: LiteRT cannot run it: ")
    assert "Mystery" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_the_folder_alone_probes_too(tmp_path: Path) -> None:
    """Catches a child that finds the runner only where the repository is the working folder."""
    shutil.copytree(ROOT / "inference", tmp_path / "vendor" / "inference")
    model = make_described()
    write_model(tmp_path / "model.tflite", model.flatbuffer, model.files)
    program = """
import os, sys
sys.path.insert(0, "vendor")
from pathlib import Path
import numpy as np
from inference.model.classifier import Classifier
classifier = Classifier(Path("model.tflite"))
print(classifier.classify(np.full((9, 9, 3), (0, 0, 255), np.uint8)).result)
"""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    answer = subprocess.run(
        [sys.executable, "-I", "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (answer.returncode, answer.stdout) == (0, "blue\n"), answer.stderr
