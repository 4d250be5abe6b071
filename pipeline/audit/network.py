"""Settings of a network -> its features, without training: the frozen network of the audit."""

import numpy as np

from pipeline.audit.features import FrozenNetwork
from pipeline.settings.recipe import Overrides, Recipe, override_all
from pipeline.settings.sections import NetworkSettings

_BATCH = 64

# Weights from drawn scenes know no photograph, so they can't have learned the labels that are checked.
_DEFAULT = Recipe(
    name="audit",
    title="Audit of a data set",
    labels=("one", "another"),
    network=NetworkSettings(trunk="patch_net", weights="drawn", input_side=96),
)


def frozen_network(overrides: Overrides) -> FrozenNetwork:
    """Return our network with weights from drawn scenes, or another trunk by settings of network.

    Raises:
        InputError: a setting is unknown, or the weights can't be loaded.
    """
    import keras

    from models.heads import POOL
    from pipeline.training.weights import make_network

    recipe = override_all(_DEFAULT, overrides)
    keras.utils.set_random_seed(recipe.seed)  # without weights, all processes have the same network
    network = make_network(recipe, recipe.network.weights)
    pooled = keras.Model(network.input, network.get_layer(POOL).output)

    def features(patches: np.ndarray) -> np.ndarray:
        return np.asarray(pooled.predict(patches, batch_size=_BATCH, verbose=0))

    settings = recipe.network
    name = f"{settings.trunk}, weights {settings.weights}"
    return FrozenNetwork(name, settings.input_side, pooled.output.shape[-1], features, recipe.patches.margin)
