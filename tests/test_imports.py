"""The import contracts of pyproject.toml, and how full a folder may be."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("export", "inference", "models", "pipeline")
MOST_MODULES = 16
ALONE = {"recipes"}  # one file a task, however many there are


def check_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of a copy of the program."""
    command = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    return subprocess.run(
        [sys.executable, "-c", command, "--no-cache"], cwd=root, capture_output=True, text=True, check=False
    )


def test_the_layers_hold_and_there_is_no_circle() -> None:
    """Faults: an import against the flow, or a circle, in TYPE_CHECKING and inside functions too."""
    answer = check_imports(ROOT)
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("inference/pictures/regions.py", "import pipeline.settings.recipe"),
        ("pipeline/data/index.py", "from pipeline.training.gradient import FITS"),
        (
            "pipeline/metrics/intervals.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import export.convert",
        ),
        ("inference/pictures/limits.py", "def late():\n    from inference.pictures import image_io"),
    ],
)
def test_a_forbidden_import_is_found(module: str, line: str, tmp_path: Path) -> None:
    """Faults: a contract that sees neither lazy nor TYPE_CHECKING imports, or that forbids nothing."""
    ignored = shutil.ignore_patterns("__pycache__", "web", "released", "*.html.jinja")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    answer = check_imports(tmp_path)
    assert answer.returncode == 1, answer.stdout + answer.stderr
    assert module.removesuffix(".py").rpartition("/")[2] in answer.stdout


@pytest.mark.parametrize("package", PACKAGES)
def test_no_folder_is_a_drawer(package: str) -> None:
    """Faults: a folder so full that nobody guesses where a thing is."""
    folders = {path.parent for path in (ROOT / package).rglob("*.py") if "node_modules" not in path.parts}
    full = {
        folder.relative_to(ROOT).as_posix(): count
        for folder in folders
        if folder.name not in ALONE and (count := len(list(folder.glob("*.py")))) > MOST_MODULES
    }
    assert not full
