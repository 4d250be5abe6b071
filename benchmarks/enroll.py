"""Measure classes added without training: each class is left out of the training, then enrolled from a few photographs.

    python -m benchmarks.enroll RECIPE --images DIR [--annotations FILE] [--groups FILE] --work DIR
        [--leave-out LABEL] ... [--set NAME=VALUE] ... [--joint RUN] [--json OUT]

For each class a network is trained on the others (in DIR/LABEL, which a second call resumes or reuses). Then the class
is enrolled from all boxes in 5, 10, 20 and 50 of its photographs, with three random draws each, and the answers to its
other photographs and to the test patches of the other classes are counted, nothing rejected. For comparison, a lower
bound: the same network fine-tuned only on the new pictures; and an upper bound: a network trained on all classes
(--joint RUN). All answers except those of fine-tuning are of the int8 file, by the runner's code.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.folds import show
from inference.enrollment.enroll import add_class, open_model
from inference.model.classifier import Classifier
from pipeline.classification.stages import CALIBRATE, FIT, prepare_data, run_index
from pipeline.data.index import PatchIndex, write_index
from pipeline.data.sources import DataPlace
from pipeline.kinds import EXPORT
from pipeline.metrics.intervals import proportion
from pipeline.recipes import RECIPES
from pipeline.settings.recipe import Recipe, override_all
from pipeline.settings.run_folder import RunFolder, describe_machine, fill_run, relative_path, write_json
from pipeline.stages import complete

PICTURES = (5, 10, 20, 50)
DRAWS = 3
_TUNING_EPOCHS = 20
_TUNING_RATE = 1e-4


@dataclass(frozen=True)
class Looked:
    """Outputs of the network for patches: probabilities, vectors, labels and photographs."""

    probabilities: np.ndarray
    vectors: np.ndarray
    labels: np.ndarray
    photos: np.ndarray

    def pick(self, chosen: np.ndarray) -> "Looked":
        """Return the outputs selected by a mask or positions."""
        return Looked(*(getattr(self, name)[chosen] for name in ("probabilities", "vectors", "labels", "photos")))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; return the exit code."""
    options = _make_parser().parse_args(arguments)
    return show(lambda: measure(options), table, options.json)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of each class that is left out."""
    recipe = override_all(RECIPES[options.recipe], (*options.set, ("calibrate.kind", "neighbours")))
    place = DataPlace(options.images, options.annotations, options.work, options.groups)
    training = prepare_data(place, recipe).index
    single = replace(recipe, patches=replace(recipe.patches, jitters=0))  # every box once, without copies
    once = prepare_data(place, single).index
    left_out = options.leave_out or list(recipe.labels)
    report: dict[str, Any] = {"recipe": recipe.name, "machine": describe_machine(), "labels": {}}
    for label in left_out:
        run = train_without(label, training, recipe, options.work)
        report["labels"][label] = measure_label(label, run, once)
        print(f"{label}: done", file=sys.stderr)
    report["joint"] = measure_joint(RunFolder(options.joint)) if options.joint else {}
    return report


def train_without(label: str, index: PatchIndex, recipe: Recipe, work: Path) -> RunFolder:
    """Train, calibrate and export on all photographs without the label; stages that are done are skipped."""
    rest = replace(recipe, labels=tuple(name for name in recipe.labels if name != label))
    run = RunFolder(work / label)
    if not run.index.is_file():
        run.path.mkdir(parents=True, exist_ok=True)
        fill_run(run.path, rest)
        shown = {patch.photo for patch in index.patches if patch.label == label}
        kept = tuple(patch for patch in index.patches if patch.photo not in shown)
        patches = relative_path(index.root.resolve(), run.path.resolve())
        write_json(run.data, {"kind": "one class left out", "patches": patches, "clipped_boxes": 0, "refused": []})
        write_index(PatchIndex(index.root, kept), run.index)
    complete(run, [FIT, CALIBRATE, EXPORT])
    return run


def measure_label(label: str, run: RunFolder, once: PatchIndex) -> dict[str, Any]:
    """Return the counts of answers after enrolling one class from different numbers of photographs."""
    classifier = Classifier(run.model)
    known = run.read_recipe().labels
    test = PatchIndex(once.root, tuple(patch for patch in once.select("test", known).patches))
    own = PatchIndex(once.root, tuple(patch for patch in once.patches if patch.label == label))
    old, new = look(classifier, test), look(classifier, own)
    before = proportion(*_count(np.array(known)[_answers(old.probabilities, classifier)], old.labels))
    rows = []
    for count in PICTURES:
        for draw in range(DRAWS):
            chosen = draw_photos(new, count, seed=draw)
            if len(np.unique(new.photos[~chosen])) >= 5:  # otherwise too few are left for the measurement
                rows.append({"pictures": count} | _enroll(run, new.pick(chosen), old, new.pick(~chosen), label))
    tuned = fine_tune(run, once, label, draw_photos(new, 20, seed=0), own)
    return {"before": before, "enrolled": rows, "fine_tuned": tuned}


def look(classifier: Classifier, index: PatchIndex) -> Looked:
    """Return the outputs of the file's network for patches."""
    assert classifier.neighbours is not None
    seen = [classifier.predict(index.path(patch)) for patch in index.patches]
    features = np.stack([features for _, features in seen if features is not None])
    labels, photos = (np.array([getattr(patch, name) for patch in index.patches]) for name in ("label", "photo"))
    return Looked(np.stack([one for one, _ in seen]), classifier.neighbours.project(features), labels, photos)


