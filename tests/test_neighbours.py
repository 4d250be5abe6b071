"""Neighbours: what is unlike the training pictures is answered "unknown", by numpy alone in the runner."""

import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sklearn.covariance import shrunk_covariance

from export.export_run import export_run
from inference.errors import InputError
from inference.model.array_file import normalise
from inference.model.artefact import Artefact, pack_artefact, read_artefact
from inference.model.classifier import Classifier
from inference.model.neighbours import (
    NEIGHBOURS_NAME,
    Neighbours,
    neighbours_to_file,
    nth_cosine,
    read_neighbours,
)
from models.heads import classifier
from pipeline.calibration.neighbours import keras_outputs, keras_probabilities, whitening_projection
from pipeline.calibration.temperature import calibrate_with_neighbours
from pipeline.classification.stages import CALIBRATE, run_index
from pipeline.data.index import Patch, PatchIndex
from pipeline.settings.recipe import override_all, recipe_to_json
from pipeline.settings.run_folder import RunFolder
from pipeline.stages import complete
from tests import worlds
from tests.worlds import COLOURS

# Two features, four neighbours: three along the first, one along the second.
PLAIN = Neighbours(
    projection=np.eye(2, dtype=np.float32),
    vectors=np.array([[1, 0], [0.8, 0.6], [0.6, 0.8], [0, 1]], np.float32),
    classes=np.array([0, 0, 1, 1]),
    count=2,
    middle=0.5,
    width=0.1,
)


def test_the_knn_score_is_the_cosine_to_the_nth_nearest() -> None:
    """Catches the nearest in place of the nth, and lengths that count."""
    assert PLAIN.knn_score(np.array([[5, 0], [0, 0.1], [-1, 0]])) == pytest.approx([0.8, 0.8, -0.6])
    assert replace(PLAIN, count=4).knn_score(np.array([[5, 0]])) == pytest.approx([0.0])


def test_weighing_by_hand() -> None:
    """Catches a best label that is no possible answer, and probabilities that are not moved together."""
    features = np.array([[1, 0], [0.5, -0.5]])  # scores 0.8: e^3 to 1 known; and 0.1414...: hardly
    given_ = np.array([[0.3, 0.1, 0.6], [0.3, 0.1, 0.6]])  # the last is background
    weighed = PLAIN.weigh(given_, features, np.array([0, 1]))
    assert weighed[0] == pytest.approx(given_[0] / (1 + np.exp(-3)), rel=1e-5)
    assert weighed[1] == pytest.approx(given_[1] / (1 + np.exp((0.5 - 0.2 / 2**0.5) / 0.1)), rel=1e-4)
    surer = replace(PLAIN, offset=2.0).weigh(given_[:1], features[:1], np.array([0, 1]))[0]
    assert surer[0] > 0.3
    assert surer.sum() == pytest.approx(1)
    assert surer[1] / surer[2] == pytest.approx(1 / 6)


def test_the_covariance_is_shrunk_as_by_scikit_learn() -> None:
    """Faults: numpy's own copy in the runner with another target or share: added classes measured by another metric."""
    vectors = np.random.default_rng(0).normal(0, 1, (50, 6)).astype(np.float32)
    found = Neighbours(np.eye(6, dtype=np.float32), vectors, np.arange(50) % 2, 1, 0.0, 1.0)
    means, precision = found.spread
    around = vectors - means[np.arange(50) % 2]
    assert precision == pytest.approx(np.linalg.inv(shrunk_covariance(around.T @ around / 50, 0.3)), rel=1e-4)


