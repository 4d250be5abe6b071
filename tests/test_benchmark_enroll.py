"""The benchmark of added classes, on a model that sees a picture's mean colour: what it counts is known beforehand."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.enroll import Looked, _enroll, draw_photos, look, table
from inference.model.classifier import Classifier
from pipeline.data.index import Patch, PatchIndex
from pipeline.metrics.intervals import Estimate
from pipeline.settings.run_folder import RunFolder
from tests.open_model import ADDED, TRAINED, make_open_model, write_pictures


def index_of(root: Path, colours: dict[str, tuple[int, int, int]], count: int) -> PatchIndex:
    """Write pictures; two patches of each photograph."""
    patches = []
    for label, colour in colours.items():
        write_pictures(root / label, colour, count, seed=3)
        patches += [
            Patch(f"{label}/{number}.png", label, f"{label}-{number // 2}", 0, 0, 9, 9, "test")
            for number in range(count)
        ]
    return PatchIndex(root, tuple(patches))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = RunFolder(tmp_path_factory.mktemp("run"))
    folder.model.write_bytes(make_open_model())
    return folder


def test_all_patches_of_a_drawn_photograph_are_drawn(run: RunFolder, tmp_path: Path) -> None:
    """Faults: a photograph whose one patch teaches the class and whose other tests it; another number than asked."""
    new = look(Classifier(run.model), index_of(tmp_path, {"yellow": ADDED["yellow"]}, 20))
    chosen = draw_photos(new, 4, seed=1)
    assert chosen.sum() == 8
    assert not set(new.photos[chosen]) & set(new.photos[~chosen])
    assert not np.array_equal(chosen, draw_photos(new, 4, seed=2))


def test_enrolling_counts_what_is_right_among_old_and_new(run: RunFolder, tmp_path: Path) -> None:
    """Faults: labels by the wrong places (the answers do not stand together), old and new exchanged, given ones tested.

    Green called violet is wrong whatever the model says: a third of the old patches, less what was wrong before.
    """
    classifier = Classifier(run.model)
    old = look(classifier, index_of(tmp_path / "old", TRAINED, 12))
    new = look(classifier, index_of(tmp_path / "new", {"yellow": ADDED["yellow"]}, 40))
    given = draw_photos(new, 10, seed=0)
    row = _enroll(run, new.pick(given), old, new.pick(~given), "yellow")
    assert (row["accuracy"]["old"].n, row["accuracy"]["new"].n) == (36, 20)
    assert row["accuracy"]["new"].value > 0.9
    assert row["accuracy"]["old"].value > 0.9
    assert row["right_and_accepted"]["new"].value <= row["accuracy"]["new"].value
    mislabelled = Looked(
        old.probabilities, old.vectors, np.where(old.labels == "green", "violet", old.labels), old.photos
    )
    wrong = _enroll(run, new.pick(given), mislabelled, new.pick(~given), "yellow")
    assert wrong["accuracy"]["old"].value < row["accuracy"]["old"].value - 0.2


def test_the_table_is_the_mean_over_draws_and_classes() -> None:
    """Faults: loss with the wrong sign, a column of another one, a class that counts by its number of draws."""

    def share(value: float) -> Estimate:
        return Estimate(value, 0.0, 1.0, 10)

    def row(new: float, old: float) -> dict[str, object]:
        accuracy = {"new": share(new), "old": share(old)}
        return {"pictures": 20, "accuracy": accuracy, "right_and_accepted": {"new": share(new / 2)}, "seconds": 1.5}

    tuned = {"accuracy": {"new": share(1.0), "old": share(0.1)}, "seconds": 9.0}
    labels = {
        "a": {"before": share(0.9), "enrolled": [row(0.8, 0.88)], "fine_tuned": tuned},
        "b": {"before": share(0.8), "enrolled": [row(0.6, 0.76)], "fine_tuned": tuned},
    }
    joint = {"recall": {"a": share(0.9), "b": share(0.7), "c": share(0.0)}, "accuracy": share(0.8)}
    lines = table({"recipe": "x", "machine": "m", "labels": labels, "joint": joint})
    assert lines[2].split() == ["enrolled", "from", "20", "70.0", "%", "35.0", "%", "3.0", "%", "1.50"]
    assert lines[3].split() == ["fine-tuned", "on", "20", "100.0", "%", "-", "75.0", "%", "9.00"]
    assert lines[4].split() == ["trained", "on", "all", "80.0", "%", "-", "0.0", "%", "-"]
