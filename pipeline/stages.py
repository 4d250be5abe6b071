"""The stages of a run: each is a function of the run's folder and is done when its last file exists."""

import contextlib
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from inference.errors import InputError
from pipeline.data.sources import DataPlace
from pipeline.quiet import load_tensorflow
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder, create_run, fill_run, write_json


@dataclass(frozen=True)
class Stage:
    """One stage: its name, the file that marks it as done, and its function."""

    name: str
    ends_with: Callable[[RunFolder], Path]
    action: Callable[[RunFolder], None]
    needs_tensorflow: bool = True

    def do(self, run: RunFolder) -> None:
        """Do the stage, even if it is done already."""
        print(f"{self.name} ...", file=sys.stderr, flush=True)
        if self.needs_tensorflow:
            load_tensorflow()
        self.action(run)


def start_run(recipe: Recipe, place: DataPlace, folder: Path | None = None) -> RunFolder:
    """Create a run's folder and store the location of its data, so that the run can be resumed from the folder alone.

    folder: by default a new one among the recipe's runs.

    Raises:
        InputError: the data can't be found or does not suit the recipe.
    """
    place.check(recipe.source.kind)
    run = fill_run(folder, recipe) if folder else create_run(place.runs, recipe)
    write_json(run.source, place.to_json())
    return run


def complete(run: RunFolder, stages: Sequence[Stage], patience_seconds: float = 0.0) -> None:
    """Do the missing stages in order, in no other process at the same time.

    patience_seconds: how long to wait for a process that works in the folder, and may have lost its machine.

    Raises:
        InputError: another process works in the run's folder, or a stage can't be done.
    """
    with run.locked(patience_seconds):
        for stage in stages:
            if not stage.ends_with(run).exists():
                stage.do(run)


@contextlib.contextmanager
def removed_if_refused(folder: Path) -> Iterator[None]:
    """Remove a new folder if nothing can be done with its data."""
    try:
        yield
    except InputError:
        shutil.rmtree(folder)
        print(f"removed: {folder}, since nothing was done", file=sys.stderr)
        raise


def is_complete(run: RunFolder, stages: Sequence[Stage]) -> bool:
    """Return whether every stage is done."""
    return all(stage.ends_with(run).exists() for stage in stages)


def forget_networks() -> None:
    """Free the memory of a run's networks, which Keras keeps, before the next run in this process."""
    import keras  # here, since runs without training need no TensorFlow

    keras.utils.clear_session()  # collects garbage too
