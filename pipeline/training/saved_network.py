"""best.keras -> the trained network, or one line that says why it can't be used."""

from pathlib import Path

import keras

from inference.errors import InputError
from models.flips import with_flips
from pipeline.settings.recipe import Recipe
from pipeline.settings.run_folder import RunFolder

_REMEDY = "Copy the run again, or start a new one"


def read_network(path: Path) -> keras.Model:
    """Return a network that this program has trained and saved.

    Keras refuses code in the file, as in a Lambda layer (safe mode).

    Raises:
        InputError: the file is missing, damaged or was changed.
    """
    if not path.is_file():
        raise InputError(f"{path}: does not exist. Train first: python -m pipeline resume RUN.")
    try:
        network = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as fault:  # BadZipFile, ValueError, TypeError, KeyError, OSError of h5py ... by what was changed
        reason = next(iter(str(fault).strip().splitlines()), type(fault).__name__)
        raise InputError(f"{path}: is no network that this program has saved: {reason}. {_REMEDY}.") from fault
    if len(network.inputs) != 1 or len(network.inputs[0].shape) != 4:
        raise InputError(f"{path}: must take pictures. Received: inputs {network.inputs}. {_REMEDY}.")
    return network


def read_classifier(run: RunFolder, recipe: Recipe) -> keras.Model:
    """Return the network of a run as it is calibrated and exported: with the mirrored views of export.flips.

    Raises:
        InputError: as read_network.
    """
    return with_flips(read_network(run.best), recipe.export.flips)
