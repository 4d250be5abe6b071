"""The commands of the chapter "How to use it" -> docs/pdf/walk/*.txt: what each prints, on drawn photographs of stones.

    python -m docs.pdf.walk FOLDER

FOLDER must be empty; it keeps data and results, from which docs.pdf.snapshots takes pictures of pages. About five
minutes on two cores.
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from inference.atomic_file import write_atomically
from pipeline.drawn.stones import NEW_CLASS, write_stones

ROOT = Path(__file__).parent.parent.parent
TARGET = Path(__file__).parent / "walk"
RUN = "runs/photos/stones"
PORT, START_SECONDS = 8173, 20
COMMANDS = {
    "audit": "python -m pipeline audit --images stones/raw --annotations stones/raw.json --out audit",
    "run": "python -m pipeline run photos --images stones/photos --annotations stones/boxes.json --epochs 12"
    " --set network.input_side=64",
    "control": f"python -m pipeline control {RUN} --no-training",
    "classify": "python -m inference model.tflite new/ --out results.json --preview look",
    "results": "cat results.json",
    "enroll": f"python -m inference enroll model.tflite --name {NEW_CLASS} --images {NEW_CLASS} --out more.tflite",
    "again": "python -m inference more.tflite new/ --format csv",
    "check": "python -m inference check more.tflite",
}
REQUEST = f"curl -s -F picture=@new/01_pyrite.png http://127.0.0.1:{PORT}/classify"
TIME_OF_RUN = re.compile(r"[0-9]{8}-[0-9]{6}-seed0")
PROGRESS = re.compile(
    r"^(?!epoch.*validation).*(, about .* left|loading TensorFlow.*|, [0-9]:[0-9]{2}|step .*)\n", re.MULTILINE
)
REMAINING = re.compile(r", about .* left$", re.MULTILINE)


def main(folder: Path) -> None:
    """Draw the data, run all commands, and write what they print."""
    write_stones(folder)
    for name, command in COMMANDS.items():
        _record(name, command, folder)
        if name == "run":
            _place_run(folder)
    service = [sys.executable, "-m", "inference", "serve", "more.tflite", "--port", str(PORT)]
    process = subprocess.Popen(service, cwd=folder, env=_environment(), stdout=subprocess.DEVNULL)
    try:
        time.sleep(START_SECONDS)
        _record("request", REQUEST, folder)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _place_run(folder: Path) -> None:
    """Give the run a name without a time, and copy its model."""
    made = next(path for path in (folder / RUN).parent.iterdir() if TIME_OF_RUN.fullmatch(path.name))
    made.rename(folder / RUN)
    (folder / "model.tflite").write_bytes((folder / RUN / "model.tflite").read_bytes())


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", "COLUMNS": "110"}


def _record(name: str, command: str, folder: Path) -> None:
    words = [sys.executable if word == "python" else word for word in command.split()]
    answer = subprocess.run(
        words, cwd=folder, env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    TARGET.mkdir(exist_ok=True)
    write_atomically(TARGET / f"{name}.txt", f"$ {command}\n{tidy(answer.stdout.decode(), folder)}")
    print(TARGET / f"{name}.txt", flush=True)


def tidy(text: str, folder: Path) -> str:
    """Return the text without progress, times in names and the folder's path."""
    kept = REMAINING.sub("", PROGRESS.sub("", text))
    return TIME_OF_RUN.sub("stones", kept).replace(f"{folder}/", "")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
