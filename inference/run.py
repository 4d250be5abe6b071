"""Files and folders of pictures -> {filename: {confidence, result}}, one bad picture never stopping the rest."""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from inference.classifier import Classifier
from inference.errors import InputError

CONFIDENCE_DIGITS = 6


@dataclass(frozen=True)
class Picture:
    """One picture to classify and the key under which its result is written."""

    key: str
    path: Path


@dataclass(frozen=True)
class Outcome:
    """Everything one batch gave: results by key, and the reason for each picture that could not be read."""

    results: dict[str, dict[str, float | str]]
    faults: dict[str, str]


def list_pictures(arguments: Iterable[Path]) -> list[Picture]:
    """List the files to classify, sorted by key.

    A folder is searched recursively and its keys are posix paths relative to it; a file's key is its name.
    Hidden files and folders are left out; linked folders inside a folder are not entered. A link that leads
    nowhere counts as a file, so that it is reported and not silently missing.
    With several arguments whose keys would collide, each key gets the argument in front.

    Raises:
        InputError: an argument does not exist, a folder can't be listed or holds no file.
    """
    groups = [(argument, _list_argument(argument)) for argument in arguments]
    keys = [picture.key for _, pictures in groups for picture in pictures]
    if len(set(keys)) < len(keys):
        groups = [(argument, [_prefixed(argument, picture) for picture in pictures]) for argument, pictures in groups]
    unique = {picture.key: picture for _, pictures in groups for picture in pictures}
    return [unique[key] for key in sorted(unique)]


def classify_pictures(classifier: Classifier, pictures: Iterable[Picture]) -> Iterator[tuple[Picture, dict | str]]:
    """Yield each picture with its result, or with the reason why it could not be read."""
    for picture in pictures:
        try:
            decision = classifier.classify(picture.path)
        except InputError as fault:
            yield picture, str(fault)
        else:
            confidence = round(decision.confidence, CONFIDENCE_DIGITS)
            yield picture, {"confidence": confidence, "result": decision.result}


def run_batch(classifier: Classifier, pictures: Iterable[Picture]) -> Outcome:
    """Classify all pictures; name each unreadable one on stderr as it is met."""
    outcome = Outcome({}, {})
    for picture, answer in classify_pictures(classifier, pictures):
        if isinstance(answer, str):
            outcome.faults[picture.key] = answer
            print(f"{picture.path}: {answer}", file=sys.stderr)
        else:
            outcome.results[picture.key] = answer
    return outcome


def results_to_json(results: dict[str, dict[str, float | str]]) -> str:
    """Return the text of results.json: keys sorted, one picture a line of three."""
    return json.dumps(results, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _list_argument(argument: Path) -> list[Picture]:
    if argument.is_file():
        return [Picture(_printable(argument.name), argument)]
    if not argument.is_dir():
        raise InputError(f"{argument}: does not exist. Give picture files or a folder of them.")
    files = list(_walk(argument))
    if not files:
        raise InputError(f"{argument}: holds no file. Give a folder with pictures.")
    return [Picture(_printable(path.relative_to(argument).as_posix()), path) for path in files]


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder, onerror=_refuse_folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = (Path(place, name) for name in names if not name.startswith("."))
        yield from (path for path in paths if path.is_file() or not path.exists())  # no pipes, no devices


def _refuse_folder(fault: OSError) -> None:
    raise InputError(
        f"{fault.filename}: cannot be listed: {fault.strerror}. Make it readable or give other folders."
    ) from fault


def _prefixed(argument: Path, picture: Picture) -> Picture:
    if argument.is_file():
        return Picture(_printable(argument.as_posix()), picture.path)
    return Picture(f"{_printable(argument.as_posix().rstrip('/'))}/{picture.key}", picture.path)


def _printable(name: str) -> str:
    """Spell bytes of a file name that are no UTF-8 as \\udc.. escapes' visible form, so that JSON can hold it."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
