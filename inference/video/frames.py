"""Video or camera -> moving regions, classified, each frame with its time; motion.py does the search."""

import contextlib
import math
import signal
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError
from ..model.answers import answer_pixels
from ..model.model import Answer, AnswerOptions, Model
from ..pictures.limits import DEFAULT_LIMITS, Limits
from ..pictures.listing import printable
from .motion import DEFAULT_SETTINGS, MotionFinder, VideoSettings
from .opencv import load_opencv, silent_opencv

TIME_DIGITS = 3  # of seconds
_FALLBACK_RATE = 25.0  # frames a second, where the file states no sensible rate
_HIGHEST_RATE = 1000.0
_MISSING_SECONDS = 0.5  # how much a sound file may be shorter than it states: its sound may be longer than its picture
_MISSING_SHARE = 0.1


class VideoFrame(NamedTuple):
    """One frame: its number in the video from 0, its time from the start, uint8 [height, width, 3], RGB, upright."""

    number: int
    seconds: float
    pixels: np.ndarray


class DamagedVideoError(InputError):
    """Report, after the last frame that could be read, that a video or a camera ended before its end."""


def classify_video(
    model: Model,
    source: str,
    top: int = 1,
    every: int = 1,
    settings: VideoSettings = DEFAULT_SETTINGS,
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[Answer]:
    """Yield {"time": 1.48, "frame": 37, "regions": [{"box", "confidence", "result"}]} for frames with moving regions.

    source: a file, or the number of a camera; see read_frames.
    top: how many labels of a region to list; see AnswerOptions.
    every: process each n-th frame only; "frame" counts all, from 0. "time" is in seconds from the video's start.

    Raises:
        InputError: as read_frames. DamagedVideoError comes after all answers.
    """
    finder = MotionFinder(settings)
    with contextlib.closing(read_frames(source, every, limits)) as frames:
        for frame in frames:
            boxes = finder.find(frame.pixels)
            if boxes:
                found = answer_pixels(model, frame.pixels, AnswerOptions(top), boxes)
                yield {"time": round(frame.seconds, TIME_DIGITS), "frame": frame.number, **found}


def read_frames(
    source: str, every: int = 1, limits: Limits = DEFAULT_LIMITS
) -> Generator[VideoFrame, None, None]:  # close it to let go of a camera early
    """Yield each n-th frame of a video file or, where source is a number, of a camera.

    The time is the container's, so it is right for phones' changing frame rates; where it is missing or does not
    grow, frames follow each other at the stated rate. Of a camera it is the time since its first frame. A camera
    ends with Ctrl-C, which is no fault: what has been found is kept; a second Ctrl-C stops the program as usual.

    Raises:
        InputError: no such file or camera, it can't be read, its frames are too large, or OpenCV is missing.
        DamagedVideoError: after the last frame, if the file holds less than it states or the camera gave up.
    """
    cv2: Any = load_opencv()
    is_file = Path(source).is_file()
    capture = _open(cv2, source, is_file)
    try:
        _check_size(cv2, capture, source, limits)
        frames = _read_file(cv2, capture, source, every) if is_file else _read_camera(cv2, capture, source, every)
        yield from frames
    finally:
        capture.release()


def _open(cv2: Any, source: str, is_file: bool) -> Any:
    name = printable(source)
    if not is_file and not (source.isdecimal() and source.isascii() and len(source) < 4):
        raise InputError(f"{name}: does not exist. Give a video file or the number of a camera, 0 for the first.")
    with silent_opencv(cv2):
        capture = _open_file(cv2, source) if is_file else cv2.VideoCapture(int(source))
    if not capture.isOpened():
        capture.release()
        rule = "is no video that OpenCV can read. Convert it to MP4 or copy it again from its source"
        raise InputError(
            f"{name}: {rule if is_file else 'there is no such camera. Connect it or give another number'}."
        )
    return capture


def _open_file(cv2: Any, source: str) -> Any:
    """Open by FFmpeg where it is there: other readers take a.01.jpg for the first of a numbered series."""
    has_ffmpeg = cv2.CAP_FFMPEG in cv2.videoio_registry.getStreamBackends()
    return cv2.VideoCapture(str(Path(source).resolve()), cv2.CAP_FFMPEG if has_ffmpeg else cv2.CAP_ANY)


def _check_size(cv2: Any, capture: Any, source: str, limits: Limits) -> None:
    width, height = capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT)
    if width * height > limits.pixels:
        raise InputError(
            f"{printable(source)}: is too large: {width:.0f} x {height:.0f} pixels. "
            f"At most {limits.pixels:,} pixels are read; reduce it."
        )


def _read_file(cv2: Any, capture: Any, source: str, every: int) -> Iterator[VideoFrame]:
    rate = capture.get(cv2.CAP_PROP_FPS)
    rate = rate if math.isfinite(rate) and 0 < rate <= _HIGHEST_RATE else _FALLBACK_RATE
    stated = capture.get(cv2.CAP_PROP_FRAME_COUNT) / rate  # seconds; negative where unknown
    number, seconds = 0, -1 / rate
    while capture.grab():
        stamp = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        first = number == 0 and stamp >= 0
        seconds = stamp if math.isfinite(stamp) and (first or stamp > max(seconds, 0)) else seconds + 1 / rate
        if number % every == 0:
            yield from _retrieve(cv2, capture, number, seconds)
        number += 1
    if not number:
        raise InputError(f"{printable(source)}: holds no frame that can be read. Copy it again from its source.")
    end = seconds + 1 / rate
    if stated - end > max(min(_MISSING_SECONDS, _MISSING_SHARE * stated), 2 / rate):
        raise DamagedVideoError(
            f"{printable(source)}: ends after {end:.1f} of {stated:.1f} seconds. What is there was read; "
            "copy it again from its source."
        )


def _read_camera(cv2: Any, capture: Any, source: str, every: int) -> Iterator[VideoFrame]:
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # a frame that waited while the last one was classified is old
    number, start = 0, 0.0
    with _stop_on_interrupt() as stopped:
        while not stopped.is_set():
            if not capture.grab():
                raise DamagedVideoError(f"camera {source}: gives no more pictures. Connect it again.")
            now = time.monotonic()
            start = now if number == 0 else start
            if number % every == 0:
                yield from _retrieve(cv2, capture, number, now - start)
            number += 1


def _retrieve(cv2: Any, capture: Any, number: int, seconds: float) -> Iterator[VideoFrame]:
    """Yield the frame that was grabbed, or nothing where it can't be decoded."""
    sound, frame = capture.retrieve()
    if sound:
        yield VideoFrame(number, seconds, cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))


@contextlib.contextmanager
def _stop_on_interrupt() -> Iterator[threading.Event]:
    """Let the first Ctrl-C set an event instead of cutting the work off; only the main thread receives signals."""
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    previous = signal.getsignal(signal.SIGINT)

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()
        signal.signal(signal.SIGINT, previous)

    signal.signal(signal.SIGINT, stop)
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGINT, previous)
