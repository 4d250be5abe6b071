"""model.tflite <-> its flatbuffer and the files packed behind it (a zip, as TFLite Metadata places them)."""

import hashlib
import io
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import InputError

FLATBUFFER_MAGIC = b"TFL3"  # at bytes 4 to 8
MOST_BYTES = 512 * 2**20  # of a model
MOST_PACKED_BYTES = 64 * 2**20  # of all that is packed behind it: a zip bomb unpacks to far more
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # the format's earliest: the same content gives the same bytes


@dataclass(frozen=True)
class Artefact:
    """A .tflite file taken apart: the network's flatbuffer and the associated files by name.

    name: the file's path, for messages.
    """

    flatbuffer: bytes
    files: dict[str, bytes]
    name: str = field(default="model", compare=False)


def read_artefact(path: Path) -> Artefact:
    """Read a .tflite file and take it apart.

    Raises:
        InputError: the file can't be read, is no TFLite model, or the zip behind it is damaged.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as fault:
        raise InputError(f"{path}: cannot be read: {fault.strerror or fault}. Check the model's path.") from fault
    if len(data) > MOST_BYTES:
        raise InputError(f"{path}: is too large: more than {MOST_BYTES:,} bytes. Give a model for a phone or laptop.")
    return split_artefact(data, str(path))


def split_artefact(data: bytes, name: str = "model") -> Artefact:
    """Take the bytes of a .tflite file apart; a file without a zip behind it has no associated files."""
    if data[4:8] != FLATBUFFER_MAGIC:
        raise InputError(
            f"{name}: is no TFLite model: bytes 4 to 8 must be {FLATBUFFER_MAGIC!r}. "
            f"Received: {data[4:8]!r}. Give the .tflite file that export wrote."
        )
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return Artefact(data, {}, name)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _check_unpacked_size(entries, name)
            files = {entry.filename: archive.read(entry) for entry in entries}
    except InputError:
        raise
    except Exception as fault:  # zipfile raises BadZipFile, zlib.error, EOFError, NotImplementedError ...
        raise InputError(f"{name}: its packed files are damaged: {fault}. Copy or export the model again.") from fault
    start = min((entry.header_offset for entry in entries), default=len(data))
    return Artefact(data[:start], files, name)


def _check_unpacked_size(entries: list[zipfile.ZipInfo], name: str) -> None:
    """Refuse by the sizes that the entries state; zipfile never reads more of one than that."""
    total = sum(entry.file_size for entry in entries)
    if total > MOST_PACKED_BYTES:
        raise InputError(
            f"{name}: its packed files are too large: {total:,} bytes. At most {MOST_PACKED_BYTES:,} are read."
        )


def pack_artefact(artefact: Artefact) -> bytes:
    """Return the bytes of one .tflite file: the flatbuffer, unchanged, and behind it a zip of the files."""
    if not artefact.files:
        return artefact.flatbuffer
    buffer = io.BytesIO(artefact.flatbuffer)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_STORED) as archive:
        for name in sorted(artefact.files):
            archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), artefact.files[name])
    return buffer.getvalue()


def flatbuffer_sha256(flatbuffer: bytes) -> str:
    """Return the hash by which a card names its flatbuffer."""
    return hashlib.sha256(flatbuffer).hexdigest()