def draw_photos(patches: Looked, count: int, seed: int) -> np.ndarray:
    """Return a mask of the patches of `count` photographs, sampled at random."""
    photos = np.unique(patches.photos)
    drawn = np.random.default_rng(seed).permutation(photos)[:count]
    return np.isin(patches.photos, drawn)


def _enroll(run: RunFolder, given: Looked, old: Looked, new: Looked, label: str) -> dict[str, Any]:
    """Return counts of right answers for old and new classes after adding the class from the given patches."""
    begun = time.perf_counter()
    model = add_class(open_model(run.model), label, given.vectors)
    seconds = time.perf_counter() - begun
    names, answers = np.array(model.card.labels), model.card.answers
    counts, accepted = {}, {}
    assert model.enrolled is not None
    for kind, looked in (("old", old), ("new", new)):
        weighed = model.enrolled.weigh_vectors(looked.probabilities, looked.vectors, answers)
        positions = np.r_[answers, len(names) - 1]
        results = names[positions[weighed[:, positions].argmax(axis=1)]]
        counts[kind] = proportion(*_count(results, looked.labels))
        passed = weighed[:, positions].max(axis=1) >= model.card.threshold
        accepted[kind] = proportion(int((passed & (results == looked.labels)).sum()), len(results))
    return {"boxes": len(given.vectors), "accuracy": counts, "right_and_accepted": accepted, "seconds": seconds}


def fine_tune(run: RunFolder, once: PatchIndex, label: str, chosen: np.ndarray, own: PatchIndex) -> dict[str, Any]:
    """Return the counts after fine-tuning the network, with an additional output, only on the new class's pictures."""
    recipe = run.read_recipe()
    given, rest = (
        PatchIndex(own.root, tuple(patch for patch, flag in zip(own.patches, chosen, strict=True) if flag == wanted))
        for wanted in (True, False)
    )
    network = _widen(run, recipe)
    begun = time.perf_counter()
    pixels = _pixels(given, recipe)
    network.fit(pixels, np.full(len(pixels), len(recipe.outputs)), batch_size=16, epochs=_TUNING_EPOCHS, verbose=0)
    seconds = time.perf_counter() - begun
    names = np.array([*recipe.outputs, label])
    answers = np.flatnonzero(np.isin(names, (*recipe.labels, label)))
    counts = {}
    for kind, index in (("old", once.select("test", recipe.labels)), ("new", rest)):
        logits = network.predict(_pixels(index, recipe), verbose=0)
        results = names[answers[logits[:, answers].argmax(axis=1)]]
        counts[kind] = proportion(*_count(results, np.array([patch.label for patch in index.patches])))
    return {
        "pictures": len(np.unique([patch.photo for patch in given.patches])),
        "accuracy": counts,
        "seconds": seconds,
    }


