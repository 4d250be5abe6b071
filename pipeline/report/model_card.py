"""A classifier's report -> README.md beside the model: a model card with the front matter of the Hugging Face Hub.

Mitchell et al., Model cards for model reporting, arXiv:1810.03993; https://huggingface.co/docs/hub/model-cards.
"""

import json
from dataclasses import dataclass

from pipeline.metrics.intervals import Estimate
from pipeline.report.figures import ordered_classes
from pipeline.report.page import render_text
from pipeline.report.report import baseline_sentence, data_rows, gate_sentence, key_figures, unknown_sentences, verdict
from pipeline.report.sections import ChangedAccuracy, ClassificationReport, Training
from pipeline.report.style import ABSENT
from pipeline.settings.fit import FitSettings
from pipeline.settings.recipe import Recipe

UNKNOWN_LICENCE = "unknown"  # the Hub's word; whoever publishes a model decides on its licence
_WORST_CHANGES = 3


@dataclass(frozen=True)
class HubMetric:
    """One metric of the front matter: the Hub's type, the value in 0..1, and what it is, with n and interval."""

    type: str
    value: float
    name: str


def classifier_card(report: ClassificationReport, recipe: Recipe, model: str, licence: str = UNKNOWN_LICENCE) -> str:
    """Return the model card of a classifier as Markdown.

    Args:
        report: of the run.
        recipe: of the run.
        model: file name of the model, for the commands.
        licence: an identifier of the Hub.
    """
    weakest = sorted(
        (figures.recall.value, name)
        for name, figures in report.metrics.per_class.items()
        if figures.recall.value is not None
    )
    parity = report.parity.get(report.released)
    return render_text(
        "classifier_card.md.jinja",
        report=report,
        recipe=recipe,
        model=model,
        licence=licence,
        title=quoted(report.title or report.recipe),
        metrics=list(_hub_metrics(report)),
        verdict=verdict(report),
        baseline=baseline_sentence(report) if report.baseline else "",
        figures=[one for one in key_figures(report) if one.value != ABSENT],
        classes=[name for name in ordered_classes(report) if name in report.metrics.per_class],
        length=_training_length(report.training, recipe.fit),
        weakest=weakest[0][1] if len(weakest) > 1 else "",
        unknown=unknown_sentences(report),
        changes=_worst_changes(report),
        data=data_rows(report),
        gate=gate_sentence(report),
        chosen_on_test=parity is not None and parity.validation is None,
    )


def _training_length(training: Training, fit: FitSettings) -> str:
    """Return what was trained, and which weights were kept."""
    if fit.kind == "frozen":
        views = f"{fit.epochs} view{'s' if fit.epochs != 1 else ''}"
        best = f"penalty {training.best_epoch} of {training.epochs}"
        return f"a linear head on the frozen trunk, fitted to {views} of each training patch ({best})"
    epochs = f"{training.epochs} epoch{'s' if training.epochs != 1 else ''}"
    return f"{epochs} (the weights of epoch {training.best_epoch} were kept)"


def _hub_metrics(report: ClassificationReport) -> list[HubMetric]:
    """Return the metrics that the Hub shows: its types are those of the library evaluate."""
    metrics = report.metrics
    named: tuple[tuple[str, str, Estimate | None], ...] = (
        ("accuracy", "accuracy, nothing rejected", metrics.accuracy),
        ("f1", "macro F1, nothing rejected", metrics.macro_f1),
    )
    return [
        HubMetric(kind, round(one.value, 4), f"{name}{_interval(one)}, n = {one.n}")
        for kind, name, one in named
        if one and one.value is not None
    ]


def _interval(estimate: Estimate) -> str:
    return f", 95 % interval {estimate.low:.3f} to {estimate.high:.3f}" if estimate.ends else ""


def _worst_changes(report: ClassificationReport) -> list[ChangedAccuracy]:
    """Return the changes of the test patches that cost most accuracy, worst first."""
    changes = [
        one for one in (report.robustness.changes if report.robustness else ()) if one.accuracy.value is not None
    ]
    return sorted(changes, key=lambda one: one.accuracy.value or 0.0)[:_WORST_CHANGES]


def quoted(text: str) -> str:
    """Return a text as a YAML scalar; JSON's strings are YAML's."""
    return json.dumps(text, ensure_ascii=False)
