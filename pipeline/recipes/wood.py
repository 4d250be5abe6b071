"""Anomalies on wood from a few unlabelled photographs: a memory bank of normal features, without training.

    python -m pipeline run wood
    python -m pipeline run wood --images PHOTOS
    python -m pipeline run wood --images PHOTOS --crops CROPS --set network.weights=FILE

Without --images the program draws planks and uses its own network. PHOTOS may contain some anomalies; with --set
anomaly.clean=true they must contain none. Masks are used only for evaluation: those in --masks, or in a folder "masks"
next to the photographs. CROPS: example regions, one folder per name.

For other materials use the same commands with their photographs. Results: docs/wood.md.
"""

from pipeline.settings.anomaly import AnomalySettings
from pipeline.settings.recipe import Recipe
from pipeline.settings.sections import ExportSettings, NetworkSettings, SourceSettings

RECIPE = Recipe(
    name="wood",
    title="Anomalies on wood",
    labels=("anomaly", "normal"),
    kind="anomaly",
    source=SourceSettings(kind="surfaces", count=24),
    network=NetworkSettings(
        trunk="mobilenet_v3_large_minimalistic", weights="imagenet", input_side=224, background="confidence"
    ),
    export=ExportSettings(mode="float16"),
    anomaly=AnomalySettings(prevalence="auto", levels=("4", "8"), colour=True, smoothing=1, longest_side=1296),
    embedded=(
        ("network.trunk", "patch_net"),
        ("network.weights", "drawn"),
        ("anomaly.clean", "true"),
        ("anomaly.colour", "false"),  # planks have four tints, and the shape of a defect suffices
        ("anomaly.false_positive_rate", "0.001"),
        ("anomaly.levels", "2,4"),
        ("anomaly.normalize_by_median", "false"),  # the memory bank has every kind of drawn plank
        ("anomaly.smoothing", "2"),
    ),
    smoke=(
        ("source.count", "6"),
        ("anomaly.candidates", "1200"),
        ("anomaly.coreset_size", "200"),
        ("anomaly.folds", "2"),
    ),
)
