"""The recipes' networks, block by block as Keras builds them -> docs/networks.json, which the PDF draws.

    python -m docs.pdf.networks

Nothing is copied from the block tables: shapes, parameters and multiply-adds are those of the built layers.
"""

import json
from pathlib import Path
from typing import Any

from benchmarks.draw_network import Block, blocks_of
from inference.atomic_file import write_atomically
from pipeline.quiet import load_tensorflow
from pipeline.recipes import RECIPES
from pipeline.settings.recipe import Recipe

TARGET = Path(__file__).parent.parent / "networks.json"
DRAWN = ("minerals", "cifar10", "minerals_transfer")


def describe_networks() -> dict[str, Any]:
    """Return the networks of the drawn recipes, by recipe."""
    return {name: describe_network(RECIPES[name]) for name in DRAWN}


def describe_network(recipe: Recipe) -> dict[str, Any]:
    """Return trunk, input side, sums, and the blocks in order.

    A block has name, kind, title, steps, output (height, width, channels, or features), skip, parameters and
    macs (multiply-adds of one picture).
    """
    load_tensorflow()
    from models.build import build_network

    settings = recipe.network
    network = build_network(
        settings.trunk, settings.head, settings.input_side, len(recipe.outputs), settings.dropout, weights="none"
    )
    blocks = blocks_of(network)
    return {
        "trunk": settings.trunk,
        "input_side": settings.input_side,
        "parameters": network.count_params(),
        "macs": sum(block.macs for block in blocks),
        "blocks": [_describe_block(block) for block in blocks],
    }


def _describe_block(block: Block) -> dict[str, Any]:
    return {
        "name": block.name,
        "kind": block.kind,
        "title": block.title(),
        "steps": [step for step in block.details().split(", ") if step],
        "output": list(block.output),
        "skip": block.has_skip,
        "parameters": block.parameters,
        "macs": block.macs,
    }


if __name__ == "__main__":
    write_atomically(TARGET, json.dumps(describe_networks(), indent=1, ensure_ascii=False) + "\n")
    print(TARGET)
