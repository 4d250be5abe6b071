"""A frozen trunk with a linear head: what is saved answers as what was fitted, and a killed fit keeps its features."""

from collections.abc import Iterator

import keras
import numpy as np
import pytest
from scipy.special import softmax

from models.build import build_network, trunk_of
from models.heads import LinearHead, pooled_features, set_linear_head
from pipeline.classification.stages import FIT, PATCHES, run_index
from pipeline.data.dataset import evaluation_dataset
from pipeline.data.sources import DataPlace
from pipeline.settings.recipe import Recipe, override_all
from pipeline.settings.run_folder import RunFolder
from pipeline.stages import complete, start_run
from pipeline.training import frozen
from pipeline.training.callbacks import read_history
from pipeline.training.frozen import Features, fit_heads
from pipeline.training.weights import make_network
from tests.colour_run import RECIPE, write_photographs
from tests.short_trunk import shorten_patch_net

FROZEN = override_all(RECIPE, (("fit.kind", "frozen"), ("fit.epochs", "3"), ("augment.detail", "0")))


@pytest.fixture(scope="module", autouse=True)
def short_trunk() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        shorten_patch_net(patch)
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataPlace:
    folder = tmp_path_factory.mktemp("photographs")
    return DataPlace(*write_photographs(folder / "data", 30), folder / "runs")


@pytest.fixture(scope="module", params=["classifier", "normalised"])
def finished(request: pytest.FixtureRequest, data: DataPlace) -> RunFolder:
    return fitted(override_all(FROZEN, (("network.head", request.param),)), data)


def fitted(recipe: Recipe, data: DataPlace) -> RunFolder:
    run = start_run(recipe, data)
    complete(run, [PATCHES, FIT])
    return run


def random_features(count: int = 60) -> Features:
    random = np.random.default_rng(0)
    labels = np.eye(3, dtype=np.float32)[random.integers(0, 3, count)]
    pooled = (random.normal(5, 2, (count, 8)) + 3 * labels @ random.normal(0, 1, (3, 8))).astype(np.float32)
    return Features(pooled, labels, np.ones(count, np.float32))


@pytest.mark.slow
def test_the_saved_network_answers_as_the_history_says(finished: RunFolder) -> None:
    """Faults: standardisation lost or applied twice; the head of another penalty saved than the best one."""
    recipe, index = finished.read_recipe(), run_index(finished)
    network = keras.models.load_model(finished.best, compile=False)
    validation = index.select("validation", recipe.outputs)
    answers = network.predict(evaluation_dataset(validation, recipe), verbose=0).argmax(axis=1)
    right = np.mean(answers == [recipe.outputs.index(patch.label) for patch in validation.patches])
    rows = read_history(finished.history)
    best = min(rows, key=lambda row: row["val_loss"])
    assert right == pytest.approx(best["val_accuracy"])
    assert right > 0.6
    assert len({row["val_loss"] for row in rows}) > 1


@pytest.mark.slow
def test_the_trunk_keeps_its_weights(finished: RunFolder) -> None:
    recipe = finished.read_recipe()
    keras.utils.set_random_seed(recipe.seed)
    before = trunk_of(make_network(recipe, "none")).get_weights()
    after = trunk_of(keras.models.load_model(finished.best, compile=False)).get_weights()
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["classifier", "normalised"])
def test_a_linear_head_becomes_the_networks_head(name: str) -> None:
    """Faults: mean or deviation that is not folded in; the epsilon of batch normalisation left in small deviations."""
    random = np.random.default_rng(0)
    network = build_network("patch_net", name, 32, 3, 0.2)
    pixels = random.integers(0, 256, (4, 32, 32, 3)).astype(np.float32)
    pooled = pooled_features(network).predict(pixels, verbose=0)
    size = pooled.shape[1]
    head = LinearHead(pooled[0], random.uniform(1e-3, 1, size), random.normal(0, 0.01, (size, 3)), np.arange(3.0))
    set_linear_head(network, head)
    np.testing.assert_allclose(network.predict(pixels, verbose=0), head.logits(pooled), atol=1e-3)


