"""The sample apps answer as the runner does: their arithmetic in Python, and the Kotlin classifier as it is compiled.

The second needs Java, Kotlin (npm install kotlin-compiler; KOTLINC names kotlinc where it is not on the PATH) and
Android's org.json (Debian: libandroid-json-java), and is skipped without them.
"""

import base64
import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from inference import Classifier
from inference.model.artefact import Artefact, pack_artefact, read_artefact
from inference.model.card import CARD_NAME, card_files, read_card
from inference.model.decide import UNKNOWN
from inference.model.neighbours import Neighbours
from inference.pictures.image_io import _FACTORS, _TRANSPOSES, resize_image
from inference.pictures.photo import reduction_to
from inference.verify.vectors import enlarge, read_vectors
from tests.phone_code import KOTLIN, PHONES, find_kotlin, functions_of, load_arithmetic

ROOT = Path(__file__).parent.parent
RELEASED = sorted((ROOT / "models" / "released").glob("*.tflite"))
LANGUAGES = ("kotlin", "swift")
JSON_JAR = Path("/usr/share/java/com.android.json.jar")
NEEDS_PHONE = {"LiteRtNetwork.kt", "MainActivity.kt", "Picture.kt"}  # of Android, and LiteRT for it
SIZES = [((5, 7), (5, 7)), ((37, 53), (32, 32)), ((9, 4), (16, 16)), ((48, 20), (12, 10)), ((12, 83), (11, 90))]
needs_kotlin = pytest.mark.skipif(not find_kotlin() or not JSON_JAR.is_file(), reason="needs Kotlin, Java, org.json")


def arithmetic_answer(functions: Any, model: Classifier, looked: tuple[np.ndarray, np.ndarray]) -> tuple[str, float]:
    """Return what an app's functions make of a network's outputs, as its Classifier puts them together."""
    numbers, features = (one.astype(float) for one in looked)
    answers = np.asarray(model.card.answers)
    if model.neighbours:
        known: Neighbours = model.neighbours
        unit = functions.unitVector
        vectors = np.concatenate([unit(np.round(row * 127), 0, len(row)) for row in known.vectors.astype(float)])
        projection = known.projection.astype(float).ravel()
        vector = functions.project(features, projection, known.vectors.shape[1])
        cosine = functions.nthCosine(vector, vectors, len(known.vectors), known.count)
        best = functions.mostProbable(numbers, answers)
        score = (cosine - known.middle) / known.width
        confidence = functions.confidenceOf(numbers[best], score, known.slope, known.offset)
        numbers = functions.weigh(numbers, best, confidence)
    best = functions.mostProbable(numbers, answers)
    return (model.card.labels[best] if numbers[best] >= model.card.threshold else UNKNOWN), numbers[best]


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_the_arithmetic_gives_the_runners_answers_to_test_vectors(path: Path, language: str) -> None:
    """Faults: the nearest for the nth, width for middle, a forgotten offset, a background that is answered."""
    functions, model = load_arithmetic(language), Classifier(path)
    vectors = read_vectors(read_artefact(path))
    assert vectors
    for picture in vectors.pictures[:6]:
        pixels = enlarge(picture, model.card.input_size)
        probabilities, features = model.predict(pixels)
        result, confidence = arithmetic_answer(functions, model, (probabilities, np.asarray(features)))
        expected = model.classify(pixels)
        assert result == expected.result
        assert confidence == pytest.approx(expected.confidence, abs=2e-6)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_rise_and_a_fall_of_the_confidence_change_the_others_as_in_the_runner(language: str) -> None:
    """Faults: the share of the others that grows with the confidence, a reject label that wins."""
    functions = load_arithmetic(language)
    known = Neighbours(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32), np.arange(2), 1, 0.5, 0.2, 0.9, 0.4)
    answers = np.array([0, 1])
    for numbers in ([0.6, 0.3, 0.1], [0.2, 0.1, 0.7], [0.001, 0.0, 0.999]):
        for score in (-3.0, 0.0, 4.0):
            best = functions.mostProbable(np.array(numbers), answers)
            found = functions.weigh(
                np.array(numbers), best, functions.confidenceOf(numbers[best], score, known.slope, known.offset)
            )
            expected = known.weigh_by(np.full((1, 3), score), np.array([numbers]), answers)[0]
            np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("old", "new"), SIZES)
