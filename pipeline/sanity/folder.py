"""RUN/control: the parts of a control, each computed once, and again when its input files change."""

import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from inference.errors import InputError
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
    """Return the content of a file if it is whole and was made from the same input files; else make and write it."""
    with contextlib.suppress(InputError, AttributeError, KeyError, TypeError, ValueError):
        stored = read_json(path, "")
        if stored["origin"] == origin:
            return parse_section(kind, stored["content"])
    content = make()
    write_json(path, {"origin": origin, "content": content})
    return content


def digest_files(*paths: Path) -> str:
    """Return a hash of the content of these files."""
    return hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in paths)).hexdigest()[:16]
