"""Results in storage: parts of some thousand answers each, as JSON Lines or Parquet, and one manifest that lists them.

    OUT/part-000000-1f0c....jsonl     {"file": key, ...answer}, or {"file": key, "error": reason}
    OUT/manifest.json                 written last: the parts, their counts, what the answers depend on
    OUT/_work/                        of a run that has not ended: requests, and a mark for each part that is whole

A part is named after its requests and the settings: one that is done twice replaces itself.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from ..batch.pool import Answered
from .pictures import StoredPicture
from .storage import Folder

MANIFEST = "manifest.json"
FORMATS = ("jsonl", "parquet")
WORK = "_work"
PART_PICTURES = 2000
_SMALLEST = 50  # so that few pictures still feed several workers
_REQUESTS, _DONE = ".requests", ".done"


@dataclass(frozen=True)
class Part:
    """A part of the results: its name, the pictures in it, how many of these have no answer, its bytes."""

    name: str
    pictures: int
    errors: int
    bytes: int


@dataclass(frozen=True)
class ResultFolder:
    """Where the results go. settings: a digest of what the answers depend on; format: of FORMATS."""

    out: Folder
    settings: str
    format: str

    @property
    def work(self) -> Folder:
        """The folder of what is not done."""
        return self.out.child(WORK)

    def write_requests(self, number: int, pictures: list[StoredPicture]) -> str:
        """Write the requests of a part; return its name."""
        text = "".join(json.dumps([one.key, one.folder, one.name, one.size, one.changed]) + "\n" for one in pictures)
        digest = hashlib.sha256((self.settings + text).encode()).hexdigest()[:16]
        name = f"part-{number:06}-{digest}.{self.format}"
        self.work.write(name + _REQUESTS, [text.encode()])
        return name

    def read_requests(self, name: str) -> list[StoredPicture]:
        """Return the requests of a part."""
        lines = self.work.read(name + _REQUESTS).decode().splitlines()
        return [StoredPicture(*json.loads(line)) for line in lines]

    def write_part(self, name: str, answered: list[Answered]) -> None:
        """Write a whole part, then the mark that says so."""
        entries = [_entry(request.picture.key, answer) for request, answer in answered]
        pieces = _parquet(entries) if self.format == "parquet" else _json_lines(entries)
        size = self.out.write(name, pieces)
        part = Part(name, len(entries), sum("error" in entry for entry in entries), size)
        self.work.write(name + _DONE, [json.dumps(asdict(part)).encode()])

    def done(self) -> set[str]:
        """Return the names of the parts that are whole."""
        return {name.removesuffix(_DONE) for name in self.work.names() if name.endswith(_DONE)}

    def read_part(self, name: str) -> Part:
        """Return what a part holds, by its mark."""
        return Part(**json.loads(self.work.read(name + _DONE)))

    def finish(self, manifest: dict[str, Any]) -> None:
        """Write the manifest; then delete the parts that it does not name, and what was needed for the work."""
        text = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
        self.out.write(MANIFEST, [text.encode()])
        named = {part["name"] for part in manifest["parts"]}
        for name in sorted(self.out.names() - named):
            if name.startswith("part-") and name.endswith(tuple(f".{one}" for one in FORMATS)):
                self.out.remove(name)
        self.work.remove_all()


def write_all_requests(folder: ResultFolder, pictures: Iterator[StoredPicture]) -> dict[str, int]:
    """Write the requests of all parts; return the number of pictures of each part by name, in order.

    Parts grow from 50 to 2000 pictures.
    """
    counts: dict[str, int] = {}
    held: list[StoredPicture] = []
    total = 0
    for picture in pictures:
        held.append(picture)
        if len(held) >= min(max(total // 20, _SMALLEST), PART_PICTURES):
            counts[folder.write_requests(len(counts), held)] = len(held)
            total += len(held)
            held = []
    if held:
        counts[folder.write_requests(len(counts), held)] = len(held)
    return counts


def _entry(key: str, answer: dict[str, Any] | str) -> dict[str, Any]:
    return {"file": key, "error": answer} if isinstance(answer, str) else {"file": key, **answer}


def _json_lines(entries: list[dict[str, Any]]) -> Iterator[bytes]:
    for entry in entries:
        yield (json.dumps(entry, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def _parquet(entries: list[dict[str, Any]]) -> Iterator[bytes]:
    """Yield the bytes of a table: file, result, confidence, error; whatever else an answer has, as JSON, in details."""
    import pyarrow
    from pyarrow import parquet

    plain = ("file", "result", "confidence", "error")
    rows = []
    for entry in entries:
        more = {name: value for name, value in entry.items() if name not in plain}
        rows.append({**{name: entry.get(name) for name in plain}, "details": json.dumps(more) if more else None})
    types = {name: pyarrow.float64() if name == "confidence" else pyarrow.string() for name in (*plain, "details")}
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.Table.from_pylist(rows, pyarrow.schema(list(types.items()))), sink)
    yield sink.getvalue().to_pybytes()
