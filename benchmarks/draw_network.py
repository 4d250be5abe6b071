"""Draw the network of a file, one box per block: python -m benchmarks.draw_network RUN_OR_KERAS_FILE OUT.png

OUT may end in .png or .svg. All numbers come from the layers of the Keras model, none from the block table. Blocks are
identified by the layer names of patch_net and of keras.applications' MobileNets; layers without a known name belong to
the previous block.
"""

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Rectangle

from inference.errors import InputError
from pipeline.quiet import load_tensorflow
from pipeline.report.plots import ACCENT, INK, LINE, MUTED, PAPER, SOFT

_BLOCK_NAMES = re.compile(
    r"(row\d+_block\d+(?:_entry|_pool)?|expanded_conv_\d+|expanded_conv|block_\d+|stem|last|pool|logits|conv_(?:pad|dw|pw)_\d+)(?=_|$)"
    r"|(conv_1|Conv_1|Conv1|conv1|conv)(?=$|_bn|_norm|_relu)"
)
TIMES = "\N{MULTIPLICATION SIGN}"
# In units of 1/100 inch, which are pixels of a picture 1200 wide; y grows upwards, the first box is on top.
WIDTH, PITCH, BOX_HEIGHT, HEAD = 1200, 84, 50, 125
LEFT, RIGHT = 150, 720
COLUMNS = {"output": 735, "parameters": 960, "multiply-accumulates": 985}
BAR_WIDTH = 110
KIND_COLOURS = {
    "fused block": "#f3dcc0",
    "residual pair": "#f3dcc0",
    "inverted residual": SOFT,
    "depthwise separable": SOFT,
}
PLAIN = "#e6e9ec"


@dataclass
class Block:
    """Consecutive layers of a network that are drawn as one box."""

    name: str
    layers: list[Any] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """Return the kind of the block, derived from its layers."""
        kinds = {type(layer).__name__ for layer in self.layers}
        convolutions = len([layer for layer in self._of("Conv2D") if "squeeze" not in layer.name])
        if "DepthwiseConv2D" in kinds:
            return "inverted residual" if convolutions > 1 else "depthwise separable"
        if convolutions > 1:
            return "residual pair" if self._of("Conv2D")[-1].kernel_size[0] > 1 else "fused block"
        if convolutions:
            return "convolution"
        if "Dense" in kinds:
            return "dense"
        return "global average pooling" if "GlobalAveragePooling2D" in kinds else "input"

    @property
    def has_skip(self) -> bool:
        """Return whether the block's input is added to its output."""
        return bool(self._of("Add"))

    @property
    def output(self) -> tuple[int, ...]:
        """Return the shape after the block without the batch."""
        return tuple(self.layers[-1].output.shape[1:])

    @property
    def parameters(self) -> int:
        """Return the number of weights, including batch normalisation."""
        return sum(layer.count_params() for layer in self.layers)

    @property
    def macs(self) -> int:
        """Return the multiply-accumulates per picture."""
        from models.build import count_macs

        return count_macs(self)  # it only reads layers

    def title(self) -> str:
        """Return kind, kernel, stride and expansion: "inverted residual 5x5, stride 2, expansion 4"."""
        spatial = self._of("DepthwiseConv2D") or self._of("Conv2D")
        if not spatial:
            return self.kind
        kernel, stride = max(layer.kernel_size[0] for layer in spatial), max(layer.strides[0] for layer in spatial)
        parts = [f"{self.kind} {kernel}{TIMES}{kernel}"] + ([f"stride {stride}"] if stride > 1 else [])
        expansion = spatial[0].output.shape[-1] / self._convolutions()[0].input.shape[-1]
        return ", ".join(
            parts + ([f"expansion {expansion:.3g}"] if self.kind in KIND_COLOURS and expansion > 1 else [])
        )

    def details(self) -> str:
        """Return the layers of the block in order: "1x1 to 128, 5x5 depthwise, 1x1 to 64"."""
        steps = [_describe_step(layer) for layer in self._convolutions()]
        steps += [f"max pooling {_sizes(layer.pool_size)}" for layer in self._of("MaxPooling2D")]
        if any("squeeze" in layer.name for layer in self.layers):
            steps.insert(-1, "squeeze-excite")
        steps += ["rescaled inside the graph"] * len(self._of("Rescaling"))
        if not steps:  # inside squeeze-excite there is pooling too
            steps = [f"mean over {_sizes(layer.input.shape[1:-1])}" for layer in self._of("GlobalAveragePooling2D")]
        return ", ".join(steps + [f"{layer.input.shape[-1]} to {layer.units}" for layer in self._of("Dense")])

    def _convolutions(self) -> list[Any]:
        """Return the convolutions in order, without those of squeeze-excite, which have no spatial dimensions."""
        kinds = ("Conv2D", "DepthwiseConv2D")
        return [layer for layer in self.layers if type(layer).__name__ in kinds and "squeeze" not in layer.name]

    def _of(self, kind: str) -> list[Any]:
        return [layer for layer in self.layers if type(layer).__name__ == kind]


