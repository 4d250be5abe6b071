"""python -m inference check MODEL: does a model give the answers here that it gave when it was exported?"""

from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError, explain, printable
from ..option_types import new_parser, path
from ..packages import RUNNER, check_packages
from ..program import requirements
from ..streams import say

EPILOG = """\
The file carries small test pictures (drawn ones and noise) and the scores that they had when it was exported. Each
runs ten times here, with one thread and with several; encoded files test EXIF rotation, transparency and the resize.
Service, batches and Ray workers make a short form of this check at their start.

Exit: 0 pass, 1 other answers, 2 wrong usage or not verifiable (a file without test vectors).
"""


def main(arguments: Sequence[str]) -> int:
    """Run the command line; return the exit code."""
    parser = new_parser(
        "python -m inference check", "Compare a model's answers on this machine with those of its export.", EPILOG
    )
    parser.add_argument("model", type=path, metavar="MODEL", help="the .tflite file")
    model = parser.parse_args(arguments).model
    try:
        check_packages(RUNNER, requirements())
        return _check(model)
    except (InputError, OSError) as fault:
        say(f"Error: {explain(fault)}")
        return 2


def _check(model: Path) -> int:
    from ..model.artefact import read_artefact  # here, so that --help needs no LiteRT
    from .compare import REMEDY, check_file

    faults = check_file(read_artefact(model))
    if faults is None:
        raise InputError(
            f"{model}: not verifiable: it carries no test vectors. Write them on the machine that exported it, "
            "whose answers are trusted: python -m export.describe MODEL."
        )
    name = printable(str(model))
    for fault in faults:
        print(f"{name}: differs: {fault}")
    print(f"{name}: {f'{len(faults)} faults. {REMEDY}.' if faults else 'pass: the same answers as at its export'}")
    return 1 if faults else 0
