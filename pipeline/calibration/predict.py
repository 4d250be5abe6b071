"""A network and patches -> its outputs, with progress on standard error."""

from typing import Any

import keras

from inference.batch.progress import BatchProgress
from pipeline.data.dataset import evaluation_dataset
from pipeline.data.index import PatchIndex
from pipeline.progress import count
from pipeline.settings.recipe import Recipe


def predict(network: keras.Model, index: PatchIndex, recipe: Recipe) -> Any:
    """Return what network.predict returns for all patches, in the order of the index."""
    with count(len(index.patches), "patches") as progress:
        counting = _CountBatches(progress, len(index.patches), recipe.fit.batch_size)
        return network.predict(evaluation_dataset(index, recipe), verbose=0, callbacks=[counting])


class _CountBatches(keras.callbacks.Callback):
    """Count the patches of each batch; the last one may be smaller."""

    def __init__(self, progress: BatchProgress, total: int, size: int) -> None:
        super().__init__()
        self._progress, self._total, self._size = progress, total, size

    def on_predict_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Count a batch."""
        self._progress.advance(min(self._size, self._total - batch * self._size))
