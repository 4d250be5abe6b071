"""Compare the two ways to treat background: an output of the network, or low confidence only.

    python -m benchmarks.background minerals [options of `python -m pipeline fit`]

Trains both with the same patches and seed and prints figures of calibration on validation patches: the share of
background that is rejected at the threshold that accepts the required share of the classes. Test patches are not used.
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
    """Print one line per kind; return the exit code."""
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
