"""The label that an annotation writes -> the class that is meant."""

import difflib
from collections.abc import Sequence

from inference.boxes.entries import Entries, Refusal
from inference.errors import InputError, quote
from pipeline.data.classes import LabelledPhoto, find_classes, plain_label, refuse_others

_ALIKE = 0.8  # similarity of difflib from which a label is taken for a misspelt one: pyrit and pyrite have 0.91


def match_label(written: str, labels: tuple[str, ...]) -> str | None:
    """Return the label that is meant: `Pyrite ` gives pyrite, unless two labels differ in case alone.

    None for the name of another class.

    Raises:
        InputError: no class is named, or one that is nearly a label; the message suggests it.
    """
    wanted = plain_label(written)
    plain = {label: plain_label(label) for label in labels}
    matches = [label for label in labels if plain[label] == wanted]
    if not matches:
        matches = [label for label in labels if plain[label].casefold() == wanted.casefold()]
    if len(matches) == 1:
        return matches[0]
    near = difflib.get_close_matches(wanted.casefold(), [label.casefold() for label in labels], 1, _ALIKE)
    if wanted and not near:
        return None
    suggestions = [label for label in labels if label.casefold() in near]
    hint = f" Did you mean {' or '.join(suggestions)}?" if suggestions else " Write the label of the box."
    raise InputError(f"a label must be one of {', '.join(labels)}; received {quote(wanted)}.{hint}")


def refuse_other_classes(
    entries: Entries, origin: str, others: Sequence[LabelledPhoto], labels: tuple[str, ...]
) -> None:
    """Add one refusal for all boxes of classes that are not among the labels; origin: of the first of them."""
    entries.refusals.append(Refusal(f"{origin}: {refuse_others(find_classes(others), labels)}"))
