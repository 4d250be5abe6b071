"""A folder -> the names of the files in it."""

from pathlib import Path

_SYSTEM_FILES = ("thumbs.db", "desktop.ini", ".ds_store")


def list_files(folder: Path) -> list[str]:
    """Return the files under a folder, sorted, as relative POSIX paths, without files that operating systems add."""
    found = (
        file.relative_to(folder)
        for file in folder.rglob("*")
        if file.is_file() and not file.name.startswith("._") and file.name.lower() not in _SYSTEM_FILES
    )
    return sorted(path.as_posix() for path in found if "__MACOSX" not in path.parts)
