"""inference.batch.journal: what a killed run leaves is read as it was written, whatever byte the kill struck."""

from pathlib import Path

import pytest

from inference.batch.journal import Journal
from inference.errors import InputError
from inference.pictures.listing import Picture

SETTINGS = {"format": 1, "model": "abc", "top": 1}
RED = {"confidence": 0.9, "result": "red"}


def written(path: Path) -> Journal:
    """Return a journal of two answers and a fault."""
    journal = Journal(path, SETTINGS)
    journal.add("b/ä.jpg", {"confidence": 0.5, "result": "blue"})
    journal.add("broken.jpg", "is damaged.")
    journal.add("a.jpg", RED)
    return journal


def test_answers_come_back_sorted(tmp_path: Path) -> None:
    """Catches results in the order in which workers happened to end, and faults among them."""
    journal = written(tmp_path / "journal")
    assert list(journal.read("results")) == [("a.jpg", RED), ("b/ä.jpg", {"confidence": 0.5, "result": "blue"})]
    assert list(journal.read("faults")) == [("broken.jpg", {"error": "is damaged."})]
    journal.add("c.jpg", RED)  # reading must not move the place of writing
    assert [key for key, _ in journal.read("results")] == ["a.jpg", "b/ä.jpg", "c.jpg"]


def test_a_kill_at_any_byte_costs_at_most_the_last_line(tmp_path: Path) -> None:
    """Catches a torn line that makes the journal unreadable, or that the next line is glued to."""
    path = tmp_path / "journal"
    written(path).close()
    whole = path.read_bytes()
    lines = [0, *(place + 1 for place, byte in enumerate(whole) if byte == ord("\n"))]
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        journal = Journal(path, SETTINGS, resume=True)
        complete = sum(1 for end in lines[1:] if end <= length)
        assert journal.count("results") + journal.count("faults") == max(complete - 1, 0), length
        journal.add("n", {})  # shorter than what the kill tore
        journal.close()
        again = Journal(path, SETTINGS, resume=True)
        assert again.has_result("n")
        assert again.count("results") + again.count("faults") == max(complete - 1, 0) + 1
        again.close()


def test_a_fault_is_tried_again_and_replaced(tmp_path: Path) -> None:
    """Catches a picture that is in the results and among the faults, or a passing fault that lasts for ever."""
    written(tmp_path / "journal").close()
    journal = Journal(tmp_path / "journal", SETTINGS, resume=True)
    assert not journal.has_result("broken.jpg")
    journal.add("broken.jpg", RED)
    assert journal.count("faults") == 0
    assert dict(journal.read("results"))["broken.jpg"] == RED


def test_a_journal_is_neither_lost_nor_mixed(tmp_path: Path) -> None:
    """Catches a killed night's work that is overwritten, or gone on with under another model."""
    written(tmp_path / "journal").close()
    with pytest.raises(InputError, match=r"left by a run that did not end\. Go on with it by --resume, or delete it"):
        Journal(tmp_path / "journal", SETTINGS)
    with pytest.raises(InputError, match=r"other settings: model was abc, now xyz, top was 1, now 3"):
        Journal(tmp_path / "journal", {**SETTINGS, "model": "xyz", "top": 3}, resume=True)
    assert Journal(tmp_path / "journal", SETTINGS, resume=True).count("results") == 2


def test_a_finished_journal_leaves_nothing(tmp_path: Path) -> None:
    """Catches files that pile up beside the results."""
    written(tmp_path / "journal").remove()
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_never_began_leaves_no_journal(tmp_path: Path) -> None:
    """Faults: a model that is refused blocks the next run with a journal of nothing."""
    path = tmp_path / "a.json.journal"
    Journal(path, {"model": "damaged"}).close()
    assert not path.exists()
    journal = Journal(path, {"model": "good"})
    journal.add("a.jpg", "cannot be read")
    journal.close()
    assert path.exists()


def test_a_journal_belongs_to_one_run_at_a_time(tmp_path: Path) -> None:
    """Faults: two runs write into one journal; one that begins anew deletes another's; a lock outlives its run."""
    path = tmp_path / "journal"
    journal = written(path)
    for resume, overwrite in ((True, False), (False, True), (False, False)):
        with pytest.raises(InputError, match=r"journal: another run is working on it\. Wait for its end"):
            Journal(path, SETTINGS, resume, overwrite)
    journal.close()
    assert Journal(path, SETTINGS, resume=True).count("results") == 2


def test_beginning_anew_forgets_what_was_there(tmp_path: Path) -> None:
    """Fault: results of other pictures or another model among those of a run that was to replace them."""
    written(tmp_path / "journal").close()
    journal = Journal(tmp_path / "journal", {"model": "other"}, overwrite=True)
    assert journal.count("results") == 0
    journal.add("c.jpg", RED)
    journal.close()
    again = Journal(tmp_path / "journal", {"model": "other"}, resume=True)
    assert list(again.read("results")) == [("c.jpg", RED)]


def test_answers_of_changed_and_vanished_pictures_are_forgotten(tmp_path: Path) -> None:
    """Faults: --resume keeps the answer of another picture; a journal of an earlier program loses its answers."""
    pictures = [Picture(name, tmp_path / name) for name in ("same", "changed", "gone", "old")]
    journal = Journal(tmp_path / "journal", SETTINGS)
    for picture in pictures:
        picture.path.write_text("a")
        journal.add(picture.key, RED, picture.stamp() if picture.key != "old" else None)
    (tmp_path / "changed").write_text("bb")
    assert journal.forget_changed([pictures[0], pictures[1], pictures[3]]) == 2
    assert list(journal.read("results")) == [("old", RED), ("same", RED)]
