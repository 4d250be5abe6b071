"""The comparison with anomalib, without anomalib: who is held out, what is handed over, how answers are measured."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.anomalib_task import Fold, Looked, _run, read_answers, write_task
from benchmarks.wood_anomalib import as_relative, figures, make_folds, our_answer, table
from inference.errors import InputError
from pipeline.anomaly.photos import FIT, AnomalyPhoto
from pipeline.recipes.wood import RECIPE
from pipeline.settings.recipe import override_all

SPOT, OTHER_SPOT = 8, 14  # where, in places of two pixels, and four of them a side
LOOKS = {SPOT: np.float32([1, 1, 1, 1]), OTHER_SPOT: np.float32([1, -1, 1, -1])}
SMALL = override_all(
    RECIPE,
    (
        ("anomaly.candidates", "2000"),
        ("anomaly.coreset_size", "200"),
        ("anomaly.dimensions", "4"),
        ("anomaly.stride", "2"),
        ("anomaly.levels", "2,4"),
        ("anomaly.trim_fraction", "0"),
        ("anomaly.smoothing", "0"),
    ),
)


def looked_of(number: int, group: int, masked: bool, spot: int = 0) -> Looked:
    """Return a photograph of 40 x 48 pixels with two features of noise on each level, and maybe a spot."""
    noise = np.random.default_rng(number).normal(size=(20, 24, 4)).astype(np.float32)
    mask = np.zeros((40, 48), bool)
    if spot:
        noise[spot : spot + 4, spot : spot + 4] += 20 * LOOKS[spot]
        mask[2 * spot : 2 * spot + 8, 2 * spot : 2 * spot + 8] = True
    photo = AnomalyPhoto(f"{number}.jpg", "", "", group, FIT)
    levels = {"2": noise[..., :2], "4": noise[::2, ::2, 2:]}
    return Looked(photo, (40, 48), (40, 48), mask if masked else None, levels, noise)


def test_groups_are_held_out_together_and_folds_without_masks_left_out() -> None:
    """Faults: a view of the same board in the fit; time spent on photographs that nothing measures."""
    looked = [looked_of(n, group, masked) for n, (group, masked) in enumerate([(0, 1), (1, 0), (0, 0), (2, 1)])]
    assert make_folds(looked, 8) == [Fold([1, 3], [0]), Fold([0, 1, 2], [3])]


@pytest.mark.parametrize("method", ["patchcore", "padim"])
def test_our_methods_find_a_spot_unless_the_fit_saw_it(method: str) -> None:
    """Faults: a fit that sees the photograph it scores, maps turned or of another scale, scores of another photograph.

    Photographs 0 and 1 show the same spot. In one group neither knows it; in two each knows it from the other.
    """
    recipe = override_all(SMALL, (("anomaly.method", method),))
    found = []
    for second_group in (0, 1):
        looked = [
            looked_of(0, 0, True, SPOT),
            looked_of(1, second_group, False, SPOT),
            looked_of(2, 2, True),
            looked_of(3, 3, True, OTHER_SPOT),
        ]
        answer = our_answer(recipe, looked, make_folds(looked, 8))
        assert set(answer.maps) == set(answer.scores) == {0, 2, 3}
        assert answer.maps[0].shape == (40, 48)
        found.append(answer)
        if second_group == 0:
            line = figures(answer, looked)
            assert line["aupro"] > 0.95 and line["image_auroc"] == 1
    assert found[0].scores[0] > 3 * found[1].scores[0]


def test_the_task_holds_the_maps_and_the_places_of_our_own_draw(tmp_path: Path) -> None:
    """Faults: levels out of order, places beyond the map or twice, a photograph under another's number."""
    looked = [looked_of(n, n, n == 0) for n in range(4)]
    write_task(tmp_path, looked, [Fold([1, 2, 3], [0])], SMALL)
    task = json.loads((tmp_path / "task.json").read_text())
    assert task == {"levels": ["2", "4"], "folds": [{"fit": [1, 2, 3], "score": [0]}], "bank": 200, "seed": 0}
    for number, one in enumerate(looked):
        with np.load(tmp_path / f"{number}.npz") as arrays:
            assert sorted(arrays["positions"]) == list(range(480))  # all: 500 are asked
            assert all(np.array_equal(arrays[level], one.levels[level]) for level in ("2", "4"))


def test_answers_are_brought_to_the_size_of_the_photograph(tmp_path: Path) -> None:
    """Faults: padding of the maps that counts as photograph, methods or photographs mixed up, clamped scores."""
    looked = [looked_of(n, n, True, SPOT * (n == 0)) for n in range(2)]
    for number in range(2):
        scores = np.full((44, 48), 2.0, np.float32)  # four rows more than the photograph has
        scores[16:24, 16:24] += 30 * (number == 0)
        scores[40:] = 1000
        np.save(tmp_path / f"padim-{number}.npy", scores)
    values = {"fit_seconds": 1.0, "score_seconds": 0.5, "normal_only_threshold": 32.0, "scores": {"0": 32.0, "1": 2.0}}
    (tmp_path / "answer.json").write_text(json.dumps({"padim": values}))
    answer = read_answers(tmp_path, looked)["padim"]
    assert answer.maps[1].shape == (40, 48) and answer.maps[1].max() == 2
    line = figures(answer, looked)
    assert [line[name] for name in ("aupro", "best_f1", "pixel_auroc", "image_auroc")] == [1, 1, 1, 1]
    relative = as_relative(answer)
    assert relative.scores == {0: 16.0, 1: 1.0} and relative.maps[0].max() == 16
    report = {"rows": [{"name": "anomalib PaDiM", **line}]}
    assert table(report)[1].split() == ["anomalib", "PaDiM", "1.000", "1.000", "1.000", "1.000", "1.0", "0.50"]


def test_an_environment_without_anomalib_is_told_so(tmp_path: Path) -> None:
    """Faults: a traceback, or a table without the rows that were asked for."""
    with pytest.raises(InputError, match=r"can't be started.*Give another"):
        _run(tmp_path / "python", tmp_path)
    failing = tmp_path / "failing"
    failing.write_text("#!/bin/sh\nexit 1\n")
    failing.chmod(0o755)
    with pytest.raises(InputError, match=r"Install benchmarks/requirements-anomalib\.txt"):
        _run(failing, tmp_path)
