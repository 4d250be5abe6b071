"""The trials of a sweep by Ray Tune: ASHA ends those that fall behind, after a third of the first fold or later.

ASHA: Li et al. 2020, arXiv:1810.05934. A trial is an actor that trains fold after fold in a thread and reports what the
files of its runs say. So a trial that is begun again, on a lost machine or in a resumed sweep, reports the same once
more, without training it again, and the scheduler comes to know what it knew before.
"""

import contextlib
import io
import os
import threading
import time
import traceback
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.schedulers import ASHAScheduler

from inference.errors import InputError
from pipeline.quiet import load_tensorflow
from pipeline.sweep.folder import SweepFolder, SweepSettings, complete_fold
from pipeline.sweep.measure import FOLD, trial_history
from pipeline.sweep.one_machine import REDUCTION

_FAILURES = 10  # of one trial: machines may be lost
_POLL_SECONDS = 0.5
_MEASURE, _PROGRESS, _FAULT = "accuracy", "progress", "fault"


class _Asha(ASHAScheduler):
    """ASHA that never ends the first trial, the recipe's own settings, which the others are compared with.

    What it ends stays ended in a resumed sweep.
    """

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Return what becomes of a trial after a report."""
        decision = str(super().on_trial_result(tune_controller, trial, result))
        if decision == self.STOP and not result["done"]:
            if trial.config["trial"] == 1:
                return str(self.CONTINUE)
            trial.config["folder"].stopped(trial.config["trial"]).touch()
        return decision


class TrainTrial(tune.Trainable):
    """One trial; each step waits for the next epoch, or the end of a fold."""

    def setup(self, config: dict[str, Any]) -> None:
        """Begin, or go on with, the trial's trainings."""
        os.chdir(config["home"])
        self._folder = config["folder"]
        self._settings = self._folder.read_settings()
        self._trial = self._settings.trials[config["trial"] - 1]
        self._reported = 0  # epochs
        self._fault = ""
        self._stopped = self._folder.stopped(self._trial.number).is_file()
        self._thread = threading.Thread(target=self._train, daemon=True)
        load_tensorflow()  # by one thread
        if not self._stopped:
            self._thread.start()

    def step(self) -> dict[str, Any]:
        """Return the measure after the next epoch, as soon as it is trained."""
        while True:
            ended = not self._thread.is_alive()  # before the files are read
            history = trial_history(self._folder, self._settings, self._trial)
            if self._reported < len(history):
                measure = history[self._reported]
                self._reported += 1
                last = measure.progress >= FOLD * self._settings.folds
                done = last or (self._stopped and self._reported == len(history))
                return {_MEASURE: measure.accuracy, _PROGRESS: measure.progress, "done": done}
            if ended:  # returned, as Tune would begin it again and again
                return {_MEASURE: 0.0, _PROGRESS: 0, "done": True, _FAULT: self._fault or "a trial lost its epochs."}
            time.sleep(_POLL_SECONDS)

    def cleanup(self) -> None:
        """End the process with its training: Tune keeps no actor."""
        threading.Timer(1.0, os._exit, [0]).start()

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Save nothing: the runs hold everything."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Load nothing."""

    def _train(self) -> None:
        try:
            for fold in range(1, self._settings.folds + 1):
                complete_fold(self._folder, self._settings, self._trial, fold)
        except InputError as fault:
            self._fault = str(fault)
        except BaseException:
            self._fault = traceback.format_exc()


def do_trials(folder: SweepFolder, settings: SweepSettings) -> None:
    """Do the missing trainings on the joined cluster.

    Raises:
        InputError: a trial can't be done.
    """
    place = SweepFolder(folder.path.absolute())
    most = FOLD * settings.folds
    tuner = tune.Tuner(
        tune.with_resources(TrainTrial, {"cpu": 1}),
        param_space={
            "trial": tune.grid_search([trial.number for trial in settings.trials]),
            "folder": place,
            "home": str(Path.cwd()),
        },
        tune_config=tune.TuneConfig(
            metric=_MEASURE,
            mode="max",
            scheduler=_Asha(_PROGRESS, max_t=most, grace_period=FOLD // REDUCTION, reduction_factor=REDUCTION),
        ),
        run_config=tune.RunConfig(
            name="tune",
            storage_path=str(place.path),
            failure_config=tune.FailureConfig(max_failures=_FAILURES),
            verbose=0,
        ),
    )
    with contextlib.redirect_stdout(io.StringIO()):  # Tune's tables
        results = tuner.fit()
    ends = [results[number].metrics or {} for number in range(len(results))]
    faults = [*map(str, results.errors), *(str(one[_FAULT]) for one in ends if _FAULT in one)]
    if faults:
        raise InputError(f"{len(faults)} of {len(settings.trials)} trials can't be done. The first: {faults[0]}")
