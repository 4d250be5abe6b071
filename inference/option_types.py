"""Words of a command line -> checked values, as argparse's `type` wants them; a wrong one names the rule."""

import argparse
import math
from collections.abc import Callable
from pathlib import Path

from .program import PROGRAM
from .version import VERSION


def new_parser(prog: str, description: str, epilog: str = "") -> argparse.ArgumentParser:
    """Return a parser that knows --version; description and epilog keep their line breaks.

    prog, epilog: may say `python -m inference`, which becomes `touchstone` where that is the program's name.
    """
    shape = argparse.RawDescriptionHelpFormatter
    prog, epilog = (text.replace("python -m inference", PROGRAM) for text in (prog, epilog))
    parser = argparse.ArgumentParser(prog, description=description, epilog=epilog, formatter_class=shape)
    parser.add_argument("--version", action="version", version=VERSION)
    return parser


def share(text: str) -> float:
    """Return a number in [0, 1]."""
    value = _number(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be a number between 0 and 1. Received: {text}")
    return value


_LARGEST_AMOUNT = 1e6  # of seconds, megapixels or megabytes: numbers beyond it are slips


def positive(text: str) -> int:
    """Return a whole number, 1 or more."""
    if not _is_whole(text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number, 1 or more. Received: {text}")
    return int(text)


def up_to(most: int) -> Callable[[str], int]:
    """Return the type of a whole number from 1 to most."""

    def bounded(text: str) -> int:
        if not _is_whole(text) or not 1 <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {most}. Received: {text}")
        return int(text)

    return bounded


def path(text: str) -> Path:
    """Return a path; an empty one, as of an unset variable of a script, would be the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("must be a path and is empty")
    return Path(text)


def path_or_uri(text: str) -> Path | str:
    """Return a path, or a URI as it is."""
    return text if "://" in text else path(text)


def amount(text: str) -> float:
    """Return a number above 0, at most a million."""
    value = _number(text)
    if not 0 < value <= _LARGEST_AMOUNT:
        raise argparse.ArgumentTypeError(f"must be a number above 0, at most {_LARGEST_AMOUNT:g}. Received: {text}")
    return value


def port(text: str) -> int:
    """Return the number of a TCP port; 0 stands for any free one."""
    if not _is_whole(text) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to 65535. Received: {text}")
    return int(text)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan  # compares as false with any bound


def _is_whole(text: str) -> bool:
    return text.isdecimal() and len(text) < 20  # Python refuses to read numbers of thousands of digits