@given(seed=st.integers(0, 2**32 - 1))
def test_weighing_keeps_order_and_bounds(seed: int) -> None:
    """Catches confidences outside [0, 1], another best label, and a score that lowers a confidence."""
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.full(4, 0.3), 8)
    features = random.normal(0, 1, (8, 2)) * 10 ** random.uniform(-20, 10)
    worth = replace(PLAIN, slope=float(random.uniform(0.1, 10)), offset=float(random.normal(0, 5)))
    answers = np.array([0, 1, 2])
    weighed = worth.weigh(probabilities, features, answers)
    assert np.isfinite(weighed).all()
    assert weighed.sum(axis=1).max() <= 1 + 1e-5
    rows, best = np.arange(8), probabilities[:, :3].argmax(axis=1)
    assert (weighed[rows, best] >= weighed[:, :3].max(axis=1) - 1e-6).all()
    same = probabilities[:1].repeat(8, axis=0)
    order = np.argsort(worth.knn_score(features))
    confidences = worth.weigh(same, features, answers)[order, probabilities[0, :3].argmax()]
    assert (np.diff(confidences) >= -1e-6).all()


def test_the_file_gives_them_back() -> None:
    """Catches arrays exchanged, and 8 bits that lose more than they may."""
    random = np.random.default_rng(0)
    vectors = random.normal(0, 1, (50, 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    full = Neighbours(
        random.normal(0, 1, (24, 16)).astype(np.float16).astype(np.float32),
        vectors.astype(np.float32),
        random.integers(0, 3, 50),
        7,
        0.9,
        0.03,
        1.4,
        -0.2,
    )
    data = neighbours_to_file(full)
    back = read_neighbours(data, 3, 24)
    features = random.normal(0, 1, (20, 24))
    assert back.knn_score(features) == pytest.approx(full.knn_score(features), abs=0.01)
    np.testing.assert_array_equal(back.classes, full.classes)
    assert [getattr(back, n) for n in ("count", "middle", "width", "slope", "offset")] == [7, 0.9, 0.03, 1.4, -0.2]
    assert data == neighbours_to_file(full), "the same content gives the same bytes"
    assert len(data) < 50 * 16 + 24 * 16 * 2 + 2500


def test_what_classes_agree_in_counts_more_than_what_they_vary_in() -> None:
    """Fault: plain principal components, in which a known picture far along the widest axis is less known than one that
    no class resembles."""
    random = np.random.default_rng(0)
    classes = np.arange(200) % 2
    features = random.normal(2, 0.02, (200, 20))
    features[:, 0] += random.normal(0, 1, 200)
    features[:, 1] += classes
    projection = whitening_projection(features, classes, 20)
    plain = Neighbours(projection, np.zeros((1, 20)), np.zeros(1, int), 10, 0.0, 1.0)
    bright, unlike = np.full((2, 20), 2.0)
    bright[0] += 3
    unlike[2] += 1
    vectors = plain.project(np.stack([bright, unlike]))
    known, unknown = nth_cosine(vectors, plain.project(features), 10)
    assert known > unknown


def test_whitening_by_hand() -> None:
    """Faults: the covariance around the common mean, which hides what separates the classes; none of it; another
    shrinkage, a variance for its root, or numbers of any size.

    The variances around both means are 0.5 and 1.5, shrunk 0.65 and 1.35.
    """
    class_ = np.array([[1, 0], [-1, 0], [0, 3**0.5], [0, -(3**0.5)]])
    features = np.concatenate([class_, class_ + np.array([100, 0])])
    projection = whitening_projection(features, np.repeat([0, 1], 4), 2)
    assert np.abs(projection).max(axis=1) == pytest.approx([1, (0.65 / 1.35) ** 0.5], abs=1e-3)


FEW = np.random.default_rng(0).normal(1, 1, (6, 20))


@pytest.mark.parametrize(
    ("features", "dimensions"),
    [
        (np.ones((6, 4)), 1),
        (np.repeat(np.eye(4)[:2], 3, axis=0), 1),
        (1e-12 * np.eye(6)[:, :4], 4),
        (FEW, 5),
        (FEW[:1], 1),
    ],
)
def test_features_without_spread_are_projected_to_finite_numbers(features: np.ndarray, dimensions: int) -> None:
    """Faults: a division by a spread of zero, numbers too large for 16 bits, which the file's reader refuses, or more
    directions than the patches vary in."""
    projection = whitening_projection(features.astype(np.float32), np.array([0, 0, 0, 1, 1, 2])[: len(features)], 128)
    assert projection.shape == (features.shape[1], dimensions)
    assert np.isfinite(projection.astype(np.float16)).all()
    assert np.abs(projection).max() == 1


def test_rounding_of_few_patches_is_not_scaled_up() -> None:
    """Fault: a direction in which the patches vary by rounding alone, which then counts most: another machine, another
    answer."""
    random = np.random.default_rng(1)
    features, classes = random.normal(1, 1, (60, 256)).astype(np.float32), np.arange(60) % 3
    rounded = features + random.normal(0, 1e-6, features.shape).astype(np.float32)
    cosines = []
    for one in (features, rounded):
        vectors = normalise(one @ whitening_projection(one, classes, 128))
        cosines.append(vectors @ vectors.T)
    assert cosines[0] == pytest.approx(cosines[1], abs=0.003)


def _file(**changes: object) -> bytes:
    arrays: dict[str, object] = {
        "projection": np.eye(2, dtype=np.float16),
        "vectors": np.array([[127, 0]], np.int8),
        "classes": np.array([0], np.uint16),
        "scale": np.array([1, 0.5, 0.1, 1, 0]),
    }
    buffer = io.BytesIO()
    np.savez(buffer, **{name: value for name, value in (arrays | changes).items() if value is not None})  # type: ignore
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no archive",
        _file()[:-40],
        _file(scale=None),
        _file(scale=np.array([1, 0.5, 0.1])),
        _file(scale=np.array([2, 0.5, 0.1, 1, 0])),
        _file(scale=np.array([1, 0.5, 0.0, 1, 0])),
        _file(scale=np.array([1, np.nan, 0.1, 1, 0])),
        _file(classes=np.array([5], np.uint16)),
        _file(classes=np.array([0, 0], np.uint16)),
        _file(vectors=np.zeros((0, 2), np.int8), classes=np.zeros(0, np.uint16)),
        _file(projection=np.eye(3, dtype=np.float16)),
        _file(vectors=np.array([["a", "b"]])),
        _file(vectors=np.array([{"pickled": 1}], dtype=object)),
        _file(classes=np.array(["a"])),
        _file(classes=np.array([-1])),
        _file(projection=np.eye(2) * 1e300),
        _file(projection=np.full((2, 2), np.inf, np.float16)),
    ],
)
def test_a_damaged_file_is_a_clear_error(data: bytes) -> None:
    """Catches a crash in the first picture, or code that a pickle runs."""
    read_neighbours(_file(), labels=2, features=2)
    with pytest.raises(InputError, match=f"{NEIGHBOURS_NAME}.*Export the model again"):
        read_neighbours(data, labels=2, features=2)


