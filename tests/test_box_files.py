"""--boxes FILE: COCO and CSV give the same regions, and a bad entry is named and costs nothing but itself."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.__main__ import main
from inference.boxes.files import BoxFile, read_boxes, unused
from inference.drawing.preview import draw_preview
from inference.errors import InputError
from inference.pictures.limits import Limits
from inference.pictures.listing import Picture
from inference.pictures.regions import cut_region
from tests.picture_files import file_of, png

BOXES = {"a.jpg": ((10.0, 20.0, 30.0, 40.0), (0.0, 0.0, 5.5, 6.0)), "deep/b.png": ((1.0, 2.0, 3.0, 4.0),)}
COCO = {
    "images": [{"id": 7, "file_name": "deep/b.png"}, {"id": 5, "file_name": "a.jpg"}, {"id": 9, "file_name": "no.jpg"}],
    "annotations": [
        {"image_id": 5, "bbox": [10, 20, 30, 40], "category_id": 3},
        {"image_id": 7, "bbox": [1, 2, 3, 4]},
        {"image_id": 5, "bbox": [0, 0, 5.5, 6]},
    ],
}
RESULTS = [
    {"image_id": "a.jpg", "bbox": [10, 20, 30, 40], "score": 0.9},
    {"file_name": "deep/b.png", "image_id": 7, "bbox": [1, 2, 3, 4]},
    {"image_id": "a.jpg", "bbox": [0, 0, 5.5, 6]},
]
EXTENT = "file,x,y,width,height\na.jpg,10,20,30,40\ndeep/b.png,1,2,3,4\na.jpg,0,0,5.5,6\n"
CORNERS = "ymax;xmin;note;ymin;filename;xmax\n60;10;;20;a.jpg;40\n6;1;x;2;deep/b.png;4\n6;0;;0;a.jpg;5.5\n"


KEYS = ("a.jpg", "deep/b.png", "other.jpg", "no.jpg")


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., BoxFile]:
    """Return the reading of a text, of bytes or of what JSON can hold; none of the names tells the format."""

    def read(content: Any, *keys: str) -> BoxFile:
        data = content if isinstance(content, str | bytes) else json.dumps(content)
        path = tmp_path / "boxes.txt"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return read_boxes(path, [Picture(key, Path(key)) for key in (*KEYS, *keys)])

    return read


@pytest.mark.parametrize("content", [COCO, RESULTS, EXTENT, CORNERS], ids=["coco", "results", "extent", "corners"])
def test_every_format_gives_the_same_boxes(content: Any, read: Callable[..., BoxFile]) -> None:
    """Catches corners taken for sizes, columns or ids out of order, and boxes of one photograph out of order."""
    file = read(content)
    assert file == BoxFile(BOXES)
    assert file.boxes_of("a.jpg") == BOXES["a.jpg"]
    assert file.boxes_of("no.jpg") == ()


@pytest.mark.parametrize(
    "text", [EXTENT.replace("\n", "\r\n"), "\ufeff" + EXTENT, EXTENT.replace("file,x", "File, X") + "\n\n"]
)
def test_tables_of_other_programs_are_read(text: str, read: Callable[..., BoxFile]) -> None:
    """Catches Windows' line ends, Excel's byte order mark, capitals, blanks and empty lines."""
    assert read(text) == BoxFile(BOXES)


def test_width_and_height_beside_corners_are_the_pictures(read: Callable[..., BoxFile]) -> None:
    """Catches the picture's size taken for the box's, in the commonest table of all."""
    text = "filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,640,480,quartz,10,20,40,60\n"
    assert read(text).boxes == {"a.jpg": ((10.0, 20.0, 30.0, 40.0),)}


def test_a_box_cuts_the_pixels_that_it_names(read: Callable[..., BoxFile]) -> None:
    """Catches x taken for y, or a box that is off by one pixel."""
    pixels = np.zeros((100, 100, 3), np.uint8)
    pixels[20:60, 10:40] = 255
    (box,) = read("file,xmin,ymin,xmax,ymax\na.jpg,10,20,40,60\n").boxes["a.jpg"]
    assert (cut_region(pixels, box) == 255).all()
    assert cut_region(pixels, box).shape == (40, 30, 3)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a.jpg,1,2,three,4", "line 3: width must be a finite number; received 'three'. Correct"),
        ("a.jpg,1,2,nan,4", "line 3: width must be a finite number; received 'nan'. Correct"),
        ("a.jpg,1,2,0,4", "line 3: a box must have finite coordinates and a positive width and height; received x"),
        ("a.jpg,1,2,-3,4", "line 3: a box must have finite coordinates and a positive width and height; received x"),
        ("a.jpg,1,2,3", "line 3: a line must have the header's 5 fields; received 4"),
        (',1,2,3,4', "line 3: an entry must name its photograph; received ''. Write"),
        ('"a.jpg,1,2,3,4', "line 3: a line must be well-formed CSV"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named_and_the_others_are_read(line: str, message: str, read: Callable[..., BoxFile]) -> None:
    """Catches one typing error that loses a whole file, is passed over in silence or is counted wrongly."""
    lines = EXTENT.splitlines()
    file = read("\n".join([*lines[:2], line, *lines[2:]]))
    assert file.boxes == BOXES
    (refusal,) = file.refused
    assert refusal.startswith(f"boxes.txt: {message}")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_editors_count_them(end: str, read: Callable[..., BoxFile]) -> None:
    """Catches a message that names line 7 for line 4, because Windows ends a line with two signs."""
    lines = ["file,x,y,width,height", "a.jpg,1,2,3,4", "", "a.jpg,1,2,3,none"]
    assert read(end.join(lines)).refused[0].startswith("boxes.txt: line 4: ")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"image_id": 6, "bbox": [1, 2, 3, 4]}, "image_id must be an id of the list images; received 6."),
        ({"image_id": True, "bbox": [1, 2, 3, 4]}, "image_id must be an id of the list images; received True."),
        ({"image_id": [5], "bbox": [1, 2, 3, 4]}, "image_id must be an id of the list images; received [5]."),
        (
            {"image_id": 5, "bbox": [1, 2, 3]},
            "bbox must be four finite numbers [x, y, width, height]; received [1, 2",
        ),
        ({"image_id": 5, "bbox": [1, 2, True, 4]}, "bbox must be four finite numbers"),
        ({"image_id": 5, "bbox": [1, 2, 3, 10**400]}, "bbox must be four finite numbers"),
        ({"image_id": 5, "bbox": [1, 2, 3, 0]}, "a box must have finite coordinates and a positive width and height"),
        ({"image_id": 5}, "bbox must be four finite numbers [x, y, width, height]; received None."),
        (
            {"image_id": 5, "bbox": [1, 2, 3, 4], "iscrowd": 1},
            "a box must hold one object; received iscrowd 1, a",
        ),
        ("text", "an entry must be an object in braces; received 'text'."),
    ],
)
def test_a_bad_annotation_is_named_and_the_others_are_read(
    entry: Any, message: str, read: Callable[..., BoxFile]
) -> None:
    """Catches a traceback, a guess or a lost file for an entry that breaks a rule; entries are counted from 1."""
    annotations = COCO["annotations"]
    file = read({**COCO, "annotations": [annotations[0], entry, *annotations[1:]]})
    assert file.boxes == BOXES
    (refusal,) = file.refused
    assert refusal.startswith(f"boxes.txt: annotation number 2: {message}")


def test_an_id_with_two_meanings_means_nothing(read: Callable[..., BoxFile]) -> None:
    """Catches boxes that are laid over the wrong photograph."""
    file = read({**COCO, "images": [*COCO["images"], {"id": 5, "file_name": "other.jpg"}]})
    assert file.boxes == {"deep/b.png": BOXES["deep/b.png"]}
    (refusal,) = file.refused  # one message, however many boxes the image has
    assert refusal.startswith("boxes.txt: image id 5: an id may occur once; received 5 again")


def test_boxes_of_one_id_are_all_classified(read: Callable[..., BoxFile]) -> None:
    """Catches boxes lost to a program that numbers every box 0; only the training needs ids of their own."""
    assert read({**COCO, "annotations": [{"id": 0, **entry} for entry in COCO["annotations"]]}) == BoxFile(BOXES)


def test_results_that_name_photographs_by_number_are_refused(read: Callable[..., BoxFile]) -> None:
    """Catches number 42 taken for a file called 42."""
    file = read([*RESULTS, {"image_id": 42, "bbox": [1, 2, 3, 4]}])
    assert file.boxes == BOXES
    assert "result number 4: a result's file_name or image_id must be the photograph's path" in file.refused[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "does not hold boxes in a supported format. Supported: COCO JSON"),
        ("a.jpg,10,20,30,40\n", "does not hold boxes in a supported format. Supported: COCO JSON"),
        ("file,x,y,width\na.jpg,1,2,3\n", "line 1: the header lacks a column for height: height, bbox_height"),
        ("file,x,y,width,height,x\na.jpg,1,2,3,4,5\n", "line 1: a column may occur once; received x again"),
        (b"file\0", "must be UTF-8 text; received binary data or UTF-16"),
        ('{"images": [', "must be JSON"),
        ("[" * 100_000, "must be JSON"),
        ({"images": []}, "COCO JSON has the lists images, annotations; received ['images']"),
        ({"images": [], "annotations": []}, "must hold at least one valid box; received none. Add one."),
        ("file,x,y,width,height\na.jpg,1,2,3,-4\n", "none. Refused entries: 1, the first: boxes.txt: line 2: a"),
    ],
)  # fmt: skip
def test_a_file_without_any_box_is_an_error(content: Any, message: str, read: Callable[..., BoxFile]) -> None:
    """Catches a run that classifies nothing and calls it done, or a traceback."""
    with pytest.raises(InputError) as fault:
        read(content)
    assert message in str(fault.value)
    assert "\n" not in str(fault.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """Catches a traceback for a mistyped path, or for a folder."""
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(InputError, match=f"{path}: cannot be read: .* Give a file of boxes"):
            read_boxes(path, ())


@pytest.mark.parametrize("written", ["./deep/b.png", "deep\\b.png", "deep/x/../b.png", " deep/b.png "])
def test_spellings_of_one_path_are_one_photograph(written: str, read: Callable[..., BoxFile]) -> None:
    """Catches boxes from Windows, or from another tool's relative paths, that fit no picture."""
    file = read([{"file_name": written, "bbox": [1, 2, 3, 4]}])
    assert file.boxes_of("deep/b.png") == BOXES["deep/b.png"]


