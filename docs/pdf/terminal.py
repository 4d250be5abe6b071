"""A released file and a few drawn patches -> docs/pdf/terminal.txt: the runner's own words, as a user reads them.

    python -m docs.pdf.terminal MODEL.tflite

The pictures: patches of drawn scenes, drawn outliers, and a picture that was cut off in the middle.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from docs.pdf.pictures import FOLDER as PICTURES
from docs.pdf.pictures import SEED
from inference.atomic_file import write_atomically
from pipeline.drawn.outliers import draw_outlier
from pipeline.drawn.scenes.dataset import draw_scene

ROOT = Path(__file__).parent.parent.parent
TARGET = Path(__file__).parent / "terminal.txt"
SCENES = (93, 105)
COMMANDS = (
    "python -m inference model.tflite patches/ --out results.json",
    "cat results.json",
    "python -m inference model.tflite patches/ --format csv --top 2 --threshold 0",
)


def record(model: Path) -> str:
    """Return the commands with what they print, in the order in which a terminal shows it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copyfile(model, folder / "model.tflite")
        _write_patches(folder / "patches")
        return "".join(f"$ {command}\n{_answer(command, folder)}" for command in COMMANDS)


def _write_patches(folder: Path) -> None:
    folder.mkdir()
    for number in SCENES:
        scene = draw_scene(SEED, number)
        for box in scene.boxes:
            pixels = scene.pixels[box.y : box.y + box.height, box.x : box.x + box.width]
            Image.fromarray(pixels.copy()).save(folder / f"{box.label}_{number}.png")
    Image.fromarray(draw_scene(SEED, SCENES[0]).pixels[165:235, 10:80]).save(folder / "table.png")
    Image.fromarray(draw_outlier(SEED, 1)).save(folder / "nothing.png")
    (folder / "cut_off.jpg").write_bytes((PICTURES / "scene.jpg").read_bytes()[:3000])


def _answer(command: str, folder: Path) -> str:
    words = [sys.executable if word == "python" else word for word in command.split()]
    answer = subprocess.run(
        words, cwd=folder, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}, capture_output=True, check=False
    )
    return (answer.stdout + answer.stderr).decode()


if __name__ == "__main__":
    write_atomically(TARGET, record(Path(sys.argv[1])))
    print(TARGET)