def colour_network() -> keras.Model:
    """Return a network of which a picture's mean colour is both features and logits."""
    pixels = keras.Input((16, 16, 3))
    logits = classifier(keras.layers.Rescaling(1 / 255)(pixels), 3, 0.0)
    network = keras.Model(pixels, logits)
    network.layers[-1].set_weights([10 * np.eye(3), np.zeros(3)])
    return network


def write_colours(folder: Path, counts: dict[str, dict[str, int]]) -> PatchIndex:
    """Write patches of the colours of tests.worlds, none like another; counts: by split and label."""
    random, patches = np.random.default_rng(0), []
    wanted = [(split, label) for split, some in counts.items() for label in some for _ in range(some[label])]
    for split, label in wanted:
        file = f"{len(patches)}.png"
        colour = np.clip(random.normal(COLOURS[label], 25), 0, 255).astype(np.uint8)
        Image.fromarray(np.full((16, 16, 3), colour)).save(folder / file)
        patches.append(Patch(file, label, file, 0, 0, 16, 16, split))
    return PatchIndex(folder, tuple(patches))


def test_pictures_of_a_class_of_few_are_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Faults: the score of a class of seven by its tenth nearest, which is of another class; most of it not stored."""
    many = {"red": 60, "green": 60, "blue": 7}
    index = write_colours(tmp_path, {"train": many, "validation": {"red": 15, "green": 15, "blue": 2}, "test": many})
    recipe = override_all(
        worlds.RECIPE,
        (("network.background", "confidence"), ("calibrate.kind", "neighbours"), ("calibrate.neighbours", "61")),
    )
    network = colour_network()
    calibration = calibrate_with_neighbours(network, index, recipe)
    stored = read_neighbours(calibration.files[NEIGHBOURS_NAME], 3, 3)
    assert (np.bincount(stored.classes).tolist(), stored.count) == ([27, 27, 7], 3)
    test, values = index.select("test", ("blue",)), calibration.values
    known = keras_probabilities(network, values["temperature"], stored, test, recipe).max(axis=1) >= values["threshold"]
    assert known.mean() > 0.7
    note = calibration.values["knn_score"]["note"]
    assert "training patches of blue are stored" in note
    assert "Add pictures" in note
    assert note in capsys.readouterr().err


@pytest.fixture(scope="module")
def run(colour_run: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Return the colour run calibrated anew with neighbours, and exported."""
    folder = tmp_path_factory.mktemp("runs") / "neighbours"
    shutil.copytree(colour_run.path, folder)
    again = RunFolder(folder)
    data = json.loads(again.data.read_text())
    data["patches"] = str((colour_run.path / data["patches"]).resolve())
    again.data.write_text(json.dumps(data))
    again.recipe.write_text(recipe_to_json(override_all(again.read_recipe(), (("calibrate.kind", "neighbours"),))))
    for made in (again.calibration, again.model, again.float_model, again.parity):
        made.unlink(missing_ok=True)
    complete(again, [CALIBRATE])
    export_run(again, "int8", again.model)
    return again


