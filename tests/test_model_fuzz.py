"""Real model files with random damage: each is described or refused, none crashes, hangs or gets lost."""

import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import flatbuffers
import numpy as np
import pytest

from inference.errors import InputError
from inference.foreign.flatbuffer import Flatbuffer
from inference.model.artefact import Artefact, pack_artefact, split_artefact
from inference.model.classifier import Classifier
from inference.model.foreign import ForeignModel
from tests.foreign_model import describe, make_described, write_model, write_table, write_tables

ROOT = Path(__file__).parent.parent
CASES = 10_000
SURVIVORS = 60
EXTREMES = (0, 1, 4, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
Random = np.random.Generator


def flip_bytes(data: bytearray, random: Random) -> bytearray:
    for place in random.integers(0, len(data), random.integers(1, 9)):
        data[place] ^= int(random.integers(1, 256))
    return data


def cut_off(data: bytearray, random: Random) -> bytearray:
    return data[: random.integers(0, len(data))]


def splice(data: bytearray, random: Random) -> bytearray:
    """Copy up to 64 bytes over others, so that true offsets stand in wrong places."""
    source, target, length = random.integers(0, len(data) - 64, 3)
    data[target : target + length % 64] = data[source : source + length % 64]
    return data


def set_extreme(data: bytearray, random: Random) -> bytearray:
    """Put an extreme number where an offset, a count or an index may stand."""
    place = int(random.integers(0, len(data) // 4 - 1)) * 4
    number = int(random.choice([*EXTREMES, len(data), len(data) - place]))
    data[place : place + 4] = struct.pack("<I", number)
    return data


MUTATIONS: tuple[Callable[[bytearray, Random], bytearray], ...] = (flip_bytes, cut_off, splice, set_extreme)


def mutate(data: bytes, seed: int) -> bytes:
    """Return the data with one to three kinds of damage, the same for the same seed."""
    random = np.random.default_rng(seed)
    damaged = bytearray(data)
    for kind in random.choice(len(MUTATIONS), random.integers(1, 4)):
        if len(damaged) > 128:
            damaged = MUTATIONS[kind](damaged, random)
    return bytes(damaged)


def describe_or_refuse(data: bytes) -> ForeignModel | str:
    """Describe the bytes of a file, or return why they are refused; any other exception is the test's failure."""
    try:
        return describe(split_artefact(data))
    except InputError as fault:
        return str(fault)


@pytest.mark.slow
@pytest.mark.parametrize("part", ["network", "file"])
def test_every_damaged_model_is_described_or_refused(part: str) -> None:
    """Catches a traceback, an endless loop or an allocation from an offset that nobody checked."""
    model = make_described()
    packed = pack_artefact(model)
    described = refused = 0
    for seed in range(CASES // 2):
        data = mutate(model.flatbuffer if part == "network" else packed, seed)
        if part == "network":
            data = pack_artefact(Artefact(data, model.files))
        answer = describe_or_refuse(data)
        described += isinstance(answer, ForeignModel)
        refused += isinstance(answer, str) and answer != ""
    assert described + refused == CASES // 2
    assert described > CASES / 100  # some damage is in a weight or a name: those are the ones that LiteRT will see
    assert refused > CASES / 10


CHILD = """
import sys
from pathlib import Path
from inference.errors import InputError
from inference.model.probe import _limit_resources, run_twice

_limit_resources()
for path in sorted(Path(sys.argv[1]).iterdir()):
    if path.name >= sys.argv[2]:
        print("start", path.name, flush=True)
        try:
            run_twice(path.read_bytes())
            print("ran", path.name, flush=True)
        except InputError:
            print("refused", path.name, flush=True)
"""


def run_survivors(folder: Path) -> dict[str, str]:
    """Run each network in a child that is started again after a crash; return a verdict for each file's name."""
    verdicts: dict[str, str] = {}
    names = sorted(path.name for path in folder.iterdir())
    while len(verdicts) < len(names):
        command = [sys.executable, "-c", CHILD, str(folder), names[len(verdicts)]]
        child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
        lines = [line.split() for line in child.stdout.splitlines()]
        found = {name: verdict for verdict, name in lines if verdict != "start"}
        if child.returncode != 0:
            verdict, name = lines[-1]
            assert verdict == "start", child.stderr[-2000:]  # else the child itself failed, not a network in it
            found[name] = "crashed"
        assert found, child.stderr[-2000:]
        verdicts |= found
    return verdicts


@pytest.mark.slow
def test_damaged_networks_that_look_right_run_or_are_refused_or_crash_a_child_only(tmp_path: Path) -> None:
    """Catches a network that ends or hangs the process that tries it, without a verdict that names it."""
    model = make_described()
    (tmp_path / "networks").mkdir()
    kept: list[bytes] = []
    for seed in range(CASES):
        flatbuffer = mutate(model.flatbuffer, CASES + seed)
        if flatbuffer != model.flatbuffer and isinstance(
            describe_or_refuse(pack_artefact(Artefact(flatbuffer, model.files))), ForeignModel
        ):
            (tmp_path / "networks" / f"{seed:05d}").write_bytes(flatbuffer)
            kept.append(flatbuffer)
        if len(kept) == SURVIVORS:
            break
    verdicts = run_survivors(tmp_path / "networks")
    assert len(verdicts) == SURVIVORS
    assert "ran" in verdicts.values()
    for number, (name, verdict) in enumerate(verdicts.items()):
        if verdict == "crashed" or number < 3:
            check_whole_way(tmp_path, (tmp_path / "networks" / name).read_bytes(), verdict)


def check_whole_way(folder: Path, flatbuffer: bytes, verdict: str) -> None:
    """Load a damaged file as a user does: this process must outlive it and tell the same."""
    path = write_model(folder / "model.tflite", flatbuffer, make_described().files)
    if verdict == "ran":
        assert len(Classifier(path).card.labels) == 4
    else:
        with pytest.raises(InputError, match="crashes LiteRT" if verdict == "crashed" else "LiteRT cannot run it"):
            Classifier(path)


def test_tables_that_share_their_parts_do_not_take_for_ever() -> None:
    """Catches work that grows with the square of the file: here nine million tensors in 24 kB."""
    builder = flatbuffers.Builder(0)
    tensors = write_tables(builder, [write_table(builder, {})] * 3000)
    graphs = write_tables(builder, [write_table(builder, {0: tensors})] * 3000)
    buffers = write_tables(builder, [write_table(builder, {})])
    builder.StartObject(5)
    builder.PrependUint32Slot(0, 3, 0)
    builder.PrependUOffsetTRelativeSlot(2, graphs, 0)
    builder.PrependUOffsetTRelativeSlot(4, buffers, 0)
    builder.Finish(builder.EndObject(), b"TFL3")
    with pytest.raises(InputError, match="has too many parts for a classifier"):
        describe(Artefact(bytes(builder.Output()), {}))


def test_the_reader_refuses_what_lies_outside() -> None:
    """Catches an offset taken from the end, as Python's negative indices are, and a count without bytes."""
    for data in (b"", b"\x04", b"\xff\xff\xff\xff", struct.pack("<Ii", 4, 100), struct.pack("<Ii", 4, -100)):
        with pytest.raises(InputError, match="m: is damaged: it points to"):
            Flatbuffer(data, "m").root()
    vtable_first = struct.pack("<HHHH", 6, 8, 4, 0)  # size, table's size, slot 0 at byte 4 of the table
    table = struct.pack("<iI", 8, 4) + struct.pack("<I", 1000)  # its vtable 8 bytes before; a vector of 1000 items
    root = Flatbuffer(struct.pack("<I", 12) + vtable_first + table, "m").root()
    for read in (root.content, root.text, root.size, lambda slot: root.numbers(slot, "<i8")):
        with pytest.raises(InputError, match="is damaged"):
            read(0)
    assert (root.text(1), root.whole(5, "i", 7), root.table(9), list(root.tables(1))) == ("", 7, None, [])


def test_the_same_seed_gives_the_same_damage() -> None:
    """Catches a fuzz test whose failures can't be repeated."""
    data = make_described().flatbuffer
    assert [mutate(data, seed) for seed in range(20)] == [mutate(data, seed) for seed in range(20)]
    assert len({mutate(data, seed) for seed in range(20)}) > 15
