"""Pretrained trunks: what goes into them, where their weights come from, and that they convert to int8."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from export.convert import convert
from inference.errors import InputError
from inference.model.tflite_model import TfliteModel
from models.backbones import BACKBONES, parts_of
from models.build import build_network, count_macs, trunk_of, with_probabilities
from pipeline.recipes import RECIPES
from pipeline.settings.recipe import Recipe, override_all
from pipeline.training.weights import make_network
from tests.colour_run import RECIPE

MADE_FOR_INT8 = ("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large_minimalistic")
BUILTIN = {"CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "MUL", "MEAN", "PAD", "FULLY_CONNECTED", "SOFTMAX"}
AT_THE_ENDS = {"QUANTIZE", "DEQUANTIZE", "CAST", "DELEGATE"}
TRANSFER = override_all(RECIPE, (("network.trunk", "mobilenet_v1"), ("network.head", "normalised")))


def weights_differ(first: keras.Model, second: keras.Model) -> bool:
    pairs = zip(first.get_weights(), second.get_weights(), strict=True)
    return any(not np.array_equal(one, other) for one, other in pairs)


def awaken(network: keras.Model, pixels: np.ndarray) -> None:
    """Set batch normalisation to the statistics of some pictures: random weights make features of 1e-20 without."""
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    network(pixels, training=True)


def random_pixels(count: int, side: int) -> np.ndarray:
    """Return float32 [count, side, side, 3] in 0..255: coarse squares of chance, as different as pictures are."""
    coarse = np.random.default_rng(0).integers(0, 256, (count, 4, 4, 3)).astype(np.float32)
    return coarse.repeat(side // 4, axis=1).repeat(side // 4, axis=2)


@pytest.mark.parametrize("trunk", ["mobilenet_v1", "mobilenet_v3_small", "mobilenet_v1_v2"])
def test_moving_averages_follow_a_training_of_a_hundred_steps(trunk: str) -> None:
    """Catches Keras' momentum of 0.999: a network that is right in training and not afterwards."""
    network = build_network(trunk, "classifier", 32, 4, 0.0)
    momenta = {one.momentum for one in network.layers if isinstance(one, keras.layers.BatchNormalization)}
    assert momenta and max(momenta) ** 100 < 0.01


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trunk", "preprocess"),
    [
        ("mobilenet_v1", keras.applications.mobilenet.preprocess_input),
        ("mobilenet_v2", keras.applications.mobilenet_v2.preprocess_input),
        ("mobilenet_v3_large_minimalistic", lambda pixels: pixels),
    ],
)
def test_pixels_are_scaled_inside_the_graph(trunk: str, preprocess: Callable[[Any], Any]) -> None:
    """Catches pixels that a trunk gets unscaled, or scaled twice: its ImageNet weights would then mean nothing."""
    pixels = random_pixels(8, 32)
    ours = trunk_of(build_network(trunk, "normalised", 32, 4, 0.0))
    awaken(ours, pixels)
    options = {"minimalistic": True} if BACKBONES[trunk].minimalistic else {}
    theirs = BACKBONES[trunk].application(input_shape=(32, 32, 3), include_top=False, weights=None, **options)
    theirs.set_weights(ours.get_weights())
    expected = theirs.predict(preprocess(pixels.copy()), verbose=0)
    assert np.ptp(expected) > 1, "features that are all alike would prove nothing"
    np.testing.assert_allclose(ours.predict(pixels, verbose=0), expected, atol=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(("trunk", "published"), [("mobilenet_v1", 569e6), ("mobilenet_v2", 300e6)])
def test_their_multiply_accumulates_are_the_published_ones(trunk: str, published: float) -> None:
    """Catches a count that does not see the trunk's layers, and a trunk of another width (224, 1000 classes)."""
    network = build_network(trunk, "classifier", 224, 1000, 0.0)
    assert count_macs(network) == pytest.approx(published, rel=0.01)


def answers(flatbuffer: bytes, pictures: np.ndarray) -> np.ndarray:
    """Return float32 [pictures, classes]: what the runner's interpreter says."""
    model = TfliteModel(flatbuffer)
    return np.stack([model.predict(one) for one in pictures])


@pytest.mark.slow
@pytest.mark.parametrize("trunk", MADE_FOR_INT8)
def test_a_loaded_network_converts_to_int8(tmp_path: Path, trunk: str) -> None:
    """Catches a trunk that is lost when a saved network is loaded, or that needs more than int8's own operators."""
    keras.utils.set_random_seed(0)
    pixels = random_pixels(10, 64)
    built = build_network(trunk, "normalised", 64, 4, 0.2)
    awaken(built, pixels)
    built.save(tmp_path / "best.keras")
    network = keras.models.load_model(tmp_path / "best.keras", compile=False)
    assert trunk_of(network).output_shape[1:3] == (2, 2)
    assert count_macs(network) > 10e6
    pictures = pixels.astype(np.uint8)
    deployed = with_probabilities(network, 1.0)
    expected = deployed.predict(pixels, verbose=0)
    assert np.ptp(expected, axis=0).min() > 0.2, "answers that are all alike would prove nothing"
    np.testing.assert_allclose(answers(convert(deployed, "float32", pictures), pictures), expected, atol=0.002)
    flatbuffer = convert(deployed, "int8", pictures)
    rows = answers(flatbuffer, pictures)  # random weights amplify the rounding: how close they are tells nothing
    assert rows.dtype == np.float32
    assert np.ptp(rows, axis=0).min() > 0.1
    np.testing.assert_allclose(rows.sum(axis=1), 1.0, atol=1e-5)
    interpreter = Interpreter(model_content=flatbuffer)
    interpreter.allocate_tensors()
    names = {operator["op_name"] for operator in interpreter._get_ops_details()}
    assert names <= BUILTIN | AT_THE_ENDS


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> keras.Model:
    """Return a network whose weights lie beside it in start.keras and, without the head, in trunk.weights.h5."""
    folder = tmp_path_factory.mktemp("weights")
    network = make_network(TRANSFER, "none")
    network.save(folder / "start.keras")
    trunk_of(network).save_weights(folder / "trunk.weights.h5")
    network.folder = folder
    return network


@pytest.mark.slow
def test_a_training_starts_from_an_earlier_runs_weights(start: keras.Model) -> None:
    """Catches a warm start that is none, or that drops a head for the same labels."""
    assert not weights_differ(make_network(TRANSFER, str(start.folder / "start.keras")), start)


@pytest.mark.slow
@pytest.mark.parametrize("file", ["start.keras", "trunk.weights.h5"])
def test_a_head_for_other_labels_starts_anew(start: keras.Model, file: str) -> None:
    """Catches weights that are refused, or not loaded at all, because the head is another or lacking."""
    two = override_all(TRANSFER, (("labels", "red,green"),))
    network = make_network(two, str(start.folder / file))
    assert not weights_differ(trunk_of(network), trunk_of(start))
    assert network.output_shape == (None, 3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "trunk", "message"),
    [
        ("trunk.weights.h5", "mobilenet_v2", "must hold the weights of a mobilenet_v2"),
        ("start.keras", "patch_net", "must hold the weights of a patch_net"),
        ("damaged.weights.h5", "mobilenet_v1", "damaged file. Give a file"),
        ("damaged.keras", "mobilenet_v1", "damaged file. Give a file"),
        ("nowhere.weights.h5", "mobilenet_v1", "does not exist. Set"),
        ("trunk.h5", "mobilenet_v1", "must be none, imagenet, package, drawn, or a file that ends with .weights.h5"),
    ],
)
def test_weights_that_do_not_fit_are_refused(start: keras.Model, file: str, trunk: str, message: str) -> None:
    """Catches a training from random weights that its user believes to be pretrained, and a traceback of HDF5."""
    if file.startswith("damaged"):
        (start.folder / file).write_bytes(b"PK nothing")
    with pytest.raises(InputError) as fault:
        make_network(override_all(TRANSFER, (("network.trunk", trunk),)), str(start.folder / file))
    assert message in str(fault.value)


