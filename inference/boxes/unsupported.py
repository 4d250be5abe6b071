"""Text that holds no boxes in a supported format -> what it is, and what to do instead."""

import csv
import json
import re

from .entries import as_number

_JSON_LINES = "is JSON Lines, as Labelbox, SageMaker Ground Truth and Hugging Face write it. Export it as COCO JSON."
_WEB_PAGE = "is a web page, perhaps of a download that needs a login. Download the file itself."
_POINTER = "is a pointer of Git LFS, not the file itself. Fetch that: git lfs pull."
_RUNNER = "For training, give the folder of all of them{}; for the runner's --boxes, export COCO JSON or CSV."
_YOLO = f"holds labels of YOLO. {_RUNNER.format(', with classes.txt or data.yaml')}"
_VOC = f"is Pascal VOC. {_RUNNER.format('')}"
_VIA_3 = "is a project of VGG Image Annotator 3. Export it there as COCO."
_CREATE_ML = "is CreateML's JSON. Export it as COCO: Roboflow has it in its list."
_LABEL_STUDIO = "is Label Studio's JSON or CSV. Export it there as COCO or, for training, as YOLO."
_DATUMARO = "is Datumaro's JSON. Export it from CVAT as COCO 1.0, or convert it: datum convert -f coco."
_SUPERVISELY = "is Supervisely's JSON. Export it there as COCO."
_VOTT = "is a project of VoTT. Export it there as CSV or Pascal VOC."
_TOOLS = (  # of the programs whose JSON is told by names in it: all of these -> what to do
    (("metadata", "file", "attribute"), _VIA_3),
    (("image", "annotations", "coordinates"), _CREATE_ML),
    (("to_name", "from_name"), _LABEL_STUDIO),
    (("original_width", "rectanglelabels"), _LABEL_STUDIO),
    (("original_width", "polygonlabels"), _LABEL_STUDIO),
    (("items", "categories", "label_id"), _DATUMARO),
    (("objects", "classTitle"), _SUPERVISELY),
    (("assets", "regions"), _VOTT),
)
_DELIMITERS = ",;\t|"


def describe_unsupported(text: str) -> str:
    """Return a sentence about a text that is in no supported format; "" if it is nothing well known."""
    start = text.lstrip("\ufeff \n\t")[:200].lower()
    if start.startswith(("<!doctype html", "<html")):
        return _WEB_PAGE
    if start.startswith("version https://git-lfs"):
        return _POINTER
    if is_json_lines(text):
        return _JSON_LINES
    if told := describe_json(text.replace('""', '"')):  # in a table, too
        return told
    if re.match(r"(<\?xml[^>]*>\s*)?<annotation[\s>]", start):
        return _VOC
    line = text.lstrip("\ufeff \n\t").partition("\n")[0]
    return _YOLO if len(line.split()) > 4 and is_label_line(line) else _describe_table(text)


def describe_json(text: str) -> str:
    """Return a sentence about the JSON of a program whose format is not read; "" if it is none of those known."""
    return next((told for names, told in _TOOLS if all(f'"{name}"' in text for name in names)), "")


def is_label_line(line: str) -> bool:
    """Tell whether a line is of YOLO: a class and four numbers, or more, behind it."""
    fields = split_label_line(line)
    return len(fields) >= 5 and all(as_number(text.replace(",", ".")) is not None for text in fields[-4:])


def split_label_line(line: str) -> list[str]:
    """Return the fields of a line of YOLO, which blanks separate or, written by hand, commas or semicolons."""
    fields = [field.rstrip(",;") for field in line.split()]
    return fields if len(fields) > 4 else re.split(r"[\s,;]+", line.strip())


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