def main(arguments: list[str]) -> int:
    """Draw the picture; return the exit code."""
    if len(arguments) != 2 or Path(arguments[1]).suffix not in (".png", ".svg"):
        print("Usage: python -m benchmarks.draw_network RUN_OR_KERAS_FILE OUT.png|OUT.svg", file=sys.stderr)
        return 2
    source, out = (Path(argument) for argument in arguments)
    try:
        draw_network(_load(source)).savefig(out, dpi=200, facecolor=PAPER)
    except InputError as fault:
        print(f"Error: {fault}", file=sys.stderr)
        return 2
    print(out)
    return 0


def blocks_of(network: Any) -> list[Block]:
    """Return the network's layers in order, grouped into blocks; the first block is the input."""
    blocks = [Block("input")]
    for layer in network.layers:
        found = _BLOCK_NAMES.match(layer.name)
        name = found.group() if found else blocks[-1].name
        name = re.sub(r"^conv_(pad|pw)_", "conv_dw_", name)  # MobileNet V1: padding, depthwise, pointwise are one block
        name = re.sub(r"_pool$", "_entry", name)  # a residual pair's entry lies before its skip connection: its own box
        if name != blocks[-1].name:
            blocks.append(Block(name))
        blocks[-1].layers.append(layer)
    return blocks


def draw_network(network: Any) -> Figure:
    """Draw every block from the top to the bottom, with its output, parameters and multiply-accumulates."""
    blocks = blocks_of(network)
    height = HEAD + PITCH * len(blocks) + 15
    with matplotlib.rc_context({"font.family": "DejaVu Sans", "svg.fonttype": "none", "text.color": INK}):
        figure = Figure(figsize=(WIDTH / 100, height / 100))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, WIDTH), ylim=(0, height))
        axes.axis("off")
        _draw_heading(axes, network, blocks, height)
        tops = [height - HEAD - PITCH * position for position in range(len(blocks))]
        _draw_rows(axes, blocks, tops)
        most = max(block.macs for block in blocks)
        for block, top in zip(blocks, tops, strict=True):
            _draw_block(axes, block, top)
            _draw_figures(axes, block, top, most)
        for block, top in zip(blocks[:-1], tops, strict=False):
            _draw_arrow(axes, block, top)
    return figure


def _draw_heading(axes: Axes, network: Any, blocks: list[Block], height: int) -> None:
    macs = sum(block.macs for block in blocks)
    summary = f"{network.count_params():,} parameters, {macs / 1e6:.1f} million multiply-accumulates per picture"
    axes.text(20, height - 38, network.name, fontsize=17, weight="bold", va="center")
    axes.text(20, height - 66, summary, fontsize=11, color=MUTED, va="center")
    titles = (("output", "output", "left"), ("parameters", "parameters", "right"))
    for column, title, align in (*titles, ("multiply-accumulates", "multiply-accumulates", "left")):
        axes.text(COLUMNS[column], height - 100, title, fontsize=10, color=MUTED, ha=align, va="center")


def _draw_rows(axes: Axes, blocks: list[Block], tops: list[int]) -> None:
    """Shade every second size of the feature map, and label each size once, on the left."""
    start, shaded = 0, False
    for position in range(1, len(blocks) + 1):
        if position < len(blocks) and blocks[position].output[:-1] == blocks[start].output[:-1]:
            continue
        top, bottom = tops[start] + (PITCH - BOX_HEIGHT) / 2, tops[position - 1] - BOX_HEIGHT - (PITCH - BOX_HEIGHT) / 2
        if shaded:
            axes.add_patch(Rectangle((0, bottom), WIDTH, top - bottom, facecolor="#f0f2f3", linewidth=0, zorder=0))
        sides = blocks[start].output[:-1]
        if sides:
            axes.text(20, (top + bottom) / 2, _sizes(sides), fontsize=12, weight="bold", va="center")
        start, shaded = position, not shaded


