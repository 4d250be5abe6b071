"""The one place that imports OpenCV: only videos and cameras need it."""

import contextlib
import os
from collections.abc import Iterator
from types import ModuleType

from ..errors import InputError
from ..program import requirements


def load_opencv() -> ModuleType:
    """Return the module cv2, with FFmpeg's remarks on odd files turned off unless the environment asks for them.

    Raises:
        InputError: OpenCV is not installed or can't be loaded.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET; read when the first video is opened
    try:
        import cv2
    except ImportError as fault:
        remedy = f"python -m pip install {requirements('video')}"
        raise InputError(f"a video needs OpenCV: {remedy}. Received: {fault}.") from fault
    return cv2


@contextlib.contextmanager
def silent_opencv(cv2: ModuleType) -> Iterator[None]:
    """Keep OpenCV's warnings, one for each way to open a file that failed, off the user's terminal."""
    logging = cv2.utils.logging
    level = logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(level)
