"""Random labels for the training that must not learn: what is shuffled, what stays, and what else is left out."""

from collections import Counter
from pathlib import Path

import keras
import numpy as np
import pytest

from inference.errors import InputError
from models.build import build_network
from pipeline.data.index import Patch, PatchIndex, read_index, write_index
from pipeline.sanity.shuffled_labels import answer_test, shuffle_labels, train_shuffled
from pipeline.settings.recipe import Recipe, override_all
from pipeline.settings.run_folder import RunFolder, fill_run, write_json
from pipeline.training.weights import make_network
from tests.short_trunk import shorten_patch_net
from tests.worlds import write_patches

LABELS = ("a", "b", "c")


def make_index() -> PatchIndex:
    """Return 40 training, 20 validation and 10 test photographs, each with two patches of a class and a background."""
    patches = []
    for number in range(70):
        split = "train" if number < 40 else "validation" if number < 60 else "test"
        label = LABELS[number % 3]
        for place, one in enumerate((label, label, "background")):
            patches.append(Patch(f"{number}-{place}.png", one, f"{number}.jpg", 0, 0, 9, 9, split))
    return PatchIndex(Path("root"), tuple(patches))


def labels_of(index: PatchIndex, split: str) -> list[str]:
    return [patch.label for patch in index.patches if patch.split == split]


def test_labels_of_the_classes_change_places_within_a_split_and_nothing_else_changes() -> None:
    """Faults: test labels shuffled; background shuffled; labels that wander between splits; another order of files."""
    index = make_index()
    shuffled = shuffle_labels(index, LABELS, 0)
    assert labels_of(shuffled, "test") == labels_of(index, "test")
    for split in ("train", "validation"):
        before, after = labels_of(index, split), labels_of(shuffled, split)
        assert Counter(before) == Counter(after)
        assert [one == "background" for one in before] == [one == "background" for one in after]
        kept = np.mean([one == other for one, other in zip(before, after, strict=True) if one != "background"])
        assert 0.1 < kept < 0.6, "about a third keeps its label by luck"
    assert [patch.file for patch in shuffled.patches] == [patch.file for patch in index.patches]


def test_patches_of_a_photograph_keep_together() -> None:
    """Faults: two copies of one box with different labels, on which nothing could be learned by heart."""
    found: dict[str, set[str]] = {}
    for patch in shuffle_labels(make_index(), LABELS, 0).patches:
        if patch.label != "background":
            found.setdefault(patch.photo, set()).add(patch.label)
    assert {len(labels) for labels in found.values()} == {1}


def test_a_lot_is_the_same_each_time_and_unlike_others() -> None:
    """Faults: a control that can't be repeated; shuffles that do not differ."""
    index = make_index()
    assert shuffle_labels(index, LABELS, 3) == shuffle_labels(index, LABELS, 3)
    assert shuffle_labels(index, LABELS, 3) != shuffle_labels(index, LABELS, 4)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """Return a run's folder before its training, which starts from a file that knows the classes."""
    shorten_patch_net(monkeypatch)
    start = tmp_path / "start.weights.h5"
    network = build_network("patch_net", "classifier", 16, 2, 0.0)
    network.get_layer("logits").set_weights([np.full(w.shape, 7.0) for w in network.get_layer("logits").get_weights()])
    network.save_weights(start)
    changes = (
        ("network.input_side", "16"),
        ("network.background", "confidence"),
        ("network.weights", str(start)),
        ("fit.teacher", "teacher.tflite"),
        ("fit.epochs", "9"),
        ("fit.batch_size", "4"),
    )
    recipe = override_all(Recipe(name="grey", title="Grey", labels=("a", "b")), changes)
    folder = fill_run(tmp_path / "run", recipe)
    parts = [write_patches(tmp_path / "patches", ["a", "b"] * 4, split) for split in ("train", "validation", "test")]
    write_index(PatchIndex(tmp_path / "patches", sum((part.patches for part in parts), ())), folder.index)
    write_json(folder.data, {"patches": "../patches", "kind": "", "clipped_boxes": 0, "refused": []})
    write_json(folder.source, {"images": None, "annotations": None, "runs": str(tmp_path), "groups": None})
    return folder


@pytest.mark.slow
def test_the_training_is_a_run_without_what_knows_the_labels(run: RunFolder) -> None:
    """Faults: a teacher that tells the true labels; a head that knows them; a folder that finds no patches."""
    shuffled = train_shuffled(run, run.path / "control" / "shuffled", epochs=2)
    recipe = shuffled.read_recipe()
    assert recipe.fit.teacher == ""
    assert recipe.fit.epochs == 2
    assert recipe.fit.learning_rate == run.read_recipe().fit.learning_rate
    start = make_network(recipe, recipe.network.weights)
    whole = make_network(run.read_recipe(), run.read_recipe().network.weights)
    assert np.all(whole.get_layer("logits").get_weights()[0] == 7)
    assert not np.any(start.get_layer("logits").get_weights()[0] == 7)
    trunk = [layer.name for layer in whole.layers if layer.weights and layer.name != "logits"]
    for name in trunk:
        pairs = zip(start.get_layer(name).get_weights(), whole.get_layer(name).get_weights(), strict=True)
        assert all(np.array_equal(*pair) for pair in pairs), name
    assert read_index(shuffled.index).select("test") == read_index(run.index, shuffled.path).select("test")
    answers = answer_test(shuffled)
    assert len(answers) == 8 and set(answers) <= {"a", "b"}
    keras.utils.clear_session()


@pytest.mark.slow
def test_a_training_with_other_epochs_or_of_another_lot_is_no_answer(run: RunFolder) -> None:
    """Faults: figures of six epochs where sixty were asked for."""
    folder = run.path / "control" / "shuffled"
    train_shuffled(run, folder, epochs=1, shuffle=2)
    assert train_shuffled(run, folder).read_recipe().fit.epochs == 1
    with pytest.raises(InputError, match=r"--epochs 1. Received: 2.*--again"):
        train_shuffled(run, folder, epochs=2)
    with pytest.raises(InputError, match=r"--shuffle 2. Received: 0.*--again"):
        train_shuffled(run, folder, shuffle=0)


def test_a_shorter_training_in_two_stages_keeps_both(run: RunFolder) -> None:
    """Faults: a head that is trained longer than the whole, which the recipe's rules refuse."""
    from pipeline.sanity.shuffled_labels import _shortened

    recipe = override_all(run.read_recipe(), (("fit.kind", "two_stage"), ("fit.head_epochs", "5")))
    assert _shortened(recipe, 3).fit.head_epochs == 2
    assert _shortened(recipe, None).fit.head_epochs == 5
    with pytest.raises(InputError, match=r"fit\.head_epochs"):
        _shortened(recipe, 1)