@pytest.mark.slow
def test_the_drawn_weights_are_there_and_fit() -> None:
    """Catches a clone without the weights that the recipe for photographs starts from, or for an older patch_net."""
    recipe = RECIPES["minerals"]
    assert recipe.network.weights == "drawn"
    first, second = (trunk_of(make_network(recipe, "drawn")) for _ in range(2))
    assert not weights_differ(first, second)
    assert weights_differ(first, trunk_of(make_network(recipe, "none")))


BOTH = override_all(TRANSFER, (("network.trunk", "mobilenet_v1_v2"),))


@pytest.fixture(scope="module")
def two_files(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, keras.Model]]:
    """Return MobileNetV1 and V2 without a classifier, as Keras has them, and the files of their weights."""
    folder, pixels = tmp_path_factory.mktemp("two"), random_pixels(8, 32)
    made = []
    for name, application in (("one", keras.applications.MobileNet), ("two", keras.applications.MobileNetV2)):
        network = application(input_shape=(32, 32, 3), include_top=False, weights=None)
        awaken(network, pixels / 127.5 - 1)
        network.save_weights(folder / f"{name}.weights.h5")
        made.append((folder / f"{name}.weights.h5", network))
    return made


@pytest.mark.slow
def test_two_trunks_see_the_same_pixels_and_their_features_stand_side_by_side(
    two_files: list[tuple[Path, keras.Model]],
) -> None:
    """Faults: the weights of one in the other, pixels that the second gets unscaled, features of one alone."""
    network = make_network(BOTH, ",".join(str(file) for file, _ in two_files))
    pixels = random_pixels(8, 32)
    features = trunk_of(network).predict(pixels, verbose=0)
    expected = [one.predict(pixels / 127.5 - 1, verbose=0) for _, one in two_files]
    assert all(np.ptp(one) > 1 for one in expected), "features that are all alike would prove nothing"
    np.testing.assert_allclose(features, np.concatenate(expected, axis=-1), atol=0.01)


