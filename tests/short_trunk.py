"""patch_net cut down to two blocks: a graph that is built in a second."""

from typing import Any

import pytest

from models.build import TRUNKS
from models.patch_net import PATCH_NET_ROWS, patch_net


def shorten_patch_net(patch: pytest.MonkeyPatch) -> None:
    """Build patch_net of its first two blocks from now on."""
    patch.setitem(TRUNKS, "patch_net", _first_blocks)


def _first_blocks(pixels: Any) -> Any:
    return patch_net(pixels, PATCH_NET_ROWS[:2])
