"""Seven minerals from tight patches, with our own network from scratch.

    python -m pipeline run minerals
    python -m pipeline run minerals --images PHOTOS --annotations FILE

Measured figures, with n, machine and time: README.txt, table of results.
"""

from pipeline.recipe import Recipe
from pipeline.scenes import MINERALS

RECIPE = Recipe(
    name="minerals",
    title="Seven minerals, tight patches",
    labels=MINERALS,
    embedded=(  # what gets furthest in five minutes; docs/experiments.csv
        ("source.scenes", "1200"),
        ("patches.jitters", "0"),
        ("patches.negatives", "2"),
        ("network.input_side", "64"),
        ("fit.epochs", "24"),
        ("fit.learning_rate", "3e-3"),
        ("augment.rotation", "0.05"),
        ("augment.zoom", "0.1"),
        ("augment.saturation", "0"),
        ("augment.hue", "0"),
    ),
    smoke=(
        ("source.scenes", "60"),
        ("fit.epochs", "2"),
        ("network.input_side", "32"),
        ("patches.jitters", "0"),
        ("patches.negatives", "2"),
        ("export.calibration_pictures", "20"),
        ("export.max_accuracy_loss", "1.0"),
    ),
)
