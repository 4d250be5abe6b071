"""The command line of the runner: every option, its default and its help."""

import argparse
import os

from .option_types import amount, new_parser, path, path_or_uri, positive, share, up_to

MOST_LABELS = 100_000  # that are listed of a picture; the largest public classifiers have 22,000
MOST_WORKERS = max(64, 4 * (os.cpu_count() or 1))  # each holds the model and some 100 MB
EPILOG = """\
examples:
  python -m inference model.tflite patches/
  python -m inference model.tflite patches/ --out results.json --errors unread.csv
  python -m inference model.tflite night.zip "more/**/*.jpg" --out results.csv
  find photos -name "*.jpg" | python -m inference model.tflite - --format jsonl
  python -m inference model.tflite photos/ --out results.json --resume
  python -m inference model.tflite photos/ --boxes proposals.json --preview look/
  python -m inference model.tflite --video belt.mp4 --out belt.json
  python -m inference model.tflite a.jpg b.png --threshold 0 --top 3
  python -m inference other.tflite photos/ --labels labels.txt --scaling signed
  python -m inference wood.tflite boards/ --masks masks/ --scores scores/ --regions --preview look/
  python -m inference serve model.tflite
  python -m inference check model.tflite
  python -m inference enroll model.tflite --name azurite --images azurites/ --out new.tflite
  python -m inference classes new.tflite

The JSON is {"a/b.jpg": {"confidence": 0.93, "result": "pyrite"}}, keys relative to the given folder, archive or
pattern. "unknown" means none of the model's classes.
Exit: 0 done, 1 done but some or all pictures could not be read, 2 wrong usage.
"""


def make_parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    parser = new_parser(
        "python -m inference",
        "Classify pictures with a .tflite model; write {filename: {confidence, result}} as JSON.",
        EPILOG,
    )
    parser.add_argument("model", type=path, metavar="MODEL", help="the .tflite file")
    parser.add_argument(
        "images", nargs="*", metavar="IMAGES", help='files, folders (recursive), zip archives, "patterns", - for a list'
    )
    _add_inputs(parser.add_argument_group("what is classified"))
    _add_decision(parser.add_argument_group("how it is decided"))
    _add_outputs(parser.add_argument_group("where the results go"))
    _add_work(parser.add_argument_group("how the work is done"))
    return parser


def _add_inputs(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--boxes", type=path, metavar="FILE", help="classify these regions of the photographs (COCO JSON or CSV)"
    )
    group.add_argument(
        "--video", metavar="FILE|CAMERA", help="classify what moves in a video file or before camera 0, 1 ..."
    )
    group.add_argument("--every", type=positive, default=1, metavar="N", help="process each N-th frame of the video")
    add_limits(group)
    group.add_argument(
        "--time-limit", type=amount, default=30.0, metavar="SECONDS", help="give a picture up after (default 30)"
    )


def add_limits(group: argparse._ActionsContainer) -> None:
    """Add what one picture may cost in memory."""
    group.add_argument(
        "--max-megapixels", type=amount, default=120.0, metavar="N", help="refuse larger pictures (default 120)"
    )
    group.add_argument(
        "--max-megabytes", type=amount, default=512.0, metavar="N", help="refuse larger files (default 512)"
    )


def _add_decision(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--threshold", type=share, help="reject below this (default: the model's own; 0: never)")
    group.add_argument(
        "--top", type=up_to(MOST_LABELS), default=1, metavar="K", help="list the K best labels of each picture"
    )
    group.add_argument("--labels", type=path, metavar="FILE", help="labels of a model without, one a line")
    group.add_argument(
        "--scaling",
        choices=("raw", "unit", "signed"),
        help="what a float model without metadata expects: 0..255, 0..1 or -1..1",
    )


def _add_outputs(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--out", type=path_or_uri, metavar="FILE", help="write the results here instead of to standard output"
    )
    group.add_argument(
        "--format",
        choices=("json", "jsonl", "csv", "parquet"),
        help="default: by the suffix of --out, else json; parquet: with ray",
    )
    group.add_argument("--errors", type=path, metavar="FILE", help="write file and reason of what failed here, as CSV")
    group.add_argument(
        "--preview", type=path, metavar="DIR", help="draw the answers on the pictures, and contact sheets"
    )
    group.add_argument("--masks", type=path, metavar="DIR", help="anomalies: write each photograph's mask here, as PNG")
    group.add_argument("--scores", type=path, metavar="DIR", help="anomalies: write the raw scores here, as .npy")
    group.add_argument("--regions", action="store_true", help="anomalies: list box, area, contour and name of each")
    group.add_argument("--show", action="store_true", help="show the pictures with their answers in a window")
    group.add_argument("--overwrite", action="store_true", help="replace the files at --out and --errors")
    group.add_argument("--resume", action="store_true", help="go on with a killed run with the same --out")
    group.add_argument("--quiet", action="store_true", help="say nothing on standard error but wrong usage")


def _add_work(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--threads", type=positive, default=1, metavar="N", help="CPU threads a picture (default 1)")
    group.add_argument(
        "--workers", type=up_to(MOST_WORKERS), metavar="N", help="processes (default: one a core, fewer for few)"
    )
    group.add_argument(
        "--engine", choices=("local", "ray"), default="local", help="ray: many machines, and URIs (default local)"
    )
