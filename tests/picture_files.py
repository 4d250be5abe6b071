"""Picture files that tests write: containers, PNG chunk by chunk, orientation."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

from PIL import Image

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
ORIENTATION = 0x0112  # tag of EXIF


def encode(image: Image.Image, container: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, container, **options)
    return buffer.getvalue()


def one_colour(mode: str, colour: Any) -> Image.Image:
    return Image.new(mode, (8, 8), colour)


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def png(width: int, height: int, bits: int, colour_type: int, samples: bytes) -> bytes:
    """Return a PNG written by hand; samples: the rows, each behind its filter byte."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(samples) if samples else b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def file_of(folder: Path, data: bytes) -> Path:
    path = folder / "picture"
    path.write_bytes(data)
    return path
