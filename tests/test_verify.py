"""`check` and the check at a start: each fault that changes answers on another machine is found and named."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from inference.__main__ import main
from inference.batch.pool import answer_all
from inference.batch.worker import WorkerSettings
from inference.errors import InputError
from inference.load import load_model
from inference.model.artefact import Artefact, flatbuffer_sha256, pack_artefact, read_artefact
from inference.model.card import LABELS_NAME, card_files, read_card
from inference.model.tflite_model import TfliteModel
from inference.pictures.image_io import decode_photo
from inference.pictures.photo import Photo
from inference.verify.compare import check_file, require_same_answers
from inference.verify.observe import with_vectors
from inference.verify.vectors import VECTORS_NAME, read_vectors, vectors_to_file

RELEASED = Path(__file__).parent.parent / "models" / "released" / "cifar10.tflite"  # with features, int8
Run = Callable[[TfliteModel, np.ndarray], Any]


@pytest.fixture(scope="module")
def small(tiny_model: Path) -> Artefact:
    """Return the file that names colours, with vectors."""
    return with_vectors(read_artefact(tiny_model))


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    """Return a released file with vectors."""
    path = tmp_path_factory.mktemp("real") / "model.tflite"
    path.write_bytes(pack_artefact(with_vectors(read_artefact(RELEASED))))
    return read_artefact(path)


def plant(monkeypatch: pytest.MonkeyPatch, change: Callable[[Run, TfliteModel, np.ndarray], Any]) -> None:
    """Put a fault around every run of a network."""
    run = TfliteModel.predict_with_features
    monkeypatch.setattr(TfliteModel, "predict_with_features", lambda model, pixels: change(run, model, pixels))


def check_found(artefact: Artefact, words: str) -> None:
    """Check that the fault is found by the long check and by that of a start."""
    faults = check_file(artefact)
    assert faults
    assert any(words in fault for fault in faults), faults
    with pytest.raises(InputError, match="other answers here") as caught:
        require_same_answers(load_model(artefact), artefact)
    assert words in str(caught.value)


def test_a_sound_file_passes_and_its_vectors_are_small(small: Artefact, real: Artefact) -> None:
    """Catches a check that refuses what is right, and vectors that make a file for phones large."""
    for artefact in (small, real):
        assert check_file(artefact) == []
        require_same_answers(load_model(artefact), artefact)
        assert len(artefact.files[VECTORS_NAME]) < 24_000
    assert with_vectors(real) == real


def test_a_file_without_vectors_is_not_verifiable(tiny_model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Catches an old file that is refused by the runner, or that `check` calls sound."""
    assert check_file(read_artefact(tiny_model)) is None
    require_same_answers(load_model(tiny_model), read_artefact(tiny_model))
    assert main(["check", str(tiny_model)]) == 2
    assert "not verifiable: it carries no test vectors" in capfd.readouterr().err


