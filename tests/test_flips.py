"""export.flips: the exported network sees the mirrored views that it promises, at the price of no second copy."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from export.convert import convert
from inference.model.classifier import Classifier
from inference.pictures.image_io import read_resized
from models.build import build_network, count_macs, with_probabilities
from models.flips import FLIPS, with_flips
from pipeline.__main__ import main
from pipeline.classification.stages import run_index
from pipeline.settings.run_folder import RunFolder
from pipeline.training.saved_network import read_network

VIEWS = {
    "none": [lambda x: x],
    "horizontal": [lambda x: x, lambda x: x[:, :, ::-1]],
    "horizontal_and_vertical": [
        lambda x: x,
        lambda x: x[:, :, ::-1],
        lambda x: x[:, ::-1],
        lambda x: x[:, ::-1, ::-1],
    ],
}


@pytest.mark.parametrize("flips", FLIPS)
def test_the_logits_are_the_mean_over_the_views(flips: str) -> None:
    """Catches a view along the wrong axis, views of other pictures of the batch, and one counted twice."""
    network = build_network("patch_net", "classifier", 32, 4, 0.2)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype(np.float32)
    expected = np.mean([network(view(pixels), training=False) for view in VIEWS[flips]], axis=0)
    np.testing.assert_allclose(with_flips(network, flips)(pixels, training=False), expected, rtol=1e-3, atol=1e-6)


@pytest.mark.slow
def test_the_file_holds_the_weights_once() -> None:
    """Catches a converted network with a copy of the trunk for each view."""
    network = build_network("patch_net", "classifier", 32, 4, 0.2)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    plain, flipped = (
        len(convert(with_probabilities(with_flips(network, flips), 1.0), "int8", pictures))
        for flips in ("none", "horizontal_and_vertical")
    )
    assert flipped < 1.1 * plain


@pytest.mark.slow
def test_a_run_with_flips_answers_alike_for_a_mirrored_picture(colour_run: RunFolder, tmp_path: Path) -> None:
    """Catches a calibration, an export or a report without the views that the setting asks for."""
    run = RunFolder(shutil.copytree(colour_run.path, colour_run.path.with_name("with_flips")))
    for path in (run.calibration, run.model, run.report, run.parity, run.float_model):
        path.unlink(missing_ok=True)
    assert main(["resume", str(run.path), "--set", "export.flips=horizontal_and_vertical"]) == 0
    model, index = Classifier(run.model), run_index(run).select("test")
    for patch in index.patches[:10]:
        pixels = read_resized(index.path(patch), model.card.input_size)
        mirrored = np.ascontiguousarray(pixels[:, ::-1])
        np.testing.assert_allclose(model.probabilities(mirrored), model.probabilities(pixels), atol=1e-5)
    cost = json.loads(run.report.read_text())["cost"]
    assert cost["macs"] == 4 * count_macs(read_network(run.best))


def test_flips_of_a_calibrated_run_cannot_be_changed(colour_run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    """Catches a file whose threshold was set for another network."""
    assert main(["resume", str(colour_run.path), "--set", "export.flips=horizontal"]) == 2
    assert "calibration.json: exists already" in capsys.readouterr().err
