"""URIs -> what lies there: folders and files of object storage, or of any file system that pyarrow opens.

Credentials come from the usual environment alone (AWS_ACCESS_KEY_ID, AWS_PROFILE, roles, GOOGLE_APPLICATION_CREDENTIALS
...). AWS_ENDPOINT_URL names another server than Amazon's.
"""

import contextlib
import functools
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from pyarrow import fs

from ..errors import InputError, printable

_REMEDY = "Check the URI, the network and the credentials"


def is_uri(text: object) -> bool:
    """Return whether a word of the command line names a place by its URI."""
    return isinstance(text, str) and "://" in text


@dataclass(frozen=True)
class Stored:
    """A file: name relative to its folder, size in bytes, time of its change in ns (0 where unknown)."""

    name: str
    size: int
    changed: int


@dataclass(frozen=True)
class Folder:
    """A folder, or the part before the name of a file; uri: "s3://bucket/photos", or an absolute path."""

    uri: str

    def child(self, name: str) -> "Folder":
        """Return a folder inside."""
        return Folder(f"{self.uri.rstrip('/')}/{name}")

    def walk(self) -> Iterator[Stored]:
        """Yield all files below, sorted within each folder; one folder's list is held at a time.

        Raises:
            InputError: it can't be listed.
        """
        filesystem, root = _open(self.uri)
        waiting = [""]
        while waiting:
            inside = waiting.pop()
            entries = sorted(self._list(filesystem, f"{root}/{inside}".rstrip("/")), key=lambda entry: entry.base_name)
            waiting += [f"{inside}{one.base_name}/" for one in reversed(entries) if one.type == fs.FileType.Directory]
            for one in entries:
                if one.type == fs.FileType.File:
                    yield Stored(f"{inside}{one.base_name}", one.size or 0, one.mtime_ns or 0)

    def names(self) -> set[str]:
        """Return the names of the files directly inside; none where there is no folder."""
        filesystem, root = _open(self.uri)
        return {one.base_name for one in self._list(filesystem, root) if one.type == fs.FileType.File}

    def find(self, name: str) -> Stored | None:
        """Return a file, None where there is none."""
        filesystem, root = _open(self.uri)
        with _faults(f"{self.uri}/{name}"):
            info = filesystem.get_file_info(f"{root}/{name}")
        return Stored(name, info.size or 0, info.mtime_ns or 0) if info.type == fs.FileType.File else None

    def read(self, name: str) -> bytes:
        """Return the bytes of a file.

        Raises:
            FileNotFoundError: there is none.
            InputError: it can't be read.
        """
        filesystem, root = _open(self.uri)
        with _faults(f"{self.uri}/{name}"), filesystem.open_input_stream(f"{root}/{name}") as file:
            return bytes(file.read())

    def open(self, name: str) -> Any:
        """Return an open file that can be read at any position."""
        filesystem, root = _open(self.uri)
        with _faults(f"{self.uri}/{name}"):
            return filesystem.open_input_file(f"{root}/{name}")

    def write(self, name: str, pieces: Iterable[bytes]) -> int:
        """Write a file, seen by others when it is whole; return its size in bytes.

        Raises:
            InputError: it can't be written.
        """
        filesystem, root = _open(self.uri)
        local = isinstance(filesystem, fs.LocalFileSystem)  # where a file is seen while it is written
        place = f"{root}/.{name}.{os.getpid()}.part" if local else f"{root}/{name}"
        size = 0
        with _faults(f"{self.uri}/{name}"):
            if local:
                filesystem.create_dir(root)
            with filesystem.open_output_stream(place) as file:
                for piece in pieces:
                    size += file.write(piece)
            if local:
                filesystem.move(place, f"{root}/{name}")
        return size

    def remove(self, name: str) -> None:
        """Delete a file, if it is there."""
        filesystem, root = _open(self.uri)
        with _faults(f"{self.uri}/{name}"):
            try:
                filesystem.delete_file(f"{root}/{name}")
            except FileNotFoundError:
                return

    def remove_all(self) -> None:
        """Delete the folder with all that it holds, if it is there."""
        filesystem, root = _open(self.uri)
        with _faults(self.uri):
            if filesystem.get_file_info(root).type == fs.FileType.Directory:
                filesystem.delete_dir(root)

    def _list(self, filesystem: Any, path: str) -> list[Any]:
        with _faults(self.uri):
            return list(filesystem.get_file_info(fs.FileSelector(path, allow_not_found=True)))


def split_uri(uri: str) -> tuple[Folder, str]:
    """Return the folder and the name of a file's URI, or path; of a whole bucket, "s3://bucket", no name."""
    if is_uri(uri) and not urlsplit(uri).path.strip("/"):
        return Folder(uri), ""
    folder, _, name = uri.rpartition("/")
    return Folder(folder or "/"), name


@functools.lru_cache(maxsize=64)
def _open(uri: str) -> tuple[Any, str]:
    """Return the file system of a URI, and the path there.

    Raises:
        InputError: pyarrow knows no such file system.
    """
    try:
        filesystem, path = fs.FileSystem.from_uri(_with_endpoint(uri))
    except (OSError, ValueError) as fault:
        raise InputError(f"{printable(uri)}: cannot be opened: {fault}. {_REMEDY}.") from fault
    return filesystem, path


def _with_endpoint(uri: str) -> str:
    """Add the server that the environment names to a URI of S3, since pyarrow does not look for it."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if not uri.startswith("s3://") or not endpoint or "endpoint_override=" in uri:
        return uri
    server = urlsplit(endpoint)
    query = urlencode({"endpoint_override": server.netloc, "scheme": server.scheme})
    return f"{uri}{'&' if '?' in uri else '?'}{query}"


@contextlib.contextmanager
def _faults(what: str) -> Iterator[None]:
    """Turn what a file system raises into an InputError, but for a file that is missing."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as fault:
        reason = str(fault).partition("\n")[0]
        raise InputError(f"{printable(what)}: cannot be used: {reason}. {_REMEDY}.") from fault