def test_the_runner_does_what_keras_does(run: RunFolder) -> None:
    """Catches features and probabilities exchanged in the file, and a runner that weighs otherwise than the report."""
    parity = json.loads(run.parity.read_text())
    assert parity["float32"]["max_difference"] < 0.001
    assert parity["int8"]["agreement"]["value"] >= 0.95
    recipe, index = run.read_recipe(), run_index(run).select("test")
    network = keras.models.load_model(run.best, compile=False)
    _, expected = keras_outputs(network, 1.0, index, recipe)
    model = Classifier(run.model)
    features = np.stack([model.features(index.path(patch)) for patch in index.patches])
    assert np.corrcoef(features.ravel(), expected.ravel())[0, 1] > 0.99
    assert model.card.decision == "neighbours"


def test_what_is_like_nothing_is_less_sure(run: RunFolder) -> None:
    """Catches a score that has no influence: pictures that training never saw, but a softmax may be sure of."""
    model = Classifier(run.model)
    assert model.neighbours is not None
    index = run_index(run)
    known = [index.path(patch) for patch in index.select("test", ("red", "green", "blue")).patches]
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[::2] = (255, 255, 0)
    scores = model.neighbours.knn_score(np.stack([model.features(one) for one in (stripes, *known)]))
    assert scores[0] < scores[1:].min()
    assert model.classify(stripes).result == "unknown"
    accepted = [model.classify(path).result != "unknown" for path in known]
    assert np.mean(accepted) > 0.7
    assert Classifier(run.model, threshold=0).classify(stripes).result != "unknown"


def test_a_file_without_its_neighbours_is_refused(run: RunFolder, tmp_path: Path) -> None:
    """Catches a model that silently decides by another rule than it was measured with."""
    artefact = read_artefact(run.model)
    files = {name: data for name, data in artefact.files.items() if name != NEIGHBOURS_NAME}
    path = tmp_path / "less.tflite"
    path.write_bytes(pack_artefact(Artefact(artefact.flatbuffer, files)))
    with pytest.raises(InputError, match=r"decision 'neighbours' needs neighbours\.npz"):
        Classifier(path)


def test_features_are_asked_of_a_model_that_gives_none(tiny_model: Path) -> None:
    """Catches an attribute error where a sentence tells how to export them."""
    with pytest.raises(InputError, match=r"export\.features=true"):
        Classifier(tiny_model).features(np.zeros((8, 8, 3), np.uint8))
