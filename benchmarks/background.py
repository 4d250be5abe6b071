"""Compare the two ways to treat background: a learned output of its own, or low confidence alone.

    python -m benchmarks.background minerals [options of `python -m pipeline fit`]

Trains both with the same patches and seed and prints what calibration finds on validation patches: at the
threshold that accepts the stated share of the classes, the share of background that is rejected. Test patches
take no part.
"""

import json
import sys
import tempfile
from pathlib import Path

from pipeline.__main__ import main as main_of_pipeline
from pipeline.classification.stages import CALIBRATE
from pipeline.settings.run_folder import RunFolder
from pipeline.stages import complete

KINDS = ("output", "confidence")


def main(arguments: list[str]) -> int:
    """Print one line a kind; return the exit code."""
    with tempfile.TemporaryDirectory() as runs:
        for kind in KINDS:
            fit = ["fit", *arguments, "--runs", f"{runs}/{kind}", "--set", f"network.background={kind}"]
            if main_of_pipeline(fit) == 2:
                return 2
            run = RunFolder(next(Path(runs, kind).glob("*/*-seed*")))
            complete(run, [CALIBRATE])
            calibration = json.loads(run.calibration.read_text())
            print(f"{kind:10} accepted {_text(calibration['accepted'])}, background rejected ", end="")
            print(_text(calibration["rejected_background"]), end=", ")
            print(f"AUROC {calibration['auroc_background']:.3f}, accuracy {_text(calibration['accuracy'])}", flush=True)
    return 0


def _text(estimate: dict) -> str:
    return f"{estimate['value']:.3f} [{estimate['low']:.3f}, {estimate['high']:.3f}] n={estimate['n']}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
