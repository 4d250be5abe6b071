"""Pretraining: the network first learns a teacher's features of windows of the training photographs."""

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from inference.errors import InputError
from inference.model.classifier import Classifier
from models.build import TRUNKS
from models.patch_net import PATCH_NET_ROWS, patch_net
from pipeline.classification.stages import PATCHES, run_index
from pipeline.data.sources import DataPlace, find_photographs, photographs_of
from pipeline.sanity.shuffled_labels import _shortened
from pipeline.settings.recipe import Recipe, override_all
from pipeline.settings.run_folder import RunFolder
from pipeline.stages import complete, start_run
from pipeline.training import gradient, pretraining
from pipeline.training.callbacks import read_history
from pipeline.training.epochs import make_fit_data
from pipeline.training.gradient import compile_network, fit_gradient
from pipeline.training.pretraining import pretrain
from pipeline.training.teaching import windows
from pipeline.training.teaching.distillation import Teacher, find_teacher
from pipeline.training.teaching.windows import Photograph, Windows
from pipeline.training.weights import make_network
from tests.colour_run import RECIPE, write_photographs
from tests.tiny_model import make_card, make_flatbuffer, write_model
from tests.worlds import NO_AUGMENTATION

SIDE, EPOCHS, WINDOWS = 32, 4, 3


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a teacher whose features are the means of the three channels."""
    flatbuffer = make_flatbuffer(features=True)
    return write_model(tmp_path_factory.mktemp("teacher") / "model.tflite", flatbuffer, make_card(flatbuffer))


@pytest.fixture
def run(teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    monkeypatch.setitem(TRUNKS, "patch_net", lambda pixels: patch_net(pixels, PATCH_NET_ROWS[:2]))
    run = start_run(make_recipe(teacher), DataPlace(*write_photographs(tmp_path / "data", 24), tmp_path / "runs"))
    complete(run, [PATCHES])
    return run


def make_recipe(teacher: Path, **changes: str) -> Recipe:
    settings = {
        "fit.teacher": str(teacher),
        "fit.teacher_share": "0",
        "fit.teacher_epochs": str(EPOCHS),
        "fit.teacher_windows": str(WINDOWS),
        "network.input_side": str(SIDE),
        "patches.outliers": "2",
        "fit.epochs": "1",
        **changes,
    }
    return override_all(RECIPE, tuple(settings.items()))


def watch_teacher(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """Return a list that collects the pictures that a teacher is asked about."""
    seen: list[np.ndarray] = []

    def look(self: Teacher, pictures: np.ndarray) -> np.ndarray:
        seen.append(pictures)
        return original(self, pictures)

    original = Teacher.compute_features
    monkeypatch.setattr(Teacher, "compute_features", look)
    return seen


def test_the_teacher_sees_each_training_photograph_and_no_other(run: RunFolder, monkeypatch: Any) -> None:
    """Faults: test photographs in the training; drawn outliers, which are no photographs, looked for on the disk."""
    seen, opened = watch_teacher(monkeypatch), []
    original = windows.read_image
    monkeypatch.setattr(windows, "read_image", lambda path: opened.append(path.name) or original(path))
    pretrain(run, run_index(run), run.read_recipe())
    training = {patch.photo for patch in run_index(run).select("train").patches} - {"drawn outliers"}
    assert sorted(opened) == sorted(training)
    assert [len(one) for one in seen] == [WINDOWS] * len(training)


def test_windows_and_features_belong_together_and_some_are_held_out(run: RunFolder, tmp_path: Path) -> None:
    """Faults: features of another window; windows that are learned and measured; batches that leave some out."""
    recipe = override_all(run.read_recipe(), NO_AUGMENTATION)
    taught = find_teacher(recipe, run_index(run))
    assert taught is not None
    pictures = windows.list_photographs(run, run_index(run), recipe)
    seen = make_windows(tmp_path / "cache", pictures, taught, recipe)
    pixels, features = (np.concatenate(part) for part in zip(*batches_of(seen), strict=True))
    held, _ = (np.concatenate(part) for part in zip(*seen.validation().as_numpy_iterator(), strict=True))
    assert len(held) == WINDOWS and len(pixels) + len(held) == WINDOWS * len(pictures)
    assert not {one.tobytes() for one in pixels} & {one.tobytes() for one in held}
    assert len({one.tobytes() for one in pixels}) == len(pixels)
    means = pixels.mean(axis=(1, 2))  # what the teacher sees, but for its smaller side
    expected = (means - means.mean(axis=0)) / means.std(axis=0)
    assert np.corrcoef(expected.ravel(), features.ravel())[0, 1] > 0.99
    assert features.mean(axis=0) == pytest.approx(0, abs=1e-4) and features.std(axis=0) == pytest.approx(1, abs=0.01)


def make_windows(cache: Path, photographs: list[Photograph], teacher: Teacher, recipe: Recipe) -> Windows:
    files = windows.compute_windows(cache, photographs, teacher, recipe)
    return Windows(files, [one.photo for one in photographs], recipe)


def batches_of(seen: Windows) -> Iterator[Any]:
    """Yield the batches of the first epoch."""
    return seen.batches(0, 1).as_numpy_iterator()


@pytest.mark.slow
def test_the_features_are_learned_and_the_training_begins_with_these_weights(run: RunFolder) -> None:
    """Faults: nothing is learned; the training begins with random weights, or with those before the pretraining."""
    recipe, index = override_all(run.read_recipe(), (("fit.teacher_epochs", "12"),)), run_index(run)
    learned = pretrain(run, index, recipe)
    losses = [row["val_loss"] for row in read_history(run.pretraining / "history.csv")]
    assert len(losses) == 12 and losses[-1] < 0.5 * losses[0], losses
    kept = make_network(recipe, "none")
    kept.load_weights(learned)
    for one, other in zip(compile_network(recipe, 5, learned=learned).get_weights(), kept.get_weights(), strict=True):
        assert np.array_equal(one, other)
    again = pretrain(run, index, recipe)
    assert again == learned and not (run.pretraining / "cache").exists() and not (run.pretraining / "backup").exists()


@pytest.mark.slow
@pytest.mark.parametrize("stopped", ["while it looks", "in the third epoch"])
def test_a_killed_pretraining_goes_on_to_the_same_weights(stopped: str, run: RunFolder, monkeypatch: Any) -> None:
    """Faults: photographs looked at twice; epochs that are repeated, left out or given other batches; a history with
    an epoch twice.
    """
    recipe, index = run.read_recipe(), run_index(run)
    with monkeypatch.context() as patch:
        stop_at(stopped, patch)
        with pytest.raises(KeyboardInterrupt):
            pretrain(run, index, recipe)
    seen = watch_teacher(monkeypatch)
    resumed = pretrain(run, index, recipe)
    photographs = len(windows.list_photographs(run, index, recipe))
    assert len(seen) == (photographs - 5 if stopped == "while it looks" else 0)
    assert [row["epoch"] for row in read_history(run.pretraining / "history.csv")] == list(range(EPOCHS))
    kept = run.pretraining.rename(run.path / "resumed") / resumed.name
    assert same_weights(kept, pretrain(run, index, recipe), recipe)


def stop_at(moment: str, patch: pytest.MonkeyPatch) -> None:
    """Interrupt the next pretraining after five photographs, or in its third epoch."""
    done = []

    def count(limit: int, original: Any) -> Any:
        def counting(*arguments: Any) -> Any:
            if len(done) == limit:
                raise KeyboardInterrupt
            done.append(arguments)
            return original(*arguments)

        return counting

    if moment == "while it looks":
        patch.setattr(Teacher, "compute_features", count(5, Teacher.compute_features))
    else:
        patch.setattr(pretraining.SaveBackup, "on_epoch_end", count(2, pretraining.SaveBackup.on_epoch_end))


def same_weights(one: Path, other: Path, recipe: Recipe) -> bool:
    """Return whether two files hold the same weights of the recipe's network."""
    first, second = (compile_network(recipe, 5, learned=file).get_weights() for file in (one, other))
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.slow
def test_the_teacher_is_not_asked_in_the_training_that_follows(run: RunFolder, monkeypatch: Any) -> None:
    """Fault: every augmented picture is shown to a teacher whose answers count for nothing, which takes hours."""
    pretrain(run, run_index(run), run.read_recipe())
    monkeypatch.setattr(Classifier, "predict", None)
    data = make_fit_data(run, run_index(run), run.read_recipe())
    assert data.training.features == 0
    fit_gradient(run, run_index(run), run.read_recipe())
    own, before = read_history(run.history), read_history(run.pretraining / "history.csv")
    assert len(own) == 1 and (run.pretraining / "learned.weights.h5").is_file()
    seconds = sum(row["seconds"] for row in before + own)
    assert json.loads(run.fit.read_text())["seconds"] == pytest.approx(seconds, abs=0.1) and len(before) == EPOCHS


