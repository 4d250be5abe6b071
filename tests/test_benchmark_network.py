"""The comparison and the drawing of networks: block tables and figures that can be counted by hand."""

from pathlib import Path
from typing import Any

import keras
import pytest
from keras import layers

from benchmarks.draw_network import BAR_WIDTH, Block, _draw_figures, blocks_of, draw_network
from benchmarks.draw_network import main as draw
from benchmarks.network import add_ratios, block_tables, scaled_filters, table
from models.backbones import BACKBONES
from models.patch_net import PATCH_NET_ROWS, Row, patch_net, patch_net_32

ROWS = (
    Row("fused", filters=32, kernel=3, stride=2, expansion=3),
    Row("inverted", filters=32, kernel=5, stride=1, expansion=4),
)


def tiny_network(trunk: Any = None) -> keras.Model:
    pixels = keras.Input((32, 32, 3), name="pixels")
    features = trunk(pixels) if trunk else patch_net(pixels, rows=ROWS)
    return keras.Model(pixels, layers.Dense(4, name="logits")(layers.GlobalAveragePooling2D(name="pool")(features)))


def test_each_variant_changes_one_thing_of_the_block_table() -> None:
    """Catches a variant that is the same network under another name, or one that changes the strides as well."""
    tables = block_tables()
    assert tables.pop("patch_net") == PATCH_NET_ROWS
    assert len(set(tables.values()) | {PATCH_NET_ROWS}) == len(tables) + 1
    assert tables.pop("one stage less") == PATCH_NET_ROWS[:4]
    changed = {
        name: {
            field
            for ours, row in zip(PATCH_NET_ROWS, rows, strict=True)
            for field in ("kind", "filters", "kernel", "stride", "expansion", "repeats")
            if getattr(ours, field) != getattr(row, field)
        }
        for name, rows in tables.items()
    }
    assert changed == {
        "all depthwise": {"kind"},
        "expansion - 1": {"expansion"},
        "expansion + 1": {"expansion"},
        "width x 0.5": {"filters"},
        "width x 1.5": {"filters"},
        "all 3x3": {"kernel"},
        "one more 5x5": {"kernel"},
    }


def test_widths_are_multiples_of_eight() -> None:
    """Catches channel counts that int8 kernels run slowly: 112 x 0.7 = 78.4 becomes 80, nothing falls below 8."""
    assert [scaled_filters(112, 0.5), scaled_filters(112, 0.7), scaled_filters(8, 0.1)] == [56, 80, 8]


def figures(images: float, milliseconds: float) -> dict[str, Any]:
    return {
        "parameters": 1000,
        "macs": 2_000_000,
        "training_images_per_second": {"median": images},
        "latency_ms": {"float32": {"median": 9.0}, "int8": {"median": milliseconds}},
        "bytes": {"float32": 4000, "int8": 1000},
    }


def test_ratios_are_above_one_where_a_network_is_faster() -> None:
    """Catches a ratio the wrong way round: more images a second are faster, more milliseconds slower."""
    networks = add_ratios({"ours": figures(300, 2.0), "mobilenet_v3_large": figures(100, 5.0)})
    assert networks["ours"]["times_as_fast"] == {"training": 3.0, "int8": 2.5}
    report = {"machine": "m", "threads_training": 2, "side": 32, "networks": networks}
    assert table(report)[2].split() == ["ours", "1,000", "2.0", "300.0", "9.00", "2.00", "1", "3.00", "2.50"]
    alone = add_ratios({"ours": figures(300, 2.0)})
    assert alone["ours"]["times_as_fast"] == {"training": None, "int8": None}


def test_blocks_are_told_from_the_layers() -> None:
    """Catches a drawing that states another kernel, stride, expansion, skip or size than the network has."""
    blocks = blocks_of(tiny_network())
    assert [block.name for block in blocks] == ["input", "stem", "row1_block1", "row2_block1", "last", "pool", "logits"]
    titles = [block.title().replace("\N{MULTIPLICATION SIGN}", "x") for block in blocks]
    assert titles[1:4] == [
        "convolution 3x3, stride 2",
        "fused block 3x3, stride 2, expansion 3",
        "inverted residual 5x5, expansion 4",
    ]
    details = [block.details().replace("\N{MULTIPLICATION SIGN}", "x") for block in blocks]
    assert details[3] == "1x1 to 128, 5x5 depthwise, 1x1 to 32"
    assert [block.has_skip for block in blocks] == [False, False, False, True, False, False, False]
    assert blocks[3].output == (8, 8, 32)  # 32 pixels, halved by the stem and by row 1
    # 1x1 to 128 channels, 5x5 depthwise, 1x1 to 32; batch normalisation has four weights a channel.
    weights = 32 * 128, 25 * 128, 128 * 32
    assert blocks[3].parameters == sum(weights) + 4 * (128 + 128 + 32)
    assert blocks[3].macs == 8 * 8 * sum(weights)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trunk", "count", "skips"), [("mobilenet_v3_large", 15, 10), ("mobilenet_v2", 17, 10), ("mobilenet_v1", 13, 0)]
)
def test_the_trunks_of_keras_fall_into_their_blocks(trunk: str, count: int, skips: int) -> None:
    """Catches layers that are counted twice or not at all, and padding drawn as the end of the block before it.

    MobileNetV3-Large has 15 blocks (Howard et al. 2019, table 1), V2 17 (Sandler et al. 2018, table 2), V1 13.
    """
    network = tiny_network(BACKBONES[trunk])
    blocks = blocks_of(network)
    assert sum(block.parameters for block in blocks) == network.count_params()
    assert sum("depthwise" in block.details() for block in blocks) == count
    assert sum(block.has_skip for block in blocks) == skips
    assert {block.output[0] for block in blocks[:-2]} == {32, 16, 8, 4, 2, 1}
    assert sum("mean over" in block.details() for block in blocks) == 1  # squeeze-excite pools too


def test_a_residual_pair_is_drawn_behind_its_entry() -> None:
    """Catches a skip connection drawn around the entry and its pooling, which lie before it."""
    pixels = keras.Input((32, 32, 3), name="pixels")
    blocks = blocks_of(keras.Model(pixels, patch_net_32(pixels)))
    entry, pair = blocks[2:4]
    assert [block.kind for block in (entry, pair)] == ["convolution", "residual pair"]
    assert [block.has_skip for block in (entry, pair)] == [False, True]
    assert "max pooling 2" in entry.details()
    assert pair.title().startswith("residual pair 3")
    assert sum(block.has_skip for block in blocks) == 3


@pytest.mark.slow
def test_the_longest_bar_fits_and_the_picture_is_written(tmp_path: Path) -> None:
    """Catches a bar that runs out of the picture, a source that is no network, and a file type that is not drawn."""
    figure = draw_network(tiny_network())
    axes = figure.axes[0]
    before = len(axes.patches)
    block: Block = blocks_of(tiny_network())[1]
    _draw_figures(axes, block, 100, block.macs)
    assert axes.patches[before].get_width() == BAR_WIDTH
    tiny_network().save(tmp_path / "tiny.keras")
    assert draw([str(tmp_path / "tiny.keras"), str(tmp_path / "tiny.svg")]) == 0
    assert "inverted residual" in (tmp_path / "tiny.svg").read_text()
    assert draw([str(tmp_path / "missing.keras"), str(tmp_path / "tiny.svg")]) == 2
    assert draw([str(tmp_path / "tiny.keras"), str(tmp_path / "tiny.pdf")]) == 2
