"""A video or a camera -> the regions that move, frame by frame with their times; `python -m inference --video`."""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

from ..batch.outputs import error_pieces, frame_pieces, jsonl_line
from ..batch.progress import BatchProgress
from ..batch.result_files import check_outputs, output_format, print_text, write_pieces
from ..errors import InputError
from ..load import load_model
from ..model.model import Answer, not_for_boxes
from ..options import make_parser
from ..pictures.limits import limits_of
from ..pictures.listing import printable
from .frames import DamagedVideoError, classify_video

_ANOMALIES = ("masks", "scores", "regions")
_BATCHES = ("resume", "workers", "engine", "max_megabytes", "time_limit")
_WITHOUT_EFFECT = ("images", "boxes", "preview", "show", *_ANOMALIES, *_BATCHES)


def classify_video_as(options: argparse.Namespace) -> int:
    """Classify what moves in a video as the options say; return the exit code.

    Raises:
        InputError: wrong usage, or the video can't be opened.
    """
    _check(options)
    model = load_model(options.model, options.threads, options.threshold, options.labels, options.scaling)
    if not model.takes_boxes:
        raise not_for_boxes(str(options.model))
    frames = classify_video(model, options.video, options.top, options.every, limits=limits_of(options))
    progress = BatchProgress(0, options.quiet)
    if options.out is None and output_format(options) == "jsonl":
        faults = _read_all(frames, lambda frame: print_text(jsonl_line(_key(options), frame)), options)
        count = "its"
    else:
        found: list[Answer] = []
        faults = _read_all(frames, found.append, options)
        count = str(len(found))
        _write(options, found)
    if options.errors is not None:
        write_pieces(options.errors, error_pieces((_key(options), fault) for fault in faults), "--errors")
    for fault in faults:
        progress.say(fault)
    where = "standard output" if options.out is None else options.out
    progress.say(f"classified what moved in {count} frames of {printable(options.video)}; results: {where}")
    return 1 if faults else 0


def _check(options: argparse.Namespace) -> None:
    """Refuse what has no effect on a video, and what could only fail after the work."""
    parser = make_parser()
    for name in _WITHOUT_EFFECT:
        if (given := getattr(options, name)) and given != parser.get_default(name):
            option = "IMAGES" if name == "images" else f"--{name.replace('_', '-')}"
            raise InputError(f"--video is classified alone, frame by frame. Leave {option} out, or run twice.")
    if isinstance(options.out, str) or options.format == "parquet":
        raise InputError("--video writes JSON, JSON Lines or CSV to this machine. Give a path to --out.")
    check_outputs(options)


def _key(options: argparse.Namespace) -> str:
    return f"camera {options.video}" if options.video.isdecimal() else printable(Path(options.video).name)


def _read_all(frames: Iterator[Answer], take: Callable[[Answer], None], options: argparse.Namespace) -> list[str]:
    """Hand over each frame as it comes; return the faults, after which what came before them is still written."""
    try:
        for frame in frames:
            take(frame)
    except DamagedVideoError as fault:
        return [str(fault)]
    except KeyboardInterrupt:
        return [f"{_key(options)}: was stopped before its end. What was found until then is written."]
    return []


def _write(options: argparse.Namespace, found: list[Answer]) -> None:
    pieces = frame_pieces(output_format(options), _key(options), found, options.top)
    if options.out is not None:
        write_pieces(options.out, pieces, "--out")
        return
    for piece in pieces:
        print_text(piece)
