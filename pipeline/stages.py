"""The engine of a run: a stage is a function of the run's folder, done when the file that it ends with exists."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.data.sources import DataPlace
from pipeline.quiet import load_tensorflow
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder, create_run, fill_run, write_json


@dataclass(frozen=True)
class Stage:
    """One arrow of the flow: its name, the file that marks it as done, and what does it."""

    name: str
    ends_with: Callable[[RunFolder], Path]
    action: Callable[[RunFolder], None]
    needs_tensorflow: bool = True

    def do(self, run: RunFolder) -> None:
        """Do it, whether it was done before or not."""
        print(f"{self.name} ...", file=sys.stderr, flush=True)
        if self.needs_tensorflow:
            load_tensorflow()
        self.action(run)


def start_run(recipe: Recipe, place: DataPlace, folder: Path | None = None) -> RunFolder:
    """Make a run's folder and note where its data is, so that the run can be resumed from the folder alone.

    Without a folder it is a new one among the recipe's runs.

    Raises:
        InputError: the data's place can't be right.
    """
    place.check(recipe.source.kind)
    run = fill_run(folder, recipe) if folder else create_run(place.runs, recipe)
    write_json(run.source, place.to_json())
    return run


def complete(run: RunFolder, stages: Sequence[Stage]) -> None:
    """Do the stages that are not done yet, in order."""
    for stage in stages:
        if not stage.ends_with(run).exists():
            stage.do(run)


def is_complete(run: RunFolder, stages: Sequence[Stage]) -> bool:
    """Tell whether every stage is done."""
    return all(stage.ends_with(run).exists() for stage in stages)
