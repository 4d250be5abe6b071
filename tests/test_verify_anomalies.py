"""`check` of models for anomalies: each fault that changes scores on another machine is found and named."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inference.__main__ import main
from inference.anomaly.detector import as_seen
from inference.anomaly.feature_network import FeatureNetwork
from inference.anomaly.memory_bank import BANK_NAME, memory_bank_to_file, read_memory_bank
from inference.batch.pool import answer_all
from inference.batch.worker import WorkerSettings
from inference.errors import InputError
from inference.load import load_model
from inference.model.artefact import Artefact, pack_artefact, read_artefact
from inference.verify.compare import check_file, require_same_answers
from inference.verify.observe import with_vectors
from inference.verify.vectors import VECTORS_NAME
from tests.tiny_detector import SURFACE, make_detector, make_detector_flatbuffer


@pytest.fixture(scope="module")
def sound() -> Artefact:
    """Return a file with vectors, whose scores depend on colour and on the network."""
    return with_vectors(make_detector(make_detector_flatbuffer(), SURFACE, local_contrast=9, alignment=2))


def check_found(artefact: Artefact, words: str) -> None:
    """Check that the fault is found by the long check and by that of a start."""
    faults = check_file(artefact)
    assert faults
    assert any(words in fault for fault in faults), faults
    with pytest.raises(InputError, match="other answers here"):
        require_same_answers(load_model(artefact), artefact)


def plant(monkeypatch: pytest.MonkeyPatch, change: Callable[[np.ndarray], np.ndarray]) -> None:
    """Put a fault before every run of a network."""
    run = FeatureNetwork.__call__
    monkeypatch.setattr(FeatureNetwork, "__call__", lambda network, tile: run(network, change(tile)))


def test_a_sound_file_passes(sound: Artefact, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Catches a check that refuses what is right, vectors that make a file large, a file called not verifiable."""
    require_same_answers(load_model(sound), sound)
    assert len(sound.files[VECTORS_NAME]) < 24_000
    assert with_vectors(sound) == sound
    path = tmp_path / "model.tflite"
    path.write_bytes(pack_artefact(sound))
    assert main(["check", str(path)]) == 0
    assert "pass" in capfd.readouterr().out


def test_bgr_is_found(sound: Artefact, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches red and blue that are swapped before the scores are computed."""

    def swap(pixels: np.ndarray, longest_side: int, window: int) -> np.ndarray:
        return as_seen(np.ascontiguousarray(pixels[..., ::-1]), longest_side, window)

    monkeypatch.setattr("inference.anomaly.detector.as_seen", swap)
    check_found(sound, "channel order: the network is given BGR")


@pytest.mark.parametrize("scale", [1 / 255, 0.5])
def test_a_wrong_scale_is_found(sound: Artefact, scale: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches pixels that enter as 0 to 1, or otherwise scaled."""
    plant(monkeypatch, lambda tile: (tile * scale).astype(np.uint8))
    check_found(sound, "not those of the export")


def test_a_second_run_that_is_wrong_is_found(sound: Artefact, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a buffer that keeps what was in it: right on the first run only."""
    runs = []

    def decay(tile: np.ndarray) -> np.ndarray:
        runs.append(1)
        return tile if len(runs) == 1 else tile[::-1].copy()

    plant(monkeypatch, decay)
    with pytest.raises(InputError, match="stale buffer: the network is right on the first run and wrong on run 2"):
        require_same_answers(load_model(sound), sound)


def test_another_resize_filter_is_found(sound: Artefact, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches the default filter of another library, though no photograph of this model is reduced."""
    monkeypatch.setattr("inference.anomaly.detector.resize_image", lambda pixels, size: pixels[: size[0], : size[1]])
    check_found(sound, "another resize filter")


def test_ignored_exif_is_found(sound: Artefact, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a phone's upright photographs whose masks lie."""
    monkeypatch.setattr("inference.pictures.image_io._TRANSPOSES", {})
    check_found(sound, "EXIF's orientation is ignored")


def replace_bank(artefact: Artefact, **changes: object) -> Artefact:
    """Return the file with another memory bank and the vectors of the one before."""
    bank = read_memory_bank(artefact.files[BANK_NAME], 3)
    data = memory_bank_to_file(replace(bank, **changes))  # type: ignore[arg-type]
    return replace(artefact, files=artefact.files | {BANK_NAME: data})


def test_the_memory_bank_of_another_export_is_found(sound: Artefact, tmp_path: Path) -> None:
    """Catches a bank that belongs to another version of the photographs; workers that answer with it."""
    wrong = replace_bank(sound, vectors=np.full((1, 3), 0.5, np.float32))
    check_found(wrong, "not those of the export")
    path = tmp_path / "model.tflite"
    path.write_bytes(pack_artefact(wrong))
    with pytest.raises(InputError, match="other answers here"):
        list(answer_all([], WorkerSettings(path)))


def test_a_file_of_an_earlier_version_is_not_verifiable(sound: Artefact, tmp_path: Path) -> None:
    """Catches an old file that is refused, or that `check` calls sound."""
    path = tmp_path / "model.tflite"
    bare = replace(sound, files={name: data for name, data in sound.files.items() if name != VECTORS_NAME})
    path.write_bytes(pack_artefact(bare))
    assert check_file(read_artefact(path)) is None
    assert main(["check", str(path)]) == 2
