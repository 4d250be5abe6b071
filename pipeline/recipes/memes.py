"""Memes of two games, classified by an ImageNet-pretrained network; further games can be added without training.

    python -m pipeline run memes
    python -m pipeline run memes --images FOLDER_OR_ZIP
    python -m pipeline run memes --images FOLDER_OR_ZIP --set network.weights=FILE

The folder or zip holds the folders doom and animal_crossing with pictures of any size; for other games use --set
labels=a,b. Keras downloads the ImageNet weights once; a .weights.h5 of keras.applications' MobileNetV1 without its
classifier can be used instead. The head is trained first, then the trunk from fit.trainable_from on. The artefact
stores the features of training memes (calibrate.kind neighbours): pictures that are similar to none of them are
unknown, and classes can be added.

Without --images memes are drawn (pipeline.drawn.memes), and the small network is fine-tuned from its weights for drawn
minerals: four minutes on two cores, without a download. Pictures of no game are drawn as background. For photographs, a
folder named background has the same role with --set network.background=output.
"""

from dataclasses import replace

from pipeline.recipes import minerals_transfer
from pipeline.settings.augment import AugmentSettings
from pipeline.settings.recipe import SEARCH, Recipe
from pipeline.settings.sections import CalibrateSettings, NetworkSettings, SourceSettings

RECIPE = Recipe(
    name="memes",
    title="Memes of two games",
    labels=("doom", "animal_crossing"),
    source=SourceSettings(kind="memes", count=700),
    augment=AugmentSettings(  # captions are upright, and screens are seen from the front
        flip="horizontal",
        crop=0.35,
        detail=0.15,
        aspect=0.2,
        rotation=0.01,
        brightness=0.1,
        contrast=0.2,
        saturation=0.3,
        hue=0.02,
        erasing=0.1,
        mixup=0,
        cutmix=0,
    ),
    network=NetworkSettings(
        trunk="mobilenet_v1", head="normalised", weights="imagenet", input_side=160, background="confidence"
    ),
    fit=replace(minerals_transfer.RECIPE.fit, balance="weights"),  # fine-tuned alike
    calibrate=CalibrateSettings(kind="neighbours", accepted=0.95),
    embedded=(
        ("network.trunk", "patch_net"),
        ("network.head", "classifier"),
        ("network.weights", "drawn"),
        ("network.input_side", "96"),
        ("fit.kind", "gradient"),
        ("fit.trainable_from", ""),
        ("fit.optimizer", "adamw"),
        ("network.background", "output"),
        ("source.count", "1500"),
        ("augment.crop", "0.2"),
        ("augment.detail", "0"),
        ("augment.erasing", "0"),
        ("augment.saturation", "1"),  # without ImageNet weights the network would learn only colours
        ("augment.hue", "0.1"),
        ("fit.epochs", "24"),
        ("fit.patience", "10"),
        ("fit.batch_size", "16"),
        ("fit.learning_rate", "2e-3"),
    ),
    search=SEARCH,
    smoke=(
        ("source.count", "100"),
        ("network.background", "confidence"),  # three outputs are too many for so few pictures
        ("network.trunk", "patch_net"),
        ("network.head", "classifier"),
        ("network.weights", "drawn"),
        ("network.input_side", "64"),
        ("fit.kind", "two_stage"),  # as with photographs; the frozen trunk is useful after few steps
        ("fit.trainable_from", "last_conv"),
        ("fit.head_learning_rate", "1e-2"),
        ("fit.head_epochs", "8"),
        ("fit.epochs", "9"),
        ("fit.batch_size", "16"),
        ("fit.learning_rate", "1e-4"),
        ("augment.saturation", "0.3"),
        ("augment.hue", "0"),
        ("export.calibration_pictures", "20"),
        ("export.max_accuracy_loss", "1.0"),
        ("export.max_unknown_change", "1.0"),
    ),
)