def test_the_resize_is_the_runners_value_by_value(language: str, old: tuple[int, int], new: tuple[int, int]) -> None:
    """Faults: another filter, another rounding, swapped sides, the passes in another order."""
    pixels = np.random.default_rng(0).integers(0, 256, (*old, 3), np.uint8)
    found = load_arithmetic(language).resize(pixels.astype(int).ravel(), old[1], old[0], new[1], new[0])
    np.testing.assert_array_equal(found.reshape(*new, 3), resize_image(pixels, new))


@pytest.mark.parametrize("language", LANGUAGES)
def test_small_pictures_and_half_numbers_are_read_as_in_the_runner(language: str) -> None:
    """Faults: rows for columns, subnormal numbers, a sign that is lost, alpha over black."""
    functions, random = load_arithmetic(language), np.random.default_rng(1)
    picture = random.integers(0, 256, (8, 8, 3), np.uint8)
    large = functions.enlarge(picture.astype(int).ravel(), 8, 20, 31).reshape(20, 31, 3)
    np.testing.assert_array_equal(large, enlarge(picture, (20, 31)))
    bits = np.arange(0, 2**16, 7, np.uint16)
    numbers = bits.view(np.float16).astype(float)
    kept = np.isfinite(numbers)
    assert [functions.halfToNumber(int(one)) for one in bits[kept]] == numbers[kept].tolist()
    rgba = random.integers(0, 256, (4, 5, 4), np.uint8)
    stored = np.round(rgba * [[[*[1] * 3, 0]]] * (rgba[..., 3:] / 255)) + rgba * [[[0, 0, 0, 1]]]
    white = Image.new("RGBA", (5, 4), (255,) * 4)
    expected = np.asarray(Image.alpha_composite(white, Image.fromarray(rgba)).convert("RGB")).astype(int)
    assert np.abs(functions.overWhite(stored.astype(int).ravel()).reshape(4, 5, 3) - expected).max() <= 1


def test_photographs_are_turned_upright_as_in_the_runner() -> None:
    """Faults: a quarter turn to the other side, a mirror image that is left. Android's decoder does it by itself."""
    pixels = np.arange(4 * 5 * 3).reshape(4, 5, 3)
    functions = load_arithmetic("swift")
    for orientation in range(1, 9):
        image = Image.fromarray(pixels.astype(np.uint8))
        expected = np.asarray(image.transpose(_TRANSPOSES[orientation]) if orientation > 1 else image)
        np.testing.assert_array_equal(functions.upright(pixels.ravel(), 5, 4, orientation), expected.ravel())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_large_photograph_is_reduced_as_by_the_runner(language: str) -> None:
    """Faults: a factor by one side alone, pixels that are too few for the network."""
    functions = load_arithmetic(language)
    for width, height in ((4000, 3000), (1030, 2100), (511, 4000), (256, 256), (8000, 2048), (640, 480)):
        most = reduction_to((128, 160))((height, width))
        expected = next((factor for factor in _FACTORS if factor <= most), 1)
        assert functions.reductionTo(width, height, 160, 128) == expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_planted_fault_in_the_apps_is_noticed(language: str) -> None:
    """Faults: a translation that gives the runner's answers whatever the file says."""
    name = {"kotlin": KOTLIN / "Arithmetic.kt", "swift": PHONES / "ios" / "Touchstone" / "Arithmetic.swift"}[language]
    text = name.read_text(encoding="utf-8")
    wrong = text.replace("cosines[rows - count]", "cosines[rows - 1]")
    cosines = [functions_of(one, language).nthCosine(np.ones(1), np.arange(4.0), 4, 2) for one in (text, wrong)]
    assert cosines == [2, 3]