def test_the_command_says_pass_or_what_differs(
    small: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Catches an exit code of 0 beside a fault."""
    path = tmp_path / "model.tflite"
    path.write_bytes(pack_artefact(small))
    assert main(["check", str(path)]) == 0
    assert "pass" in capfd.readouterr().out
    plant(monkeypatch, lambda run, model, pixels: run(model, pixels[..., ::-1]))
    assert main(["check", str(path)]) == 1
    assert "differs: channel order" in capfd.readouterr().out


@pytest.mark.parametrize("kind", ["small", "real"])
def test_bgr_is_found(kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches red and blue that are swapped before the network."""
    plant(monkeypatch, lambda run, model, pixels: run(model, np.ascontiguousarray(pixels[..., ::-1])))
    check_found(request.getfixturevalue(kind), "channel order: the network is given BGR")


@pytest.mark.parametrize("kind", ["small", "real"])
def test_bgr_of_the_decoder_is_found(
    kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catches a decoder that gives BGR, as OpenCV's does."""

    def decode(*arguments: Any) -> Photo:
        photo = decode_photo(*arguments)
        return replace(photo, image=Image.fromarray(np.asarray(photo.image)[..., ::-1]))

    monkeypatch.setattr("inference.model.classifier.decode_photo", decode)
    check_found(request.getfixturevalue(kind), "channel order: decoded pictures are BGR")


@pytest.mark.parametrize("kind", ["small", "real"])
@pytest.mark.parametrize("scale", [1 / 255, 0.5])
def test_a_wrong_scale_is_found(
    kind: str, scale: float, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catches pixels that enter as 0 to 1, or otherwise scaled."""
    plant(monkeypatch, lambda run, model, pixels: run(model, (pixels * scale).astype(np.uint8)))
    check_found(request.getfixturevalue(kind), "scaling")


@pytest.mark.slow
@pytest.mark.parametrize("resample", [Image.Resampling.NEAREST, Image.Resampling.BICUBIC, Image.Resampling.BOX])
def test_another_resize_filter_is_found(
    resample: Image.Resampling, real: Artefact, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catches the default filter of another library."""

    def resize(photo: Photo, size: tuple[int, int], region: object = None) -> np.ndarray:
        return np.asarray(photo.image.resize(size[::-1], resample))

    monkeypatch.setattr(Photo, "resized", resize)
    check_found(real, "another resize filter")


def test_ignored_exif_is_found(small: Artefact, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a phone's upright photographs that are answered lying."""
    monkeypatch.setattr("inference.pictures.image_io._TRANSPOSES", {})
    check_found(small, "EXIF's orientation is ignored")


def test_transparency_over_black_is_found(small: Artefact, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches cut-out pictures on black ground."""
    monkeypatch.setattr("inference.pictures.image_io._to_rgb", lambda image: image.convert("RGB"))
    check_found(small, "transparent pixels are not laid over white")


@pytest.mark.parametrize("kind", ["small", "real"])
def test_a_second_run_that_is_wrong_is_found(
    kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catches a buffer that keeps what was in it: right on the first run only."""
    seen: dict[bytes, int] = {}

    def decay(run: Run, model: TfliteModel, pixels: np.ndarray) -> Any:
        key = pixels.tobytes()
        seen[key] = seen.get(key, 0) + 1
        scores, features = run(model, pixels)
        return (scores, features) if seen[key] == 1 else (scores[::-1], features)

    plant(monkeypatch, decay)
    artefact = request.getfixturevalue(kind)
    with pytest.raises(InputError, match="stale buffer: the network is right on the first run and wrong on run 2"):
        require_same_answers(load_model(artefact), artefact)
    seen.clear()
    faults = check_file(artefact)
    assert faults
    assert "stale buffer" in faults[0]


def test_one_flipped_weight_is_found(real: Artefact) -> None:
    """Catches a bit that a bad copy has changed, also where somebody has renewed the card's hash."""
    flatbuffer = bytearray(real.flatbuffer)
    flatbuffer[len(flatbuffer) // 2] ^= 0x80
    card = replace(read_card(real), flatbuffer_sha256=flatbuffer_sha256(bytes(flatbuffer)))
    check_found(
        Artefact(bytes(flatbuffer), real.files | card_files(card), real.name), "weights or operators were changed"
    )


@pytest.mark.parametrize("where", ["card", "list"])
def test_stale_labels_are_found(where: str, real: Artefact) -> None:
    """Catches the labels of another version, or in another order, beside the right network."""
    card = read_card(real)
    files = real.files | card_files(replace(card, labels=(card.labels[1], card.labels[0], *card.labels[2:])))
    if where == "list":
        files = real.files | {LABELS_NAME: files[LABELS_NAME]}
    check_found(Artefact(real.flatbuffer, files, real.name), "stale labels")


def test_plain_kernels_are_within_the_tolerance(small: Artefact, real: Artefact) -> None:
    """Catches a tolerance that refuses another processor's kernels."""
    from inference.verify.observe import observe

    for artefact in (small, real):
        vectors = read_vectors(artefact)
        assert vectors
        seen = observe(load_model(artefact, delegates=False), vectors.pictures)
        assert np.abs(seen.scores - vectors.scores).max() <= vectors.score_tolerance
        assert 0.01 <= vectors.score_tolerance <= 0.2


@pytest.mark.slow
def test_workers_refuse_a_model_that_answers_otherwise(small: Artefact, tmp_path: Path) -> None:
    """Catches a batch, a service or a Ray task that answers with a wrong model."""
    vectors = read_vectors(small)
    assert vectors
    wrong = vectors_to_file(replace(vectors, scores=vectors.scores[:, ::-1]))
    path = tmp_path / "model.tflite"
    path.write_bytes(pack_artefact(replace(small, files=small.files | {VECTORS_NAME: wrong})))
    with pytest.raises(InputError, match=r"other answers here than when it was exported: .* python -m inference check"):
        list(answer_all([], WorkerSettings(path)))
