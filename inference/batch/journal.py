"""Answers as they come -> a file that survives a kill, and from which the results are written in the end.

One JSON object a line: first what the answers depend on, then {"file": key, ...answer} or, for what could not be
classified, {"file": key, "error": reason}; with "stamp": [size, time] of the picture's file where that is known.
"""

import contextlib
import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from ..errors import InputError
from ..locked_file import open_locked
from ..pictures.listing import Picture, Stamp

Kind = Literal["results", "faults"]


class Journal:
    """An open journal. It holds about 0.15 kB of memory for each picture: the key and where its line begins."""

    def __init__(self, path: Path, settings: dict[str, Any], resume: bool = False, overwrite: bool = False) -> None:
        """Begin a journal, or go on with the one that a killed run left. It is locked until it is closed.

        settings: what the answers depend on; a journal with others is not gone on with.
        overwrite: begin anew where there is one and resume is not asked for.

        Raises:
            InputError: there is one and neither is asked for, another run works on it, the one there is of other
                settings or damaged, or it can't be written.
        """
        self.path = path
        self._offsets: dict[Kind, dict[str, int]] = {"results": {}, "faults": {}}
        self._end = 0
        self._file = open_locked(path, "give another --out")
        try:
            if overwrite and not resume:
                self._file.truncate(0)
            self._begin(settings, resume)
        except BaseException:
            self._close_file()
            raise

    def add(self, key: str, answer: dict[str, Any] | str, stamp: Stamp | None = None) -> None:
        """Write one answer, or the reason why there is none, so that a kill of this process leaves it.

        stamp: of the picture's file, as it was before it was read.
        """
        entry = {"error": answer} if isinstance(answer, str) else answer
        offset = self._append({"file": key, **({"stamp": stamp} if stamp else {}), **entry})
        self._note(key, offset, isinstance(answer, str))

    def forget_changed(self, pictures: Iterable[Picture]) -> int:
        """Forget the answers of pictures that are no longer the same, or no longer there; return their number."""
        kept = {kind: dict[str, int]() for kind in self._offsets}
        for picture in pictures:
            for kind, offsets in self._offsets.items():
                offset = offsets.get(picture.key)
                if offset is not None and self._stamp(offset) in (None, picture.stamp()):
                    kept[kind][picture.key] = offset
        forgotten = self.count("results") - len(kept["results"])
        self._offsets = kept
        return forgotten

    def read(self, kind: Kind) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield key and answer (or {"error": reason}), sorted by key."""
        offsets = self._offsets[kind]
        for key in sorted(offsets):
            yield key, self._entry(offsets[key])

    def result(self, key: str) -> dict[str, Any] | None:
        """Return a picture's answer, None where it has none."""
        offset = self._offsets["results"].get(key)
        return None if offset is None else self._entry(offset)

    def has_result(self, key: str) -> bool:
        """Tell whether a picture need not be classified again; one with a fault may have become readable."""
        return key in self._offsets["results"]

    def count(self, kind: Kind) -> int:
        """Return how many pictures have a result, or a fault."""
        return len(self._offsets[kind])

    def close(self) -> None:
        """Close the file; it stays for --resume, unless it holds no answer."""
        if not self.count("results") and not self.count("faults"):
            self.remove()
        self._close_file()

    def remove(self) -> None:
        """Close and delete the journal: what it held is written elsewhere."""
        if sys.platform == "win32":  # where an open file can't be deleted
            self._close_file()
        self.path.unlink(missing_ok=True)  # elsewhere while it is locked: another run's journal is never deleted
        self._close_file()

    def _close_file(self) -> None:
        with contextlib.suppress(OSError):  # the disk is full: what is not in the file yet was reported before
            self._file.close()

    def _append(self, entry: dict[str, Any]) -> int:
        offset = self._end
        try:
            self._end += self._file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
            self._file.flush()
        except OSError as fault:
            raise InputError(
                f"{self.path}: cannot be written: {fault.strerror or fault}. Make room; then --resume goes on."
            ) from fault
        return offset

    def _entry(self, offset: int) -> dict[str, Any]:
        entry = self._line(offset)
        del entry["file"]
        entry.pop("stamp", None)
        return entry

    def _stamp(self, offset: int) -> Stamp | None:
        stamp = self._line(offset).get("stamp")
        return stamp and tuple(stamp)

    def _line(self, offset: int) -> dict[str, Any]:
        self._file.seek(offset)
        entry: dict[str, Any] = json.loads(self._file.readline())
        self._file.seek(self._end)
        return entry

    def _note(self, key: str, offset: int, fault: bool) -> None:
        self._offsets["results"].pop(key, None)
        self._offsets["faults"].pop(key, None)
        self._offsets["faults" if fault else "results"][key] = offset

    def _begin(self, settings: dict[str, Any], resume: bool) -> None:
        if os.fstat(self._file.fileno()).st_size and not resume:
            raise InputError(
                f"{self.path}: was left by a run that did not end. Go on with it by --resume, or delete it."
            )
        header = self._read_line()
        if header is None:  # new, or killed before the first line was whole
            self._file.truncate(0)
            self._file.seek(0)
            self._append(settings)
        elif header != settings:
            raise InputError(
                f"{self.path}: was begun with other settings: {_difference(header, settings)}. "
                "Give the same, or delete it."
            )
        self._read_entries()

    def _read_entries(self) -> None:
        self._file.seek(0)
        self._file.readline()  # the settings
        offset = self._file.tell()
        while (entry := self._read_line()) is not None:
            self._note(entry["file"], offset, "error" in entry)
            offset = self._file.tell()
        self._file.truncate(offset)  # the line in which the kill struck
        self._file.seek(offset)
        self._end = offset

    def _read_line(self) -> dict[str, Any] | None:
        """Return the next entry; None at the end or where a line is not whole."""
        start = self._file.tell()
        line = self._file.readline()
        try:
            entry = json.loads(line) if line.endswith(b"\n") else None
        except ValueError:
            entry = None
        if not isinstance(entry, dict):
            self._file.seek(start)
            return None
        return entry


def _difference(before: dict[str, Any], now: dict[str, Any]) -> str:
    names = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    return ", ".join(f"{name} was {before.get(name)}, now {now.get(name)}" for name in names)
