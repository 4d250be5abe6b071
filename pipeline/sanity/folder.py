"""RUN/control: the parts of a control, each made once, and anew where the files that it came from have changed."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pipeline.report.stored import parse_section
from pipeline.settings.run_folder import read_json, write_json

Content = TypeVar("Content")


@dataclass(frozen=True)
class ControlFolder:
    """The names of the parts."""

    path: Path

    shuffled = property(lambda self: self.path / "shuffled")
    shuffled_answers = property(lambda self: self.path / "shuffled.json")
    colour = property(lambda self: self.path / "colour.json")
    views = property(lambda self: self.path / "views.json")
    examples = property(lambda self: self.path / "examples")


def remembered(kind: type[Content], path: Path, origin: str, make: Callable[[], Content]) -> Content:
    """Return what a file holds, if it was made from the same files; else make it and write it to the file."""
    if path.is_file():
        stored = read_json(path, "")
        if stored["origin"] == origin:
            return parse_section(kind, stored["content"])
    content = make()
    write_json(path, {"origin": origin, "content": content})
    return content


def digest_files(*paths: Path) -> str:
    """Return what tells the content of these files from that of others."""
    return hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in paths)).hexdigest()[:16]
