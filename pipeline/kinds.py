"""The kinds of recipes: the stages of their runs, the summary, and the verbs that they do not support."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from inference.errors import InputError
from pipeline.anomaly.stages import CALIBRATE_BANK, EVALUATE_BANK, FIT_BANK, NAME_REGIONS, PHOTOS, RESULTS_BANK
from pipeline.classification.stages import CALIBRATE, EVALUATE, FIT, PATCHES, RESULTS
from pipeline.data.sources import DataPlace
from pipeline.quiet import load_tensorflow
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder
from pipeline.stages import Stage

_INCLUDED = ("none", "drawn")  # weights that need no file and no download


@dataclass(frozen=True)
class Kind:
    """A kind of recipe.

    stages: of a run, in order. fit_stages: number of stages that `fit` does. summary_lines: the lines printed for a
    finished run. check: raises InputError if weights or examples are missing, before any work. refusals: unsupported
    verbs, each with the reason and the alternative.
    """

    stages: tuple[Stage, ...]
    fit_stages: int
    summary_lines: Callable[[RunFolder], list[str]]
    check: Callable[[Recipe, DataPlace], None]
    refusals: dict[str, str]


def kind_of(recipe: Recipe) -> Kind:
    """Return the kind of a recipe."""
    return KINDS[recipe.kind]


def check_verb(verb: str, recipe: Recipe) -> None:
    """Raise InputError if the recipe's kind does not support a verb."""
    reason = kind_of(recipe).refusals.get(verb)
    if reason:
        raise InputError(f"{verb}: only for recipes that learn classes. Received: {recipe.name}. {reason}")


def _export(run: RunFolder) -> None:
    from export.export_run import export_recipe  # TensorFlow takes seconds to import: only where it is needed

    export_recipe(run)


def _convert_trunk(run: RunFolder) -> None:
    from export.detector import convert_trunk

    convert_trunk(run)


def _classification_lines(run: RunFolder) -> list[str]:
    from pipeline.evaluation.advice import advice_lines
    from pipeline.report.report import summary_lines
    from pipeline.report.sections import ClassificationReport
    from pipeline.report.stored import read_section

    report = read_section(ClassificationReport, run.report, "Evaluate again.")
    return [*summary_lines(report), *advice_lines(report)]


def _check_classification(recipe: Recipe, place: DataPlace) -> None:
    if recipe.fit.tensorboard and find_spec("tensorboard") is None:
        raise InputError("fit.tensorboard=true needs TensorBoard. Install it: pip install -r requirements-optional.txt")
    if recipe.network.weights in _INCLUDED and not recipe.fit.trainable_from and not recipe.fit.teacher:
        return
    load_tensorflow()
    from pipeline.training.check import check_training

    check_training(recipe)


def _check_anomaly(recipe: Recipe, place: DataPlace) -> None:
    if place.crops is not None:
        from pipeline.anomaly.region_classes import list_examples

        list_examples(place.crops)
    if recipe.network.weights in _INCLUDED:
        return
    load_tensorflow()
    import keras

    from pipeline.anomaly.features import make_feature_maps

    make_feature_maps(recipe, recipe.anomaly.tile)
    keras.utils.clear_session()  # the names of layers are counted


def _anomaly_lines(run: RunFolder) -> list[str]:
    from pipeline.anomaly.report import anomaly_lines
    from pipeline.anomaly.sections import AnomalyReport
    from pipeline.report.stored import read_section

    return anomaly_lines(read_section(AnomalyReport, run.report, "Evaluate again."))


EXPORT = Stage("exporting and comparing with Keras", lambda run: run.model, _export)
CONVERT = Stage("converting the trunk", lambda run: run.trunk, _convert_trunk)
PACK = Stage("packing trunk and memory bank", lambda run: run.model, _export)

KINDS: dict[str, Kind] = {
    "classification": Kind(
        (PATCHES, FIT, CALIBRATE, EXPORT, EVALUATE, RESULTS), 2, _classification_lines, _check_classification, {}
    ),
    "anomaly": Kind(
        (PHOTOS, FIT_BANK, CONVERT, CALIBRATE_BANK, PACK, NAME_REGIONS, EVALUATE_BANK, RESULTS_BANK),
        2,
        _anomaly_lines,
        _check_anomaly,
        {
            "crossval": "A run already holds out every photograph once: use run.",
            "sweep": "Nothing is trained; use run with --set.",
            "control": "Nothing is trained; use the run's report.",
            "patches": "Photographs are not cut into patches: use run.",
        },
    ),
}