def job_of(path: Path) -> dict[str, Any]:
    """Return what phone_check.kt needs to answer for the test vectors and for pictures of other sizes."""
    model, vectors = Classifier(path), read_vectors(read_artefact(path))
    assert vectors
    random = np.random.default_rng(2)
    pictures = [random.integers(0, 256, (*size, 3), np.uint8) for size in ((90, 70), (300, 130))]
    height, width = model.card.input_size
    small = [enlarge(one, (height, width)) for one in vectors.pictures]
    looks = [(one, *model.predict(one)) for one in small + [resize_image(one, (height, width)) for one in pictures]]
    features = 0 if looks[0][2] is None else len(looks[0][2])
    return {
        "height": height,
        "width": width,
        "outputs": [len(looks[0][1])] + ([features] if features else []),
        "looks": [
            {
                "pixels": encode(pixels),
                "probabilities": probabilities.tolist(),
                "features": [] if given is None else given.tolist(),
            }
            for pixels, probabilities, given in looks
        ],
        "pictures": [
            {"pixels": encode(one), "width": one.shape[1], "height": one.shape[0]} for one in (*small, *pictures)
        ],
        "expected": [model.classify(one) for one in (*small, *pictures)],
    }


def encode(pixels: np.ndarray) -> str:
    return base64.b64encode(pixels.tobytes()).decode()


@pytest.fixture(scope="module")
def kotlin_app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the compiled classifier of the Android project and phone_check.kt, as one .jar."""
    jar = tmp_path_factory.mktemp("kotlin") / "app.jar"
    sources = [str(path) for path in sorted(KOTLIN.glob("*.kt")) if path.name not in NEEDS_PHONE]
    check = str(Path(__file__).parent / "phone_check.kt")
    words = ["bash", str(find_kotlin()), *sources, check, "-cp", str(JSON_JAR), "-include-runtime", "-d", str(jar)]
    subprocess.run(words, check=True)
    return jar


def answers_of(app: Path, model: Path, job: dict[str, Any], folder: Path) -> list[str]:
    """Return the lines that phone_check.kt prints."""
    (folder / "job.json").write_text(json.dumps({name: one for name, one in job.items() if name != "expected"}))
    words = ["java", "-cp", f"{app}:{JSON_JAR}", "Phone_checkKt", str(model), str(folder / "job.json")]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines()


@needs_kotlin
@pytest.mark.slow
@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_the_kotlin_classifier_gives_the_runners_answers(path: Path, kotlin_app: Path, tmp_path: Path) -> None:
    """Faults: files packed behind the network that are misread, test vectors enlarged or resized otherwise."""
    job = job_of(path)
    lines = answers_of(kotlin_app, path, job, tmp_path)
    for line, expected in zip(lines, job["expected"], strict=True):
        confidence, result = line.split(" ", 1)
        assert result == expected.result
        assert float(confidence) == pytest.approx(expected.confidence, abs=2e-6)


@needs_kotlin
@pytest.mark.slow
def test_the_kotlin_classifier_refuses_what_it_cannot_answer(kotlin_app: Path, tmp_path: Path) -> None:
    """Faults: a network that computes otherwise here, anomalies or added classes answered as if by a softmax."""
    path, refused = RELEASED[0], tmp_path / "refused.tflite"
    job = job_of(path)
    swapped = [{**look, "probabilities": look["probabilities"][::-1]} for look in job["looks"]]
    assert "other answers on this phone" in answers_of(kotlin_app, path, {**job, "looks": swapped}, tmp_path)[0]
    artefact = read_artefact(path)
    card = read_card(artefact)
    for changes, message in (
        ({"decision": "anomaly"}, "finds anomalies"),
        ({"enrolled": card.labels[-1:]}, "added to this model by enroll"),
        ({"flatbuffer_sha256": "0" * 64}, "belongs to another network"),
    ):
        files = {**artefact.files, CARD_NAME: card_files(replace(card, **changes))[CARD_NAME]}
        refused.write_bytes(pack_artefact(Artefact(artefact.flatbuffer, files)))
        assert message in answers_of(kotlin_app, refused, job, tmp_path)[0]
