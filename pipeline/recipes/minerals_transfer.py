"""Seven minerals from tight patches, with a network that was trained on ImageNet before.

    python -m pipeline run minerals_transfer --images PHOTOS --annotations FILE

The ImageNet weights are downloaded once. With weights from a file (a .weights.h5 of keras.applications without its
classifier, or best.keras of an earlier run), nothing is:

    python -m pipeline run minerals_transfer --images PHOTOS --annotations FILE \
        --set network.trunk=mobilenet_v3_large_minimalistic --set network.weights=FILE

Patches and splits are those of the recipe minerals, so that their figures can be compared photograph by photograph.
The int8 file of mobilenet_v3_large is slower than its float one; the minimalistic trunk, mobilenet_v2 and
mobilenet_v1 are made for int8.
"""

from dataclasses import replace

from pipeline.recipe import FitSettings, NetworkSettings
from pipeline.recipes import minerals

RECIPE = replace(
    minerals.RECIPE,
    name="minerals_transfer",
    title="Seven minerals, tight patches, pretrained network",
    network=NetworkSettings(trunk="mobilenet_v3_large", head="normalised", weights="imagenet", input_side=224),
    fit=FitSettings(
        kind="two_stage",
        optimizer="adam",
        epochs=50,
        patience=8,
        batch_size=16,
        learning_rate=1e-4,
    ),
    embedded=(("source.scenes", "1200"), ("patches.jitters", "0"), ("patches.negatives", "2")),
    smoke=(
        *minerals.RECIPE.smoke,
        ("network.weights", "none"),
        ("fit.head_epochs", "1"),
    ),
)