def test_accents_fit_however_a_system_writes_them(read: Callable[..., BoxFile]) -> None:
    """Catches boxes made on a Mac, which splits an accent from its letter, that fit no picture elsewhere."""
    composed, split = "Gr\u00fcn.jpg", "Gru\u0308n.jpg"
    for written in (composed, split):
        for key in (composed, split):
            assert read([{"file_name": written, "bbox": [1, 2, 3, 4]}], key).boxes_of(key) == ((1.0, 2.0, 3.0, 4.0),)


def test_names_that_are_no_utf8_fit_their_pictures(read: Callable[..., BoxFile]) -> None:
    """Catches a traceback, or boxes that fit no picture, for a file name from an old machine."""
    key = os.fsdecode(b"gr\xfcn.jpg").encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    assert read(b"file,x,y,width,height\ngr\xfcn.jpg,1,2,3,4\n", key).boxes_of(key) == ((1.0, 2.0, 3.0, 4.0),)
    half_a_letter = [*RESULTS, {"file_name": "\ud800.jpg", "bbox": [1, 2, 3, 4]}]
    assert "an entry must name its photograph" in read(half_a_letter).refused[0]


def test_boxes_of_no_picture_are_told(read: Callable[..., BoxFile]) -> None:
    """Catches boxes that are silently left out because the wrong folder was given."""
    boxes = read(EXTENT).boxes
    assert unused(boxes, ["a.jpg", "b.png"]) == ["deep/b.png"]
    assert unused(boxes, ["deep/b.png", "a.jpg"]) == []
    assert unused(boxes, []) == ["a.jpg", "deep/b.png"]


