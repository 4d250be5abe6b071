"""The stages of an anomaly run, each a function of its folder; see pipeline.stages."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from inference.atomic_file import write_atomically
from inference.errors import InputError, printable
from inference.load import load_model
from inference.model.answers import answer_picture
from inference.model.model import AnswerOptions
from inference.pictures.listing import Picture
from inference.run import results_to_json
from pipeline.anomaly.photos import (
    TEST,
    AnomalyPhoto,
    ListedPhotos,
    list_photos,
    read_groups,
    read_photos,
    write_photos,
    write_planks,
)
from pipeline.data.sources import EMBEDDED, PHOTOGRAPHS, DataPlace, place_from_json, trained_photos
from pipeline.progress import track
from pipeline.settings.paths import weights_files
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder, read_json, write_json
from pipeline.stages import Stage


def photos_stage(run: RunFolder) -> None:
    """List the photographs, or draw planks."""
    recipe = run.read_recipe()
    place = place_from_json(read_json(run.source, "Start a new run."))
    if place.images is None:
        source = recipe.source
        knots = "" if source.anomalies == "none" else f"-{source.anomalies}"
        folder = place.runs / recipe.name / f"planks-{source.count}-seed{source.seed}{knots}"
        listed = ListedPhotos(write_planks(folder, recipe), [], [])
    else:
        listed = _list(place, place.images, recipe.split.near_duplicate_distance)
    refused = [*listed.refused, *_refused_examples(place.crops)]
    notes = [*listed.notes, *_check_leaks(listed.photos, recipe)]
    for word, messages in (("note", notes), ("refused", refused)):
        for message in messages:
            print(f"{word}: {message}", file=sys.stderr)
    data = {"kind": EMBEDDED if place.embedded else PHOTOGRAPHS, "patches": "", "clipped_boxes": 0}
    write_json(run.data, data | {"refused": refused, "notes": notes})
    write_photos(run.photos, listed.photos)


def fit_stage(run: RunFolder) -> None:
    """Fit the projection of the feature maps."""
    from pipeline.anomaly.features import fit_feature_maps

    fit_feature_maps(run)


def calibrate_stage(run: RunFolder) -> None:
    """Build the memory bank and set the threshold."""
    from pipeline.anomaly.calibrate import calibrate_anomalies

    calibrate_anomalies(run)


def names_stage(run: RunFolder) -> None:
    """Fit the names of regions on example pictures, if there are any, and add them to the model."""
    from pipeline.anomaly.region_classes import name_regions

    place = place_from_json(read_json(run.source, "Start a new run."))
    report = None if place.crops is None else name_regions(run, place.crops, read_groups(place)[0])
    write_json(run.name_report, report)


def evaluate_stage(run: RunFolder) -> None:
    """Measure the released file and write report.json and report.html."""
    from pipeline.anomaly.evaluate import evaluate_anomalies
    from pipeline.anomaly.report import anomaly_card, write_anomaly_report

    report = evaluate_anomalies(run)
    write_atomically(run.model_card, anomaly_card(report, run.model.name))
    write_anomaly_report(run.path, report)


def results_stage(run: RunFolder) -> None:
    """Run the released file over all photographs as a user would, and write masks."""
    model, options, answers = load_model(run.model, threads=2), AnswerOptions(masks=run.path / "masks"), {}
    photos = read_photos(run.photos)
    for photo in track(photos, len(photos), "photographs"):
        answer = answer_picture(model, Picture(photo.name, photo.path), options)
        if isinstance(answer, str):
            raise InputError(f"{photo.file}: {answer}")
        answers[photo.name] = answer
    write_atomically(run.results, results_to_json(answers))


def _list(place: DataPlace, images: Path, distance: int) -> ListedPhotos:
    groups, notes = read_groups(place)
    listed = list_photos(images, place.test, place.masks, groups, distance)
    return replace(listed, notes=[*notes, *listed.notes])


def _check_leaks(photos: Sequence[AnomalyPhoto], recipe: Recipe) -> list[str]:
    """Return a note for each file of initial weights that was trained on photographs of the memory bank.

    Raises:
        InputError: it was trained on test photographs.
    """
    notes = []
    for file in weights_files(recipe):
        seen = trained_photos(file, [photo.path for photo in photos])
        tested = [photo.file for photo in photos if photo.path in seen and photo.split == TEST]
        if tested:
            raise InputError(
                f"{file}: network.weights must not be trained on this run's test photographs. Received: a file trained "
                f"on {len(tested)} of them, for example {printable(tested[0])}. Leave these out of --test, or give "
                "other weights."
            )
        if seen:
            notes.append(
                f"{file} was trained on {len(seen)} of the photographs, so their scores may be lower than those of new "
                "ones"
            )
    return notes


def _refused_examples(crops: Path | None) -> tuple[str, ...]:
    """Return a message for each example region that can't be used."""
    from pipeline.anomaly.region_classes import list_examples

    return () if crops is None else list_examples(crops).refused


PHOTOS = Stage("listing photographs", lambda run: run.photos, photos_stage, needs_tensorflow=False)
FIT_BANK = Stage("fitting the projection of the features", lambda run: run.fit, fit_stage)
CALIBRATE_BANK = Stage(
    "building the memory bank and its threshold", lambda run: run.calibration, calibrate_stage, needs_tensorflow=False
)
NAME_REGIONS = Stage("naming regions", lambda run: run.name_report, names_stage, needs_tensorflow=False)
EVALUATE_BANK = Stage("evaluating the released file", lambda run: run.report, evaluate_stage, needs_tensorflow=False)
RESULTS_BANK = Stage("looking for anomalies", lambda run: run.results, results_stage, needs_tensorflow=False)
