"""The labels that a data set holds -> the classes that a recipe learns, before anything is cut or trained."""

import json
import shlex
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from inference.boxes.matching import readable
from inference.errors import InputError, quote
from inference.model.decide import UNKNOWN
from inference.pictures.image_io import is_image
from pipeline.settings.labels import BACKGROUND
from pipeline.settings.recipe import Recipe

FEWEST_PHOTOS = 3  # of a class of its own: one for training, one for validation, one for the test
RESERVED = (BACKGROUND, UNKNOWN)
_MOST_SHOWN = 20  # classes that a message lists


@dataclass(frozen=True)
class LabelledPhoto:
    """One box or picture: its label as written, its photograph, and the split that the data set gives it, if any.

    usable: whether the photograph is there and can be read, as far as that was looked at.
    """

    label: str
    photo: str
    split: str = ""
    usable: bool = True


@dataclass(frozen=True)
class FoundClass:
    """A class of a data set: its label, the spellings of it, and what there is of it."""

    label: str
    spellings: tuple[str, ...]
    examples: int  # boxes or pictures
    photos: int  # that are usable
    in_training: bool  # whether any of it may be trained on: not all of it is in a given validation or test set

    @property
    def fault(self) -> str:
        """Return why it can't be learned, or "" if it can."""
        if self.label.casefold() in RESERVED:
            return f"the name {self.label} is reserved; rename the class"
        if not self.photos:
            return "no photograph that can be read"
        if self.photos < FEWEST_PHOTOS:
            return f"fewer than {FEWEST_PHOTOS} photographs"
        return "" if self.in_training else "none of it is in the training set"


def check_training_classes(labels: Collection[str], recipe: Recipe) -> None:
    """Raise InputError unless each output of the network is among the labels of the training patches."""
    missing = sorted(set(recipe.outputs) - set(labels))
    if missing == [BACKGROUND]:
        raise InputError(f"the network needs background for training. Received: none. {_more_background(recipe)}")
    if missing:
        rest = [label for label in recipe.labels if label not in missing]
        others = f", or name the others alone: {labels_option(rest)}" if rest else ""
        raise InputError(
            f"every class needs patches for training. Missing: {', '.join(missing)}. Add pictures{others}."
        )


def _more_background(recipe: Recipe) -> str:
    """Return the remedy for a network with an output for background that has no picture of it."""
    if recipe.source.kind == "annotated_photos":
        return (
            "The boxes leave no room for it: annotate photographs without a specimen too, or use "
            "--set network.background=confidence."
        )
    return (
        f"Put pictures of none of the classes into a folder {BACKGROUND}, or draw some: --set patches.outliers=300, or "
        "use --set network.background=confidence."
    )


def plain_label(label: str) -> str:
    """Return the form in which labels are compared: composed accents, no surrounding blanks."""
    return unicodedata.normalize("NFC", readable(label)).strip()


def find_classes(named: Iterable[LabelledPhoto]) -> tuple[FoundClass, ...]:
    """Return the classes of boxes or pictures, sorted by label; spellings that differ in case are one class."""
    groups: dict[str, list[LabelledPhoto]] = {}
    for one in named:
        label = plain_label(one.label)
        if label:
            groups.setdefault(label.casefold(), []).append(replace(one, label=label))
    return tuple(_describe_class(groups[key]) for key in sorted(groups))


def _describe_class(members: list[LabelledPhoto]) -> FoundClass:
    spellings = Counter(sorted(one.label for one in members)).most_common()
    return FoundClass(
        label=spellings[0][0],
        spellings=tuple(label for label, _ in spellings),
        examples=len(members),
        photos=len({one.photo for one in members if one.usable}),
        in_training=any(one.split in ("", "train") for one in members if one.usable),
    )


def probe_photos(named: Iterable[tuple[LabelledPhoto, Path | None]]) -> list[LabelledPhoto]:
    """Return boxes or pictures with `usable` as their files have it; None: there is no file.

    The headers of files are read until a class has enough photographs that can be read; its others are taken on trust.
    Of a photograph with several files one that can be read is enough.
    """
    probed: list[LabelledPhoto] = []
    read: dict[str, dict[str, bool]] = {}  # class -> photograph -> whether it can be read
    for one, path in named:
        of_class = read.setdefault(plain_label(one.label).casefold(), {})
        if path is not None and not of_class.get(one.photo) and sum(of_class.values()) < FEWEST_PHOTOS:
            of_class[one.photo] = is_image(path)
        probed.append(replace(one, usable=path is not None and of_class.get(one.photo, True)))
    return probed


