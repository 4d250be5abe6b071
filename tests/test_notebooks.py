"""The notebooks run from the first to the last cell on a fresh clone, and are committed with what they show."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
_CELL_SECONDS = 900
_MOST_BYTES = 1_500_000


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults: a cell that fails, a command or a report's field that has another name by now, data not at hand."""
    monkeypatch.setenv("TOUCHSTONE_QUICK", "1")
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=_CELL_SECONDS, resources={"metadata": {"path": str(path.parent)}}).execute()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_with_its_outputs(path: Path) -> None:
    """Faults: outputs stripped or of a part of the cells, an error among them, a machine's path, a file too large."""
    text = path.read_text()
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), "run it from a fresh kernel"
    outputs = [output for cell in code for output in cell.outputs]
    assert outputs
    assert all(output.output_type != "error" for output in outputs)
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert str(Path(__file__).parents[1]) not in text
    assert len(text) < _MOST_BYTES


def test_there_are_notebooks() -> None:
    """Faults: a folder that moved, so that the tests above have nothing to test."""
    assert NOTEBOOKS
