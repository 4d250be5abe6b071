"""inference.batch.outputs: JSON, JSON Lines and CSV say the same, byte for byte what their readers expect."""

import csv
import io
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from inference.batch.outputs import csv_line, csv_pieces, error_pieces, frame_pieces, json_pieces, jsonl_pieces

ANSWERS = st.fixed_dictionaries({"confidence": st.floats(0, 1), "result": st.text()})
REGIONS = st.fixed_dictionaries({"regions": st.lists(st.fixed_dictionaries({"box": st.lists(st.floats(0, 9))}))})


@given(st.dictionaries(st.text(), st.one_of(ANSWERS, REGIONS)))
def test_json_written_in_pieces_is_the_json_of_the_whole(results: dict[str, Any]) -> None:
    """Catches a comma, an escape or an indentation that differs from json.dumps."""
    expected = json.dumps(results, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    assert "".join(json_pieces(sorted(results.items()))) == expected


@given(st.dictionaries(st.text(), ANSWERS))
def test_each_line_of_json_lines_is_one_picture(results: dict[str, Any]) -> None:
    """Catches a line end inside a key that tears a line in two."""
    text = "".join(jsonl_pieces(sorted(results.items())))
    lines = [json.loads(line) for line in text.split("\n")[:-1]]
    assert [line["file"] for line in lines] == sorted(results)
    assert all(results[line.pop("file")] == line for line in lines)


def table(pieces: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO("".join(pieces), newline="")))


def test_csv_has_a_line_for_each_picture_and_columns_for_each_place() -> None:
    """Catches names with commas or line ends that shift columns, and places that slip."""
    answer = {
        "confidence": 0.75,
        "result": "unknown",
        "top": [{"label": "red", "confidence": 0.75}, {"label": "blue", "confidence": 0.25}],
    }
    assert table(csv_pieces([('a,"b"\n.jpg', answer)], top=2)) == [
        ["file", "result", "confidence", "result_2", "confidence_2"],
        ['a,"b"\n.jpg', "unknown", "0.75", "blue", "0.25"],
    ]


def test_csv_of_regions_has_a_line_for_each_region() -> None:
    """Catches a photograph whose second region is lost, or a fault among the results."""
    regions = [
        {"box": [1.0, 2.0, 3.0, 4.5], "confidence": 1.0, "result": "red"},
        {"box": [0, 0, 0, 0], "error": "a box must have ..."},
        {"box": [5, 6, 7, 8], "confidence": 0.5, "result": "blue"},
    ]
    assert table(csv_pieces([("a.jpg", {"regions": regions})], regions=True)) == [
        ["file", "x", "y", "width", "height", "result", "confidence"],
        ["a.jpg", "1.0", "2.0", "3.0", "4.5", "red", "1.0"],
        ["a.jpg", "5", "6", "7", "8", "blue", "0.5"],
    ]


def test_csv_of_regions_keeps_a_photograph_without_any() -> None:
    """Fault: a photograph on which no anomaly was found is lost from the table."""
    answer = {"confidence": 0.9, "result": "normal", "score": 0.1, "regions": []}
    assert table(csv_pieces([("a.jpg", answer)], regions=True)) == [
        ["file", "x", "y", "width", "height", "result", "confidence"],
        ["a.jpg", "", "", "", "", "normal", "0.9"],
    ]


def test_csv_of_a_video_has_columns_for_each_place() -> None:
    """Fault: --top is lost where a video's regions become a table."""
    top = [{"label": "red", "confidence": 0.75}, {"label": "blue", "confidence": 0.25}]
    region = {"box": [1, 2, 3, 4], "confidence": 0.75, "result": "red", "top": top}
    frame = {"time": 0.5, "frame": 5, "regions": [region]}
    rows = table(frame_pieces("csv", "a.avi", [frame], top=2))
    assert rows[0][-4:] == ["result", "confidence", "result_2", "confidence_2"]
    assert rows[1][-4:] == ["red", "0.75", "blue", "0.25"]


def test_errors_are_a_table_of_file_and_reason() -> None:
    """Catches reasons with commas that fall apart."""
    assert table(error_pieces([("a.jpg", "is damaged: x, y.")])) == [["file", "reason"], ["a.jpg", "is damaged: x, y."]]


def test_a_cell_is_no_formula_and_no_line_end() -> None:
    """Faults: a file name that a spreadsheet runs, or that tears its row in two; numbers that become texts."""
    names = ["=1+1", "+1", "-a.jpg", "@x", "\r.jpg", "a\rb.jpg", "a=b.jpg"]
    answer = {"result": "=red", "confidence": 0.5}
    rows = table(csv_pieces([(name, answer) for name in names]))[1:]
    assert [row[0] for row in rows] == ["'=1+1", "'+1", "'-a.jpg", "'@x", "'\r.jpg", "a\rb.jpg", "a=b.jpg"]
    assert {tuple(row[1:]) for row in rows} == {("'=red", "0.5")}
    assert csv_line([-1.5, "a"]) == "-1.5,a\n"
