"""TFLite Metadata in exported files: what others read of it is true, and the network stays what it was."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.schema_py_generated import ModelT

from export.describe import describe_artefact, main
from export.export_run import export_run
from export.metadata import add_metadata
from inference.foreign import metadata_schema as schema
from inference.foreign.flatbuffer import Flatbuffer, Table
from inference.foreign.metadata import Metadata, read_metadata
from inference.foreign.structure import read_network
from inference.model.artefact import Artefact, flatbuffer_sha256, pack_artefact, read_artefact
from inference.model.card import CARD_NAME, LABELS_NAME, card_files, read_card
from inference.model.classifier import Classifier
from inference.verify.vectors import VECTORS_NAME
from pipeline.settings.run_folder import RunFolder
from tests.open_model import ADDED, write_enrolled_model
from tests.tiny_model import COLOURS, INPUT_SIZE, LABELS

RELEASED = sorted((Path(__file__).parent.parent / "models" / "released").glob("*.tflite"))


@pytest.fixture
def tiny(tiny_model: Path) -> Artefact:
    return describe_artefact(read_artefact(tiny_model))


def metadata_of(flatbuffer: bytes) -> bytes:
    """Return the bytes of the metadata, of a network with any number of outputs."""
    model = ModelT.InitFromPackedBuf(flatbuffer)
    places = [entry.buffer for entry in model.metadata if entry.name == schema.NETWORK_ENTRY.encode()]
    assert len(places) == 1
    return bytes(model.buffers[places[0]].data)


def root_of(flatbuffer: bytes) -> Table:
    return Flatbuffer(metadata_of(flatbuffer), "metadata").root()


def network_parts(flatbuffer: bytes) -> Iterator[Any]:
    """Yield all that computes: names, shapes, types, weights, operators."""
    model = ModelT.InitFromPackedBuf(flatbuffer)
    graph = model.subgraphs[0]
    yield from (list(graph.inputs), list(graph.outputs), len(model.operatorCodes))
    for tensor in graph.tensors:
        data = model.buffers[tensor.buffer].data
        yield tensor.name, list(tensor.shape), tensor.type, b"" if data is None else bytes(data)
    for operator in graph.operators:
        yield (
            operator.opcodeIndex,
            list(operator.inputs),
            list(operator.outputs),
            getattr(operator.builtinOptions, "__dict__", {}),
        )


def test_our_own_reader_understands_what_is_written(tiny: Artefact) -> None:
    """Faults: a field in another's slot, another name for the labels, a scaling of pixels that the network does."""
    network = read_network(tiny.flatbuffer)
    known = "One of 3 classes: red, green, blue. background: none of them."
    assert read_metadata(network.metadata) == Metadata("tiny", known, LABELS_NAME, (0.0,), (1.0,))
    assert network.metadata[4:8] == b"M001"
    assert root_of(tiny.flatbuffer).text(schema.MODEL_MIN_PARSER_VERSION) == "1.0.0"


def test_the_input_is_a_picture_and_its_pixels_stay_as_they_are(tiny: Artefact) -> None:
    """Faults: an input that is said to be no picture, another colour space than the network has learned."""
    graph = next(root_of(tiny.flatbuffer).tables(schema.MODEL_SUBGRAPHS))
    entry = next(graph.tables(schema.SUBGRAPH_INPUTS))
    content = entry.table(schema.TENSOR_CONTENT)
    assert content is not None
    assert content.whole(schema.CONTENT_TYPE, "B") == schema.IMAGE_PROPERTIES
    properties = content.table(schema.CONTENT_PROPERTIES)
    assert properties is not None
    assert properties.whole(schema.IMAGE_COLOUR_SPACE, "b") == schema.RGB
    stats = entry.table(schema.TENSOR_STATS)
    assert stats is not None
    assert (list(stats.numbers(schema.STATS_MIN, "<f4")), list(stats.numbers(schema.STATS_MAX, "<f4"))) == ([0], [255])


def test_without_its_card_the_file_still_answers_the_same(tiny: Artefact, tmp_path: Path) -> None:
    """Faults: metadata that name other labels or another scaling than the card, which other programs never read."""
    ours, foreign = tmp_path / "ours.tflite", tmp_path / "foreign.tflite"
    ours.write_bytes(pack_artefact(tiny))
    foreign.write_bytes(pack_artefact(Artefact(tiny.flatbuffer, {LABELS_NAME: tiny.files[LABELS_NAME]})))
    models = Classifier(ours), Classifier(foreign)
    assert models[1].card.labels == LABELS
    for colour in COLOURS.values():
        picture = np.full((*INPUT_SIZE, 3), colour, np.uint8)
        expected, found = (model.probabilities(picture) for model in models)
        np.testing.assert_array_equal(expected, found)


