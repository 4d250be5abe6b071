"""Drawn wood from end to end: planks, bank, threshold, file, runner, masks, names."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from inference.__main__ import main as run_inference
from inference.anomaly.detector import Detector
from inference.errors import InputError
from inference.load import load_model
from inference.model.answers import answer_pixels
from inference.model.artefact import Artefact, pack_artefact, read_artefact
from pipeline.__main__ import main as run_pipeline
from pipeline.drawn.planks import KINDS, draw_plank
from pipeline.settings.run_folder import RunFolder

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("few_resamples")]
FIRST_FRESH = 900_000  # seeds of planks that no run has drawn


@pytest.fixture(scope="module")
def wood_run(tmp_path_factory: pytest.TempPathFactory, few_resamples: None) -> RunFolder:
    """Return a run of the recipe on its drawn planks, with names of regions from drawn examples."""
    folder = tmp_path_factory.mktemp("wood")
    write_crops(folder / "crops")
    arguments = ["run", "wood", "--runs", str(folder / "runs"), "--crops", str(folder / "crops")]
    assert run_pipeline(arguments) == 0
    (run,) = (folder / "runs" / "wood").glob("2*-seed0")
    return RunFolder(run)


def write_crops(folder: Path) -> None:
    """Write cut-outs of drawn defects, and of clean wood."""
    for number in range(6):
        for kind in (*KINDS, "clean"):
            plank = draw_plank(FIRST_FRESH + 500 + number, () if kind == "clean" else (kind,))
            left, top, width, height = (120, 100, 60, 60) if kind == "clean" else plank.defects[0].box
            area = (max(0, left - 30), max(0, top - 30), left + width + 30, top + height + 30)
            (folder / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(plank.pixels).crop(area).save(folder / kind / f"{number}.png")


def report_of(run: RunFolder) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(run.report.read_text(encoding="utf-8"))
    return report


def test_drawn_wood_reaches_its_floors(wood_run: RunFolder) -> None:
    """Faults: anomalies missed; masks that cover the surroundings of a defect; a threshold that lets all through."""
    metrics = report_of(wood_run)["metrics"]
    assert metrics["aupro"] >= 0.90
    assert metrics["f1"] >= 0.60
    assert metrics["image_auroc"]["value"] >= 0.95
    assert metrics["found_anomalous"]["value"] >= 0.9


def test_no_clean_plank_is_flagged(wood_run: RunFolder) -> None:
    """Faults: the lowest score as threshold; a threshold of scores that the bank has seen."""
    detector = Detector(wood_run.model)
    results = [detector.detect(draw_plank(FIRST_FRESH + number).pixels).result for number in range(20)]
    assert results == ["normal"] * 20


def test_the_runner_writes_masks_regions_and_previews(wood_run: RunFolder, tmp_path: Path) -> None:
    """Faults: a mask of the network's size; a region's box in places instead of pixels; regions unasked for."""
    photos = tmp_path / "photos"
    (photos / "a").mkdir(parents=True)
    plank = draw_plank(FIRST_FRESH, ("hole",), size=(401, 299))
    Image.fromarray(plank.pixels).save(photos / "a" / "holed.png")
    Image.fromarray(draw_plank(FIRST_FRESH + 1).pixels).save(photos / "clean.png")
    options = ["--masks", str(tmp_path / "masks"), "--preview", str(tmp_path / "look"), "--quiet", "--regions"]
    options += ["--scores", str(tmp_path / "scores")]
    assert run_inference([str(wood_run.model), str(photos), "--out", str(tmp_path / "all.json"), *options]) == 0
    results = json.loads((tmp_path / "all.json").read_text())
    assert {key: answer["result"] for key, answer in results.items()} == {
        "a/holed.png": "anomaly",
        "clean.png": "normal",
    }
    assert results["clean.png"]["regions"] == []
    mask = np.asarray(Image.open(tmp_path / "masks" / "a" / "holed.png"))
    assert mask.shape == (299, 401)
    assert set(np.unique(mask)) == {0, 255}
    (region,) = results["a/holed.png"]["regions"]
    assert region["area"] == (mask > 0).sum()
    left, top, width, height = region["box"]
    assert (mask[top : top + height, left : left + width] > 0).sum() == region["area"]
    overlap = ((mask > 0) & plank.mask).sum() / ((mask > 0) | plank.mask).sum()
    assert overlap > 0.3
    scores = np.load(tmp_path / "scores" / "a" / "holed.npy")
    assert scores.shape == (299, 401)
    assert scores.max() == pytest.approx(results["a/holed.png"]["score"], abs=1e-5)
    assert (tmp_path / "look" / "a" / "holed.png.jpg").is_file()
    assert run_inference([str(wood_run.model), str(photos), "--out", str(tmp_path / "short.json"), "--quiet"]) == 0
    assert "regions" not in json.loads((tmp_path / "short.json").read_text())["a/holed.png"]


def test_photographs_that_differ_in_their_suffix_have_a_mask_each(wood_run: RunFolder, tmp_path: Path) -> None:
    """Fault: the mask and scores of a.jpg replace those of a.png, or are not where the names say."""
    photos, out = tmp_path / "photos", tmp_path / "photos" / "out"
    photos.mkdir()
    for name, size in (("a.png", (130, 120)), ("a.jpg", (120, 130)), ("b.png", (140, 120))):
        Image.fromarray(draw_plank(FIRST_FRESH, size=size).pixels).save(photos / name)
    options = ["--masks", str(out), "--scores", str(out), "--quiet", "--out", str(tmp_path / "all.json")]
    for more in ([], ["--overwrite"]):  # the second run leaves the first one's files out
        assert run_inference([str(wood_run.model), str(photos), *options, *more]) == 0
    sizes = {path.name: Image.open(path).size for path in out.glob("*.png")}
    assert sizes == {"a.png.png": (130, 120), "a.jpg.png": (120, 130), "b.png": (140, 120)}
    assert sorted(path.name for path in out.glob("*.npy")) == ["a.jpg.npy", "a.png.npy", "b.npy"]
    assert sorted(json.loads((tmp_path / "all.json").read_text())) == ["a.jpg", "a.png", "b.png"]


def test_a_higher_threshold_flags_less(wood_run: RunFolder) -> None:
    """Faults: --threshold without effect; a threshold of 0 or 1 that divides by zero."""
    pixels = draw_plank(FIRST_FRESH, ("knot",)).pixels
    areas = [(np.asarray(Detector(wood_run.model, 1, share).detect(pixels).mask) > 0).sum() for share in (0, 0.5, 1)]
    assert areas[0] == pixels.shape[0] * pixels.shape[1]
    assert areas[0] > areas[1] > areas[2] == 0
    decision = Detector(wood_run.model).detect(pixels)
    assert 0.5 <= decision.confidence <= 1


def test_a_large_photograph_has_no_seams(wood_run: RunFolder) -> None:
    """A photograph of several tiles, turned and shifted, is scored alike at the same places.

    Faults: a margin too small for what the network sees; scores that depend on a tile's place.
    """
    detector = Detector(wood_run.model)
    pixels = draw_plank(FIRST_FRESH + 7, ("crack",), size=(900, 500)).pixels
    whole = detector.anomaly_map(pixels).scores
    part = detector.anomaly_map(np.ascontiguousarray(pixels[96:, 160:])).scores
    inner = np.s_[64:-4, 64:-4]
    assert np.abs(whole[96:, 160:][inner] - part[inner]).max() < 0.02 * detector.score_threshold


def test_names_are_given_to_regions(wood_run: RunFolder) -> None:
    """Faults: names in another order than the classifier's outputs; names not packed into the file."""
    names = report_of(wood_run)["names"]
    assert names["labels"] == ["clean", "crack", "hole", "knot"]
    assert names["balanced_accuracy"]["value"] >= 0.6
    detector = Detector(wood_run.model)
    plank = draw_plank(FIRST_FRESH + 40, ("crack",))
    surface = detector.anomaly_map(plank.pixels)
    regions = detector.name(surface, detector.find(surface))
    assert max(regions, key=lambda one: one.component.area).result == "crack"


