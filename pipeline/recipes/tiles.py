"""Anomalies on magnetic tiles: a surface that differs more from tile to tile than most defects differ from it.

    python -m pipeline run tiles --images FREE --test TILES
    python -m pipeline run tiles --images FREE --test TILES --set network.weights=FILE

FREE: photographs of tiles without defects. TILES: photographs that only measure, with masks in a folder "masks" beside
FREE or in --masks. Without --images the flow is tried on drawn planks of wood, which says nothing about tiles.

How these settings were found, and what each of them gives: docs/wood.md.
"""

from dataclasses import replace

from pipeline.recipes import wood
from pipeline.settings.anomaly import AnomalySettings

RECIPE = replace(
    wood.RECIPE,
    name="tiles",
    title="Anomalies on magnetic tiles",
    network=replace(wood.RECIPE.network, trunk="mobilenet_v2"),
    anomaly=AnomalySettings(
        levels=("16",),
        stride=8,
        dimensions=96,
        normalize_by_median=False,
        clean=True,
        candidates=24000,
        coreset_size=8000,
        smoothing=8,
        local_contrast=81,  # six exposures
        score_share=0.05,  # some defects are spread out
    ),
    embedded=(("network.trunk", "patch_net"), ("network.weights", "drawn")),
)
