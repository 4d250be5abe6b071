"""Teacher: an exported classifier that labels what the student sees, and that has not seen the student's test."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from inference.errors import InputError
from inference.model.artefact import flatbuffer_sha256
from inference.model.classifier import Classifier
from models.build import build_network
from models.heads import add_feature_output, without_feature_output
from pipeline.data.dataset import TrainingData
from pipeline.data.index import PatchIndex, write_index
from pipeline.settings.recipe import Recipe, override_all
from pipeline.training.teaching.distillation import FeatureLoss, LabelAccuracy, Teacher, find_teacher
from tests.tiny_model import COLOURS, LABELS, make_card, make_flatbuffer, write_model
from tests.worlds import NO_AUGMENTATION, RECIPE, write_patches


def with_teacher(path: Path, *changes: tuple[str, str]) -> Recipe:
    """Return a still recipe with the tiny model's outputs and a teacher."""
    return override_all(RECIPE, (*NO_AUGMENTATION, ("fit.teacher", str(path)), *changes))


def colours(count: int, side: int = 16) -> np.ndarray:
    """Return plain pictures, colours in turn: uint8 [count, side, side, 3]."""
    tints = np.array(list(COLOURS.values()), np.uint8)
    return np.ones((count, side, side, 1), np.uint8) * tints[np.arange(count) % len(tints)][:, None, None]


def test_labels_are_the_teachers_own_probabilities_of_the_pictures(tiny_model: Path) -> None:
    """Catches soft labels of other pictures, in another order, or of a second way of running the file."""
    pictures, hard = colours(4), np.eye(4, dtype=np.float32)[[2, 2, 1, 0]]
    pixels, labels = Teacher([tiny_model], with_teacher(tiny_model)).teach(pictures, hard, side=16, batch=0)
    classifier = Classifier(tiny_model)
    assert np.array_equal(pixels, pictures)
    assert labels == pytest.approx(np.stack([classifier.probabilities(one) for one in pictures]))
    assert labels.argmax(axis=1).tolist() == [0, 1, 2, 3]


def test_the_share_mixes_given_and_soft_labels(tiny_model: Path) -> None:
    """Catches a share that counts for the wrong one of the two."""
    recipe = with_teacher(tiny_model, ("fit.teacher_share", "0.25"))
    _, labels = Teacher([tiny_model], recipe).teach(colours(1), np.eye(4, dtype=np.float32)[[2]], side=16, batch=0)
    assert labels[0, 2] == pytest.approx(0.75, abs=0.001)
    assert labels[0, 0] == pytest.approx(0.25, abs=0.001)


