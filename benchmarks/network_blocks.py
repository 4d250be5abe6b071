"""Write docs/patch_net.json: the blocks of the project's networks, from the Keras models themselves.

python -m benchmarks.network_blocks
"""

import json
import sys
from pathlib import Path

from benchmarks.draw_network import blocks_of
from pipeline.quiet import load_tensorflow

OUT = Path(__file__).parent.parent / "docs" / "patch_net.json"
_NETWORKS = {"patch_net": (128, 8), "patch_net_32": (32, 10)}  # side in pixels, outputs


def describe_networks() -> dict[str, list[dict[str, object]]]:
    """Return each network's blocks in order: what they are, output shape, parameters, multiply-accumulates (macs)."""
    load_tensorflow()
    from models.build import build_network

    described = {}
    for trunk, (side, outputs) in _NETWORKS.items():
        blocks = blocks_of(build_network(trunk, "classifier", side, outputs, 0.0))
        described[trunk] = [
            {
                "title": block.title(),
                "kind": block.kind,
                "details": block.details(),
                "output": list(block.output),
                "skip": block.has_skip,
                "parameters": block.parameters,
                "macs": block.macs,
            }
            for block in blocks
        ]
    return described


if __name__ == "__main__":
    OUT.write_text(json.dumps(describe_networks(), indent=1) + "\n", encoding="utf-8")
    sys.exit(print(OUT))
