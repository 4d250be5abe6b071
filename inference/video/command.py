"""A video or a camera -> the regions that move, frame by frame with their times; `python -m inference --video`."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..batch.batch import limits_of
from ..batch.outputs import error_pieces, frame_pieces, jsonl_line
from ..batch.progress import BatchProgress
from ..batch.result_files import check_outputs, output_format, print_text, write_pieces
from ..errors import InputError
from ..load import load_model
from ..model.model import not_for_boxes
from ..pictures.listing import printable
from .frames import DamagedVideoError, classify_video

_FOR_PICTURES = ("images", "boxes", "preview", "show", "resume")


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
        faults = _stream(frames, _key(options))
        count = "its"
    else:
        found, faults = _collect(frames)
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
    for name in _FOR_PICTURES:
        if getattr(options, name):
            option = "IMAGES" if name == "images" else f"--{name}"
            raise InputError(f"--video is classified alone. Leave {option} out, or run twice.")
    check_outputs(options)


def _key(options: argparse.Namespace) -> str:
    return f"camera {options.video}" if options.video.isdecimal() else printable(Path(options.video).name)


def _stream(frames: Iterator[dict[str, Any]], key: str) -> list[str]:
    """Print each frame as it comes; return the faults."""
    try:
        for frame in frames:
            print_text(jsonl_line(key, frame))
    except DamagedVideoError as fault:
        return [str(fault)]
    return []


def _collect(frames: Iterator[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the frames and the faults; what a damaged video still gave is kept."""
    found: list[dict[str, Any]] = []
    try:
        for frame in frames:
            found.append(frame)  # noqa: PERF402 - one by one, so that a fault keeps what came before it
    except DamagedVideoError as fault:
        return found, [str(fault)]
    return found, []


def _write(options: argparse.Namespace, found: list[dict[str, Any]]) -> None:
    pieces = frame_pieces(output_format(options), _key(options), found)
    if options.out is not None:
        write_pieces(options.out, pieces, "--out")
        return
    for piece in pieces:
        print_text(piece)
