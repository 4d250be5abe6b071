"""The figures of docs/*.md, number by number, against the measured files that each page names.

Looked up are shares ("82.7 %"), intervals ("82.7 % [80.3, 84.9]"), scores of three decimals ("0.917") and all decimals
in tables; constants stand in `code`. docs/experiments.csv has what no report holds. The ends of an interval must belong
to its value, and the numbers of a table's row to one measurement. A single figure in the text need only be one of those
measured, so that a wrong one may by chance be another's. docs/results.md has a stricter test (test_readme_figures.py).
"""

import csv
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted(path for path in ROOT.glob("docs/*.md") if path.name not in ("results.md", "settings.md"))
NAMED = re.compile(r"(?:docs|models)/[\w./*-]+\.(?:json|csv)")
NOT_MEASURED = re.compile(r"^## References.*|^    .*?$|`[^`]*`", re.MULTILINE | re.DOTALL)  # of others; commands
SHARE = re.compile(r"(?<![\w.,/-])(\d+\.\d+) %")
DECIMAL = re.compile(r"(?<![\w.,/-])(\d+\.\d+)(?![\w.])")
SCORE = re.compile(r"(?<![\w.,/-])(0\.\d{3})(?!\d)")
PART = r"(\d+(?:\.\d+)?)"
INTERVAL = re.compile(rf"(?<![\w.,/-]){PART}(?: %| points)?\s[\[(]{PART}(?:,| to)\s{PART}(?: %)?[\]),]")
MOST_OF_ONE = 100  # numbers of one measurement; a whole report holds any figure


class Figure(NamedTuple):
    """A measured number, perhaps with the ends of its interval."""

    value: float
    low: float | None = None
    high: float | None = None


class Source(NamedTuple):
    """What a file holds: its figures; numbers that belong together; and numbers by their place in it."""

    figures: list[Figure]
    groups: list[list[float]]
    places: dict[str, list[float]]


@cache
def read_source(path: Path) -> Source:
    """Return what a report holds, or experiments.csv with the numbers in its remarks."""
    if path.suffix == ".json":
        report = json.loads(path.read_text(encoding="utf-8"))
        figures = list(_figures(report))
        return Source(figures, list(_groups(report)), dict(_places(report)))
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    figures = [Figure(*(float(row[name]) if row[name] else None for name in Figure._fields)) for row in rows]
    texts = [" ".join([row["change"], *(row[name] for name in Figure._fields), row["remark"]]) for row in rows]
    groups = [[float(one) for one in re.findall(PART, text)] for text in texts]
    remarks = [Figure(float(one)) for row in rows for one in DECIMAL.findall(row["remark"])]
    return Source(figures + remarks, groups, {})


def _is_estimate(found: Any) -> bool:
    return isinstance(found, dict) and found.keys() >= set(Figure._fields)


def _parts(found: Any) -> list[Any]:
    """Return what a part of a report is made of; histograms and lists of photographs hold no figures."""
    if isinstance(found, dict):
        return list(found.values())
    return found if isinstance(found, list) and len(found) <= MOST_OF_ONE // 5 else []


def _figures(found: Any) -> Iterator[Figure]:
    if _is_estimate(found):
        if found["value"] is not None:
            yield Figure(*(found[name] for name in Figure._fields))
    elif isinstance(found, int | float) and not isinstance(found, bool):
        yield Figure(abs(found))
    for one in () if _is_estimate(found) else _parts(found):
        yield from _figures(one)


def _groups(found: Any) -> Iterator[list[float]]:
    """Yield the numbers of each part of a report that is small enough to be one measurement."""
    figures = [one for figure in _figures(found) for one in figure if one is not None]
    if len(figures) <= MOST_OF_ONE:
        yield figures
    else:
        for one in _parts(found):
            yield from _groups(one)


def _places(found: Any, place: str = "") -> Iterator[tuple[str, list[float]]]:
    if isinstance(found, dict) and not _is_estimate(found):
        for name, one in found.items():
            yield from _places(one, f"{place}.{name}")
    elif not isinstance(found, list):
        yield place, [figure.value for figure in _figures(found)]


def agrees(text: str, value: float | None) -> bool:
    """Tell whether a printed number is a value, or a share in per cent, rounded to the digits that are printed."""
    slack = 0.5 * 10 ** -len(text.partition(".")[2]) + 1e-9
    return value is not None and any(math.isclose(float(text), abs(value) * by, abs_tol=slack) for by in (1, 100))


def unknown_figures(page: str) -> list[str]:
    """Return the figures and rows of tables of a page's text that no file that it names holds."""
    sources = [read_source(path) for name in dict.fromkeys(NAMED.findall(page)) for path in sorted(ROOT.glob(name))]
    figures = [one for source in sources for one in source.figures]
    text = NOT_MEASURED.sub("", page)
    wrong = [" ".join(parts) for parts in INTERVAL.findall(text) if not _is_interval(parts, figures)]
    text = INTERVAL.sub("", text)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    single = dict.fromkeys([*SHARE.findall(text), *SCORE.findall(text), *DECIMAL.findall("\n".join(rows))])
    wrong += [text for text in single if not any(agrees(text, one.value) for one in figures)]
    return wrong + [row for row in rows if not _belongs_together(row, sources)]


def _is_interval(parts: tuple[str, ...], figures: list[Figure]) -> bool:
    """Tell whether value and ends are of one figure; those without decimals are counts, or are said in words."""
    return "." not in "".join(parts) or any(all(map(agrees, parts, one)) for one in figures)


def _belongs_together(row: str, sources: list[Source]) -> bool:
    """Tell whether the numbers of a row are of one measurement, or one number of several reports.

    A row with all its numbers in one cell lists several measurements.
    """
    cells = [cell for cell in row.split("|") if DECIMAL.search(cell)]
    same_place = defaultdict(list)
    for source in sources:
        for place, values in source.places.items():
            same_place[place] += values
    groups = [group for source in sources for group in source.groups] + list(same_place.values())
    numbers = DECIMAL.findall(row)
    return len(cells) < 2 or any(all(any(agrees(one, value) for value in group) for one in numbers) for group in groups)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_every_figure_of_a_page_was_measured(page: Path) -> None:
    """Faults: a typed figure, one of an earlier report, a value with the interval of another, a file not named."""
    assert unknown_figures(page.read_text(encoding="utf-8")) == []


def test_a_wrong_figure_is_noticed() -> None:
    """Faults: a form of figures, or a part of the pages, that the comparison above passes over."""
    table = "| levels 8, 16 | 0.903 | 0.505 | 0.454 |\n| a | 7.91 | |\n"
    right = f"Figures: docs/experiments.csv.\n\n84.1 % [81.7, 86.2], 0.917\n\n{table}"
    assert unknown_figures(right) == []
    changes = (("84.1 %", "84.2 %"), ("81.7", "81.6"), ("0.917", "0.211"), ("7.91", "7.83"), ("0.505", "0.503"))
    for old, new in (*changes, ("docs/", "")):
        assert unknown_figures(right.replace(old, new)), new
