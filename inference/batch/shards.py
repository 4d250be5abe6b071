"""Requests in blocks -> files of answers in a folder that all machines see -> each request with its answer, once.

A block is two files of JSON lines: its requests, [key, path, member, boxes, file key, stamp] as
inference.batch.worker.Request has them, written by the driver, and
its answers, {"file": key, ...answer} or {"file": key, "error": reason}, written whole by the worker. Both are named
after the settings and the requests themselves: a block that is done twice replaces its own answers.
"""

import contextlib
import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..atomic_file import write_pieces_atomically
from ..errors import InputError
from ..pictures.listing import Picture
from .pool import Answered
from .worker import Request

_REQUESTS, _ANSWERS = ".requests.jsonl", ".answers.jsonl"
_SMALLEST, _LARGEST = 100, 2000  # requests in a block
_BLOCKS_AT_LEAST = 20  # of the smallest size before they grow
_DIGEST_BYTES = 12  # among a million requests two alike by chance are one in 10^17
_OPEN_BLOCKS = 4  # whose answers are held while finished ones are looked up: neighbours lie in the same block


@dataclass(frozen=True)
class ShardFolder:
    """The blocks of one run, and of earlier ones with the same settings; settings: a digest, in hex."""

    path: Path
    settings: str

    def write_requests(self, lines: list[str]) -> str:
        """Write the requests of a block as lines; return its name.

        Raises:
            InputError: the folder can't be written.
        """
        name = f"{self.settings}-{_digest(''.join(lines)).hex()}"
        self._write(name + _REQUESTS, iter(lines))
        return name

    def read_requests(self, name: str) -> list[Request]:
        """Return the requests of a block.

        Raises:
            InputError: this machine does not see the folder.
        """
        return [_parse_request(line) for line in self._request_lines(name)]

    def write_answers(self, name: str, answered: Iterable[Answered]) -> None:
        """Write the answers of a whole block, or nothing.

        Raises:
            InputError: the folder can't be written.
        """
        entries = [_entry(request.picture.key, answer) for request, answer in answered]
        self._write(name + _ANSWERS, (json.dumps(entry) + "\n" for entry in entries))

    def read_answers(self, name: str) -> dict[str, dict[str, Any] | str]:
        """Return the answers, or reasons, of a block by key; of a file that is missing or cut off what there is."""
        answers = {}
        for entry in _read_entries(self.path / (name + _ANSWERS)):
            answers[entry.pop("file")] = entry.get("error", entry)
        return answers

    def merge(self, name: str) -> Iterator[Answered]:
        """Yield those requests of a block, once each, that have an answer or a reason."""
        answers = self.read_answers(name)
        for request in self.read_requests(name):
            if request.picture.key in answers:
                yield request, answers[request.picture.key]

    def blocks(self) -> list[str]:
        """Return the names of the blocks that have answers, sorted."""
        found = self.path.glob(f"{self.settings}-*{_ANSWERS}")
        return sorted(path.name.removesuffix(_ANSWERS) for path in found)

    def finished_in(self, name: str) -> Iterator[bytes]:
        """Yield a digest of each request of a block that has an answer; one with a fault may have become readable."""
        answers = self.read_answers(name)
        for line in self._request_lines(name):
            if isinstance(answers.get(json.loads(line)[0]), dict):
                yield _digest(line)

    def _request_lines(self, name: str) -> list[str]:
        path = self.path / (name + _REQUESTS)
        try:
            return path.read_text(encoding="ascii").splitlines(keepends=True)
        except OSError as fault:
            raise InputError(
                f"{path}: cannot be read: {fault.strerror or fault}. All machines must see this folder under one path."
            ) from fault

    def _write(self, name: str, lines: Iterator[str]) -> None:
        try:
            write_pieces_atomically(self.path / name, lines)
        except OSError as fault:
            raise InputError(
                f"{self.path}: cannot be written: {fault.strerror or fault}. Give another place, with room."
            ) from fault


class BlockWriter:
    """Requests, one by one -> blocks on disk; no more than one is held.

    Blocks grow from 100 to 2000 requests, so that a few hundred pictures still feed several workers and a million are
    some 600 blocks. Of 3000 requests: 21 blocks of 100, then 105, 110, 115 ...
    """

    def __init__(self, folder: ShardFolder) -> None:
        self._folder = folder
        self._lines: list[str] = []
        self._written = 0
        self._names: list[str] = []

    def add(self, request: Request) -> None:
        """Take a request; its key must be no other request's."""
        self._lines.append(_request_line(request))
        if len(self._lines) >= min(max(self._written // _BLOCKS_AT_LEAST, _SMALLEST), _LARGEST):
            self._flush()

    def end(self) -> list[str]:
        """Write the last block; return the names of all."""
        if self._lines:
            self._flush()
        return self._names

    def _flush(self) -> None:
        self._names.append(self._folder.write_requests(self._lines))
        self._written += len(self._lines)
        self._lines = []


class Finished:
    """Answers of earlier runs. It holds about 0.15 kB of memory for each: a digest and its block's name."""

    def __init__(self, folder: ShardFolder) -> None:
        self._folder = folder
        self._blocks = {key: name for name in folder.blocks() for key in folder.finished_in(name)}
        self._read: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def answer_to(self, request: Request) -> dict[str, Any] | None:
        """Return the answer to a request, None where there is none."""
        name = self._blocks.get(_digest(_request_line(request)))
        return None if name is None else self._answers(name)[request.picture.key]

    def _answers(self, name: str) -> dict[str, Any]:
        if name not in self._read:
            self._read[name] = self._folder.read_answers(name)
            while len(self._read) > _OPEN_BLOCKS:
                self._read.popitem(last=False)
        return self._read[name]


def remove_shards(folder: Path) -> None:
    """Delete the blocks in a folder, and the folder if nothing else is in it."""
    for pattern in (f"*{_REQUESTS}", f"*{_ANSWERS}", ".*.part"):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()


def _digest(text: str) -> bytes:
    """Return what stands for a text: other texts have other ones."""
    return hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).digest()


def _request_line(request: Request) -> str:
    """Spell a request; JSON's escapes carry names that are no UTF-8."""
    picture = request.picture
    more = [request.file_key, request.stamp] if request.file_key or request.stamp else []
    return json.dumps([picture.key, str(picture.path), picture.member, request.boxes, *more]) + "\n"


def _parse_request(line: str) -> Request:
    key, path, member, boxes, file_key, stamp = [*json.loads(line), "", None][:6]
    return Request(
        Picture(key, Path(path), member),
        None if boxes is None else tuple(map(tuple, boxes)),
        file_key,
        stamp and tuple(stamp),
    )


def _entry(key: str, answer: dict[str, Any] | str) -> dict[str, Any]:
    return {"file": key, "error": answer} if isinstance(answer, str) else {"file": key, **answer}


def _read_entries(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open(encoding="ascii") as file:
            for line in file:
                yield json.loads(line)
    except (FileNotFoundError, ValueError):
        return  # what is missing is counted where it is asked for
