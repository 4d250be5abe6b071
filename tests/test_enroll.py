"""A class added from a few pictures: known at once, the network unchanged, and taken away again."""

import json
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.enrollment.enroll import open_model
from inference.enrollment.fit import knn_scores_without_itself, margins_without_itself, weighted_threshold
from inference.errors import InputError
from inference.model.artefact import Artefact, pack_artefact, read_artefact
from inference.model.card import card_files, read_card
from inference.model.classifier import Classifier
from inference.model.decide import DECISIONS, decide_softmax
from inference.model.enrolled import ENROLLED_NAME, Enrolled, EnrolledClass, enrolled_to_file, read_enrolled
from inference.model.held_out import HELD_OUT_NAME, read_held_out
from inference.model.neighbours import Neighbours
from pipeline.__main__ import main
from tests.open_model import ADDED, TRAINED, make_open_model, make_pictures, write_pictures
from tests.tiny_model import LABELS as TINY_LABELS

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model that knows red, green and blue."""
    path = tmp_path_factory.mktemp("open") / "model.tflite"
    path.write_bytes(make_open_model())
    return path


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with twelve pictures of each class to add."""
    root = tmp_path_factory.mktemp("pictures")
    for name, colour in ADDED.items():
        write_pictures(root / name, colour, 12)
    return root


@pytest.fixture(scope="module")
def with_yellow(model: Path, pictures: Path) -> Path:
    """Return the model with one class more, added by the command line."""
    out = model.with_name("yellow.tflite")
    assert enroll(model, pictures, "yellow", out) == 0
    return out


def enroll(model: Path, pictures: Path, name: str, out: Path, *more: str) -> int:
    return main(["enroll", str(model), "--name", name, "--images", str(pictures / name), "--out", str(out), *more])


def results(model: Path, colour: tuple[int, int, int]) -> list[str]:
    """Return the answers to fresh pictures of a colour."""
    classifier = Classifier(model)
    return [classifier.classify(picture).result for picture in make_pictures(colour, 40, seed=9)]


def test_the_new_class_is_known_and_the_old_ones_are_kept(model: Path, with_yellow: Path) -> None:
    """Catches a prototype that answers nothing, or takes the trained classes' pictures."""
    assert results(model, ADDED["yellow"]).count("yellow") == 0
    assert results(with_yellow, ADDED["yellow"]).count("yellow") >= 30
    for label, colour in TRAINED.items():
        before, after = (results(path, colour).count(label) for path in (model, with_yellow))
        assert after >= before - 2
        assert after >= 30


