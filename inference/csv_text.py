"""Rows -> CSV: commas, quotes where needed, one line feed a line. The one writer of CSV."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any


def csv_line(values: Sequence[Any]) -> str:
    """Return one line."""
    return csv_table([values])


def csv_table(rows: Iterable[Sequence[Any]]) -> str:
    """Return the lines of all rows; the first row is usually the header."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
