"""The sections of control.json; fields that earlier versions did not write have defaults."""

from dataclasses import dataclass, field

from pipeline.metrics.intervals import Estimate
from pipeline.report.sections import Baseline, ReportHead, Training
from pipeline.sanity.verdict import Checks


@dataclass(frozen=True)
class Majority:
    """The most frequent class of the test, and its share: the accuracy of always answering it."""

    label: str
    accuracy: Estimate


@dataclass(frozen=True)
class Chance:
    """Accuracies under permuted labels: mean, the middle 95 %, and a histogram over [0, 1]."""

    mean: float
    low: float
    high: float
    histogram: tuple[int, ...]


@dataclass(frozen=True)
class PermutationTest:
    """A p-value; as_good: number of permutations that do at least as well. units: number of permuted labels.

    flawless_p: the p-value of answers without a mistake.
    """

    p: float
    permutations: int
    as_good: int
    units: int
    chance: Chance
    flawless_p: float | None = None

    @property
    def by_chance(self) -> Estimate:
        """Return the mean accuracy under permuted labels, with the middle 95 %."""
        return Estimate(self.chance.mean, self.chance.low, self.chance.high, self.permutations)


@dataclass(frozen=True)
class Learning:
    """The accuracies of the network and of the baselines, and the verdict.

    shuffled, naming_luck: of the training on shuffled labels; None if it was left out.
    """

    accuracy: Estimate
    majority: Majority
    colour: tuple[Baseline, ...]
    shuffled: Estimate | None
    naming_luck: float | None
    permutation_test: PermutationTest
    checks: Checks
    learning: str
    large_enough: bool


@dataclass(frozen=True, kw_only=True)
class ShuffledTraining(Training):
    """The training on shuffled labels, compared with the run's training.

    shuffle_seed: number of the shuffle. without_teacher: the run's teacher was not used. trunk_only: the head of the
    initial weights was not used. frozen: the planned epochs are views of each training patch, see Training; controls of
    earlier versions don't say so.
    """

    shuffle_seed: int
    planned_epochs: int
    run_epochs: int
    run_planned_epochs: int
    without_teacher: bool
    trunk_only: bool
    frozen: bool = False


@dataclass(frozen=True)
class ViewRow:
    """One view: the answers to it, whole and with parts hidden.

    mass, shuffled_mass: shares of the Grad-CAM mass inside the box, of the run's network and of the network trained on
    shuffled labels; None if a map is empty or missing. area: the box's share of the view.
    """

    file: str
    photo: str
    label: str
    whole: str
    inside_hidden: str
    outside_hidden: str
    mass: float | None = None
    shuffled_mass: float | None = None
    area: float | None = None


@dataclass(frozen=True)
class ViewExample:
    """A view as two files, without and with its Grad-CAM map; whole: the answer to the whole view."""

    view: str
    lit: str
    photo: str
    label: str
    whole: str
    mass: float | None
    area: float


@dataclass(frozen=True)
class ViewFigures:
    """Accuracies of n views with parts hidden, by the names in sanity.occlusion; kind is None if there are no views.

    inside_counts: accuracy with the outside hidden minus accuracy with the inside hidden. majority: share of the most
    frequent class. For views with boxes, area: mean share of the boxes; ratio, shuffled_ratio: share of the Grad-CAM
    mass inside divided by the area; look: where the network looks.
    """

    kind: str | None
    n: int = 0
    accuracy: dict[str, Estimate] = field(default_factory=dict)
    majority: float | None = None
    inside_counts: Estimate | None = None
    area: float | None = None
    ratio: Estimate | None = None
    shuffled_ratio: Estimate | None = None
    look: str | None = None


@dataclass(frozen=True)
class ViewReport(ViewFigures):
    """The figures, or why there are none, the number of test patches, of those left out, and examples."""

    reason: str | None = None
    test_patches: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    examples: tuple[ViewExample, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ControlReport(ReportHead, Learning):
    """The content of control.json. data: the kind of data that the run was trained and tested on."""

    data: str
    training: ShuffledTraining | None
    views: ViewReport
