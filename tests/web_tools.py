"""Node.js and Chromium for the tests of the page, where they are installed."""

import json
import subprocess
from typing import Any

import pytest

from benchmarks.browser import ROOT, find_chromium, find_node

SCRIPTS = ROOT / "tests" / "web"
PAGE = ROOT / "inference" / "web"
REMEDY = "Install and run: make test-web (Chromium: apt-get install chromium)"


needs_node = pytest.mark.skipif(find_node() is None, reason=f"Node.js is missing. {REMEDY}")
needs_browser = pytest.mark.skipif(
    find_node() is None or find_chromium() is None or not (PAGE / "dist").is_dir(),
    reason=f"Node.js, Chromium or the built page is missing. {REMEDY}",
)


def run_node(script: str, *arguments: str, text: str = "") -> Any:
    """Return what a script of tests/web gives as JSON."""
    command = [str(find_node()), str(SCRIPTS / script), *arguments]
    answer = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=180)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)