def _draw_block(axes: Axes, block: Block, top: int) -> None:
    colour = KIND_COLOURS.get(block.kind, PLAIN)
    corner, style = (LEFT, top - BOX_HEIGHT), "round,pad=0,rounding_size=7"
    box = FancyBboxPatch(
        corner, RIGHT - LEFT, BOX_HEIGHT, boxstyle=style, facecolor=colour, edgecolor=LINE, linewidth=0.8, zorder=2
    )
    axes.add_patch(box)
    middle = top - BOX_HEIGHT / 2
    axes.text(LEFT + 14, middle + 10, block.title(), fontsize=11.5, weight="bold", va="center", zorder=3)
    axes.text(LEFT + 14, middle - 12, block.details(), fontsize=10.5, va="center", zorder=3)
    if block.name != block.kind:
        name = re.sub(r"row(\d+)_block(\d+)(_entry)?", r"row \1, block \2", block.name)
        position = (RIGHT - 14, middle + 10)
        axes.text(*position, name, fontsize=9.5, color=MUTED, ha="right", va="center", zorder=3)


def _draw_figures(axes: Axes, block: Block, top: int, most: int) -> None:
    middle = top - BOX_HEIGHT / 2
    axes.text(COLUMNS["output"], middle, _sizes(block.output), fontsize=11, va="center")
    if block.parameters:
        axes.text(COLUMNS["parameters"], middle, f"{block.parameters:,}", fontsize=11, ha="right", va="center")
    if block.macs:
        left, width = COLUMNS["multiply-accumulates"], BAR_WIDTH * block.macs / most
        axes.add_patch(Rectangle((left, middle - 7), width, 14, facecolor=ACCENT, linewidth=0))
        axes.text(left + width + 7, middle, _millions(block.macs), fontsize=11, va="center")


def _describe_step(layer: Any) -> str:
    kernel = f"{layer.kernel_size[0]}{TIMES}{layer.kernel_size[1]}"
    return f"{kernel} depthwise" if type(layer).__name__ == "DepthwiseConv2D" else f"{kernel} to {layer.filters}"


def _sizes(shape: tuple[int, ...]) -> str:
    return f" {TIMES} ".join(map(str, shape))


def _millions(macs: int) -> str:
    return f"{macs / 1e6:.1f} M" if macs >= 1e5 else f"{macs / 1e3:.1f} k"


def _draw_arrow(axes: Axes, block: Block, top: int) -> None:
    """Draw the arrow to the next box, and the skip connection around this one, which ends in a plus."""
    centre, bottom, gap = (LEFT + RIGHT) / 2, top - BOX_HEIGHT, PITCH - BOX_HEIGHT
    axes.annotate(
        "", (centre, bottom - gap), (centre, bottom), arrowprops={"arrowstyle": "-|>", "color": MUTED, "lw": 1.1}
    )
    if block.has_skip:
        side, start, plus = LEFT - 20, top + 12, bottom - 11
        axes.plot([centre, side, side, centre], [start, start, plus, plus], color=ACCENT, linewidth=1.4, zorder=1)
        axes.add_patch(Circle((centre, plus), 7, facecolor=PAPER, edgecolor=ACCENT, linewidth=1.4, zorder=4))
        for x, y in (((-4, 4), (0, 0)), ((0, 0), (-4, 4))):
            axes.plot([centre + v for v in x], [plus + v for v in y], color=ACCENT, linewidth=1.4, zorder=5)


def _load(source: Path) -> Any:
    from pipeline.settings.run_folder import RunFolder

    file = RunFolder(source).best if source.is_dir() else source
    if not file.is_file():
        raise InputError(f"{file}: does not exist. Give a run's folder or a .keras file.")
    load_tensorflow()
    import keras

    try:
        return keras.models.load_model(file, compile=False)
    except (ValueError, OSError) as fault:
        raise InputError(f"{file}: is not a Keras network: {fault}. Give a run's folder or a .keras file.") from fault


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
