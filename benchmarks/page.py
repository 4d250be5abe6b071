"""Measure the waiting times of the web page, compared with the runner on the same files.

    python -m benchmarks.page MODEL [MODEL ...] [--pictures 60] [--repetitions 3] [--out FILE]

The page runs in headless Chromium, with its network on one thread. Times start when pictures are chosen: until the
first answer is painted, for a photograph of a phone's size in a page just opened; then until the last of many is
answered, divided by their number, including table, thumbnails and bars. The runner decodes, resizes, computes and
decides on one thread of one process; its figure is also the mean. Measurements of page and runner are interleaved, so
that other load on the machine affects both. Needs `make web`.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.browser import ROOT, find_chromium, find_node
from benchmarks.service import running_service
from inference.atomic_file import write_atomically
from inference.load import load_model
from inference.model.answers import answer_picture
from inference.model.model import Model
from inference.pictures.listing import Picture
from pipeline.drawn.scenes.dataset import draw_scene
from pipeline.settings.run_folder import describe_machine

SCRIPT = Path(__file__).with_suffix(".mjs")
SEED = 5
PHONE = (4000, 3000)  # width, height: 12 megapixels
PHOTOGRAPH = (1024, 768)


def main(arguments: list[str]) -> int:
    """Measure and print; write JSON to --out. Return the exit code."""
    options = _make_parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        kinds = draw_pictures(Path(folder), options.pictures)
        report: dict[str, Any] = {
            model.stem: [measure(model, kinds) for _ in range(options.repetitions)] for model in options.models
        }
    report = {"models": report, "pictures": options.pictures, "machine": describe_machine()}
    print(table(report))
    if options.out:
        write_atomically(options.out, json.dumps(report, indent=1, sort_keys=True) + "\n")
    return 0


def draw_pictures(folder: Path, count: int) -> dict[str, list[Path]]:
    """Write drawn JPEGs: one of a phone's size, `count` photographs, and `count` patches cut from them."""
    kinds: dict[str, list[Path]] = {"phone": [], "photographs": [], "patches": []}
    for number in range(count):
        scene = draw_scene(SEED, number)
        picture = Image.fromarray(scene.pixels)
        box = scene.boxes[0]
        patch = picture.crop((box.x, box.y, box.x + box.width, box.y + box.height))
        kinds["patches"].append(_save(patch, folder / f"patch_{number:03}.jpg"))
        kinds["photographs"].append(_save(picture.resize(PHOTOGRAPH), folder / f"photograph_{number:03}.jpg"))
    kinds["phone"].append(_save(picture.resize(PHONE), folder / "phone.jpg"))
    return kinds


def _save(picture: Image.Image, path: Path) -> Path:
    picture.save(path, quality=92)
    return path


def measure(model: Path, kinds: dict[str, list[Path]]) -> dict[str, Any]:
    """Return milliseconds: of the page until it is ready and until the first answer, and per picture of each kind."""
    with running_service(model) as (_, address):
        files = {kind: [str(path) for path in paths] for kind, paths in kinds.items()}
        settings = {"address": f"{address}/", "chromium": find_chromium(), **files}
        command = [str(find_node()), str(SCRIPT)]
        text = json.dumps(settings)
        answer = subprocess.run(command, cwd=ROOT, input=text, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise RuntimeError(f"the page could not be measured: {answer.stderr}")
    page = json.loads(answer.stdout)
    loaded = load_model(model)
    runner = {kind: _ask_runner(loaded, kinds[kind]) for kind in ("patches", "photographs")}
    return {"page": page, "runner": runner}


def _ask_runner(model: Model, paths: list[Path]) -> float:
    """Return the mean milliseconds per picture."""
    answer_picture(model, Picture(paths[0].name, paths[0]))  # the first time takes longer
    start = time.perf_counter()
    for path in paths:
        answer_picture(model, Picture(path.name, path))
    return 1000 * (time.perf_counter() - start) / len(paths)


def table(report: dict[str, Any]) -> str:
    """Return the figures as the lines of a Markdown table; each is the minimum over the repetitions.

    Other load on the machine only adds to a time. For the first answer it is the median, since users wait for it under
    any load.
    """
    lines = [
        f"{report['machine']}; {report['pictures']} drawn pictures of each kind, in milliseconds: the minimum of",
        f"{max(map(len, report['models'].values()))} repetitions, for the first answer the median.",
        "",
        "| model | page ready | first answer | patch: page | runner | 1024 x 768: page | runner |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, rounds in report["models"].items():
        page = {key: min(one["page"][key] for one in rounds) for key in rounds[0]["page"]}
        page["first"] = statistics.median(one["page"]["first"] for one in rounds)
        runner = {key: min(one["runner"][key] for one in rounds) for key in rounds[0]["runner"]}
        lines.append(
            f"| {name} | {page['ready']:.0f} | {page['first']:.0f} | {page['patches']:.1f} | {runner['patches']:.1f} "
            f"| {page['photographs']:.1f} | {runner['photographs']:.1f} |"
        )
    return "\n".join(lines)


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description="Measure the phone's page.")
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL")
    parser.add_argument("--pictures", type=int, default=60)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
