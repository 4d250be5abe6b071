"""A converted run -> its card and the bytes of its file, before and after the parity measurement."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inference.figures.threshold_words import card_sentences
from inference.model.artefact import Artefact, flatbuffer_sha256, pack_artefact
from inference.model.card import Card, card_files
from pipeline.report.sections import Gate
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder, read_json

CARD_FIGURES = ("accuracy", "accepted", "rejected_background", "risk")


@dataclass(frozen=True)
class Draft:
    """The content of a run's file that depends on its kind.

    flatbuffers: by mode: the requested mode, and those converted for comparison. card: fields of the card. files:
    further files for the decision, by name. measure: function from packed files by mode to the content of parity.json.
    gate: function from the packed file of the requested mode to what decides whether it may be written; None if no
    answers are compared. calibrated: figures of the calibration for the card. sentences: about its answers, for people.
    """

    flatbuffers: dict[str, bytes]
    card: dict[str, Any]
    files: dict[str, bytes]
    measure: Callable[[dict[str, Path]], dict[str, Any]]
    gate: Callable[[Path], Gate | None] | None = None
    calibrated: dict[str, Any] = field(default_factory=dict)
    sentences: tuple[str, ...] = ()


def pack(draft: Draft, mode: str, run: RunFolder, recipe: Recipe, measured: dict[str, Any]) -> bytes:
    """Return the bytes of the file in one mode; measured: its part of parity.json, empty before the measurement."""
    flatbuffer = draft.flatbuffers[mode]
    card = Card(
        recipe=recipe.name,
        quantization=mode,
        flatbuffer_sha256=flatbuffer_sha256(flatbuffer),
        training=describe_training(run, recipe),
        measured=describe_measured(measured | draft.calibrated, draft.sentences),
        **draft.card,
    )
    return pack_artefact(Artefact(flatbuffer, card_files(card) | draft.files))


def describe_measured(figures: dict[str, Any], more: tuple[str, ...]) -> dict[str, Any]:
    """Return the figures that a card holds, and what they mean in words."""
    kept = {key: figures[key] for key in CARD_FIGURES if key in figures}
    sentences = [*card_sentences(kept), *more]
    return kept | ({"in_words": sentences} if sentences else {})


def describe_training(run: RunFolder, recipe: Recipe) -> dict[str, Any]:
    """Return what a card tells people of the training: run, network, program and packages."""
    environment = read_json(run.environment, "Start a new run.")
    return {
        "run": run.path.name,
        "title": recipe.title,
        "network": recipe.network.trunk,
        "seed": recipe.seed,
        "version": environment.get("version", "before 0.2.0"),
        "revision": environment["revision"],
        "packages": environment["packages"],
        **read_json(run.fit, "Train first: python -m pipeline resume RUN."),
    }
