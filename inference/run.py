"""Pictures -> {filename: {confidence, result}} in this process, one bad picture never stopping the rest."""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from inference.model.answers import Answer, answer_picture
from inference.model.classifier import Classifier
from inference.pictures.listing import Picture


@dataclass(frozen=True)
class Outcome:
    """Everything one batch gave: answers by key, and the reason for each picture that could not be read."""

    results: dict[str, Answer]
    faults: dict[str, str]


def classify_pictures(classifier: Classifier, pictures: Iterable[Picture]) -> Iterator[tuple[Picture, Answer | str]]:
    """Yield each picture with its answer, or with the reason why it could not be read."""
    for picture in pictures:
        yield picture, answer_picture(classifier, picture)


def run_batch(classifier: Classifier, pictures: Iterable[Picture]) -> Outcome:
    """Classify all pictures; name each unreadable one on stderr as it is met."""
    outcome = Outcome({}, {})
    for picture, answer in classify_pictures(classifier, pictures):
        if isinstance(answer, str):
            outcome.faults[picture.key] = answer
            print(f"{picture}: {answer}", file=sys.stderr)
        else:
            outcome.results[picture.key] = answer
    return outcome


def results_to_json(results: dict[str, Answer]) -> str:
    """Return the text of results.json: keys sorted, one picture a line of three."""
    return json.dumps(results, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