@pytest.mark.slow
def test_a_killed_fit_keeps_the_features_it_has(data: DataPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults: finished views computed again after a kill; another result than without the kill."""
    computed: list[int] = []
    extract = frozen._extract

    def killed(*batch: object) -> tuple[np.ndarray, ...]:
        computed.append(len(list(run.cache.glob("*.npz"))))
        if len(computed) == 9:
            raise KeyboardInterrupt
        return extract(*batch)

    run = start_run(FROZEN, data)
    complete(run, [PATCHES])
    monkeypatch.setattr(frozen, "_extract", killed)
    with pytest.raises(KeyboardInterrupt):
        complete(run, [FIT])
    kept = {file: file.stat().st_mtime_ns for file in run.cache.glob("*.npz")}
    assert kept
    before = len(computed)
    complete(run, [FIT])
    assert len(list(run.path.glob("best.keras"))) == 1
    assert computed[before:][0] == len(kept), "views that were done are not computed again"
    whole = fitted(FROZEN, data)
    assert [without_time(row) for row in read_history(run.history)] == [
        without_time(row) for row in read_history(whole.history)
    ]


def without_time(row: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in row.items() if name != "seconds"}


def test_two_outputs_get_a_logit_each() -> None:
    """Faults: the single logit of a regression between two classes in a head of two; its sign the wrong way round."""
    random = np.random.default_rng(0)
    labels = np.eye(2, dtype=np.float32)[random.integers(0, 2, 60)]
    pooled = (random.normal(0, 1, (60, 8)) + 4 * labels @ random.normal(0, 1, (2, 8))).astype(np.float32)
    *_, head = fit_heads(Features(pooled, labels, np.ones(60, np.float32)), 1)
    logits = head.logits(pooled)
    assert logits.shape == (60, 2)
    assert np.mean(logits.argmax(axis=1) == labels.argmax(axis=1)) > 0.9


@pytest.mark.parametrize("seen", [(0, 2, 3), (1, 3)])
def test_an_output_that_no_view_shows_is_improbable(seen: tuple[int, ...]) -> None:
    """Faults: a crash where teachers, mixed pictures or the draw leave a class out; logits of the next class in its
    place.
    """
    random = np.random.default_rng(0)
    labels = np.eye(4, dtype=np.float32)[random.choice(seen, 60)]
    pooled = (random.normal(0, 1, (60, 8)) + 4 * labels @ random.normal(0, 1, (4, 8))).astype(np.float32)
    missing = [output for output in range(4) if output not in seen]
    for head in fit_heads(Features(pooled, labels, np.ones(60, np.float32)), 1):
        probabilities = softmax(head.logits(pooled), axis=1)
        assert probabilities[:, missing].max() < 1e-3
    assert np.mean(probabilities.argmax(axis=1) == labels.argmax(axis=1)) > 0.9, "with the weakest penalty"


def test_mixed_labels_count_by_their_shares() -> None:
    """Fault: a picture that is mixed from two classes counts as one of the larger share alone."""
    features = random_features()
    half = np.full((60, 3), [0.5, 0.5, 0], np.float32)
    twice = Features(
        features.pooled.repeat(2, axis=0), np.tile(np.eye(3, dtype=np.float32)[:2], (60, 1)), np.full(120, 0.5)
    )
    own = Features(np.concatenate([features.pooled] * 2), np.concatenate([features.labels, half]), np.ones(120))
    other = Features(
        np.concatenate([features.pooled, twice.pooled]),
        np.concatenate([features.labels, twice.labels]),
        np.concatenate([features.weights, twice.weights]),
    )
    for one, same in zip(fit_heads(own, 1), fit_heads(other, 1), strict=True):
        np.testing.assert_allclose(one.kernel, same.kernel, atol=1e-3)


def test_more_views_do_not_weaken_the_penalty() -> None:
    """Fault: a penalty that depends on how often each patch is seen."""
    once = random_features()
    again = Features(*(np.concatenate([part] * 3) for part in (once.pooled, once.labels, once.weights)))
    for one, same in zip(fit_heads(once, 1), fit_heads(again, 3), strict=True):
        np.testing.assert_allclose(one.kernel, same.kernel, atol=1e-3)
