"""A picture's key -> the path of a file about it: inside its folder for any key, and storable on any system."""

import hashlib
import re
from pathlib import Path

_MOST_NAME_BYTES = 200  # of one part of a path; file systems take 255, and a suffix is added
# What contact_sheet.py writes, and names without a suffix: "b" would share b.jpg with the picture of that name.
_RESERVED = re.compile(r"sheet-\d+(\.jpg)?|(.*/)?[^./]+", re.IGNORECASE)
_JPEG_NAME = re.compile(r"(.*/)?[^./]+\.jpe?g", re.IGNORECASE)
_UNSAFE = re.compile(r'[\\:*?"<>|\x00-\x1f\x7f]')  # a path on another system, or no name there


def safe_path(folder: Path, key: str, suffix: str, reserved: re.Pattern[str] | None = None) -> Path:
    """Return folder/key with the suffix added.

    A part that would lead out of the folder, that some system can't store or, as a whole key, that is a reserved
    name is changed, and the name then ends in a digest of the key, so that no two keys share it.
    """
    parts = [part for part in key.split("/") if part not in ("", ".")] or ["_"]
    safe = [_safe_part(part) for part in parts]
    if "/".join(safe) != key or (reserved and reserved.fullmatch(key)):
        safe[-1] += "." + hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
    return folder.joinpath(*safe[:-1], safe[-1] + suffix)


def without_suffix(folder: Path, key: str, suffix: str) -> Path:
    """Return folder/key with another suffix instead of its own: "a/b.jpg" gives a/b.png; see safe_path."""
    start, slash, name = key.rpartition("/")
    stem = name.rpartition(".")[0] or name
    return safe_path(folder, f"{start}{slash}{stem}", suffix)


def keep_suffix(key: str) -> str:
    """Return a key whose suffix without_suffix keeps: "a.jpg" then gives a.jpg.png."""
    return key + "."


def preview_path(folder: Path, key: str) -> Path:
    """Return folder/key with the suffix of a JPEG: a/b.jpg for itself, a/b.png.jpg for "a/b.png".

    The file is inside the folder for any key. A part that would lead out of it, that some system can't store or that
    is a contact sheet's name is changed, and the name then ends in a digest of the key, so that no two keys share it.
    """
    own = safe_path(folder, key, "", reserved=_RESERVED)
    if _JPEG_NAME.fullmatch(key) and own == folder / key:
        return own
    return safe_path(folder, key, ".jpg", reserved=_RESERVED)


def _safe_part(part: str) -> str:
    part = "__" if part == ".." else _UNSAFE.sub("_", part)
    return part.encode("utf-8", "replace")[:_MOST_NAME_BYTES].decode("utf-8", "ignore")