def choose_labels(recipe: Recipe, found: Sequence[FoundClass], given: bool) -> tuple[str, ...]:
    """Return the labels of a run: the given ones, or those of the data.

    The recipe's own labels keep their spelling and order where the data hold no others.

    Args:
        recipe: with the user's labels if given is true.
        found: the classes of the data.
        given: whether the user named the labels.

    Raises:
        InputError: a given class is not in the data, or the data hold too few classes, or no background for a network
            that has an output for it.
    """
    _refuse_missing_background(recipe, found)
    if given:
        _refuse_missing(recipe.labels, found)
        return recipe.labels
    usable = [one.label for one in found if not one.fault]
    own = {label.casefold(): label for label in recipe.labels}
    if all(label.casefold() in own for label in usable):
        usable = [label for label in recipe.labels if label.casefold() in {one.casefold() for one in usable}]
    if len(usable) < (1 if BACKGROUND in recipe.outputs else 2):
        raise InputError(
            f"at least two classes with {FEWEST_PHOTOS} photographs each are needed. Received: "
            f"{list_classes(found) or 'none'}. Add photographs, or give other annotations or folders."
        )
    return tuple(usable)


def _refuse_missing_background(recipe: Recipe, found: Sequence[FoundClass]) -> None:
    """Refuse class folders without pictures of background for a network that has an output for it; boxes leave some."""
    if BACKGROUND in recipe.outputs and recipe.source.kind != "annotated_photos" and not recipe.patches.outliers:
        background = {one.label.casefold() for one in found if one.photos and one.in_training}
        check_training_classes({*recipe.labels, *background}, recipe)


def _refuse_missing(labels: tuple[str, ...], found: Sequence[FoundClass]) -> None:
    there = {one.label.casefold() for one in found if one.photos}
    missing = [label for label in labels if plain_label(label).casefold() not in there]
    if missing:
        existing = [label for label in labels if label not in missing] or [one.label for one in found if not one.fault]
        remedy = f", or name the others alone: {labels_option(existing)}" if existing else ""
        raise InputError(
            f"every label needs boxes or pictures. Missing: {', '.join(missing)}. The data hold: "
            f"{list_classes(found) or 'none'}. Add some{remedy}."
        )


def describe_classes(found: Sequence[FoundClass], labels: tuple[str, ...]) -> list[str]:
    """Return lines for the user: the classes to be learned with their counts, and what is left out or merged."""
    known = {label.casefold() for label in labels}
    chosen = [one for one in found if one.label.casefold() in known]
    lines = [f"{len(labels)} classes: {list_classes(chosen)}"]
    for one in chosen:
        if len(one.spellings) > 1 and not set(one.spellings[1:]) & set(labels):
            others = ", ".join(one.spellings[1:])
            lines.append(f"note: {others} is read as {one.label}; name both with --set labels to tell them apart")
    return lines


def list_classes(found: Sequence[FoundClass]) -> str:
    """Return classes with their numbers of boxes or pictures: beech 3, oak 12."""
    rest = f" and {len(found) - _MOST_SHOWN} more" if len(found) > _MOST_SHOWN else ""
    shown = (f"{one.label} {one.examples}{'' if one.photos else f' ({one.fault})'}" for one in found[:_MOST_SHOWN])
    return ", ".join(shown) + rest


def refuse_others(others: Sequence[FoundClass], labels: tuple[str, ...]) -> str:
    """Return one message for all classes that are left out, with the option that adds those that can be learned."""
    addable = [one.label for one in others if not one.fault]
    counts = ", ".join(
        f"{quote(one.label)} ({one.examples}{': ' + one.fault if one.fault else ''})" for one in others[:_MOST_SHOWN]
    )
    rest = f" and {len(others) - _MOST_SHOWN} more" if len(others) > _MOST_SHOWN else ""
    remedy = f" To learn them too: {labels_option([*labels, *addable])}" if addable else ""
    return f"not among the labels {', '.join(labels)}, and left out: {counts}{rest}.{remedy}"


def labels_option(labels: Sequence[str]) -> str:
    """Return the option that names labels, quoted for a shell where needed: --set labels=oak,pine."""
    plain = ",".join(labels)
    misread = plain.startswith("[") or any("," in label for label in labels)
    text = json.dumps(list(labels), ensure_ascii=False) if misread else plain
    return f"--set {shlex.quote(f'labels={text}')}"
