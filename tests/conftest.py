"""Fixtures that several test files share."""

from pathlib import Path

import pytest

from pipeline.run_folder import RunFolder
from tests.colour_run import train_colour_run


@pytest.fixture(scope="session")
def colour_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Return a trained and calibrated run on coloured squares."""
    return train_colour_run(tmp_path_factory.mktemp("colours"))