def test_a_student_of_another_size_sees_the_same_pictures_smaller(tiny_model: Path, tmp_path: Path) -> None:
    """Catches a student that is fed the teacher's size, and a teacher that is fed the student's."""
    index = write_patches(tmp_path, list(LABELS) * 2)
    recipe = with_teacher(tiny_model, ("network.input_side", "18"))
    teacher = Teacher([tiny_model], recipe)
    batches = list(TrainingData(index, replace(recipe), tmp_path / "cache", teacher).batches(0, 1))
    assert {batch[0].shape[1:] for batch in batches} == {(18, 18, 3)}
    smaller = with_teacher(tiny_model, ("network.input_side", "16"))
    pixels, _ = Teacher([tiny_model], smaller).teach(colours(2), np.eye(4, dtype=np.float32)[:2], side=8, batch=0)
    assert np.array_equal(pixels, colours(2, side=8))


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a teacher whose features are the means of the three channels."""
    flatbuffer = make_flatbuffer(features=True)
    return write_model(tmp_path_factory.mktemp("teacher") / "model.tflite", flatbuffer, make_card(flatbuffer))


def test_features_follow_the_labels_standardised_over_the_training_patches(seeing: Path, tmp_path: Path) -> None:
    """Faults: features of other pictures; one with large numbers that outweighs the rest; a target of another width."""
    index = write_patches(tmp_path, list(LABELS) * 4)
    recipe = with_teacher(seeing, ("fit.teacher_features", "1"))
    teacher = find_teacher(recipe, index)
    assert teacher is not None and teacher.features == 3
    classifier = Classifier(seeing)
    seen = np.stack([classifier.features(index.path(patch)) for patch in index.patches])
    pictures, hard = colours(4), np.eye(4, dtype=np.float32)[[2, 2, 1, 0]]
    _, target = teacher.teach(pictures, hard, side=16, batch=0)
    own = np.stack([classifier.features(one) for one in pictures])
    assert target[:, :4] == pytest.approx(np.stack([classifier.softmax(one) for one in pictures]))
    assert target[:, 4:] == pytest.approx((own - seen.mean(axis=0)) / seen.std(axis=0), rel=0.01, abs=0.01)
    (pixels, labels, weights), *_ = TrainingData(index, recipe, tmp_path / "cache", teacher).batches(0, 1)
    assert (labels.shape[1], weights.shape) == (7, pixels.shape[:1])
    assert find_teacher(recipe, PatchIndex(tmp_path, ())) is not None, "checked before any patch is cut"


def test_a_teacher_without_features_is_refused(tiny_model: Path) -> None:
    """Fault: a traceback after the patches have been cut."""
    with pytest.raises(InputError, match="needs a file with features"):
        Teacher([tiny_model], with_teacher(tiny_model, ("fit.teacher_features", "1")))


def test_the_loss_counts_labels_and_features_and_of_the_validation_labels_alone() -> None:
    """Faults: features that are learned as labels, or not at all; a validation loss that depends on them."""
    logits, features = np.array([[2.0, 0.0, 0.0]], np.float32), np.array([[1.0, 3.0]], np.float32)
    answers, labels = np.concatenate([logits, features], axis=1), np.eye(3, dtype=np.float32)[[0]]
    plain = float(keras.losses.CategoricalCrossentropy(from_logits=True)(labels, logits))
    loss = FeatureLoss(3, 0.5, 0.0)
    assert float(loss(labels, answers)) == pytest.approx(plain)
    taught = np.concatenate([labels, np.zeros((1, 2), np.float32)], axis=1)
    assert float(loss(taught, answers)) == pytest.approx(plain + 0.5 * (1 + 9) / 2)
    accuracy = LabelAccuracy(3)
    accuracy.update_state(taught, answers)
    assert float(accuracy.result()) == 1, "the largest feature is no answer"


def test_what_is_kept_of_a_taught_network_are_its_logits() -> None:
    """Faults: a file with the features as classes; other weights than those that were trained."""
    network = build_network("patch_net", "classifier", 32, 3, 0.2)
    taught = add_feature_output(network, 5)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.float32)
    assert taught.output_shape == (None, 8)
    kept = without_feature_output(taught)
    assert kept.predict(pixels, verbose=0) == pytest.approx(taught.predict(pixels, verbose=0)[:, :3], abs=1e-5)
    assert [weight.path for weight in kept.weights] == [weight.path for weight in network.weights]
    assert without_feature_output(network) is add_feature_output(network, 0) is network


def test_a_teacher_with_other_outputs_is_refused(tmp_path: Path) -> None:
    """Catches a teacher whose second output is another class than the student's."""
    flatbuffer = make_flatbuffer()
    card = replace(make_card(flatbuffer), labels=("green", "red", "blue", "background"))
    assert card.flatbuffer_sha256 == flatbuffer_sha256(flatbuffer)
    path = write_model(tmp_path / "teacher.tflite", flatbuffer, card)
    with pytest.raises(InputError, match=r"must have the outputs red, green, blue, background.*Received: green, red"):
        Teacher([path], with_teacher(path))


def test_a_teacher_that_saw_test_photographs_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    """Catches a figure that is too good: the teacher tells the student about its test photographs."""
    path = tmp_path / "run" / "model.tflite"
    path.parent.mkdir()
    path.write_bytes(tiny_model.read_bytes())
    patches = write_patches(tmp_path, ["red", "green"], split="test").patches
    student = PatchIndex(tmp_path, (patches[0], replace(patches[1], split="train")))
    write_index(PatchIndex(tmp_path, (patches[0], patches[1])), path.with_name("index.csv"))
    assert find_teacher(with_teacher(path), student) is not None
    write_index(PatchIndex(tmp_path, (replace(patches[0], split="validation"),)), path.with_name("index.csv"))
    with pytest.raises(InputError, match=r"must not be trained on this run's test photographs.*1 of them"):
        find_teacher(with_teacher(path), student)