def test_early_epochs_are_small_as_in_the_training(run: RunFolder, tmp_path: Path) -> None:
    """Faults: epochs of the wrong size; held-out windows that are small too, so that losses can't be compared."""
    recipe = override_all(run.read_recipe(), (("fit.early_side", "16"), ("fit.early_share", "0.75")))
    taught = find_teacher(recipe, run_index(run))
    assert taught is not None
    pictures = windows.list_photographs(run, run_index(run), recipe)[:3]
    seen = make_windows(tmp_path / "cache", pictures, taught, recipe)
    sides = [next(seen.batches(epoch, epoch + 1).as_numpy_iterator())[0].shape[1] for epoch in range(EPOCHS)]
    assert sides == [16, 16, 16, SIDE]
    assert next(seen.validation().as_numpy_iterator())[0].shape[1] == SIDE


def test_pictures_in_class_folders_are_shown_themselves_each_with_windows_of_its_own(
    run: RunFolder, tmp_path: Path
) -> None:
    """Faults: a source without boxes, whose photographs are looked for elsewhere; drawn outliers taken for pictures;
    the same windows for 1.png of every folder; two files of one photograph, one learned and one held out.
    """
    recipe = override_all(run.read_recipe(), (("source.kind", "class_folders"), ("fit.teacher_windows", "1")))
    index = run_index(run)
    listed = windows.list_photographs(run, index, recipe)
    expected = [patch for patch in index.select("train").patches if "outlier" not in patch.file]
    assert [one.path for one in listed] == [index.path(patch) for patch in expected]
    taught = find_teacher(recipe, index)
    assert taught is not None
    same = [replace(listed[0], name=name) for name in ("oak/1.png", "elm/1.png")]
    still = override_all(recipe, NO_AUGMENTATION)
    first, second = windows.compute_windows(tmp_path / "cache", same, taught, still)
    assert not np.array_equal(windows._read(first, "pixels"), windows._read(second, "pixels"))
    twice = [*same, replace(listed[1], photo="another"), replace(listed[2], photo="another")]
    seen = make_windows(tmp_path / "four", twice, taught, recipe)
    assert len(np.concatenate([pixels for pixels, _ in batches_of(seen)])) == 2


