"""A run's report.html -> docs/pdf/pictures/report_*.png: what a reader of the report sees, light, at twice the size.

    python -m docs.pdf.snapshots RUN

Takes a run on drawn pictures: a report shows pictures of the test, and those of others may not be given on.
"""

import io
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageChops

from benchmarks.browser import find_chromium
from docs.pdf.pictures import FOLDER
from inference.atomic_file import write_atomically
from inference.errors import InputError

HEIGHT = 4000  # of the page, in its own pixels
SCALE, COLOURS, EDGE = 1.6, 128, 24
# For each picture: what is hidden of the page, as CSS, and the page's width in its own pixels.
PARTS = {
    "report_head.png": ("nav, main > section:not(#comparison):not(#training) { display: none }", 1180),
    "report_mistakes.png": (
        "header, nav, main > :not(#mistakes), #mistakes > p, #mistakes > .scroll, .mistakes > li:nth-child(n + 3) "
        "{ display: none !important }",
        880,
    ),
}


def take_snapshots(report: Path) -> dict[str, bytes]:
    """Return PNG files by name.

    Raises:
        InputError: no Chromium is installed.
    """
    page = report.read_text(encoding="utf-8")
    return {
        name: _png(_trim(_photograph(f"{page}<style>{css}</style>", width))) for name, (css, width) in PARTS.items()
    }


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
    for name, content in take_snapshots(Path(sys.argv[1]) / "report.html").items():
        write_atomically(FOLDER / name, content)
        print(FOLDER / name)
