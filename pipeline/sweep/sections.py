"""The sections of sweep.json."""

from dataclasses import dataclass

from pipeline.metrics.intervals import Estimate


@dataclass(frozen=True)
class TrialRow:
    """A trial. settings: shown values by dimension; options: of the command line, "" for the recipe's own settings.

    accuracy: on the validation patches of the folds that are trained. estimate: over all folds begun.
    """

    number: int
    settings: dict[str, str]
    options: str
    accuracy: Estimate
    estimate: float
    loss: float
    folds: int
    epochs: int
    seconds: float


@dataclass(frozen=True)
class SweepReport:
    """A sweep. rows: the trials, the best first. folds: of validation. epochs, seconds: of all trainings together."""

    format: int
    recipe: str
    title: str
    run: str
    command: str
    machine: str
    engine: str
    seed: int
    folds: int
    dimensions: tuple[str, ...]
    rows: tuple[TrialRow, ...]
    epochs: int
    seconds: float

    @property
    def best(self) -> TrialRow:
        """The trial that was chosen."""
        return self.rows[0]

    @property
    def own(self) -> TrialRow:
        """The recipe's own settings."""
        return next(row for row in self.rows if row.number == 1)