def test_a_photograph_that_is_gone_is_named(run: RunFolder, tmp_path: Path) -> None:
    """Fault: "cannot be read", after minutes, of any of a thousand photographs."""
    recipe = run.read_recipe()
    taught, photographs = find_teacher(recipe, run_index(run)), windows.list_photographs(run, run_index(run), recipe)
    assert taught is not None
    photographs[1].path.unlink()
    with pytest.raises(InputError, match=re.escape(photographs[1].path.name)):
        windows.compute_windows(tmp_path / "cache", photographs[:3], taught, recipe)


@pytest.mark.slow
def test_weights_that_are_not_numbers_are_refused_also_by_the_next_call(run: RunFolder) -> None:
    """Fault: a resumed run that takes a diverged network for a finished one."""
    recipe = override_all(run.read_recipe(), (("fit.teacher_learning_rate", "1e30"), ("fit.teacher_epochs", "1")))
    for _ in range(2):
        with pytest.raises(InputError, match=r"NaN.*teacher_learning_rate"):
            pretrain(run, run_index(run), recipe)
    assert not (run.pretraining / "learned.weights.h5").exists()


def test_the_photographs_of_drawn_scenes_are_found(tmp_path: Path, teacher: Path) -> None:
    """Fault: a folder of runs that is looked for within the run, as its index names it with "..": none is found."""
    recipe = override_all(make_recipe(teacher), (("source.count", "24"),))
    run = start_run(recipe, DataPlace(None, None, tmp_path / "runs"))
    with contextlib.suppress(InputError):  # the drawn classes are not those of the teacher
        complete(run, [PATCHES])
    scenes = tmp_path / "runs" / recipe.name / "scenes-24-seed0" / "photos"
    folder = run.path / ".." / "patches-0"
    assert find_photographs(run, photographs_of, folder) == scenes


