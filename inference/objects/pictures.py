"""Words of the command line -> pictures in storage: a folder, a picture, or a list of them as text or Parquet."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import InputError, printable
from ..pictures.system_files import is_passed_over
from .storage import Folder, is_uri, split_uri

_LISTS = (".txt", ".parquet")
_COLUMNS = ("file", "key", "path", "uri")  # of a Parquet list, the first that is there
_ROWS = 10_000  # of a Parquet list in memory at a time


@dataclass(frozen=True)
class StoredPicture:
    """A picture: key of its result, URI of a folder, path inside; size and time where the listing told them, else 0."""

    key: str
    folder: str
    name: str
    size: int = 0
    changed: int = 0


def list_stored(words: Sequence[str]) -> Iterator[StoredPicture]:
    """Yield the pictures of all words, in a fixed order; no list of them is held.

    A folder is searched recursively; keys are relative to it. A name that ends with .txt is a list with one picture a
    line, one that ends with .parquet has them in the column file, key, path or uri. Entries are URIs, or relative to
    the list. With several words all keys begin with their word.

    Raises:
        InputError: a word holds nothing, or a list can't be read.
    """
    for word in words:
        uri = word.rstrip("/") if is_uri(word) else str(Path(word).absolute())
        empty = True
        for picture in _of_word(uri):
            empty = False
            several = len(words) > 1 and not is_uri(picture.key)
            yield replace(picture, key=f"{uri}/{picture.key}") if several else picture
        if empty:
            raise InputError(f"{printable(word)}: holds no file. Give a folder with pictures, a picture, or a list.")


def _of_word(uri: str) -> Iterator[StoredPicture]:
    folder, name = split_uri(uri)
    found = folder.find(name) if name else None
    if found is None:
        for stored in Folder(uri).walk():
            if not any(map(is_passed_over, stored.name.split("/"))):
                yield StoredPicture(stored.name, uri, stored.name, stored.size, stored.changed)
    elif name.lower().endswith(_LISTS):
        entries = _parquet_entries(folder, name) if name.lower().endswith(".parquet") else _lines(folder, name)
        for entry in entries:
            place = split_uri(entry) if is_uri(entry) else (folder, entry)
            yield StoredPicture(entry, place[0].uri, place[1])
    else:
        yield StoredPicture(name, folder.uri, name, found.size, found.changed)


def _lines(folder: Folder, name: str) -> Iterator[str]:
    with folder.open(name) as file:
        rest = b""
        while block := file.read(2**20):
            *lines, rest = (rest + block).split(b"\n")
            yield from (text for line in lines if (text := _text(line, name)))
        if text := _text(rest, name):
            yield text


def _text(line: bytes, name: str) -> str:
    try:
        return line.decode("utf-8-sig").strip()  # as Windows' programs begin a list
    except UnicodeDecodeError as fault:
        raise InputError(f"{name}: must be UTF-8. Received: {line[:80]!r}. Save the list anew.") from fault


def _parquet_entries(folder: Folder, name: str) -> Iterator[str]:
    from pyarrow import ArrowInvalid, parquet

    try:
        with folder.open(name) as file:
            table: Any = parquet.ParquetFile(file)
            column = next((one for one in _COLUMNS if one in table.schema_arrow.names), None)
            if column is None:
                names = ", ".join(table.schema_arrow.names)
                raise InputError(f"{name}: needs a column {', '.join(_COLUMNS)}. Received: {names}. Rename one.")
            for batch in table.iter_batches(_ROWS, columns=[column]):
                yield from map(str, batch.column(0).to_pylist())
    except ArrowInvalid as fault:
        raise InputError(f"{name}: is no Parquet file: {fault}. Write the list again.") from fault
