"""Compare networks that are trained from scratch for the same processor time, on the same patches.

    python -m benchmarks.equal_time RUN --work DIR [--minutes 8] [--yolo PYTHON] [--json OUT]

RUN is a run of a classifier, begun (python -m pipeline begin) or finished; its patches are used. Every network starts
from random weights and trains for the number of epochs that fits in the minutes, found by two short trials; its
learning rate falls to 0 at their end. patch_net is also trained with settings for short trainings. --yolo: a Python in
which ultralytics is installed; its smallest classifier is trained with its own settings and augmentation, on the same
patches at the same side. Minutes are those of the processor, in one thread, with augmentation and validation, without
the import of libraries. Accuracy is that of the test patches with nothing rejected: of patch_net's int8 file and
MobileNetV3-Small's float file through the runner's code, of ultralytics' network in float by itself.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.folds import percent_text, show
from inference.errors import InputError
from inference.model.classifier import Classifier
from inference.pictures.image_io import read_image
from pipeline.classification.stages import CALIBRATE, FIT, PATCHES, run_index
from pipeline.data.index import PatchIndex, write_index
from pipeline.kinds import EXPORT
from pipeline.metrics.intervals import Estimate, proportion
from pipeline.settings.recipe import override_all
from pipeline.settings.run_folder import RunFolder, describe_machine, fill_run, read_json, relative_path, write_json
from pipeline.stages import complete

_ONE_THREAD = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), "1")
_TRIALS = (1, 3)  # epochs
_SCRATCH = {
    "network.weights": "none",
    "fit.patience": "100000",
    "export.max_unknown_change": "1",
    "export.max_accuracy_loss": "1",
}
_FIT_SCRIPT = "import sys; from benchmarks.equal_time import fit; fit(sys.argv[1])"  # a process of its own, to be timed
YOLO = "yolo26n-cls"
_YOLO_SCRIPT = """
import json, sys, time
import torch
from ultralytics import YOLO
torch.set_num_threads(1)
folder, side, epochs, out = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
begun = time.process_time()
network = YOLO("yolo26n-cls.yaml")
network.train(data=folder, epochs=epochs, imgsz=side, device="cpu", workers=0, pretrained=False, amp=False, plots=False,
              patience=0, seed=0, project=out, name="training", exist_ok=True, verbose=False)
seconds = time.process_time() - begun
answers = []
for line in open(sys.argv[5]):
    probabilities = network.predict(line.strip(), imgsz=side, verbose=False)[0].probs.data.tolist()
    answers.append(dict(zip(network.names.values(), probabilities)))
json.dump({"seconds": seconds, "answers": answers}, open(out + "/result.json", "w"))
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    options = _make_parser().parse_args(arguments)
    return show(lambda: measure(options), table, options.json)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of each network; a training that is done is not repeated."""
    run, work = RunFolder(options.run), options.work
    complete(run, [PATCHES])
    index, side = run_index(run), run.read_recipe().network.input_side
    test = index.select("test", run.read_recipe().labels)
    networks: dict[str, tuple[Callable[[int, Path], float], Callable[[Path, PatchIndex], list[str]]]] = {
        name: (partial(_train, run, settings), _answers) for name, settings in settings_at(side).items()
    }
    if options.yolo:
        networks[YOLO] = (partial(_train_yolo, options.yolo, index, side), _yolo_answers)
    report: dict[str, Any] = {"machine": describe_machine(), "minutes": options.minutes, "networks": {}}
    for name, (train, answer) in networks.items():
        folder = work / name.replace(",", "").replace(" ", "_")
        epochs = epochs_in(60 * options.minutes, [train(epochs, folder / str(epochs)) for epochs in _TRIALS])
        minutes = train(epochs, folder / str(epochs)) / 60
        accuracy = _accuracy(answer(folder / str(epochs), test), test)
        report["networks"][name] = {"epochs": epochs, "minutes": minutes, "accuracy": accuracy}
        print(f"{name}: done", file=sys.stderr)
    return report


def settings_at(side: int) -> dict[str, dict[str, str]]:
    """Return the settings of each of our trainings for an input side."""
    return {
        "patch_net": _SCRATCH,
        "patch_net, short training": _SCRATCH | {"fit.early_side": str(side * 3 // 4), "fit.learning_rate": "3e-3"},
        "MobileNetV3-Small": _SCRATCH | {"network.trunk": "mobilenet_v3_small", "export.mode": "float32"},
    }


def epochs_in(seconds: float, trials: Sequence[float]) -> int:
    """Return how many epochs fit in some seconds; trials: the seconds that _TRIALS took. At least the larger trial.

    Raises:
        InputError: the longer trial took no longer, so that an epoch has no length.
    """
    each = (trials[1] - trials[0]) / (_TRIALS[1] - _TRIALS[0])
    if each <= 0:
        raise InputError(f"{_TRIALS[1]} epochs took no longer than {_TRIALS[0]}. Give a run with more patches.")
    return max(_TRIALS[1], _TRIALS[0] + int((seconds - trials[0]) / each))


def _train(source: RunFolder, settings: dict[str, str], epochs: int, folder: Path) -> float:
    """Train on another run's patches with other settings; return the seconds of processor time."""
    run, took = RunFolder(folder), folder / "seconds.json"
    if not took.is_file():
        shutil.rmtree(folder, ignore_errors=True)  # of a training that was killed: its time would be of the rest alone
        folder.mkdir(parents=True)
        index = run_index(source)
        fill_run(folder, override_all(source.read_recipe(), (*settings.items(), ("fit.epochs", str(epochs)))))
        patches = relative_path(index.root.resolve(), folder.resolve())
        write_json(run.data, read_json(source.data, "") | {"patches": patches})
        write_index(index, run.index)
        command = [sys.executable, "-c", _FIT_SCRIPT, str(folder)]
        subprocess.run(command, env=os.environ | _ONE_THREAD, check=True, stdout=subprocess.DEVNULL)
    return float(read_json(took, "")["seconds"])