def test_a_control_with_shuffled_labels_has_no_teacher(run: RunFolder, monkeypatch: Any) -> None:
    """Fault: a control that fails, or that learns from a teacher who knows the labels."""
    for name in ("pretrain", "compile_network", "train_stage", "finish"):
        monkeypatch.setattr(gradient, name, lambda *arguments, name=name: asked.append(name))
    asked: list[str] = []
    shortened = _shortened(run.read_recipe(), 2)
    fit_gradient(run, run_index(run), shortened)
    assert asked == ["compile_network", "train_stage", "finish"]
    assert make_fit_data(run, run_index(run), shortened).training.features == 0


def test_the_random_weights_of_the_training_do_not_depend_on_a_kill(run: RunFolder, monkeypatch: Any) -> None:
    """Fault: other initial weights of the teacher's features after a resume, since pretraining draws random numbers."""
    drawn = []
    monkeypatch.setattr(gradient, "pretrain", lambda *_: keras.random.uniform((3,)) is None)
    monkeypatch.setattr(gradient, "compile_network", lambda *_: drawn.append(np.asarray(keras.random.uniform((3,)))))
    monkeypatch.setattr(gradient, "train_stage", lambda *_: None)
    monkeypatch.setattr(gradient, "finish", lambda _: {})
    fit_gradient(run, run_index(run), run.read_recipe())
    monkeypatch.setattr(gradient, "pretrain", lambda *_: None)
    fit_gradient(run, run_index(run), run.read_recipe())
    assert np.array_equal(*drawn)


def test_what_cannot_be_learned_from_is_refused(
    run: RunFolder, teacher: Path, tiny_model: Path, tmp_path: Path
) -> None:
    """Faults: a traceback for a teacher without features or a single photograph; settings that do nothing."""
    with pytest.raises(InputError, match="teacher_epochs needs a file with features"):
        find_teacher(make_recipe(tiny_model), run_index(run))
    recipe = run.read_recipe()
    taught = find_teacher(recipe, run_index(run))
    assert taught is not None
    pictures = windows.list_photographs(run, run_index(run), recipe)[:1]
    with pytest.raises(InputError, match=r"needs two training photographs or more. Received: 1\."):
        make_windows(tmp_path / "cache", pictures, taught, recipe)
    with pytest.raises(InputError, match="must teach something"):
        make_recipe(teacher, **{"fit.teacher_epochs": "0", "fit.teacher_share": "0"})
    with pytest.raises(InputError, match="teacher_windows has no effect"):
        make_recipe(teacher, **{"fit.teacher_epochs": "0", "fit.teacher_share": "1"})