def test_a_model_with_another_decision_takes_no_classes(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faults: a threshold of the new class that is set by one decision and used by another."""
    artefact = read_artefact(model)
    card = replace(read_card(artefact), decision="margin")
    path = tmp_path / "margin.tflite"
    path.write_bytes(pack_artefact(Artefact(artefact.flatbuffer, artefact.files | card_files(card))))
    monkeypatch.setattr("inference.model.card.DECISION_NAMES", ("margin",))
    monkeypatch.setitem(DECISIONS, "margin", decide_softmax)
    with pytest.raises(InputError, match=r"need the softmax decision.*Received: margin"):
        open_model(path)


def test_the_network_stays_as_it_is(model: Path, with_yellow: Path) -> None:
    """Catches a changed flatbuffer, and labels.txt with a label that the network has no output for."""
    before, after = read_artefact(model), read_artefact(with_yellow)
    assert after.flatbuffer == before.flatbuffer
    assert after.files["labels.txt"] == before.files["labels.txt"]
    card = Classifier(with_yellow).card
    assert card.labels == (*Classifier(model).card.labels, "yellow")
    assert card.threshold != Classifier(model).card.threshold


def test_what_is_like_nothing_stays_unknown(with_yellow: Path) -> None:
    """Catches an added class that takes whatever is no trained class."""
    assert results(with_yellow, (20, 20, 20)).count("unknown") >= 30
    assert results(with_yellow, (40, 190, 200)).count("unknown") >= 30


def test_the_order_leaves_no_trace_and_removing_gives_the_file_back(
    model: Path, with_yellow: Path, pictures: Path, tmp_path: Path
) -> None:
    """Catches an added class that a later one shifts for good, and a threshold that stays when its class goes."""
    both, back, first = (tmp_path / f"{name}.tflite" for name in ("both", "back", "first"))
    assert enroll(with_yellow, pictures, "violet", both) == 0
    assert results(both, ADDED["violet"]).count("violet") >= 30
    assert results(both, ADDED["yellow"]).count("yellow") >= 30
    assert main(["classes", str(both), "--remove", "violet", "--out", str(first)]) == 0
    assert first.read_bytes() == with_yellow.read_bytes()
    assert main(["classes", str(first), "--remove", "yellow", "--out", str(back)]) == 0
    assert back.read_bytes() == model.read_bytes()


def test_the_card_tells_the_accuracy_with_the_new_class(
    model: Path, with_yellow: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Catches the accuracy of the trained classes told of a model that knows more, and promises that no longer hold."""
    enroll(model, pictures, "yellow", tmp_path / "again.tflite")
    assert "accuracy with added classes" in capsys.readouterr().out
    measured = Classifier(with_yellow).card.measured
    assert measured["trained"] == Classifier(model).card.measured
    assert measured["accuracy"]["n"] == 3 * 40 + 12  # all held-out pictures and those given
    assert measured["added"]["yellow"]["n"] == 12
    assert 0.8 < measured["accuracy"]["value"] <= 1
    assert {"risk", "rejected_background"}.isdisjoint(measured)


def test_the_classes_are_listed(with_yellow: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Catches a list that does not tell added classes from trained ones."""
    assert main(["classes", str(with_yellow)]) == 0
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert lines[:2] == [["red", "trained"], ["green", "trained"]]
    assert lines[2:] == [["background", "answered unknown"], ["blue", "trained"], ["yellow", "added, 12 pictures"]]


@pytest.mark.parametrize("name", ["red", "unknown", "background", " yellow", "", "\udcff", "a\nb", "\x1b[2J"])
def test_a_name_that_is_taken_is_refused(
    model: Path, pictures: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults: two classes with one name; an answer that means something else; a name that no file or terminal takes."""
    command = ["enroll", str(model), "--name", name, "--images", str(pictures / "yellow")]
    assert main([*command, "--out", str(tmp_path / "new.tflite")]) == 2
    assert "needs an unused name" in capsys.readouterr().err
    assert not (tmp_path / "new.tflite").exists()


@pytest.mark.parametrize("name", ["Red", "YELLOW", "Unknown", "Background"])
def test_a_name_that_differs_from_another_in_capitals_alone_is_refused(
    with_yellow: Path, pictures: Path, tmp_path: Path, name: str
) -> None:
    """Fault: answers "Red" and "red", or "Unknown" for a class, which no reader of results tells apart."""
    out = tmp_path / "new.tflite"
    assert (
        main(["enroll", str(with_yellow), "--name", name, "--images", str(pictures / "violet"), "--out", str(out)]) == 2
    )
    assert not out.exists()


def test_accents_that_are_stored_in_another_way_make_no_new_name(model: Path, pictures: Path, tmp_path: Path) -> None:
    """Fault: two classes that look the same in every list, of which one cannot be typed where the other can."""
    first, second = tmp_path / "first.tflite", tmp_path / "second.tflite"
    words = ["--images", str(pictures / "violet"), "--name"]
    assert main(["enroll", str(model), *words, "b\u00e9ryl", "--out", str(first)]) == 0
    assert main(["enroll", str(first), *words, "be\u0301ryl", "--out", str(second)]) == 2
    assert Classifier(first).card.enrolled == ("b\u00e9ryl",)


def test_a_file_of_an_earlier_version_with_such_names_is_still_read(with_yellow: Path, tmp_path: Path) -> None:
    """Catches a rule for new names that locks people out of models they have."""
    artefact = read_artefact(with_yellow)
    card = read_card(artefact)
    old = replace(card, labels=(*card.outputs, "Red"), enrolled=("Red",))
    path, back = tmp_path / "old.tflite", tmp_path / "back.tflite"
    path.write_bytes(pack_artefact(Artefact(artefact.flatbuffer, artefact.files | card_files(old))))
    assert Classifier(path).card.labels[-1] == "Red"
    assert main(["classes", str(path), "--remove", "Red", "--out", str(back)]) == 0


def test_pictures_that_cannot_be_read_cost_themselves_alone(
    model: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Catches a broken picture that ends the work, and one picture copied five times that counts as five."""
    folder = tmp_path / "yellow"
    folder.mkdir()
    for number in range(4):
        Image.open(pictures / "yellow" / f"{number % 3}.png").save(folder / f"{number}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    assert enroll(model, tmp_path, "yellow", tmp_path / "new.tflite") == 1
    out, err = capsys.readouterr()
    assert "added from 3 pictures" in out
    assert "broken.png" in err
    for number in range(4):
        Image.open(pictures / "yellow" / "0.png").save(folder / f"{number}.png")
    assert enroll(model, tmp_path, "yellow", tmp_path / "other.tflite") == 2
    assert "at least 2 different pictures" in capsys.readouterr().err


def test_many_pictures_are_counted(
    model: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fault: minutes without a word while the pictures of a class are read."""
    monkeypatch.setattr("inference.batch.progress._LINE_SECONDS", 0.0)
    monkeypatch.setattr("inference.batch.progress._FIRST_SECONDS", 0.0)
    assert enroll(model, pictures, "violet", tmp_path / "new.tflite") == 0
    assert "6 of 12 pictures" in capsys.readouterr().err


def test_wrong_usage_is_a_sentence(
    model: Path, with_yellow: Path, pictures: Path, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Catches a trained class removed, a model that can't take classes, and an --out that is overwritten."""
    out = tmp_path / "new.tflite"
    assert main(["classes", str(with_yellow), "--remove", "red", "--out", str(out)]) == 2
    assert "only added classes can be removed" in capsys.readouterr().err
    assert main(["classes", str(with_yellow), "--remove", "yellow"]) == 2
    assert main(["classes", str(with_yellow), "--out", str(out)]) == 2
    assert enroll(tiny_model, pictures, "yellow", out) == 2
    assert "calibrate.kind=neighbours" in capsys.readouterr().err
    assert enroll(model, pictures, "yellow", with_yellow) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert enroll(model, pictures, "nothing there", out) == 2
    assert main(["classes", str(tiny_model)]) == 0
    assert capsys.readouterr().out.split()[::2][0] == TINY_LABELS[0]


def test_a_picture_is_never_replaced_by_a_model(
    model: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fault: --overwrite replaces a picture of the class; the model itself may be replaced."""
    picture = pictures / "yellow" / "0.png"
    before = picture.read_bytes()
    assert enroll(model, pictures, "yellow", picture, "--overwrite") == 2
    assert "0.png: is not replaced, because it is no model" in capsys.readouterr().err
    assert picture.read_bytes() == before
    own = tmp_path / "own.tflite"
    own.write_bytes(model.read_bytes())
    assert enroll(own, pictures, "yellow", own, "--overwrite") == 0


def test_the_limits_of_pictures_can_be_raised(
    model: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fault: enroll advises --max-megapixels, which it does not know."""
    assert enroll(model, pictures, "yellow", tmp_path / "new.tflite", "--max-megapixels", "0.0001") == 2
    assert "At most 100 pixels are read" in capsys.readouterr().err
    assert enroll(model, pictures, "yellow", tmp_path / "new.tflite", "--max-megabytes", "0.0001") == 2
    assert "is too large: more than 105 bytes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("out", "limit", "said"),
    [("new", 3000, "new: cannot be written: File too large. Give another --out."), ("\udcff", -1, "model: ")],
)
def test_a_model_that_cannot_be_written_is_one_line(
    with_yellow: Path, tmp_path: Path, out: str, limit: int, said: str
) -> None:
    """Faults: a traceback on a full disk, or for the name of a file that is no UTF-8."""
    words = ["classes", str(with_yellow), "--remove", "yellow", "--out", str(tmp_path / out)]
    done = subprocess.run(
        [sys.executable, "-m", "inference", *words],
        cwd=ROOT,
        capture_output=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),  # bytes of a file
    )
    assert done.returncode == (2 if limit > 0 else 0)
    assert said in (done.stdout + done.stderr).decode()
    assert b"Traceback" not in done.stderr


@pytest.mark.slow
def test_enrolling_needs_no_tensorflow(model: Path, pictures: Path, tmp_path: Path) -> None:
    """Catches an import that costs a user of the finished model a gigabyte."""
    program = (
        "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None\n"
        "from pipeline.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    words = ["enroll", str(model), "--name", "yellow", "--images", str(pictures / "yellow")]
    command = [sys.executable, "-c", program, *words, "--out", str(tmp_path / "new.tflite")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_margins_by_hand() -> None:
    """Catches a bias that is left out or doubled, and a covariance of the pictures instead of around their means.

    Two trained classes at (1, 0) and (0, 1) without spread: the covariance is next to none in all directions, and
    half the difference of squared distances to the means, in units of it, decides.
    """
    vectors = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], np.float32)
    bank = Neighbours(np.eye(2, dtype=np.float32), vectors, np.array([0, 0, 1, 1]), 1, 0.0, 1.0)
    enrolled = Enrolled(bank, (EnrolledClass(np.array([[-1, 0]], np.float32)),))
    at_new, between, at_old = enrolled.margins(np.array([[-1, 0], [0, 0], [1, 0]], np.float32))[:, 0]
    assert at_new > 0 > at_old
    assert between == pytest.approx(0, abs=1e-3 * at_new)
    assert at_new / -at_old == pytest.approx(0.5)  # (-1, 0) is next to (0, 1), squared distance 2, not to (1, 0), 4
    shorter = Enrolled(bank, (EnrolledClass(np.array([[-1, 0], [0, -1]], np.float32)),))  # its mean: (-0.5, -0.5)
    halfway = shorter.margins(np.array([[0.25, -0.25]], np.float32))[0, 0]  # between that and (1, 0)
    assert halfway == pytest.approx(0, abs=1e-3 * at_new)


def test_the_shares_of_added_classes_leave_the_trained_ones_something() -> None:
    """Catches two added classes that are both sure of a picture, by which the network's share would be negative."""
    vectors = np.array([[1, 0], [0, 1]], np.float32)
    bank = Neighbours(np.eye(2, dtype=np.float32), vectors, np.array([0, 1]), 1, 0.0, 1.0)
    new = EnrolledClass(np.array([[-1, 0]], np.float32), offset=3.0)
    shares = Enrolled(bank, (new, new)).shares(np.array([[-1, 0]], np.float32))
    assert shares.sum() == pytest.approx(1)
    assert shares[0] == pytest.approx([0.5, 0.5])


def test_each_picture_is_judged_without_itself() -> None:
    """Catches a prototype that knows the picture it judges, by which two pictures would look like a perfect class."""
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32)
    assert knn_scores_without_itself(vectors, 1) == pytest.approx([0.6, 0.8, 0.8])
    assert knn_scores_without_itself(vectors, 2) == pytest.approx([0.0, 0.0, 0.6])
    bank = Neighbours(
        np.eye(2, dtype=np.float32), np.array([[0, 1], [0.1, 0.99]], np.float32), np.zeros(2, int), 1, 0, 1
    )
    two = EnrolledClass(np.array([[1, 0], [0, 1]], np.float32))
    assert margins_without_itself(Enrolled(bank, (two,)), 0).max() < 0
    assert Enrolled(bank, (two,)).margins(two.vectors)[0, 0] > 0


def test_the_threshold_counts_weights() -> None:
    """Catches a share of pictures where the share of their weight is meant."""
    confidences, weights = np.array([0.2, 0.4, 0.8]), np.array([1.0, 1.0, 2.0])
    assert [weighted_threshold(confidences, weights, share) for share in (0.5, 0.75, 1.0)] == [0.8, 0.4, 0.2]


def _damaged(files: dict[str, bytes], path: Path, source: Path) -> Path:
    artefact = read_artefact(source)
    kept = {name: data for name, data in artefact.files.items() if name not in files}
    path.write_bytes(pack_artefact(Artefact(artefact.flatbuffer, kept | {n: d for n, d in files.items() if d})))
    return path


def test_damaged_files_are_clear_errors(with_yellow: Path, tmp_path: Path) -> None:
    """Catches a crash in the first picture of a model whose added classes do not fit it."""
    classifier = Classifier(with_yellow)
    assert classifier.enrolled is not None
    one = classifier.enrolled.classes[0]
    other = EnrolledClass(one.vectors[:, :2], one.count, one.middle, one.width, one.slope, one.offset)
    for data in (b"", b"no archive", enrolled_to_file((one, one)), enrolled_to_file((other,))):
        with pytest.raises(InputError, match=ENROLLED_NAME):
            Classifier(_damaged({ENROLLED_NAME: data}, tmp_path / "damaged.tflite", with_yellow))
    for data in (b"no archive", enrolled_to_file((one,))):
        assert (
            enroll(_damaged({HELD_OUT_NAME: data}, tmp_path / "d.tflite", with_yellow), tmp_path, "x", tmp_path / "y")
            == 2
        )
    assert classifier.neighbours is not None
    back = read_enrolled(enrolled_to_file((one,)), classifier.neighbours, 1).classes[0]
    np.testing.assert_array_equal(back.vectors, one.vectors)
    assert (back.count, back.middle, back.slope, back.offset) == (one.count, one.middle, one.slope, one.offset)


def test_a_card_with_odd_added_classes_is_refused(with_yellow: Path, tmp_path: Path) -> None:
    """Catches added classes that stand before the network's own, by which every answer would be another label."""
    card = json.loads(read_artefact(with_yellow).files["card.json"])
    for changes in ({"labels": ["yellow", *card["labels"][:-1]]}, {"enrolled": card["labels"]}, {"enrolled": "yellow"}):
        path = _damaged({"card.json": json.dumps(card | changes).encode()}, tmp_path / "odd.tflite", with_yellow)
        with pytest.raises(InputError, match="enrolled"):
            Classifier(path)


def test_held_out_pictures_must_fit() -> None:
    """Catches statistics of another network."""
    data = read_artefact_file(make_open_model())
    assert len(read_held_out(data, 4, 3).vectors) == 120
    for labels, dimensions in ((3, 3), (4, 2)):
        with pytest.raises(InputError, match="does not fit"):
            read_held_out(data, labels, dimensions)


def read_artefact_file(data: bytes) -> bytes:
    from inference.model.artefact import split_artefact

    return split_artefact(data).files[HELD_OUT_NAME]