def test_the_network_stays_as_it_is(tiny_model: Path, tiny: Artefact) -> None:
    """Faults: weights, names or operators that writing loses or changes."""
    before = read_artefact(tiny_model).flatbuffer
    assert before != tiny.flatbuffer
    assert list(network_parts(before)) == list(network_parts(tiny.flatbuffer))


def test_describing_twice_changes_nothing_more(tiny: Artefact) -> None:
    """Faults: a second entry, of which other programs read the first, and a file that grows."""
    assert describe_artefact(tiny) == tiny


def test_a_later_description_takes_the_place_of_an_earlier_one(tiny: Artefact) -> None:
    """Faults: an old title or old labels that stay."""
    flatbuffer = add_metadata(tiny.flatbuffer, "Other", ("a", "b"), ())
    assert read_metadata(metadata_of(flatbuffer)).name == "Other"
    assert read_metadata(metadata_of(flatbuffer)).description == "One of 2 classes: a, b."


def test_the_command_rewrites_a_file_and_keeps_what_is_packed(tiny_model: Path, tmp_path: Path) -> None:
    """Faults: a card that still names the old network, and packed files that are lost."""
    path = tmp_path / "model.tflite"
    artefact = read_artefact(tiny_model)
    path.write_bytes(pack_artefact(Artefact(artefact.flatbuffer, {**artefact.files, "bank.npz": b"rows"})))
    assert main([str(path)]) == 0
    described = read_artefact(path)
    assert set(described.files) == {CARD_NAME, LABELS_NAME, VECTORS_NAME, "bank.npz"}
    assert read_card(described) == replace(
        read_card(artefact), flatbuffer_sha256=flatbuffer_sha256(described.flatbuffer)
    )


def test_the_command_refuses_a_card_of_another_network(
    tiny: Artefact, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults: a damaged file that is made to look whole."""
    path = tmp_path / "model.tflite"
    card = replace(read_card(tiny), flatbuffer_sha256="0" * 64)
    path.write_bytes(pack_artefact(Artefact(tiny.flatbuffer, card_files(card))))
    before = path.read_bytes()
    assert main([str(path)]) == 2
    assert "belongs to another network" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_an_export_describes_every_file(colour_run: RunFolder, tmp_path: Path) -> None:
    """Faults: metadata in one mode only, or added behind the card that names the flatbuffer."""
    export_run(colour_run, "float16", tmp_path / "model.tflite")
    for path in (tmp_path / "model.tflite", colour_run.float_model):
        artefact = read_artefact(path)
        assert describe_artefact(artefact) == artefact
        assert read_metadata(metadata_of(artefact.flatbuffer)).name == "Coloured squares"


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_released_files_are_described(path: Path) -> None:
    """Faults: a released file from before, which other programs can't open. Remedy: python -m export.describe FILE."""
    artefact = read_artefact(path)
    assert describe_artefact(artefact) == artefact


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_every_output_is_described(path: Path) -> None:
    """Faults: an output of the network that is left out, for which MediaPipe refuses the file."""
    flatbuffer = read_artefact(path).flatbuffer
    graph = next(root_of(flatbuffer).tables(schema.MODEL_SUBGRAPHS))
    outputs = len(ModelT.InitFromPackedBuf(flatbuffer).subgraphs[0].outputs)
    assert len(list(graph.tables(schema.SUBGRAPH_OUTPUTS))) == outputs


def test_added_classes_are_no_outputs_of_the_network(tmp_path: Path) -> None:
    """Faults: a label more than the network has scores, for which others refuse the file; a class that is lost."""
    path = write_enrolled_model(tmp_path / "model.tflite")
    before, model = read_artefact(path), Classifier(path)
    described = describe_artefact(before)
    assert "yellow" not in read_metadata(metadata_of(described.flatbuffer)).description
    assert described.files[LABELS_NAME] == before.files[LABELS_NAME]
    path.write_bytes(pack_artefact(described))
    picture = np.full((*model.card.input_size, 3), ADDED["yellow"], np.uint8)
    assert model.classify(picture).result == "yellow"
    assert Classifier(path).classify(picture) == model.classify(picture)
