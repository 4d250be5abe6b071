"""The stages of a classification run, each a function of its folder; see pipeline.stages."""

import sys
from dataclasses import replace

from inference.atomic_file import write_atomically
from inference.errors import InputError, printable, quote
from inference.model.classifier import Classifier
from inference.pictures.listing import Picture
from inference.run import results_to_json, run_batch
from pipeline.calibration.risk import check_photo_count
from pipeline.data.classes import check_training_classes
from pipeline.data.index import PatchIndex, read_index, refuse_leak, write_index
from pipeline.data.sources import SOURCES, DataPlace, PreparedData, place_from_json
from pipeline.data.splits import SPLITS
from pipeline.progress import track
from pipeline.settings.paths import teacher_files, weights_files
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder, read_json, relative_path, write_json
from pipeline.stages import Stage


def prepare_data(place: DataPlace, recipe: Recipe) -> PreparedData:
    """Return the recipe's patches; print every refused entry to stderr."""
    prepared = SOURCES[recipe.source.kind].prepare(place, recipe)
    for message in prepared.refused:
        print(f"refused: {message}", file=sys.stderr)
    return prepared


def patches_stage(run: RunFolder) -> None:
    """Cut the patches and copy the index into the run's folder."""
    recipe = run.read_recipe()
    prepared = prepare_data(place_from_json(read_json(run.source, "Start a new run.")), recipe)
    check_index(prepared.index, recipe)
    data = {
        "kind": prepared.kind,
        "patches": relative_path(prepared.index.root.resolve(), run.path.resolve()),
        "clipped_boxes": prepared.clipped_boxes,
        "refused": list(prepared.refused),
    }
    write_json(run.data, data)
    write_index(prepared.index, run.index)


def fit_stage(run: RunFolder) -> None:
    """Train the network."""
    from pipeline.training.gradient import FITS  # imported here, since TensorFlow takes seconds to import

    recipe = run.read_recipe()
    FITS[recipe.fit.kind](run, run_index(run), recipe)


def calibrate_stage(run: RunFolder) -> None:
    """Set temperature and threshold."""
    from pipeline.calibration.temperature import CALIBRATIONS
    from pipeline.training.saved_network import read_classifier

    recipe, index = run.read_recipe(), run_index(run)
    calibration = CALIBRATIONS[recipe.calibrate.kind](read_classifier(run, recipe), index, recipe)
    for file in (run.neighbours, run.held_out):
        if file.name not in calibration.files:  # of a calibration of another kind that was killed
            file.unlink(missing_ok=True)
    for name, data in calibration.files.items():
        write_atomically(run.path / name, data)
    write_json(run.calibration, calibration.values)


def evaluate_stage(run: RunFolder) -> None:
    """Measure the released file and write report.json and report.html."""
    from pipeline.evaluation.advice import FinishedRun, advise
    from pipeline.evaluation.evaluate import evaluate_run
    from pipeline.report.model_card import classifier_card
    from pipeline.report.report import write_report
    from pipeline.training.callbacks import read_history

    index, history = run_index(run), read_history(run.history)
    report, place = evaluate_run(run, index), place_from_json(read_json(run.source, "Start a new run."))
    command = read_json(run.environment, "Start a new run.")["command"]
    advice = advise(FinishedRun(report, history, index, run.read_recipe(), place, command))
    write_atomically(run.model_card, classifier_card(report, run.read_recipe(), run.model.name))
    write_report(run.path, replace(report, advice=advice), history)


def results_stage(run: RunFolder) -> None:
    """Run the released file on the test patches as a user would."""
    index = run_index(run).select("test")
    pictures = [Picture(patch.file, index.path(patch)) for patch in index.patches]
    tracked = track(pictures, len(pictures), "test patches")
    write_atomically(run.results, results_to_json(run_batch(Classifier(run.model), tracked).results))


def run_index(run: RunFolder) -> PatchIndex:
    """Return the run's copy of index.csv; its files are in the shared folder of patches.

    Raises:
        InputError: a file is missing, or the index was changed by hand.
    """
    data = read_json(run.data, "Cut the patches first: python -m pipeline resume RUN.")
    root = run.path / (data["patches"] or "")
    if not root.is_dir():
        raise InputError(f"{root}: does not exist. It must hold the run's patches; cut them again with a new run.")
    index = read_index(run.index, root)
    for patch in index.patches:
        if patch.split not in SPLITS:
            raise InputError(
                f"{run.index}: split must be one of {', '.join(SPLITS)}. Received: {quote(patch.split)} for "
                f"{quote(patch.file)}. Start a new run."
            )
    missing = [index.path(patch) for patch in index.patches if not index.path(patch).is_file()]
    if missing:
        raise InputError(
            f"{printable(str(missing[0]))}: does not exist; {len(missing)} of the run's {len(index.patches)} pictures "
            "are missing. Put them back, or start a new run."
        )
    return index


def check_index(index: PatchIndex, recipe: Recipe) -> None:
    """Refuse patches that a recipe can't be trained on and measured with.

    Raises:
        InputError: a split lacks classes, or weights or teachers were trained on test photographs.
    """
    _check_splits(index, recipe)
    _check_leaks(index, recipe)


def _check_splits(index: PatchIndex, recipe: Recipe) -> None:
    """Refuse a split without any class, a class without training patches, or too few photographs for calibrate.risk."""
    for split in SPLITS:
        if not index.select(split, recipe.labels).patches:
            raise InputError(
                f"every split needs boxes, or pictures, of the classes. Received: none for {split}, "
                f"{len(index.patches)} patches in all. Annotate more photographs, at least a dozen of each class."
            )
    check_training_classes({patch.label for patch in index.select("train").patches}, recipe)
    validation = index.select("validation", recipe.labels).patches
    check_photo_count(len({patch.photo for patch in validation}), recipe.calibrate.risk)


def _check_leaks(index: PatchIndex, recipe: Recipe) -> None:
    """Refuse initial weights and teachers that were trained on test photographs, before anything is trained."""
    for file in weights_files(recipe):
        refuse_leak(index, file, "network.weights")
    for file in teacher_files(recipe):
        refuse_leak(index, file, "fit.teacher")


PATCHES = Stage("cutting patches", lambda run: run.index, patches_stage, needs_tensorflow=False)
FIT = Stage("training", lambda run: run.fit, fit_stage)
CALIBRATE = Stage("calibrating on validation patches", lambda run: run.calibration, calibrate_stage)
EVALUATE = Stage("evaluating the released file", lambda run: run.report, evaluate_stage)
RESULTS = Stage("classifying the test patches", lambda run: run.results, results_stage, needs_tensorflow=False)
