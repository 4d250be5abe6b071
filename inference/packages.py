"""Packages that a program needs and this Python lacks -> one line with the remedy, before any work."""

import sys
from collections.abc import Mapping
from importlib.util import find_spec

from .errors import InputError

_OWN = ("export", "inference", "models", "pipeline")
RUNNER = {"numpy": "numpy", "PIL": "pillow", "ai_edge_litert": "ai-edge-litert"}  # module -> its distribution
TRAINING = {
    **RUNNER,
    "tensorflow": "tensorflow",
    "keras": "keras",
    "sklearn": "scikit-learn",
    "cv2": "opencv-python",
    "scipy": "scipy",
    "flatbuffers": "flatbuffers",
    "imagehash": "ImageHash",
    "jinja2": "Jinja2",
    "matplotlib": "matplotlib",
    "cleanlab": "cleanlab",
}
ONNX = {"tf2onnx": "tf2onnx", "onnx": "onnx"}


def check_packages(needed: Mapping[str, str], requirements: str) -> None:
    """Refuse to go on without a package; nothing is imported.

    Args:
        needed: distribution by module.
        requirements: what pip is to install, such as `-r requirements.txt`.

    Raises:
        InputError: names the missing ones and the command that installs them.
    """
    missing = [name for module, name in needed.items() if find_spec(module) is None]
    if missing:
        raise InputError(
            f"Python packages are missing: {', '.join(missing)}. Install them: python -m pip install {requirements}"
        )


def explain_import(fault: ImportError, requirements: str) -> int:
    """Print one line about a package that can't be imported, with the remedy; return the exit code.

    Raises:
        ImportError: the program's own fault: it names a module of its own.
    """
    if (fault.name or "").partition(".")[0] in _OWN:
        raise fault
    remedy = f"Install what is needed: python -m pip install {requirements}"
    if "libGL" in str(fault) or "libgthread" in str(fault):
        remedy = "On Debian and Ubuntu: apt-get install libgl1 libglib2.0-0"
    print(f"Error: {fault}. {remedy}", file=sys.stderr)
    return 2