def test_a_finished_model_takes_examples_of_a_name(
    wood_run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults: a name that regions never get; other names lost; a card that no longer belongs to the names."""
    write_crops(tmp_path / "crops")
    without, again = tmp_path / "without.tflite", tmp_path / "again.tflite"
    assert run_inference(["classes", str(wood_run.model), "--remove", "crack", "--out", str(without)]) == 0
    plank = draw_plank(FIRST_FRESH + 40, ("crack",))
    assert "crack" not in names_on(without, plank.pixels)
    enroll = ["enroll", str(without), "--name", "crack", "--images", str(tmp_path / "crops" / "crack")]
    assert run_inference([*enroll, "--out", str(again)]) == 0
    assert "crack" in names_on(again, plank.pixels)
    capsys.readouterr()
    assert run_inference(["classes", str(again)]) == 0
    listed = capsys.readouterr().out
    assert [line.split()[:2] for line in listed.splitlines()] == [
        [name, "6"] for name in ("clean", "crack", "hole", "knot")
    ]


def test_names_of_an_earlier_program_are_listed_and_not_changed(
    wood_run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults: a traceback; names thrown away by the first example that is added."""
    artefact, old = read_artefact(wood_run.model), tmp_path / "old.tflite"
    files = {name: data for name, data in artefact.files.items() if name != "region_examples.npz"}
    old.write_bytes(pack_artefact(Artefact(artefact.flatbuffer, files)))
    assert run_inference(["classes", str(old)]) == 0
    assert capsys.readouterr().out.count("unknown example regions") == 4
    assert run_inference(["classes", str(old), "--remove", "crack", "--out", str(tmp_path / "new.tflite")]) == 2
    assert "without the examples" in capsys.readouterr().err


def names_on(model: Path, pixels: np.ndarray) -> set[str]:
    return {region["result"] for region in answer_pixels(load_model(model), pixels)["regions"]}


def test_the_file_and_keras_agree(wood_run: RunFolder) -> None:
    """Faults: a converted trunk that gives other features than the one the bank was made for."""
    parity = json.loads(wood_run.parity.read_text())["float16"]
    assert parity["mean_difference"] < 0.01


def test_a_report_shows_what_was_found(wood_run: RunFolder) -> None:
    """Faults: pictures as links, which a mail would lose; NaN in the JSON."""
    page = (wood_run.path / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg;base64,") >= 20
    assert "Clean photographs flagged" in page
    assert "NaN" not in wood_run.report.read_text(encoding="utf-8")


def test_a_bank_of_another_network_is_refused(wood_run: RunFolder, tmp_path: Path) -> None:
    """Faults: a traceback, or nonsense scores, where parts do not fit."""
    artefact = read_artefact(wood_run.model)
    files = {name: data for name, data in artefact.files.items() if name != "bank.npz"}
    (tmp_path / "no.tflite").write_bytes(pack_artefact(Artefact(artefact.flatbuffer, files)))
    with pytest.raises(InputError, match=r"needs bank\.npz"):
        Detector(tmp_path / "no.tflite")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--top", "3"], "--top"),
        (["--labels", "labels.txt"], "--labels"),
    ],
)
def test_options_of_classifiers_are_refused(
    wood_run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    """Faults: an option that is taken and does nothing."""
    (tmp_path / "labels.txt").write_text("a\nb\n")
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    arguments = [word if word != "labels.txt" else str(tmp_path / word) for word in arguments]
    assert run_inference([str(wood_run.model), str(tmp_path / "a.png"), *arguments]) == 2
    assert said in capsys.readouterr().err


def test_masks_need_a_model_for_anomalies(tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Faults: --masks of a classifier that silently writes nothing."""
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    assert run_inference([str(tiny_model), str(tmp_path / "a.png"), "--masks", str(tmp_path / "masks")]) == 2
    assert "anomalies" in capsys.readouterr().err


def test_a_model_for_anomalies_is_a_model_like_the_others(
    wood_run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults: a video that ends in a traceback; an answer of the library unlike the command line's."""
    model, plank = load_model(wood_run.model), draw_plank(FIRST_FRESH, ("hole",))
    assert isinstance(model, Detector)
    Image.fromarray(plank.pixels).save(tmp_path / "holed.png")
    out = tmp_path / "results.json"
    assert run_inference([str(wood_run.model), str(tmp_path / "holed.png"), "--out", str(out), "--regions"]) == 0
    assert json.loads(out.read_text()) == {"holed.png": answer_pixels(model, plank.pixels)}
    capsys.readouterr()
    assert run_inference([str(wood_run.model), "--video", "belt.mp4"]) == 2
    assert "finds anomalies, it is no classifier" in capsys.readouterr().err
    assert run_inference(["check", str(wood_run.model)]) == 0
