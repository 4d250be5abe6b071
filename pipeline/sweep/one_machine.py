"""The trials of a sweep one after another in this process: successive halving over the validation folds.

Jamieson and Talwalkar 2016, arXiv:1502.07943: all trials on the first fold, the best third of them on the second, and
so on. The recipe's own settings are kept to the end, to compare with.
"""

from pipeline.sweep.folder import SweepFolder, SweepSettings, complete_fold
from pipeline.sweep.measure import halve, trial_history

REDUCTION = 3


def do_trials(folder: SweepFolder, settings: SweepSettings) -> None:
    """Do the missing trainings; the choice of the trials depends only on what is trained, so it can be resumed."""
    trials = {trial.number: trial for trial in settings.trials}
    left = list(trials)
    for fold in range(1, settings.folds + 1):
        for number in left:
            complete_fold(folder, settings, trials[number], fold)
        so_far = {number: trial_history(folder, settings, trials[number]) for number in left}
        ends = {number: next(one for one in history if one.folds == fold) for number, history in so_far.items()}
        left = halve(ends, REDUCTION, kept=1)
