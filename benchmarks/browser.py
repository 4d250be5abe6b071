"""Node.js and Chromium of this machine, for measurements and tests of the web page."""

import os
import shutil
from pathlib import Path

ROOT = Path(__file__).parent.parent


def find_node() -> str | None:
    """Return Node.js of this machine, or the one installed by `make web`, or None."""
    return shutil.which("node") or shutil.which("node", path=str(ROOT / ".venv" / "bin"))


def find_chromium() -> str | None:
    """Return Chromium, by the variable CHROMIUM or its usual names, or None."""
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    return next(filter(None, (shutil.which(name) for name in names if name)), None)
