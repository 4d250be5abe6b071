"""docs/adding_a_recipe.md, followed to the letter in a copy of the program, with leaves drawn here as photographs.

The page's python blocks are new files, its diff blocks are changes of files, its sh blocks are commands.
"""

import csv
import importlib
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from inference.model.artefact import read_artefact
from inference.model.card import CARD_NAME

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "adding_a_recipe.md").read_text(encoding="utf-8")
PYTHON_FOLDERS = ("export", "inference", "models", "pipeline", "tests")
TREES = ("birch", "maple", "willow")
NEW_FILES = dict(re.findall(r"`([\w/]+\.py)`:\n\n```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
CHANGES = re.findall(r"^```diff\n\+\+\+ (\S+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EACH = 24
NEW = 4
SIDE = 96


def blocks(language: str) -> list[str]:
    """Return the page's code blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """Return the page's commands, in order."""
    return [line for block in blocks("sh") for line in block.splitlines() if line]


def draw_leaf(tree: str, random: np.random.Generator) -> Image.Image:
    """Draw a leaf of a tree's form and rough colour, turned by chance, on a ground that is like no other."""
    ground = Image.fromarray(random.integers(60, 200, (5, 5, 3), np.uint8)).resize(
        (SIDE, SIDE), Image.Resampling.BICUBIC
    )
    leaf = Image.new("RGBA", (SIDE, SIDE))
    colours = {"birch": (60, 170, 60), "maple": (200, 50, 30), "willow": (200, 200, 80)}
    colour = tuple(int(one + random.integers(-25, 26)) for one in colours[tree])
    angles = np.linspace(0, 2 * np.pi, 40)
    radius = {"birch": np.ones(40), "maple": 0.7 + 0.3 * np.cos(5 * angles), "willow": np.ones(40)}[tree]
    width = {"birch": 28, "maple": 42, "willow": 11}[tree]
    points = zip(48 + width * radius * np.cos(angles), 48 + 42 * radius * np.sin(angles), strict=True)
    ImageDraw.Draw(leaf).polygon([(float(x), float(y)) for x, y in points], fill=colour)
    leaf = leaf.rotate(float(random.integers(360)))
    ground.paste(leaf, (0, 0), leaf)
    return ground


def write_leaves(folder: Path, each: int, seed: int) -> None:
    """Write photographs of leaves, in a folder for each tree."""
    random = np.random.default_rng(seed)
    for tree in TREES:
        (folder / tree).mkdir(parents=True)
        for number in range(each):
            draw_leaf(tree, random).save(folder / tree / f"{number:03}.jpg", quality=92)


def write_turntable(folder: Path, each: int) -> None:
    """Write photographs with a leaf in the middle half."""
    folder.mkdir()
    random = np.random.default_rng(2)
    for tree in TREES:
        for number in range(each):
            ground = Image.fromarray(random.integers(60, 200, (8, 8, 3), np.uint8)).resize(
                (2 * SIDE, 2 * SIDE), Image.Resampling.BICUBIC
            )
            ground.paste(draw_leaf(tree, random), (SIDE // 2, SIDE // 2))
            ground.save(folder / f"{tree}-{number:03}.jpg", quality=92)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the program's Python folders with the page's new files and changes, and no others."""
    folder = tmp_path_factory.mktemp("clone")
    skipped = shutil.ignore_patterns("__pycache__", "web", "node_modules", "minerals", "cifar10")
    for name in PYTHON_FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=skipped)
    for path, text in NEW_FILES.items():
        (folder / path).write_text(text, encoding="utf-8")
    recipes = folder / "pipeline" / "recipes" / "__init__.py"
    (names,) = blocks("text")
    recipes.write_text(with_names(recipes.read_text(encoding="utf-8"), names), encoding="utf-8")
    for path, change in CHANGES:
        changed = with_change((folder / path).read_text(encoding="utf-8"), change)
        (folder / path).write_text(changed, encoding="utf-8")
    write_leaves(folder / "LEAVES", EACH, 0)
    write_leaves(folder / "NEW_LEAVES", NEW, 1)
    write_turntable(folder / "TURNTABLE", EACH)
    return folder


def with_names(text: str, names: str) -> str:
    """Add to the program's import and RECIPES what the page's lines have behind their dots."""
    for line in names.splitlines():
        before, _, added = line.partition("...")
        end = r"\)" if added.endswith(")") else "$"
        form = rf"({re.escape(before.strip())} ?.*){end}"
        text, count = re.subn(form, lambda found, added=added: found[1] + added, text, flags=re.MULTILINE)
        assert count == 1, f"pipeline/recipes/__init__.py no longer looks as the page says: {line}"
    return text


def with_change(text: str, change: str) -> str:
    """Return a file's text with one of the page's diffs applied; its last line may be the beginning of a line."""
    lines = change.splitlines()
    before, after = ("\n".join(line[1:] for line in lines if line[0] != sign) for sign in "+-")
    assert text.count(before) == 1, f"no longer once in the file that the page names: {before}"
    return text.replace(before, after)


def follow(clone: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run one of the page's commands in the copy."""
    program, *words = shlex.split(command)
    assert program == ".venv/bin/python"
    times = [path.name.removesuffix("-seed0") for path in (clone / "runs" / "leaves").glob("*-seed0")]
    words = [word.replace("TIME", times[0]) if "TIME" in word else word for word in words]
    return subprocess.run([sys.executable, *words], cwd=clone, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_page_leads_from_a_file_to_answers(clone: Path) -> None:
    """Faults: a setting, file or command in the page that the program no longer has, a step that it leaves out, a
    smoke variant that fails on few pictures, a model that says "unknown" to everything or takes one tree for another.
    """
    for command in commands():
        answer = follow(clone, command)
        assert answer.returncode == 0, f"{command}\n{answer.stdout}\n{answer.stderr}"
        if command.endswith("list"):
            assert "Trees by their leaves" in answer.stdout
    answers = json.loads((clone / "answers.json").read_text(encoding="utf-8"))
    named = [(key.split("/")[0], one["result"]) for key, one in answers.items() if one["result"] != "unknown"]
    assert len(NEW_FILES) == 3
    assert len(CHANGES) == 10
    assert len(answers) == NEW * len(TREES)
    assert len(named) >= len(answers) / 2
    assert sum(tree == result for tree, result in named) >= 0.8 * len(named), named


def test_source_trunk_and_decision_of_the_page_are_in_the_file(clone: Path) -> None:
    """Faults: a source with boxes whose card has no margin, a decision that the card or the report does not follow."""
    *_, last = sorted((clone / "runs" / "leaves").glob("*-seed0"))
    card = json.loads(read_artefact(last / "model.tflite").files[CARD_NAME])
    assert (card["decision"], card["region_margin"], card["training"]["network"]) == ("margin", 0.1, "plain_net")
    calibration = json.loads((last / "calibration.json").read_text(encoding="utf-8"))
    assert card["threshold"] == calibration["threshold"]
    assert calibration["accepted"]["value"] >= calibration["target_accepted"]
    answers = json.loads((last / "results.json").read_text(encoding="utf-8"))
    with (last / "predictions.csv").open(encoding="utf-8", newline="") as file:
        said = {row["file"]: row for row in csv.DictReader(file)}
    for name, answer in answers.items():
        assert answer["result"] == said[name]["result"], name
        assert (answer["result"] == "unknown") == (float(said[name]["confidence"]) < card["threshold"]), name


@pytest.mark.parametrize("page", ["docs/adding_a_recipe.md", "docs/design.md", "CHANGELOG.md"])
def test_what_a_page_names_is_there(page: str) -> None:
    """Faults: a file, folder, test or heading in a page that was moved or renamed."""
    text = (ROOT / page).read_text(encoding="utf-8")
    folders = "benchmarks|docs|export|inference|models|notebooks|pipeline|tests"
    paths = re.findall(rf"(?<![\w/])(?:{folders})/[\w/.-]*\w", text) + [
        f"tests/{name}" for name in re.findall(r"`(test_\w+\.py)`", text)
    ]
    missing = {path for path in paths if "NAME" not in path and not (ROOT / path).exists()} - NEW_FILES.keys()
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob("test_*.py"))
    lost = [name for name in re.findall(r"`(test_\w+)`", text) if f"def {name}(" not in tests]
    headings = {
        re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-") for line in re.findall(r"^#+(.*)$", text, re.M)
    }
    astray = [name for name in re.findall(r"\]\(#([\w-]+)\)", text) if name not in headings]
    assert (missing, lost, astray) == (set(), [], [])


@pytest.mark.parametrize("page", ["adding_a_recipe.md", "design.md"])
def test_the_slots_of_the_pages_are_the_programs(page: str) -> None:
    """Faults: a dict of functions that was moved or renamed."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    names = re.findall(r"`((?:pipeline|models|inference|export)(?:\.\w+)+\.[A-Z]+)`", text)
    assert names
    for name in names:
        module, _, slot = name.rpartition(".")
        assert isinstance(getattr(importlib.import_module(module), slot), dict), name
