"""Export: what the .tflite promises, and that the comparison with Keras notices when it is broken."""

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

import inference.model.classifier
from export.__main__ import main
from export.calibration import calibration_pictures, choose_patches
from export.export_run import export_recipe, export_run
from export.gate import check_gate
from export.verify import measure_gate, measure_parity
from inference.errors import InputError
from inference.model.artefact import read_artefact
from inference.model.classifier import Classifier
from inference.pictures.image_io import read_resized
from models.build import build_network, count_macs
from models.patch_net import PATCH_NET_ROWS
from pipeline.classification.stages import EVALUATE, RESULTS, run_index
from pipeline.data.index import PatchIndex, write_index
from pipeline.metrics.intervals import UNDEFINED, proportion
from pipeline.report.sections import ClassificationReport, Gate, Shift
from pipeline.report.stored import read_section
from pipeline.settings.recipe import override_all, recipe_to_json
from pipeline.settings.run_folder import RunFolder
from pipeline.stages import complete

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("few_resamples")]
DELEGATED = {"CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "MUL", "MEAN", "FULLY_CONNECTED", "SOFTMAX"}
AT_THE_ENDS = {"QUANTIZE", "DEQUANTIZE", "CAST", "DELEGATE"}
REJECTED = ("background", "unknown")  # the right answer to background


@pytest.fixture(scope="module")
def exported(colour_run: RunFolder) -> RunFolder:
    export_run(colour_run, "int8", colour_run.model)
    return colour_run


@pytest.fixture
def copied(exported: RunFolder, tmp_path: Path) -> RunFolder:
    """A copy of the exported run without its file."""
    run = RunFolder(Path(shutil.copytree(exported.path, tmp_path / "runs/one")))
    shutil.copytree(run_index(exported).root, (run.path / json.loads(run.data.read_text())["patches"]).resolve())
    for made in (run.model, run.parity):
        made.unlink()
    return run


def measure_with(run: RunFolder, monkeypatch: pytest.MonkeyPatch, fault: Callable) -> tuple[dict, Gate]:
    """Measure the int8 file again with a fault planted between the runner's resize and the network."""
    monkeypatch.setattr(inference.model.classifier, "read_resized", lambda path, size: fault(read_resized(path, size)))
    network = keras.models.load_model(run.best, compile=False)
    calibration, index, recipe = json.loads(run.calibration.read_text()), run_index(run), run.read_recipe()
    gate = measure_gate(network, calibration, None, run.model, index, recipe)
    assert gate is not None
    return measure_parity(network, calibration, None, {"int8": run.model}, index, recipe), gate


def test_the_int8_file_agrees_with_keras(exported: RunFolder) -> None:
    """Catches a conversion that changes what the network says."""
    parity = json.loads(exported.parity.read_text())
    assert parity["keras"]["accuracy"]["value"] >= 0.95, "the colour world must be learned, or parity means nothing"
    assert parity["int8"]["agreement"]["value"] >= 0.95
    assert parity["float32"]["agreement"]["value"] == 1.0
    assert parity["float32"]["max_difference"] < 1e-4
    assert parity["int8"]["mean_difference"] < 0.02


def test_a_harmless_pass_through_keeps_parity(exported: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a planted-fault harness that breaks parity by itself, which would prove nothing below."""
    parity, gate = measure_with(exported, monkeypatch, lambda pixels: pixels)
    assert parity["int8"]["agreement"]["value"] >= 0.95
    check_gate(gate, "int8", exported.read_recipe().export)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(lambda pixels: np.ascontiguousarray(pixels[:, :, ::-1]), id="channel order"),
        pytest.param(lambda pixels: (pixels // 255).astype(np.uint8), id="scale"),
    ],
)
def test_wrong_pixels_break_parity(exported: RunFolder, monkeypatch: pytest.MonkeyPatch, fault: Callable) -> None:
    """Catches a parity check that would let swapped channels or a second rescaling pass."""
    parity, gate = measure_with(exported, monkeypatch, fault)
    assert parity["int8"]["agreement"]["value"] < 0.9, "most patches are background, which has no colour to lose"
    with pytest.raises(InputError, match="may lose at most"):
        check_gate(gate, "int8", exported.read_recipe().export)


def test_a_failed_gate_writes_no_model(exported: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a model that is shipped although it lost too much accuracy."""
    monkeypatch.setattr("export.classifier.measure_gate", lambda *_: _ruined())
    before = exported.model.read_bytes()
    with pytest.raises(InputError, match="may lose at most"):
        export_run(exported, "int8", tmp_path / "new.tflite")
    assert not list(tmp_path.iterdir())
    assert exported.model.read_bytes() == before
    assert not list(exported.path.glob(".draft*"))
    assert main([str(exported.path), "--mode", "float16", "--out", str(tmp_path / "new.tflite")]) == 2


def test_where_int8_loses_too_much_the_file_keeps_float_activations(
    copied: RunFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Catches hours of training that end without a file, and a recipe that names another mode than the file's."""
    monkeypatch.setattr(
        "export.classifier.measure_gate",
        lambda *given: _ruined() if Classifier(given[3]).card.quantization == "int8" else measure_gate(*given),
    )
    export_recipe(copied)
    assert Classifier(copied.model).card.quantization == "dynamic"
    assert copied.read_recipe().export.mode == "dynamic"
    assert "Received: 0.020" in capsys.readouterr().err


def test_what_is_refused_in_another_mode_names_the_setting_that_allows_it(
    copied: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catches a remedy that allows another limit than the one that was met."""
    copied.recipe.write_text(recipe_to_json(override_all(copied.read_recipe(), (("export.mode", "float16"),))))
    monkeypatch.setattr("export.classifier.measure_gate", lambda *_: _ruined())
    with pytest.raises(InputError, match=r"resume .*runs/one --set .* --set export\.max_accuracy_loss=0\.02\."):
        export_recipe(copied)


@pytest.mark.parametrize(("split", "mode"), [("test", "int8"), ("validation", "dynamic")])
def test_no_test_patch_has_a_part_in_the_choice_of_the_files_mode(
    copied: RunFolder, monkeypatch: pytest.MonkeyPatch, split: str, mode: str
) -> None:
    """Fault: int8 or dynamic chosen by the test patches, on which "no choice" is then claimed to have been made.

    Here the int8 file gives each label's probability to the next one, on the pictures of one split.
    """
    spoilt = {run_index(copied).path(patch) for patch in run_index(copied).select(split).patches}
    whole = Classifier.probabilities

    def probabilities(self: Classifier, picture: Path | np.ndarray) -> np.ndarray:
        given, spoils = whole(self, picture), isinstance(picture, Path) and picture in spoilt
        return np.roll(given, 1) if spoils and self.card.quantization == "int8" else given

    monkeypatch.setattr(Classifier, "probabilities", probabilities)
    export_recipe(copied)
    assert copied.read_recipe().export.mode == Classifier(copied.model).card.quantization == mode
    parity = json.loads(copied.parity.read_text())
    spoilt_accuracy = (
        parity["int8"]["accuracy"] if split == "test" else parity["int8"]["validation"]["accuracy"]["converted"]
    )
    assert spoilt_accuracy["value"] < 0.5


def test_a_run_without_validation_patches_is_exported_and_told(
    copied: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults: a crash on an index of an earlier version; a check that is skipped silently."""
    index = run_index(copied)
    trained = (replace(patch, split="train") if patch.split == "validation" else patch for patch in index.patches)
    write_index(PatchIndex(index.root, tuple(trained)), copied.index)
    export_recipe(copied)
    assert "was not checked, since there are no validation patches" in capsys.readouterr().err
    assert copied.model.is_file()


def test_a_report_says_by_what_the_file_was_chosen(copied: RunFolder) -> None:
    """Faults: no word of the choice; the claim that no choice saw the test, for a run whose export did."""
    export_recipe(copied)
    complete(copied, [EVALUATE])
    report = read_section(ClassificationReport, copied.report, "")
    assert report.parity["int8"].validation is not None
    assert report.parity["float32"].validation is None
    card = copied.model_card.read_text()
    assert "nor any choice saw" in card and "compared with Keras (in brackets) on validation patches" in card
    assert "compared with Keras (in brackets) on validation patches" in copied.report.with_suffix(".html").read_text()
    parity = json.loads(copied.parity.read_text())
    del parity["int8"]["validation"]  # as an earlier version wrote it
    copied.parity.write_text(json.dumps(parity))
    copied.report.unlink()
    complete(copied, [EVALUATE])
    card = copied.model_card.read_text()
    assert "nor any choice saw" not in card and "An earlier version of the program made the int8 file" in card


def test_another_export_keeps_what_decided_about_the_runs_file(copied: RunFolder, tmp_path: Path) -> None:
    """Fault: float32 measured for comparison alone takes the figures of the float32 file that the run released."""
    copied.recipe.write_text(recipe_to_json(override_all(copied.read_recipe(), (("export.mode", "float32"),))))
    export_recipe(copied)
    export_run(copied, "int8", tmp_path / "other.tflite")
    assert "validation" in json.loads(copied.parity.read_text())["float32"]


def _ruined() -> Gate:
    lost = Shift(proportion(450, 500), proportion(440, 500), beyond_chance=True)
    none = Shift(UNDEFINED, UNDEFINED, beyond_chance=False)
    return Gate(lost, none, none)


def test_only_builtin_operators_that_int8_runs_well(exported: RunFolder) -> None:
    """Catches a layer that falls out of the int8 delegate (hard-swish, average pooling) or needs TensorFlow ops."""
    interpreter = Interpreter(model_content=read_artefact(exported.model).flatbuffer)
    interpreter.allocate_tensors()
    names = {operator["op_name"] for operator in interpreter._get_ops_details()}
    assert names <= DELEGATED | AT_THE_ENDS
    quantized = [t for t in interpreter.get_tensor_details() if t["dtype"] == np.int8]
    assert len(quantized) > len(PATCH_NET_ROWS) * 3


def test_pixels_enter_unrounded_and_probabilities_leave_as_floats(exported: RunFolder) -> None:
    """Catches an input scale that merges grey levels, and confidences that know only 256 values."""
    interpreter = Interpreter(model_content=read_artefact(exported.model).flatbuffer)
    entry, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    assert (entry["dtype"], entry["quantization"], list(entry["shape"])) == (np.uint8, (1.0, 0), [1, 32, 32, 3])
    assert result["dtype"] == np.float32


def test_probabilities_sum_to_one(exported: RunFolder) -> None:
    """Catches confidences above 1 or collapsed under int8."""
    index = run_index(exported).select("test")
    classifier = Classifier(exported.model)
    rows = np.array([classifier.probabilities(index.path(patch)) for patch in index.patches])
    np.testing.assert_allclose(rows.sum(axis=1), 1.0, atol=1e-5)
    assert rows.min() >= 0


def test_calibration_sees_training_patches_only(exported: RunFolder) -> None:
    """Catches test pictures that set the int8 ranges."""
    index, recipe = run_index(exported), exported.read_recipe()
    train = index.select("train")
    chosen = choose_patches(train, 40)
    assert {patch.split for patch in chosen} == {"train"}
    counts = {label: sum(patch.label == label for patch in chosen) for label in recipe.outputs}
    assert set(counts.values()) == {10}
    everything_but_train_lost = type(index)(index.root, train.patches)
    np.testing.assert_array_equal(
        calibration_pictures(index, recipe), calibration_pictures(everything_but_train_lost, recipe)
    )


def test_the_card_tells_what_was_measured(exported: RunFolder) -> None:
    """Catches a model that cannot say what it is, or claims figures of another file."""
    card = Classifier(exported.model).card
    parity = json.loads(exported.parity.read_text())
    assert card.labels == ("red", "green", "blue", "background")
    assert card.reject_labels == ("background",)
    assert card.measured["accuracy"] == parity["int8"]["accuracy"]
    assert card.threshold == json.loads(exported.calibration.read_text())["threshold"]


@pytest.mark.parametrize("mode", ["dynamic", "float16", "float32"])
def test_every_mode_runs_in_the_runner(exported: RunFolder, tmp_path: Path, mode: str) -> None:
    """Catches a mode that converts but does not load, or is not what its name says."""
    out = tmp_path / "model.tflite"
    assert main([str(exported.path), "--mode", mode, "--out", str(out)]) == 0
    index = run_index(exported).select("test")
    patch = next(patch for patch in index.patches if patch.label == "red")
    assert Classifier(out, threshold=0).classify(index.path(patch)).result == "red"
    smaller = {"dynamic": 0.5, "float16": 0.6, "float32": 1.1}[mode]
    assert out.stat().st_size <= smaller * exported.float_model.stat().st_size


def test_an_existing_model_is_not_overwritten(exported: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    """Catches an export that destroys an earlier one."""
    before = exported.model.read_bytes()
    assert main([str(exported.path), "--out", str(exported.model)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert exported.model.read_bytes() == before


def test_a_folder_without_a_run_is_a_clear_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Catches a traceback where a wrong path was given."""
    assert main([str(tmp_path)]) == 2
    assert "is not a run" in capsys.readouterr().err


def test_the_report_agrees_with_a_recount_of_the_results(exported: RunFolder) -> None:
    """Catches figures that are not those of the released file: each is counted again from results.json."""
    complete(exported, [EVALUATE, RESULTS])
    report, results = (json.loads(file.read_text()) for file in (exported.report, exported.results))
    test = run_index(exported).select("test")
    assert set(results) == {patch.file for patch in test.patches}
    positives = [patch for patch in test.patches if patch.label != "background"]
    negatives = [patch for patch in test.patches if patch.label == "background"]
    figures = report["models"]["int8"]
    unknown = {file for file, answer in results.items() if answer["result"] == "unknown"}
    accepted = [patch for patch in positives if patch.file not in unknown]
    assert figures["rejected_known"]["value"] == pytest.approx(1 - len(accepted) / len(positives))
    assert figures["rejected_background"]["value"] == pytest.approx(
        sum(patch.file in unknown for patch in negatives) / len(negatives)
    )
    right = sum(results[patch.file]["result"] == patch.label for patch in accepted)
    assert figures["accuracy_of_accepted"]["value"] == pytest.approx(right / len(accepted))
    assert report["baseline"]["accuracy"]["n"] == len(positives)


def test_the_report_explains_the_mistakes_of_the_released_file(exported: RunFolder) -> None:
    """Faults: mistakes of Keras or of float32; losses of another row; labels of the training checked too."""
    complete(exported, [EVALUATE])
    report, index = json.loads(exported.report.read_text()), run_index(exported)
    with exported.predictions.open(newline="") as file:
        rows = list(csv.DictReader(file))
    wrong = [row for row in rows if row["best"] != row["label"] and (row["label"], row["result"]) != REJECTED]
    assert report["mistakes"]["count"] == len(wrong)
    assert report["mistakes"]["tested"] == len(rows) == len(index.select("test").patches)
    classifier = Classifier(exported.model)
    for row, patch in list(zip(rows, index.select("test").patches, strict=True))[:20]:
        probabilities = classifier.probabilities(index.path(patch))
        truth = float(probabilities[classifier.card.labels.index(row["label"])])
        assert np.exp(-float(row["loss"])) == pytest.approx(truth, abs=1e-4)
    held_out = [patch for patch in index.patches if patch.split != "train" and patch.label != "background"]
    assert report["label_errors"]["checked"] == len(held_out)
    assert exported.label_errors.is_file()


def test_macs_and_parameters_of_the_network() -> None:
    """Catches a network that grew past its limit, and a count of its work that is off."""
    network = build_network("patch_net", "classifier", 96, 8, 0.2)
    assert network.count_params() < 1_000_000
    stem = 48 * 48 * 3 * 3 * 3 * 16
    tiny = keras.Model(network.input, network.get_layer("stem_relu6").output)
    assert count_macs(tiny) == stem
