"""Pictures -> {filename: {confidence, result}} in this process, one bad picture never stopping the rest."""

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from .model.answers import answer_picture
from .model.model import Answer, Model
from .pictures.listing import Picture


@dataclass(frozen=True)
class Outcome:
    """Everything one batch gave: answers by key, and the reason for each picture that could not be read."""

    results: dict[str, Answer]
    faults: dict[str, str]


def run_batch(model: Model, pictures: Iterable[Picture]) -> Outcome:
    """Answer all pictures; name each unreadable one on stderr as it is met."""
    outcome = Outcome({}, {})
    for picture in pictures:
        answer = answer_picture(model, picture)
        if isinstance(answer, str):
            outcome.faults[picture.key] = answer
            print(f"{picture}: {answer}", file=sys.stderr)
        else:
            outcome.results[picture.key] = answer
    return outcome


def results_to_json(results: dict[str, Answer]) -> str:
    """Return the text of results.json: keys sorted, one picture a line of three."""
    return json.dumps(results, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
