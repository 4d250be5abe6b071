"""Answers sorted by key -> JSON, JSON Lines or CSV, written piece by piece so that a million need no memory."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

_BOX = ("x", "y", "width", "height")
_NO_BOX = {"box": [""] * len(_BOX)}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with these a spreadsheet begins one
Entries = Iterable[tuple[str, dict[str, Any]]]  # key and answer, sorted by key


def json_pieces(entries: Entries) -> Iterator[str]:
    """Yield the text of results.json, the bytes that json.dumps(indent=1, sort_keys=True) would give."""
    begun = False
    for key, answer in entries:
        text = json.dumps({key: answer}, indent=1, sort_keys=True, ensure_ascii=False)
        yield (",\n" if begun else "{\n") + text.removeprefix("{\n").removesuffix("\n}")
        begun = True
    yield "\n}\n" if begun else "{}\n"


def jsonl_pieces(entries: Entries) -> Iterator[str]:
    """Yield one line a picture: {"file": key, ...answer}."""
    for key, answer in entries:
        yield jsonl_line(key, answer)


def jsonl_line(key: str, answer: dict[str, Any]) -> str:
    """Return one picture's line of JSON Lines."""
    return json.dumps({"file": key, **dict(sorted(answer.items()))}, ensure_ascii=False) + "\n"


def csv_pieces(entries: Entries, top: int = 1, regions: bool = False) -> Iterator[str]:
    """Yield a table: a line for each picture, or region of one; with top > 1 a pair of columns for each rank.

    A photograph without anomalies is one line without a box: its own result and confidence.
    """
    yield csv_line(["file", *(_BOX if regions else []), "result", "confidence", *_ranks(top)])
    for key, answer in entries:
        for one in (answer["regions"] or [answer | _NO_BOX]) if regions else [answer]:
            if "error" not in one:
                yield csv_line([key, *one.get("box", []), *_result(one)])


def frame_pieces(name: str, key: str, frames: Iterable[dict[str, Any]], top: int = 1) -> Iterator[str]:
    """Yield the regions of a video's frames in the format `name`; top: as csv_pieces has it."""
    if name == "json":
        yield from json_pieces([(key, {"frames": list(frames)})])
    elif name == "jsonl":
        yield from (jsonl_line(key, frame) for frame in frames)
    else:
        yield csv_line(["file", "time", "frame", *_BOX, "result", "confidence", *_ranks(top)])
        for frame in frames:
            for one in frame["regions"]:
                yield csv_line([key, frame["time"], frame["frame"], *one["box"], *_result(one)])


def error_pieces(faults: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield the table of what could not be classified: file and reason."""
    yield csv_line(["file", "reason"])
    for key, reason in faults:
        yield csv_line([key, reason])


def csv_line(values: list[Any]) -> str:
    r"""Return one line of CSV, in which no text is a formula for a spreadsheet: "=1+1.jpg" gives '=1+1.jpg.

    Written with \r\n first, because csv quotes what is part of the line's end, and a reader takes \r for one.
    """
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow([_defused(value) for value in values])
    return line.getvalue().removesuffix("\r\n") + "\n"


def _defused(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _ranks(top: int) -> list[str]:
    return [name for rank in range(2, top + 1) for name in (f"result_{rank}", f"confidence_{rank}")]


def _result(answer: dict[str, Any]) -> list[Any]:
    others = [value for one in answer.get("top", [])[1:] for value in (one["label"], one["confidence"])]
    return [answer["result"], answer["confidence"], *others]


FORMATS: dict[str, Callable[[Entries, int, bool], Iterator[str]]] = {
    "json": lambda entries, top, regions: json_pieces(entries),
    "jsonl": lambda entries, top, regions: jsonl_pieces(entries),
    "csv": csv_pieces,
}
