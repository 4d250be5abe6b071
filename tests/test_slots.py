"""Slots: what fills one keeps its contract, whichever entry it is; docs/adding_a_recipe.md has the contracts."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import get_args, get_type_hints

import keras
import numpy as np
import pytest

import pipeline.kinds
from export.convert import MODES
from inference.errors import InputError
from inference.model.decide import DECISIONS
from models.backbones import BACKBONES
from models.build import TRUNKS, build_network, trunk_of, with_probabilities
from models.feature_maps import LEVELS
from models.heads import HEADS
from pipeline.anomaly.features import make_feature_maps
from pipeline.calibration.temperature import CALIBRATIONS
from pipeline.data.sources import SOURCES, DataPlace
from pipeline.recipes import RECIPES
from pipeline.settings.field import KINDS
from pipeline.settings.recipe import Recipe, override, override_all
from pipeline.settings.sections import ExportSettings, SourceSettings
from pipeline.training.gradient import FITS

PLAIN = Recipe(name="plain", title="Plain", labels=("a", "b"))
SIDE = 64


def test_every_slot_offers_what_there_is() -> None:
    """Catches a function that no recipe can name, or a name without a function: KeyError after the patches are cut."""
    slots: dict[str, Iterable[str]] = {
        "source.kind": {*SOURCES, "surfaces"},  # for anomalies: no patches, so no entry
        "network.trunk": TRUNKS,
        "network.head": HEADS,
        "fit.kind": FITS,
        "calibrate.kind": CALIBRATIONS,
        "calibrate.decision": DECISIONS.keys() - {"neighbours"},  # what cards call softmax with neighbours
        "export.mode": MODES,
    }
    assert set(pipeline.kinds.KINDS) == set(KINDS)
    for setting, known in slots.items():
        section, name = setting.split(".")
        assert set(get_args(get_type_hints(type(getattr(PLAIN, section)))[name])) == set(known), setting


def test_a_recipe_that_names_what_there_is_not_is_refused_at_once() -> None:
    """Faults: a misspelt word in a recipe's file: KeyError, perhaps after hours of training."""
    with pytest.raises(InputError, match=r"source\.kind must be one of .*class_folders.*Received: 'folders'"):
        replace(PLAIN, source=SourceSettings(kind="folders"))  # type: ignore[arg-type]
    with pytest.raises(
        InputError, match=r"export\.mode must be one of int8, dynamic, float16, float32\. Received: 'int4'"
    ):
        replace(PLAIN, export=ExportSettings(mode="int4"))  # type: ignore[arg-type]


@pytest.mark.parametrize("source", [*SOURCES, "surfaces"])
def test_every_source_refuses_a_place_that_it_cannot_use(source: str, tmp_path: Path) -> None:
    """Faults: a source without a rule (KeyError), or one that starts a run with annotations and no pictures."""
    (tmp_path / "boxes.json").write_text("{}")
    with pytest.raises(InputError):
        DataPlace(None, tmp_path / "boxes.json", tmp_path / "runs").check(source)


FAST = ("patch_net", "mobilenet_v1")  # trunks that are tested each time


@pytest.fixture(
    scope="module", params=[trunk if trunk in FAST else pytest.param(trunk, marks=pytest.mark.slow) for trunk in TRUNKS]
)
def network(request: pytest.FixtureRequest) -> keras.Model:
    """Return a network of each trunk."""
    return build_network(request.param, "classifier", SIDE, 3, 0.2)


def test_every_trunk_maps_pixels_to_a_feature_map(network: keras.Model) -> None:
    """Faults: a trunk that pools or flattens itself, so that features and heat maps are lost, or gives no logits."""
    assert network.output_shape == (None, 3)
    batch, height, width, channels = trunk_of(network).output_shape
    assert batch is None
    assert 1 < height == width < SIDE
    assert channels > 1


def test_every_network_gives_probabilities_and_features(network: keras.Model) -> None:
    """Faults: features that are not the pooled feature map, a network that answers with something else than shares."""
    pixels = np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE, 3)).astype(np.float32)
    probabilities, features = with_probabilities(network, 1.0, features=True)(pixels, training=False)
    assert keras.ops.convert_to_numpy(probabilities).sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    assert features.shape == (2, trunk_of(network).output_shape[-1])


def test_a_trunk_without_feature_levels_is_refused_for_anomalies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults: KeyError for a trunk that was added without the layers that anomalies are found by."""
    monkeypatch.delitem(LEVELS, "mobilenet_v1")
    recipe = override(RECIPES["wood"], "network.trunk", "mobilenet_v1")
    with pytest.raises(InputError, match=r"network\.trunk .* feature levels: patch_net, .*models/feature_maps\.py"):
        make_feature_maps(recipe, SIDE)


@pytest.mark.parametrize("head", HEADS)
def test_every_head_pools_first_and_ends_with_logits(head: str) -> None:
    """Faults: a head whose first layer has another name, by which features and frozen trunks are found."""
    network = build_network("patch_net", head, SIDE, 5, 0.2)
    assert network.output_shape == (None, 5)
    assert len(trunk_of(network).output_shape) == 4


@pytest.mark.parametrize("trunk", TRUNKS)
def test_weights_are_offered_where_there_are_some(trunk: str) -> None:
    """Faults: a trunk of ours taken for one of keras.applications, whose weights nobody has: KeyError in the fit."""
    chosen = (("network.trunk", trunk), ("network.input_side", "64"), ("network.weights", "imagenet"))
    if trunk in BACKBONES:
        assert override_all(PLAIN, chosen).network.weights == "imagenet"
    else:
        with pytest.raises(InputError, match=r"network\.weights must be none"):
            override_all(PLAIN, chosen)
