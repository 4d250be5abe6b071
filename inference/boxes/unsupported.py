"""Text that holds no boxes in a supported format -> what it is, and what to do instead."""

import csv
import json

_JSON_LINES = "is JSON Lines, as Labelbox, SageMaker Ground Truth and Hugging Face write it. Export it as COCO JSON."
_WEB_PAGE = "is a web page, perhaps of a download that needs a login. Download the file itself."
_POINTER = "is a pointer of Git LFS, not the file itself. Fetch that: git lfs pull."
_DELIMITERS = ",;\t|"


def describe_unsupported(text: str) -> str:
    """Return a sentence about a text that is in no supported format; "" if it is nothing well known."""
    start = text.lstrip("\ufeff \n\t")[:200].lower()
    if start.startswith(("<!doctype html", "<html")):
        return _WEB_PAGE
    if start.startswith("version https://git-lfs"):
        return _POINTER
    return _JSON_LINES if is_json_lines(text) else _describe_table(text)


def is_json_lines(text: str) -> bool:
    """Tell whether each line is JSON of its own: the first one is whole, and the second begins one."""
    first, _, rest = text.strip().partition("\n")
    if not first.startswith("{") or not rest.lstrip().startswith("{"):
        return False
    try:
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def _describe_table(text: str) -> str:
    """Return what a table without columns of boxes lacks, if the text is one."""
    if text.lstrip().startswith("<"):  # XML
        return ""
    lines = text.split("\n", 3)[:3]
    for delimiter in _DELIMITERS:
        rows = [next(csv.reader([line], delimiter=delimiter), []) for line in lines if line.strip()]
        if len(rows) > 1 and len({len(row) for row in rows}) == 1 and len(rows[0]) > 1:
            return (
                f"is a table whose first line is {[field.strip() for field in rows[0]][:8]}: columns of boxes are not "
                "among these. For pictures that have a label but no box, make a folder for each label and leave "
                "--annotations out."
            )
    return ""
