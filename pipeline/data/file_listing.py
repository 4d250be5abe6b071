"""A folder -> the names of the files in it."""

from pathlib import Path

_SYSTEM_FILES = ("thumbs.db", "desktop.ini", ".ds_store")


def list_files(folder: Path) -> list[str]:
    """Return the files under a folder, sorted, as posix paths relative to it, without what systems put there."""
    found = (
        file.relative_to(folder)
        for file in folder.rglob("*")
        if file.is_file() and not file.name.startswith("._") and file.name.lower() not in _SYSTEM_FILES
    )
    return sorted(path.as_posix() for path in found if "__MACOSX" not in path.parts)
