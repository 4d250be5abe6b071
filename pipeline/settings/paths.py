"""The value of a setting that names files."""

from pathlib import Path


def listed_paths(text: str) -> list[Path]:
    """Return the paths in a text with commas between them; a comma may also be part of the name of a single file."""
    return [Path(text)] if Path(text).is_file() else [Path(part.strip()) for part in text.split(",")]
