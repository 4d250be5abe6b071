"""A folder -> the names of the files in it."""

from pathlib import Path

from inference.pictures.system_files import is_system_file


def list_files(folder: Path) -> list[str]:
    """Return the files under a folder, sorted, as relative POSIX paths, without files that operating systems add."""
    found = (file.relative_to(folder) for file in folder.rglob("*") if file.is_file())
    return sorted(path.as_posix() for path in found if not any(map(is_system_file, path.parts)))
