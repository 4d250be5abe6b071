"""Finished runs on coloured squares, with true labels and with labels that mean nothing: what a control must tell."""

from collections import Counter
from pathlib import Path

from pipeline.classification.stages import PATCHES, run_index
from pipeline.data.index import PatchIndex, write_index
from pipeline.data.sources import DataPlace
from pipeline.kinds import KINDS
from pipeline.sanity.shuffled_labels import shuffle_labels
from pipeline.settings.recipe import override_all
from pipeline.settings.run_folder import RunFolder
from pipeline.stages import complete, start_run
from tests.colour_run import COLOURS, RECIPE, write_photographs

PHOTOGRAPHS = 90
EPOCHS = 6
QUICK = override_all(
    RECIPE,
    (
        ("fit.epochs", str(EPOCHS)),
        ("patches.jitters", "1"),
        ("export.mode", "float32"),
        ("export.max_accuracy_loss", "1"),
    ),
)


def write_world(folder: Path) -> DataPlace:
    """Write the photographs and their boxes."""
    photos, coco = write_photographs(folder / "data", PHOTOGRAPHS)
    return DataPlace(photos, coco, folder / "runs")


def finish_run(place: DataPlace, shuffle: int | None = None) -> RunFolder:
    """Do every stage of a run; with a shuffle, the labels of training and validation are shuffled first."""
    run = start_run(QUICK, place)
    complete(run, [PATCHES])
    if shuffle is not None:
        write_index(shuffle_labels(run_index(run), QUICK.labels, shuffle), run.index)
    complete(run, KINDS["classification"].stages)
    return run


def misleading_shuffles(index: PatchIndex) -> list[int]:
    """Return shuffles of which each gives the training patches of every colour another name more often than their own.

    A network sees three colours, whatever the labels say, and names each by what most of its patches are called: by
    luck all three names are right in one of six shuffles. With these they are wrong.
    """
    return [one for one in range(200) if _is_misleading(index, shuffle_labels(index, QUICK.labels, one))]


def _is_misleading(index: PatchIndex, shuffled: PatchIndex) -> bool:
    pairs = zip(index.patches, shuffled.patches, strict=True)
    counts = Counter((true.label, drawn.label) for true, drawn in pairs if true.split == "train")
    return all(
        max(counts[one, other] for other in COLOURS if other != one) >= 1.6 * counts[one, one] for one in COLOURS
    )
