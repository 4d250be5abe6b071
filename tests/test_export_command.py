"""python -m export, its describe and release: what they refuse before the work, and what they leave as it was."""

from pathlib import Path

import pytest

from export import describe
from export import release as releasing
from export.__main__ import main
from inference.errors import InputError
from inference.model.artefact import Artefact, pack_artefact, read_artefact
from inference.model.card import card_files
from pipeline.recipes import RECIPES
from pipeline.settings.recipe import recipe_to_json
from pipeline.settings.run_folder import RunFolder, write_json
from tests.sample_report import sample_report
from tests.tiny_model import make_card, make_flatbuffer

OLD = b"an earlier release"
FLATBUFFER = make_flatbuffer()
MODEL = pack_artefact(Artefact(FLATBUFFER, card_files(make_card(FLATBUFFER))))


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """Return the folder of a run in int8 with its model, and nothing that an export could convert."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "recipe.json").write_text(recipe_to_json(RECIPES["minerals"]), encoding="utf-8")
    (folder / "model.tflite").write_bytes(MODEL)
    return RunFolder(folder)


@pytest.fixture
def exports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the conversion by one that takes no time."""

    def export(run: RunFolder, mode: str, out: Path) -> str:
        assert run.lock.exists()
        out.write_bytes(MODEL)
        return "as Keras"

    monkeypatch.setattr("export.__main__._export", export)


@pytest.mark.parametrize("mode", ["int8", "onnx"])
def test_overwrite_replaces_models_alone(
    run: RunFolder, tmp_path: Path, mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fault: best.keras, a recipe or a photograph replaced by a model, because of a slip in --out."""
    for path in (run.recipe, tmp_path / "photo.jpg"):
        path.write_bytes(b"{\n no model")
        if path == run.recipe:
            path.write_text(recipe_to_json(RECIPES["minerals"]), encoding="utf-8")
        before = path.read_bytes()
        assert main([str(run.path), "--mode", mode, "--out", str(path), "--overwrite"]) == 2
        assert "is not replaced, because it is no such model" in capsys.readouterr().err
        assert path.read_bytes() == before


@pytest.mark.usefixtures("exports")
def test_the_runs_file_is_not_replaced_by_one_of_another_type(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fault: a report about int8 beside a model in float16, also by another name of the file."""
    (tmp_path / "link.tflite").symlink_to(run.model)
    for out in (run.model, tmp_path / "link.tflite"):
        assert main([str(run.path), "--mode", "float16", "--out", str(out), "--overwrite"]) == 2
        assert "is the run's int8 file" in capsys.readouterr().err
    run.float_model.write_bytes(MODEL)
    assert main([str(run.path), "--mode", "int8", "--out", str(run.float_model), "--overwrite"]) == 2
    assert main([str(run.path), "--mode", "int8", "--out", str(run.model), "--overwrite"]) == 0


@pytest.mark.usefixtures("exports")
def test_an_export_writes_the_file_that_a_link_leads_to(run: RunFolder, tmp_path: Path) -> None:
    """Fault: the link is replaced, and whoever reads the file behind it gets the old model."""
    real, link = tmp_path / "real.tflite", tmp_path / "link.tflite"
    real.write_bytes(MODEL + b" ")
    link.symlink_to(real)
    assert main([str(run.path), "--out", str(link), "--overwrite"]) == 0
    assert link.is_symlink() and real.read_bytes() == MODEL


@pytest.mark.usefixtures("exports")
def test_two_exports_of_a_run_do_not_share_their_drafts(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault: one removes the drafts that the other measures, or writes over its parity.json."""
    with run.locked():
        assert main([str(run.path), "--mode", "float16"]) == 2
    assert "another run is working on it" in capsys.readouterr().err
    assert main([str(run.path), "--mode", "float16"]) == 0


def test_an_export_that_cannot_be_written_is_refused_before_the_work(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fault: a traceback after the minutes of the conversion."""
    (tmp_path / "file").touch()
    assert main([str(run.path), "--out", str(tmp_path / "file" / "model.tflite")]) == 2
    assert "is no folder that you may write to" in capsys.readouterr().err


def test_describe_goes_on_behind_a_file_that_it_cannot_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Faults: the first bad file ends the others; a link replaced by a file; exit code 2 though one was done."""
    bad, real, link = tmp_path / "bad.tflite", tmp_path / "real.tflite", tmp_path / "link.tflite"
    bad.write_bytes(b"no model")
    real.write_bytes(MODEL)
    link.symlink_to(real)
    assert describe.main([str(bad), str(link)]) == 1
    assert link.is_symlink()
    assert read_artefact(real).flatbuffer != FLATBUFFER
    assert f"described: {link}" in capsys.readouterr().err
    assert describe.main([str(bad), str(tmp_path / "none.tflite")]) == 2


@pytest.mark.parametrize("name", ["../minerals", "a/b", "", ".."])
def test_a_release_stays_in_its_folder(run: RunFolder, tmp_path: Path, name: str) -> None:
    """Fault: files written beside models/released, or one named .tflite in it."""
    with pytest.raises(InputError, match="NAME must be the name of a file"):
        releasing.release(run, name, tmp_path / "released", weights=False)
    assert not (tmp_path / "released").exists()


def test_what_cannot_be_released_leaves_the_earlier_release(run: RunFolder, tmp_path: Path) -> None:
    """Fault: the model is replaced, and then a report, a history or a network turns out to be missing or damaged."""
    folder = tmp_path / "released"
    folder.mkdir()
    released = folder / "minerals.tflite"
    released.write_bytes(OLD)
    for file, content in ((run.report, {"format": 2}), (run.report, sample_report())):
        write_json(file, content)
        with pytest.raises(InputError):  # without a history
            releasing.release(run, "minerals", folder, weights=False)
    run.history.write_text("epoch,loss\n0,1\n")
    write_json(run.report, {"format": 2})
    with pytest.raises(InputError, match="damaged or of another version"):
        releasing.release(run, "minerals", folder, weights=False)
    run.recipe.write_text(recipe_to_json(RECIPES["wood"]), encoding="utf-8")
    with pytest.raises(InputError, match="only models that classify"):
        releasing.release(run, "minerals", folder, weights=False)
    assert [released.read_bytes(), list(folder.iterdir())] == [OLD, [released]]


def test_a_release_without_weights_keeps_none_of_an_earlier_network(run: RunFolder, tmp_path: Path) -> None:
    """Fault: best.weights.h5 of the network before beside the new file."""
    run.history.write_text("epoch,loss\n0,1\n")
    write_json(run.report, sample_report())
    stale = tmp_path / "released" / "minerals" / "best.weights.h5"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(OLD)
    releasing.release(run, "minerals", tmp_path / "released", weights=False)
    assert not stale.exists()
    assert (tmp_path / "released" / "minerals.tflite").read_bytes() == run.model.read_bytes()