def test_the_fold_stands_in_for_its_name(tiny_model: Path, tmp_path: Path) -> None:
    """Catches one fold's teacher in all folds, which has seen the other folds' test photographs."""
    path = tmp_path / "fold-2" / "model.tflite"
    path.parent.mkdir()
    path.write_bytes(tiny_model.read_bytes())
    named = tmp_path / "fold-{fold}" / "model.tflite"
    empty = PatchIndex(tmp_path, ())
    for fold, found in (("2", True), ("1", False)):
        recipe = with_teacher(named, ("split.folds", "3"), ("split.fold", fold))
        if found:
            assert find_teacher(recipe, empty) is not None
        else:
            with pytest.raises(InputError, match=r"fold-1/model\.tflite: does not exist"):
                find_teacher(recipe, empty)


def test_without_a_teacher_there_is_none(tmp_path: Path) -> None:
    """Catches a recipe without a teacher that asks for a file named ''."""
    assert find_teacher(RECIPE, PatchIndex(tmp_path, ())) is None


def test_known_background_keeps_its_label(tiny_model: Path) -> None:
    """Catches a teacher that calls a known background red, and half a view's background that goes with the rest."""
    teacher = Teacher([tiny_model], with_teacher(tiny_model))
    hard = np.array([[0, 0, 0, 1], [0, 0.5, 0, 0.5]], np.float32)
    red = colours(1).repeat(2, axis=0)
    _, labels = teacher.teach(red, hard, side=16, batch=0)
    assert labels[0].tolist() == [0, 0, 0, 1]
    assert labels[1] == pytest.approx([0.5, 0.25, 0, 0.25], abs=0.001)


def test_several_teachers_are_averaged_each_at_its_own_size(tiny_model: Path, tmp_path: Path) -> None:
    """Faults: only one teacher is asked; one is asked about pictures of the other's size."""
    flatbuffer = make_flatbuffer((12.0, 0.0, 0.0, 0.0))
    other = write_model(tmp_path / "other.tflite", flatbuffer, make_card(flatbuffer))
    teacher = find_teacher(with_teacher(Path(f"{tiny_model},{other}")), PatchIndex(tmp_path, ()))
    assert teacher is not None
    pictures, hard = colours(4, side=32), np.eye(4, dtype=np.float32)[[1, 1, 1, 1]]
    _, labels = teacher.teach(pictures, hard, side=16, batch=0)
    answers = [np.stack([Classifier(path).softmax(one) for one in colours(4)]) for path in (tiny_model, other)]
    assert np.abs(answers[0] - answers[1]).max() > 0.5, "teachers that agree would prove nothing"
    assert labels == pytest.approx(np.mean(answers, axis=0), abs=1e-6)


def test_pictures_that_come_again_are_answered_once(tiny_model: Path, tmp_path: Path) -> None:
    """Faults: other pictures than those that were answered; a picture answered twice, or anew in a resumed run."""
    index = write_patches(tmp_path, list(LABELS) * 4)
    recipe = with_teacher(tiny_model, ("fit.teacher_views", "2"), ("augment.flip", "horizontal"))
    cache = tmp_path / "cache" / "answers"

    def read_epochs(first: int, last: int) -> list:
        data = TrainingData(index, recipe, tmp_path / "cache", find_teacher(recipe, index, cache))
        return [[part.numpy() for part in batch] for batch in data.batches(first, last)]

    once = read_epochs(0, 2)
    kept = {file: file.stat().st_mtime_ns for file in cache.iterdir()}
    assert len(kept) == len(once)
    again = read_epochs(2, 4)
    assert {file: file.stat().st_mtime_ns for file in cache.iterdir()} == kept
    for one, other in zip(once, again, strict=True):
        for part, same in zip(one, other, strict=True):
            np.testing.assert_array_equal(part, same)