@pytest.mark.slow
def test_two_trunks_start_from_an_earlier_runs_weights(tmp_path: Path) -> None:
    """Catches a file of the whole that is taken for one of its parts."""
    start = make_network(BOTH, "none")
    start.save(tmp_path / "start.keras")
    assert not weights_differ(make_network(BOTH, str(tmp_path / "start.keras")), start)


@pytest.mark.slow
def test_files_that_are_not_those_of_the_two_trunks_are_refused(two_files: list[tuple[Path, keras.Model]]) -> None:
    """Catches weights of one trunk alone, in the wrong order, or for a trunk that has no parts."""
    one, two = (str(file) for file, _ in two_files)
    for recipe, files, message in (
        (BOTH, one, "must hold the weights of a mobilenet_v1_v2"),
        (BOTH, f"{two},{one}", "must hold the weights of a mobilenet_v1_v2"),
        (BOTH, f"{one},{two},{two}", "one for each part of the trunk. Received: 3 files"),
        (TRANSFER, f"{one},{two}", "one for each part of the trunk. Received: 2 files for mobilenet_v1"),
    ):
        with pytest.raises(InputError) as fault:
            make_network(recipe, files)
        assert message in str(fault.value)


def imagenet_is(monkeypatch: pytest.MonkeyPatch, application: Callable[..., keras.Model]) -> None:
    """Put a function in the place of the one by which Keras downloads MobileNet."""
    monkeypatch.setitem(BACKBONES, "mobilenet_v1", replace(BACKBONES["mobilenet_v1"], application=application))


@pytest.mark.slow
def test_imagenet_weights_are_put_into_the_trunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a download whose weights end in another network than the one that is trained."""
    downloaded = []

    def pretend(weights: str, **options: Any) -> keras.Model:
        assert weights == "imagenet"
        downloaded.append(keras.applications.MobileNet(weights=None, **options))
        return downloaded[0]

    imagenet_is(monkeypatch, pretend)
    network = make_network(TRANSFER, "imagenet")
    assert not weights_differ(trunk_of(network), downloaded[0])


@pytest.mark.slow
def test_imagenet_weights_of_two_trunks_are_put_into_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches weights that are mixed up because the layers of the two alternate."""
    downloaded = []

    def pretend(application: Callable[..., keras.Model]) -> Callable[..., keras.Model]:
        def make(weights: str | None, **options: Any) -> keras.Model:
            network = application(weights=None, **options)
            downloaded.extend([network] if weights else [])
            return network

        return make

    both = BACKBONES["mobilenet_v1_v2"]
    parts = tuple(replace(part, application=pretend(part.application)) for part in both.parts)
    monkeypatch.setitem(BACKBONES, "mobilenet_v1_v2", replace(both, parts=parts))
    network = make_network(BOTH, "imagenet")
    for part, whole in zip(parts_of(trunk_of(network)), downloaded, strict=True):
        assert not weights_differ(part, whole)


def test_a_failed_download_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a traceback on a machine without a network."""

    def fail(**options: Any) -> keras.Model:
        raise Exception("URL fetch failure on https://storage.googleapis.com")  # as Keras does

    imagenet_is(monkeypatch, fail)
    with pytest.raises(
        InputError, match=r"network\.weights: .*URL fetch failure.* Go online; or give a file.*weights=package"
    ):
        make_network(TRANSFER, "imagenet")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ((("network.weights", "imagenet"),), "network.weights must be none, drawn or a file for patch_net"),
        ((("network.trunk", "mobilenet_v2"), ("network.input_side", "31")), "network.input_side must be at least 32"),
    ],
)
def test_settings_that_a_trunk_cannot_have_are_refused(overrides: tuple, message: str) -> None:
    """Catches a run that cuts all its patches before Keras refuses the network."""
    with pytest.raises(InputError, match=message):
        override_all(Recipe(name="plain", title="Plain", labels=("a", "b")), overrides)
