"""The folds of cross-validations as tasks of a Ray cluster; a lost worker costs what its fold did since an epoch.

Folds are the same runs as on one machine, in the same folders, so their reports are pooled in the same way.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.cluster import do_on_cluster, pipeline_cluster
from pipeline.crossval.folds import CrossvalFolder, chosen_folds, complete_fold
from pipeline.stages import Stage, is_complete

_PATIENCE_SECONDS = 60.0  # for the end of a worker whose machine was lost


def complete_folds_on_ray(
    folders: Sequence[CrossvalFolder], stages: Sequence[Stage], numbers: Sequence[int] = ()
) -> None:
    """Do the missing stages of the given folds, or of all, of several cross-validations of the same folds.

    Raises:
        InputError: Ray can't be used, there is no such fold, or a stage can't be done.
    """
    numbers = chosen_folds(folders[0], numbers)
    with pipeline_cluster():
        if len(folders) > 1:  # their folds share patches, which two tasks must not cut at the same time
            _do(folders[:1], numbers, stages[:1])
        _do(folders, numbers, stages)


def _do(folders: Sequence[CrossvalFolder], numbers: Sequence[int], stages: Sequence[Stage]) -> None:
    folds = [(folder.path.absolute(), number) for number in numbers for folder in folders]
    missing = [(path, number) for path, number in folds if not is_complete(CrossvalFolder(path).fold(number), stages)]

    def do(fold: tuple[Path, int]) -> None:
        complete_fold(CrossvalFolder(fold[0]), fold[1], stages, _PATIENCE_SECONDS)

    for done, (path, number) in enumerate(do_on_cluster(do, missing), 1):
        what = f"{path.name}, fold {number}: {', '.join(stage.name for stage in stages)}"
        print(f"{done} of {len(missing)}: {what}", file=sys.stderr, flush=True)