def fit(folder: str) -> None:
    """Train a run, and write the seconds of processor time into its folder."""
    run, begun = RunFolder(Path(folder)), time.process_time()
    complete(run, [FIT])
    write_json(run.path / "seconds.json", {"seconds": time.process_time() - begun})


def _answers(folder: Path, test: PatchIndex) -> list[str]:
    """Return the label of each patch by the run's exported file, nothing rejected."""
    run = RunFolder(folder)
    complete(run, [CALIBRATE, EXPORT])
    classifier = Classifier(run.model, threshold=0.0)
    return [classifier.classify(read_image(test.path(patch))).result for patch in test.patches]


def _train_yolo(python: str, index: PatchIndex, side: int, epochs: int, folder: Path) -> float:
    """Train ultralytics' classifier on links to the patches, in class folders; return the seconds."""
    result, data = folder / "result.json", folder / "patches"
    if not result.is_file():
        for patch in index.patches:
            split = {"train": "train", "validation": "val", "test": "test"}[patch.split]
            link = data / split / patch.label / Path(patch.file).name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(index.path(patch).resolve())
        pictures = folder / "test.txt"
        pictures.write_text("".join(f"{index.path(patch).resolve()}\n" for patch in index.select("test").patches))
        values = [data.resolve(), side, epochs, folder.resolve(), pictures.resolve()]
        command = [python, "-c", _YOLO_SCRIPT, *map(str, values)]
        subprocess.run(command, env=os.environ | _ONE_THREAD, check=True, stdout=subprocess.DEVNULL, cwd=folder)
    return float(json.loads(result.read_text())["seconds"])


def _yolo_answers(folder: Path, test: PatchIndex) -> list[str]:
    """Return the best label of each patch, of those that the test patches have."""
    labels = sorted({patch.label for patch in test.patches})
    files = [Path(line).name for line in (folder / "test.txt").read_text().splitlines()]
    seen = dict(zip(files, json.loads((folder / "result.json").read_text())["answers"], strict=True))
    return [max(labels, key=seen[Path(patch.file).name].__getitem__) for patch in test.patches]


def _accuracy(answers: Sequence[str], test: PatchIndex) -> Estimate:
    right = sum(answer == patch.label for answer, patch in zip(answers, test.patches, strict=True))
    return proportion(right, len(answers))


def table(report: dict[str, Any]) -> list[str]:
    """Return the lines that are printed, one for each network."""
    return [
        f"{name:28} {figures['epochs']:4} epochs {figures['minutes']:5.1f} minutes  {percent_text(figures['accuracy'])}"
        for name, figures in report["networks"].items()
    ]


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="trainings are kept here")
    parser.add_argument("--minutes", type=float, default=8.0, help="of processor time for each (default: 8)")
    parser.add_argument("--yolo", metavar="PYTHON", help="a Python in which ultralytics is installed")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures here too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
