"""inference.batch.shards: blocks on disk, one answer for each request whatever is missing, cut off or done twice."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from inference.batch.ray_engine import merge
from inference.batch.shard_job import answer_block, make_job
from inference.batch.shards import BlockWriter, Finished, ShardFolder, remove_shards
from inference.batch.worker import Request, WorkerSettings
from inference.errors import InputError
from inference.model.model import AnswerOptions
from inference.pictures.listing import Picture

RED = {"confidence": 0.75, "result": "red"}


@pytest.fixture
def shards(tmp_path: Path) -> ShardFolder:
    return ShardFolder(tmp_path / "shards", "settings")


def make_requests(count: int, first: int = 0) -> list[Request]:
    return [Request(Picture(f"{number}.png", Path("set", f"{number}.png"))) for number in range(first, first + count)]


def write_blocks(shards: ShardFolder, requests: list[Request]) -> list[str]:
    writer = BlockWriter(shards)
    for request in requests:
        writer.add(request)
    return writer.end()


def check_missing(shards: ShardFolder, names: list[str], done: Iterator[str], missing: int) -> None:
    with pytest.raises(InputError, match=rf"^{missing} pictures have no answer.* with --resume does what is missing"):
        list(merge(shards, names, done))


def test_blocks_hold_every_request_once_and_grow(shards: ShardFolder) -> None:
    """Catches requests lost or doubled between blocks, and a million files for a million pictures."""
    requests = make_requests(3000)
    blocks = [shards.read_requests(name) for name in write_blocks(shards, requests)]
    assert [request for block in blocks for request in block] == requests
    assert [len(block) for block in blocks] == [100] * 21 + [105, 110, 115, 121, 127, 133, 140, 49]


def test_requests_come_back_as_they_were(shards: ShardFolder) -> None:
    """Catches names that are no UTF-8, members of archives and boxes that change on their way to another machine."""
    requests = [
        Request(Picture("gr\\xfcn.png", Path(os.fsdecode(b"gr\xfcn.png")))),
        Request(Picture("✓ \n.png", Path("/a/night.zip"), "✓ \n.png"), ((0.1, 2, 3e-7, 40.5), (1, 2, 3, 4))),
        Request(Picture("empty.png", Path("empty.png")), ()),
    ]
    assert [shards.read_requests(name) for name in write_blocks(shards, requests)] == [requests]


def test_a_block_done_twice_is_merged_once(shards: ShardFolder) -> None:
    """Catches answers doubled by a block that Ray gave to a second worker."""
    requests = make_requests(250)
    names = write_blocks(shards, requests)
    for name in [*names, names[0]]:
        shards.write_answers(name, [(request, RED) for request in shards.read_requests(name)])
    assert list(merge(shards, names, iter([names[1], names[0], names[0], names[2], names[0]]))) == [
        (request, RED) for request in [*requests[100:200], *requests[:100], *requests[200:]]
    ]
    assert write_blocks(shards, requests) == names
    assert len(shards.blocks()) == 3


def test_missing_answers_are_counted(shards: ShardFolder) -> None:
    """Catches a block that is never done, lost, or cut off, and passes for finished."""
    requests = make_requests(250)
    names = write_blocks(shards, requests)
    for name in names:
        shards.write_answers(name, [(request, RED) for request in shards.read_requests(name)])
    check_missing(shards, names, iter(names[:2]), 50)
    whole = (shards.path / f"{names[1]}.answers.jsonl").read_bytes()
    (shards.path / f"{names[1]}.answers.jsonl").write_bytes(whole[: whole.index(b"110.png")])
    check_missing(shards, names, iter(names), 90)
    (shards.path / f"{names[2]}.answers.jsonl").unlink()
    check_missing(shards, names, iter(names), 140)


def test_finished_answers_are_used_and_faults_tried_again(shards: ShardFolder) -> None:
    """Catches work done again, faults kept after their cause is gone, and answers for other settings or boxes."""
    requests = make_requests(150)
    for name in write_blocks(shards, requests):
        answered = [(request, RED) for request in shards.read_requests(name)]
        shards.write_answers(name, [*answered[1:], (answered[0][0], "is not an image.")])
    finished = Finished(shards)
    assert [request for request in requests if finished.answer_to(request) is None] == [requests[0], requests[100]]
    assert finished.answer_to(requests[1]) == RED
    assert finished.answer_to(dataclasses.replace(requests[1], boxes=((1, 2, 3, 4),))) is None
    assert Finished(dataclasses.replace(shards, settings="others")).answer_to(requests[1]) is None


def test_only_what_answers_depend_on_names_the_shards(tiny_model: Path, tmp_path: Path) -> None:
    """Catches answers of another model or threshold taken for these, and work done again for another path."""
    settings = WorkerSettings(tiny_model)
    same, other = tmp_path / "same.tflite", tmp_path / "other.tflite"
    same.write_bytes(tiny_model.read_bytes())
    other.write_bytes(tiny_model.read_bytes() + b"more")
    alike = [settings, dataclasses.replace(settings, model=same), dataclasses.replace(settings, threads=2)]
    unlike = [
        dataclasses.replace(settings, model=other),
        dataclasses.replace(settings, threshold=0.0),
        dataclasses.replace(settings, options=AnswerOptions(top=2)),
        dataclasses.replace(settings, scaling="unit"),
        dataclasses.replace(settings, labels=other),
    ]
    assert len({make_job(one, tmp_path).shards.settings for one in alike}) == 1
    assert len({make_job(one, tmp_path).shards.settings for one in [settings, *unlike]}) == 6


def test_a_machine_that_does_not_see_the_folder_says_so(tiny_model: Path, tmp_path: Path) -> None:
    """Catches a cluster whose answers end on disks that nobody looks at."""
    job = make_job(WorkerSettings(tiny_model), tmp_path / "elsewhere")
    fault = answer_block({"block": "name"}, job)["fault"]
    assert "elsewhere/name.requests.jsonl: cannot be read" in fault
    assert fault.endswith("All machines must see this folder under one path.")


def test_only_shards_are_removed(shards: ShardFolder) -> None:
    """Catches a user's files deleted with the shards."""
    write_blocks(shards, make_requests(3))
    (shards.path / ".x.answers.jsonl.123.part").write_text("half")
    (shards.path / "mine.txt").write_text("mine")
    remove_shards(shards.path)
    assert [path.name for path in shards.path.iterdir()] == ["mine.txt"]
    (shards.path / "mine.txt").unlink()
    remove_shards(shards.path)
    assert not shards.path.exists()
    remove_shards(shards.path)