def test_fractions_of_a_photograph_above_the_usual_limit_are_of_its_size(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Faults: its size is read by another limit than the run's; a box of unknown size is cut out as one pixel."""
    large = Picture("large.png", file_of(tmp_path, png(13000, 10000, 8, 2, b"")))
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("file,x,y,width,height\nlarge.png,0.1,0.1,0.5,0.5\nno.png,0.1,0.1,0.5,0.5\n")
    found = read_boxes(boxes, [large], Limits(pixels=150_000_000))
    assert found.boxes["large.png"] == ((1300.0, 1000.0, 6500.0, 5000.0),)
    found = read_boxes(boxes, [large])
    assert list(found.boxes) == ["no.png"]
    assert "line 2: fractions need the size of their photograph. large.png: is too large" in found.refused[0]
    large.path.rename(tmp_path / "large.png")
    boxes.write_text("file,x,y,width,height\nlarge.png,0.1,0.1,0.5,0.5\n")
    command = [str(tiny_model), str(tmp_path / "large.png"), "--boxes", str(boxes), "--max-megapixels"]
    assert main([*command, "129"]) == 2
    assert "At most 129,000,000 pixels are read" in capsys.readouterr().err


def test_a_box_beyond_all_numbers_costs_itself_alone() -> None:
    """Fault: a box near 1e308 ends the process that reads the photograph, and its other boxes have no answer."""
    pixels = np.zeros((40, 60, 3), np.uint8)
    assert cut_region(pixels, (10, 0, 1e308, 1e308), 100).shape == (40, 60, 3)
    assert cut_region(pixels, (-1e308, 10, 1.7e308, 20)).shape == (20, 60, 3)
    for box in ((1e308, 0, 1e308, 9), (-1.7e308, 0, 9, 9)):
        with pytest.raises(InputError, match="must overlap"):
            cut_region(pixels, box, 100)
    preview = draw_preview(
        pixels, {"regions": [{"box": [1e308, -1e308, 1e308, 1.7e308], "result": "a", "confidence": 1}]}
    )
    assert preview.size[0] >= 60
