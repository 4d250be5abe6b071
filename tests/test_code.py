"""The rules that the code itself must keep: linter, types, packages, sizes; tests/test_imports.py has the layers."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("inference", "models", "pipeline", "export")
RUNNER_NEEDS = {"numpy", "PIL", "ai_edge_litert"}
ONLY_WHERE_ASKED_FOR = {  # what an option of the runner needs besides, and where alone it may be imported
    "inference/batch/progress.py": {"tqdm"},  # comes with ai-edge-litert; lines take its place
    "inference/batch/ray_": {"ray"},
    "inference/objects": {"pyarrow"},
    "inference/service": {"h11", "prometheus_client", "segno", "starlette", "uvicorn"},
    "inference/video": {"cv2"},
}
MOST_LINES = 350


def modules() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    """Return the full names of the modules that a file imports, inside functions too.

    The runner imports itself relatively, because it is also built under another name; the rest imports by full names.
    """
    package = path.relative_to(ROOT).parts[:-1]
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            of_runner = package[0] == "inference" == module.partition(".")[0]
            assert (node.level > 0) == of_runner, (
                f"{path}:{node.lineno}: relative inside inference/, absolute elsewhere"
            )
            names |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.slow
@pytest.mark.parametrize("command", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]], ids=" ".join)
def test_linter_and_type_checker_find_nothing(command: list[str]) -> None:
    """Catches unused names, unsorted imports, unformatted code and wrong types."""
    answer = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_imports_an_entry_point(path: Path) -> None:
    """Catches code that belongs into a module but hides in a command line."""
    assert not [name for name in imported(path) if name.endswith("__main__")]


@pytest.mark.parametrize("path", sorted((ROOT / "inference").rglob("*.py")), ids=lambda path: path.name)
def test_the_runner_needs_three_packages_only(path: Path) -> None:
    """Catches a convenient import that a phone or laptop would have to install."""
    place = path.relative_to(ROOT).as_posix()
    options = [names for start, names in ONLY_WHERE_ASKED_FOR.items() if place.startswith(start)]
    foreign = {name.split(".")[0] for name in imported(path)} - set(sys.stdlib_module_names) - {"inference"}
    assert foreign <= RUNNER_NEEDS.union(*options)


def test_models_know_no_files_and_no_data() -> None:
    """Catches an architecture that reads files or imports TensorFlow, which another backend could not run."""
    foreign = {name.split(".")[0] for path in (ROOT / "models").rglob("*.py") for name in imported(path)}
    assert foreign - {"models", "typing", "dataclasses", "collections", "math"} == {"keras"}


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_stay_small(path: Path) -> None:
    """Catches a file that grows past what one can keep in mind."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES
