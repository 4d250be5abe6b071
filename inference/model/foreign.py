"""A .tflite classifier without card.json -> the same card and model that ours give.

Labels: from --labels, or from the packed file that the metadata name for the output; one label a line. All of them are
answered as they are, "background" and "unknown" too: nothing is known of a threshold below which to reject, so it is 0.
A single output p, of a sigmoid, takes two labels, answered with 1 - p and p, or one, answered where p is at least 0.5.
Pixels and scores: see inference.foreign.scaling. The network is tried in a child process first: see probe.py.
"""

import dataclasses
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..foreign.metadata import Metadata, read_metadata
from ..foreign.scaling import Conversion, are_probabilities, make_conversion
from ..foreign.structure import Network, read_network
from .artefact import Artefact, flatbuffer_sha256
from .card import Card
from .probe import probe_network
from .tflite_model import TfliteModel

LARGEST_LABELS_BYTES = 4 * 2**20
_SINGLE_THRESHOLD = 0.5  # with one label alone: else it would be the answer to every picture
_NUMBERED = re.compile(r"(\d+)[\s:,]+(\S.*)")
_REMEDY = "Give --labels FILE, one label a line in the order of the outputs."


@dataclass(frozen=True)
class ForeignModel:
    """What can be said of a model before it runs."""

    card: Card
    network: Network
    conversion: Conversion


def describe_foreign(artefact: Artefact, path: Path, labels: Path | None, scaling: str | None) -> ForeignModel:
    """Read and check all of a model that can be checked without running it.

    labels, scaling: what the user states; both win over the model's metadata.

    Raises:
        InputError: the flatbuffer is damaged or no classifier of RGB pictures, or labels or scaling are not known.
    """
    name = str(path)
    network = read_network(artefact.flatbuffer, name)
    metadata = read_metadata(network.metadata, name)
    names = read_labels(labels) if labels else _packed_labels(artefact, metadata, name)
    single = network.output_count == 1
    if len(names) != network.output_count and not (single and len(names) == 2):
        where = labels or f"{name}: {metadata.labels_file}"
        raise InputError(
            f"{where}: must have a label for each output{' or two' if single else ''} of {name} and no more. "
            f"Received: {len(names)} labels, {network.output_count} outputs. {_REMEDY}"
        )
    conversion = make_conversion(network, metadata, scaling, name)
    conversion = dataclasses.replace(conversion, pair=len(names) > network.output_count)
    card = Card(
        recipe=metadata.name or path.stem,
        labels=names,
        reject_labels=(),
        input_size=network.input_size,
        decision="softmax",
        threshold=_SINGLE_THRESHOLD if len(names) == 1 else 0.0,
        temperature=1.0,
        quantization=network.input.dtype,
        flatbuffer_sha256=flatbuffer_sha256(artefact.flatbuffer),
    )
    return ForeignModel(card, network, conversion)


def load_foreign(foreign: ForeignModel, flatbuffer: bytes, name: str = "model", threads: int = 1) -> TfliteModel:
    """Try the network in a child process, load it in this one and settle what its outputs are.

    Where the last operator does not tell, four fixed pictures do: outputs that are distributions for all of them are
    probabilities, any others are logits. So the rule is the model's and never changes from picture to picture.

    Raises:
        InputError: LiteRT refuses the network, crashes or takes too long.
    """
    probe_network(flatbuffer, name)
    model = TfliteModel(flatbuffer, name, threads, foreign.conversion)
    if foreign.conversion.softmax and _gives_probabilities(model, foreign.conversion):
        model.conversion = dataclasses.replace(foreign.conversion, softmax=False)
    return model


def read_labels(path: Path) -> tuple[str, ...]:
    """Read a file of labels, one a line, UTF-8.

    Raises:
        InputError: it can't be read, is no text, or a label is empty.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(LARGEST_LABELS_BYTES + 1)
    except OSError as fault:
        raise InputError(f"{path}: cannot be read: {fault.strerror or fault}. {_REMEDY}") from fault
    return _parse_labels(data, str(path))


def _packed_labels(artefact: Artefact, metadata: Metadata, name: str) -> tuple[str, ...]:
    if metadata.labels_file is None:
        raise InputError(
            f"{name}: carries no card.json. Give a .tflite that `python -m export` wrote. Of another program's model "
            f"the labels must be known, and its metadata name none: give --labels FILE, one label a line."
        )
    if metadata.labels_file not in artefact.files:
        raise InputError(
            f"{name}: its metadata name {metadata.labels_file!r} as the file of labels, which is not in it. {_REMEDY}"
        )
    return _parse_labels(artefact.files[metadata.labels_file], f"{name}: {metadata.labels_file}")


def _parse_labels(data: bytes, where: str) -> tuple[str, ...]:
    """Return the labels: no empty lines at the end, byte order mark or numbers, and repeated ones numbered."""
    if len(data) > LARGEST_LABELS_BYTES:
        raise InputError(f"{where}: must be a list of labels of at most {LARGEST_LABELS_BYTES:,} bytes. {_REMEDY}")
    try:
        lines = [line.strip() for line in data.decode("utf-8-sig").rstrip().split("\n")]
    except UnicodeDecodeError as fault:
        raise InputError(f"{where}: must be UTF-8 text: {fault}. {_REMEDY}") from fault
    if "" in lines:
        raise InputError(f"{where}, line {lines.index('') + 1}: must hold a label and is empty. {_REMEDY}")
    labels = _number_repeated(_without_numbers(lines))
    if len(set(labels)) < len(labels):
        label = Counter(labels).most_common(1)[0][0]
        raise InputError(f"{where}: labels must differ. Received: {label!r} twice. {_REMEDY}")
    return labels


def _without_numbers(lines: list[str]) -> list[str]:
    """Return ["oak", "ash"] for ["0 oak", "1 ash"], where all lines begin with their number, from 0 on."""
    found = [_NUMBERED.fullmatch(line) for line in lines]
    pairs = [(match[1], match[2]) for match in found if match]
    if len(lines) > 1 and [number for number, _ in pairs] == [str(number) for number in range(len(lines))]:
        return [label for _, label in pairs]
    return lines


def _number_repeated(labels: list[str]) -> tuple[str, ...]:
    """Return ("crane (1)", "crane (2)", "owl") for two cranes and an owl, as ImageNet's list has them."""
    counts, seen = Counter(labels), Counter[str]()
    named = []
    for label in labels:
        seen[label] += 1
        named.append(f"{label} ({seen[label]})" if counts[label] > 1 else label)
    return tuple(named)


def _gives_probabilities(model: TfliteModel, conversion: Conversion) -> bool:
    return all(
        are_probabilities(conversion.dequantize(model.outputs(conversion.enter(picture))))
        for picture in _fixed_pictures(model.input_size)
    )


def _fixed_pictures(size: tuple[int, int]) -> list[np.ndarray]:
    """Return black, white and two pictures of noise, uint8 [height, width, 3]."""
    shape = (*size, 3)
    noise = np.random.default_rng(0).integers(0, 256, (2, *shape), np.uint8)
    return [np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8), *noise]
