"""Compare trunks and methods for anomalies on photographs, each in a complete run.

    python -m benchmarks.wood PHOTOS [--masks DIR] [--test DIR] [--groups FILE] [--clean] [--weights DIR] [--json OUT]

PHOTOS: photographs; masks are in a folder "masks" next to it, or in --masks. --weights: a folder of Keras weight files
named after their trunks, such as mobilenet_v2_1.0_224_no_top.weights.h5; trunks without a file are left out, so nothing
is downloaded. Every photograph of the fit is scored by a memory bank without it and its group. The threshold is the
run's; "best F1" is at the threshold that the masks would choose.

Differences to PatchCore of the paper (arXiv:2106.08265): a photograph's score is not reweighted by the density of the
memory bank around its nearest vector; the memory bank is trimmed first; features are projected by principal components
instead of randomly; scores may be divided by the photograph's median. To PaDiM (arXiv:2011.08785): one Gaussian for all
positions.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.folds import show
from export.detector import convert_trunk
from export.export_run import export_run
from pipeline.anomaly.stages import CALIBRATE_BANK, EVALUATE_BANK, FIT_BANK, NAME_REGIONS, PHOTOS
from pipeline.data.sources import DataPlace
from pipeline.quiet import load_tensorflow
from pipeline.recipes.wood import RECIPE
from pipeline.settings.recipe import override_all
from pipeline.settings.run_folder import RunFolder, describe_machine, read_json
from pipeline.stages import start_run

FIGURES = ("aupro", "best_f1", "f1", "pixel_auroc")
_RELEASED = Path(__file__).parent.parent / "models" / "released"
_FILES = {
    "mobilenet_v1": "mobilenet_v1_1.0_224_no_top.weights.h5",
    "mobilenet_v2": "mobilenet_v2_1.0_224_no_top.weights.h5",
    "mobilenet_v3_large_minimalistic": "mobilenet_v3_large_minimalistic_1.0_224_no_top.weights.h5",
    "mobilenet_v3_small": "mobilenet_v3_small_1.0_224_no_top.weights.h5",
}


@dataclass(frozen=True)
class Variant:
    """One line of the table: its name and the settings that differ from the recipe's."""

    name: str
    settings: tuple[tuple[str, str], ...]


def main(arguments: list[str]) -> int:
    """Print one line per variant; return the exit code."""
    options = _make_parser().parse_args(arguments)
    return show(lambda: compare(options), table, options.json)


def compare(options: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of every variant."""
    load_tensorflow()
    chosen = [one for one in variants(options.weights) if not options.only or any(w in one.name for w in options.only)]
    rows = []
    for variant in chosen:
        began = time.monotonic()
        rows.append({"name": variant.name, **measure_variant(variant, options), "seconds": time.monotonic() - began})
        print(table({"rows": rows[-1:]})[1], file=sys.stderr, flush=True)
    return {"machine": describe_machine(), "photographs": str(options.photographs.name), "rows": rows}


def variants(weights: Path | None) -> Iterator[Variant]:
    """Yield the variants: trunks with PatchCore, with PaDiM, and with the Gaussian for common anomalies."""
    ours = {
        "patch_net, drawn scenes": (("network.trunk", "patch_net"), ("network.weights", "drawn")),
        "patch_net, minerals": (
            ("network.trunk", "patch_net"),
            ("network.weights", str(_RELEASED / "minerals" / "best.weights.h5")),
        ),
        "patch_net_32, CIFAR-10": (
            ("network.trunk", "patch_net_32"),
            ("network.weights", str(_RELEASED / "cifar10" / "best.weights.h5")),
        ),
    }
    known = {
        f"{trunk}, ImageNet": (("network.trunk", trunk), ("network.weights", str(weights / file)))
        for trunk, file in _FILES.items()
        if weights is not None and (weights / file).is_file()
    }
    trunks = ours | known
    for name, settings in trunks.items():
        yield Variant(f"{name}: PatchCore", (*settings, ("anomaly.prevalence", "rare")))
    for name, settings in trunks.items():
        yield Variant(f"{name}: PaDiM", (*settings, ("anomaly.prevalence", "rare"), ("anomaly.method", "padim")))
    for name, settings in trunks.items():
        yield Variant(f"{name}: Gaussian", (*settings, ("anomaly.prevalence", "common")))


def measure_variant(variant: Variant, options: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of a run in a separate folder."""
    asked = tuple(tuple(text.split("=", 1)) for text in options.set)
    clean = (("anomaly.clean", "true"),) if options.clean else ()
    asked_recipe = override_all(RECIPE, (*clean, *asked))
    recipe = override_all(asked_recipe, variant.settings)  # a variant may replace what is asked
    with tempfile.TemporaryDirectory() as folder:
        place = DataPlace(
            options.photographs, None, Path(folder), options.groups, masks=options.masks, test=options.test
        )
        run = start_run(recipe, place)
        report = _complete(run)
    metrics = report["metrics"]
    return {
        **{figure: metrics[figure] for figure in FIGURES},
        "image_auroc": metrics["image_auroc"],
        "flagged_clean": metrics["flagged_clean"],
        "found_anomalous": metrics["found_anomalous"],
        "bytes": report["cost"]["bytes"],
        "photo_seconds": report["cost"]["seconds"],
    }


def table(report: dict[str, Any]) -> list[str]:
    """Return the figures as lines of text."""
    lines = [f"{'':<52}AUPRO  best F1     F1  AUROC of photographs  clean flagged  found"]
    for row in report["rows"]:
        cells = [f"{row[name]:.3f}" if row[name] is not None else "-" for name in ("aupro", "best_f1", "f1")]
        auroc = row["image_auroc"]["value"]
        shares = [_count(row[name]) for name in ("flagged_clean", "found_anomalous")]
        image = "-" if auroc is None else f"{auroc:.3f}"
        lines.append(
            f"{row['name']:<52}{cells[0]:>5}{cells[1]:>9}{cells[2]:>7}{image:>22}{shares[0]:>15}{shares[1]:>7}"
        )
    return lines


def _complete(run: RunFolder) -> dict[str, Any]:
    PHOTOS.do(run)
    FIT_BANK.do(run)
    convert_trunk(run)
    CALIBRATE_BANK.do(run)
    export_run(run, run.read_recipe().export.mode, run.model)
    NAME_REGIONS.do(run)
    EVALUATE_BANK.do(run)
    report: dict[str, Any] = read_json(run.report, "")
    return report


def _count(estimate: dict[str, Any]) -> str:
    return f"{round((estimate['value'] or 0) * estimate['n'])}/{estimate['n']}"


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wood", description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("photographs", type=Path, metavar="PHOTOS", help="folder of photographs")
    for name in ("masks", "test", "weights"):
        add(f"--{name}", type=Path, metavar="DIR", help="see the module's text")
    add("--groups", type=Path, metavar="FILE", help="JSON list of lists of photographs that are held out together")
    add("--clean", action="store_true", help="the photographs contain no anomalies")
    add(
        "--only",
        action="append",
        default=[],
        metavar="WORD",
        help="variants with this word in their name; may be repeated",
    )
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="change a setting of all variants")
    add("--json", type=Path, metavar="FILE", help="write the figures here")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
