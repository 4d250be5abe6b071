"""Fixtures that several test files share."""

from pathlib import Path

import pytest

from pipeline.settings.run_folder import RunFolder
from tests.colour_run import train_colour_run
from tests.tiny_model import make_card, make_flatbuffer, write_model


@pytest.fixture(scope="session")
def colour_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Return a trained and calibrated run on coloured squares."""
    return train_colour_run(tmp_path_factory.mktemp("colours"))


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a .tflite that names the colour of a picture; see tests/tiny_model.py."""
    flatbuffer = make_flatbuffer()
    return write_model(tmp_path_factory.mktemp("tiny") / "model.tflite", flatbuffer, make_card(flatbuffer))