def _widen(run: RunFolder, recipe: Recipe) -> Any:
    """Return the run's Keras network with an additional output and frozen batch normalisation."""
    import keras

    from models.build import build_network

    source = keras.models.load_model(run.best, compile=False)
    shape = (recipe.network.trunk, recipe.network.head, recipe.network.input_side, len(recipe.outputs) + 1, 0.0)
    network = build_network(*shape)
    for layer, old in zip(network.layers[:-1], source.layers[:-1], strict=True):
        layer.set_weights(old.get_weights())
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
    kernel, bias = source.layers[-1].get_weights()
    network.layers[-1].set_weights(
        [np.hstack([kernel, kernel.mean(axis=1, keepdims=True)]), np.append(bias, bias.mean())]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(_TUNING_RATE), loss)
    return network


def _pixels(index: PatchIndex, recipe: Recipe) -> np.ndarray:
    """Return float32 [patches, side, side, 3]."""
    from pipeline.data.dataset import load_patch

    side = recipe.network.input_side
    return np.stack([load_patch(index.path(patch), side) for patch in index.patches]).astype(np.float32)


def measure_joint(run: RunFolder) -> dict[str, Any]:
    """Return the recall of each class by a network trained on all classes, on its test patches."""
    recipe, index = run.read_recipe(), run_index(run)
    test, classifier = index.select("test", recipe.labels), Classifier(run.model)
    looked = look(classifier, test)
    results = np.array(recipe.labels)[_answers(looked.probabilities, classifier)]
    recall = {name: proportion(*_count(results[looked.labels == name], name)) for name in recipe.labels}
    return {"accuracy": proportion(*_count(results, looked.labels)), "recall": recall}


def table(report: dict[str, Any]) -> list[str]:
    """Return the printed lines: means over draws and classes."""
    lines = [f"{report['recipe']}, {len(report['labels'])} classes left out one by one, {report['machine']}"]
    lines.append(f"{'':22}{'new, recall':>12}{'and accepted':>14}{'old, lost':>11}{'seconds':>9}")
    labels = report["labels"].values()
    for count in PICTURES:
        rows = [_figures(one, row) for one in labels for row in one["enrolled"] if row["pictures"] == count]
        lines += [_line(f"enrolled from {count}", np.mean(rows, axis=0))] if rows else []
    lines.append(_line("fine-tuned on 20", np.mean([_figures(one, one["fine_tuned"]) for one in labels], axis=0)))
    if report["joint"]:
        recall = [report["joint"]["recall"][label].value for label in report["labels"]]
        lines.append(_line("trained on all", [np.mean(recall), np.nan, 0.0, np.nan]))
    return lines


def _figures(one: dict[str, Any], row: dict[str, Any]) -> list[float]:
    """Return recall of the new class, its share that is also accepted, points lost by the old classes, and seconds."""
    accepted = row["right_and_accepted"]["new"].value if "right_and_accepted" in row else np.nan
    lost = one["before"].value - row["accuracy"]["old"].value
    return [row["accuracy"]["new"].value, accepted, lost, row["seconds"]]


def _line(title: str, means: Sequence[float] | np.ndarray) -> str:
    shares = [f"{100 * value:.1f} %" if np.isfinite(value) else "-" for value in means[:3]]
    seconds = f"{means[3]:.2f}" if np.isfinite(means[3]) else "-"
    return f"{title:22}{shares[0]:>12}{shares[1]:>14}{shares[2]:>11}{seconds:>9}"


def _answers(probabilities: np.ndarray, classifier: Classifier) -> np.ndarray:
    """Return the position of each picture's best answer among the answers."""
    return probabilities[:, classifier.card.answers].argmax(axis=1)


def _count(results: np.ndarray, labels: Any) -> tuple[int, int]:
    return int((results == labels).sum()), len(results)


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("recipe", choices=sorted(RECIPES), metavar="RECIPE")
    add("--images", type=Path, required=True, metavar="DIR")
    add("--annotations", type=Path, metavar="FILE")
    add("--groups", type=Path, metavar="FILE")
    add("--work", type=Path, required=True, metavar="DIR", help="folder for trainings and patches")
    add("--leave-out", action="append", default=[], metavar="LABEL", help="only this class; may be repeated")
    add(
        "--set", type=_setting, action="append", default=[], metavar="NAME=VALUE", help="change a setting of the recipe"
    )
    add("--joint", type=Path, metavar="RUN", help="a run of the recipe on all classes")
    add("--json", type=Path, metavar="OUT")
    return parser


def _setting(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


if __name__ == "__main__":
    sys.exit(main())
