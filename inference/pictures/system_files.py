"""Names of files and folders that are no pictures of the user's: what operating systems add, and what is hidden."""

_ADDED = (
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    ".ds_store",
    "__macosx",
    "$recycle.bin",
    "system volume information",
    "lost+found",
    "@eadir",  # Synology
    "#recycle",
)


def is_system_file(name: str) -> bool:
    """Tell whether a system or network disk has added a file or folder: Thumbs.db, desktop.ini, ._a.jpg, __MACOSX."""
    return name.startswith("._") or name.lower() in _ADDED


def is_passed_over(name: str) -> bool:
    """Tell whether a file or folder is left out where pictures are listed, without a word: hidden, or of the system."""
    return (name.startswith(".") and name not in (".", "..")) or is_system_file(name)
