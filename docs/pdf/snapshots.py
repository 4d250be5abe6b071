"""Pages of the walk -> docs/pdf/pictures: what a reader of them sees, light, at 1.6 times the size.

    python -m docs.pdf.snapshots FOLDER

FOLDER is that of docs.pdf.walk: its pictures are drawn, and may be published.
"""

import io
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageChops

from benchmarks.browser import find_chromium
from docs.pdf.pictures import FOLDER
from docs.pdf.walk import RUN
from inference.atomic_file import write_atomically
from inference.errors import InputError

HEIGHT = 4000  # of the page, in its own pixels
SCALE, COLOURS, EDGE = 1.6, 256, 24
CONTACT_SHEET = "look/sheet-001.jpg"


@dataclass(frozen=True)
class Part:
    """A part of a page: the page, CSS that hides the rest, and the page's width in its own pixels."""

    page: str
    css: str
    width: int


PARTS = {
    "audit.png": Part(
        "audit/audit.html",
        "nav, main > section:not(#copies):not(#labels), .cards, .facts, #labels li:nth-child(n + 6) { display: none }",
        900,
    ),
    "report_head.png": Part(
        f"{RUN}/report.html", "nav, main > :not(.pair), #training, .facts { display: none !important }", 1000
    ),
    "report_mistakes.png": Part(
        f"{RUN}/report.html",
        "header, nav, main > :not(#mistakes), #mistakes > p, #mistakes > .scroll, .mistakes > li:nth-child(n + 3) "
        "{ display: none !important }",
        880,
    ),
    "control.png": Part(
        f"{RUN}/control.html",
        "nav, main > section:not(#look), #look > p, #look > .pair, .looks > li:nth-child(n + 4) { display: none }",
        1000,
    ),
}


def take_snapshots(folder: Path) -> dict[str, bytes]:
    """Return pictures by name.

    Raises:
        InputError: no Chromium is installed.
    """
    pages = {part.page: (folder / part.page).read_text(encoding="utf-8") for part in PARTS.values()}
    return {
        name: _png(_trim(_photograph(f"{pages[part.page]}<style>{part.css}</style>", part.width)))
        for name, part in PARTS.items()
    } | {"preview.jpg": (folder / CONTACT_SHEET).read_bytes()}


def _photograph(page: str, width: int) -> Image.Image:
    browser = find_chromium()
    if browser is None:
        raise InputError("Chromium is needed. Install it: apt-get install chromium.")
    with tempfile.TemporaryDirectory() as folder:
        source, file = Path(folder) / "page.html", Path(folder) / "page.png"
        source.write_text(page, encoding="utf-8")
        options = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
        size = (f"--window-size={width},{HEIGHT}", f"--force-device-scale-factor={SCALE}")
        command = [browser, *options, *size, f"--screenshot={file}", source.as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        return Image.open(file).convert("RGB")


def _trim(picture: Image.Image) -> Image.Image:
    """Cut off the empty edges but for a narrow one."""
    empty = Image.new("RGB", picture.size, picture.getpixel((0, 0)))
    left, top, right, bottom = ImageChops.difference(picture, empty).getbbox() or (0, 0, *picture.size)
    right, bottom = min(right + EDGE, picture.width), min(bottom + EDGE, picture.height)
    return picture.crop((max(left - EDGE, 0), max(top - EDGE, 0), right, bottom))


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return file.getvalue()


if __name__ == "__main__":
    for name, content in take_snapshots(Path(sys.argv[1])).items():
        write_atomically(FOLDER / name, content)
        print(FOLDER / name)
