"""Folders of example regions: what can't be used is named, and the rest is used."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.errors import InputError
from pipeline.anomaly.region_classes import Example, leave_out, list_examples


def write_examples(folder: Path, *names: str) -> None:
    for name in names:
        for number in range(2):
            path = folder / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((8, 8, 3), 99, np.uint8)).save(path)


def test_an_example_that_can_not_be_used_costs_itself_alone(tmp_path: Path) -> None:
    """Faults: a text file among the examples ends the run after its fit, without its path; one beside the folders."""
    write_examples(tmp_path, "crack", "knot")
    bad = [tmp_path / "README.txt", tmp_path / "knot" / "notes.txt"]
    for path in bad:
        path.write_text("no picture")
    listed = list_examples(tmp_path)
    assert [label for _, label in listed.examples] == ["crack"] * 2 + ["knot"] * 2
    assert [message.split(": ")[0] for message in listed.refused] == list(map(str, bad))


@pytest.mark.parametrize("name", ["anomaly", "unknown", "a\nb"])
def test_a_folder_whose_name_means_something_else_names_no_regions(name: str, tmp_path: Path) -> None:
    """Fault: regions called "unknown" by example, which `enroll` refuses."""
    write_examples(tmp_path, "crack", "knot", name)
    listed = list_examples(tmp_path)
    assert {label for _, label in listed.examples} == {"crack", "knot"}
    assert len(listed.refused) == 2 and all("must be one line of text" in message for message in listed.refused)


def test_too_few_examples_are_refused_with_the_reason(tmp_path: Path) -> None:
    """Fault: "Received: knot" where both of its pictures lie there, but one is damaged."""
    write_examples(tmp_path, "crack", "knot")
    (tmp_path / "knot" / "1.png").write_text("no picture")
    with pytest.raises(InputError, match=r"Received: knot \(1\)\. Add some\. Not usable: .*1\.png: is not an image"):
        list_examples(tmp_path)


def test_examples_that_are_all_of_one_group_do_not_crash() -> None:
    """Fault: a traceback after the whole fit where --groups holds all examples: no fit without them is left."""
    views = np.random.default_rng(0).normal(size=(8, 3, 4)).astype(np.float32)
    examples = [Example(f"{n}.png", "ab"[n % 2], (0,), one) for n, one in enumerate(views)]
    found = leave_out(examples).by_group
    assert found is not None and found.value == 0
