"""Anomalies on magnetic tiles, which differ more from each other than most defects differ from normal texture.

    python -m pipeline run tiles --images FREE --test TILES
    python -m pipeline run tiles --images FREE --test TILES --set network.weights=FILE

FREE: photographs of tiles without defects. TILES: test photographs, with masks in a folder "masks" next to FREE or in
--masks. Without --images the stages run on drawn planks of wood, which says nothing about tiles.

How these settings were chosen, and the effect of each: docs/wood.md.
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
        local_contrast=81,  # photographs have six exposures
        score_share=0.05,  # some defects cover large areas
    ),
    embedded=(("network.trunk", "patch_net"), ("network.weights", "drawn")),
)
