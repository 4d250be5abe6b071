"""An audit -> audit.json for programs, audit.html for people, GROUPS.json for --groups."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from inference.atomic_file import write_atomically
from inference.errors import InputError, printable
from inference.pictures.image_io import read_image
from pipeline.audit import sentences
from pipeline.audit.photos import DataSet
from pipeline.audit.sections import AuditReport, FoundBox, PairFinding
from pipeline.report.mistakes import pixels_uri
from pipeline.report.page import render_page
from pipeline.report.stored import section_text
from pipeline.settings.run_folder import write_json

SHOWN = 24  # findings of a kind with pictures
_GROUPS_SHOWN, _MEMBERS_SHOWN = 12, 8
GROUPS_NAME = "GROUPS.json"
_SIDE_PIXELS = 180
_RED = (220, 40, 40)

Corners = tuple[int, int, int, int]  # x, y, width, height


@dataclass(frozen=True)
class AuditFiles:
    """The files of an audit in its folder. groups_name: another than GROUPS.json where that was changed by hand."""

    folder: Path
    groups_name: str = GROUPS_NAME

    json = property(lambda self: self.folder / "audit.json")
    page = property(lambda self: self.folder / "audit.html")
    groups = property(lambda self: self.folder / self.groups_name)


def write_audit(report: AuditReport, data: DataSet, folder: Path) -> AuditFiles:
    """Write the three files and return their paths; groups that a person has corrected are kept."""
    files = AuditFiles(folder, _free_name(folder, report))
    text = section_text(report)  # first, since it refuses NaN and infinity
    write_json(files.groups, report.groups)
    write_atomically(files.page, render_audit(report, data))
    write_atomically(files.json, text)
    return files


def _free_name(folder: Path, report: AuditReport) -> str:
    """Return the first of GROUPS.json, GROUPS.new.json, GROUPS.new2.json, ... that holds no work of a person."""
    names = chain((GROUPS_NAME, "GROUPS.new.json"), (f"GROUPS.new{number}.json" for number in count(2)))
    return next(name for name in names if not _are_edited(folder / name, report))


def _are_edited(path: Path, report: AuditReport) -> bool:
    """Return whether the groups in a file are neither those of the audit beside them nor those of a report."""
    if not path.is_file():
        return False
    try:
        groups = json.loads(path.read_bytes())
        written = json.loads(AuditFiles(path.parent).json.read_bytes())["groups"]
    except (OSError, ValueError, KeyError, TypeError):
        return True
    return groups not in (written, [list(group) for group in report.groups])


def render_audit(report: AuditReport, data: DataSet) -> str:
    """Return the page as self-contained HTML, with the pictures of the findings."""
    pictures = _Pictures(data)
    leaks = [pair for pair in report.pairs if pair.leak]
    conflicts = [pair for pair in report.pairs if pair.conflict]
    kinds = {kind: [one for one in report.pairs if one.kind == kind] for kind in ("copy", "view")}
    return render_page(
        "audit.html.jinja",
        report=report,
        words=sentences,
        shown=SHOWN,
        counts={"copies": len(kinds["copy"]), "views": len(kinds["view"]), "conflicts": len(conflicts)},
        conflicts=[pictures.of_pair(pair) for pair in conflicts[:SHOWN]],
        leaks=[pictures.of_pair(pair) for pair in leaks[:SHOWN]],
        copies=[pictures.of_pair(pair) for pair in kinds["copy"][:SHOWN]],
        groups=[pictures.of_group(group) for group in _largest(report.groups)],
        group_sizes=[len(group) for group in _largest(report.groups)],
        suspects=[(one, pictures.of_box(one)) for one in report.suspects[:SHOWN]],
        boxes=[(one, pictures.of_box(one)) for one in (*report.outside, *report.overlapping)[:SHOWN]],
    )


def _largest(groups: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return sorted(groups, key=len, reverse=True)[:_GROUPS_SHOWN]


class _Pictures:
    """The photographs of a data set as data URIs, by the names in a report."""

    def __init__(self, data: DataSet) -> None:
        self._files = {photo.name: data.root / photo.file for photo in data.photos}

    def of_pair(self, pair: PairFinding) -> dict[str, Any]:
        return {"pair": pair, "pictures": [self._picture(name) for name in (pair.first, pair.second)]}

    def of_group(self, names: Iterable[str]) -> list[dict[str, Any]]:
        return [{"name": printable(name), "picture": self._picture(name)} for name in list(names)[:_MEMBERS_SHOWN]]

    def of_box(self, box: FoundBox) -> str | None:
        """Return the photograph around a box, with the box drawn on it."""
        return self._picture(box.photo, (box.x, box.y, box.width, box.height))

    def _picture(self, name: str, box: Corners | None = None) -> str | None:
        try:
            pixels = read_image(self._files[name])
        except InputError:
            return None
        return pixels_uri(outlined(pixels, box), _SIDE_PIXELS)


def outlined(pixels: np.ndarray, box: Corners | None) -> np.ndarray:
    """Return the part of a picture around a box, with the box drawn on it; all of it where the box is the picture.

    As much is shown on each side as the box is long, so that a small box in a large photograph can be judged.
    """
    height, width = pixels.shape[:2]
    if box is None or box == (0, 0, width, height):
        return pixels
    left, top, wide, high = box
    reach = max(wide, high)
    x, y = max(left - reach, 0), max(top - reach, 0)
    part = Image.fromarray(pixels).crop((x, y, min(left + wide + reach, width), min(top + high + reach, height)))
    edges = left - x, top - y, left - x + wide - 1, top - y + high - 1
    ImageDraw.Draw(part).rectangle(edges, outline=_RED, width=max(round(max(part.size) / _SIDE_PIXELS * 2), 1))
    return np.asarray(part)
