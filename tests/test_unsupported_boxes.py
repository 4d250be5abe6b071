"""Boxes that can't be used as they are written: what they are is said, and what to do instead."""

import json
from pathlib import Path

import pytest

from inference.boxes.files import read_boxes
from inference.boxes.xml_tree import parse_xml
from inference.errors import InputError
from pipeline.data.annotations.formats import read_entries
from pipeline.data.annotations.read import annotated_classes
from pipeline.data.annotations.voc import read_voc

LABELBOX = json.dumps({"data_row": {"external_id": "a.jpg"}, "projects": {}})
SAGEMAKER = json.dumps({"source-ref": "s3://trees/a.jpg", "bb": {"annotations": [{"left": 1}]}})
CASES = {
    "json lines of labelbox": (f"{LABELBOX}\n{LABELBOX}\n", "is JSON Lines.*Export it as COCO JSON"),
    "manifest of sagemaker": (f"{SAGEMAKER}\n{SAGEMAKER}\n", "is JSON Lines"),
    "web page": ("<!DOCTYPE html><html><body>Sign in</body></html>", "is a web page"),
    "pointer": ("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "git lfs pull"),
    "zip": ("PK\x03\x04\x00\x00", "is a zip. Unpack it"),
    "labels alone": ("id,label\na.jpg,oak\nb.jpg,elm\n", r"\['id', 'label'\].*make a folder for each label"),
    "one column a class": ("filename, oak, elm\na.jpg, 1, 0\n", "columns of boxes are not among these"),
}


@pytest.mark.parametrize("read", [lambda path: annotated_classes(path, path.parent), lambda path: read_boxes(path, ())])
@pytest.mark.parametrize(("text", "words"), CASES.values(), ids=CASES)
def test_a_file_of_another_kind_is_told_with_the_remedy(tmp_path: Path, text: str, words: str, read: object) -> None:
    """Fault: "Extra data: line 2", "DOCTYPE", or a list of formats for a file that is obviously something else."""
    (tmp_path / "boxes.any").write_text(text)
    with pytest.raises(InputError, match=words):
        read(tmp_path / "boxes.any")  # type: ignore[operator]


@pytest.mark.parametrize("encoding", ["gb2312", "GBK", "Big5", "Shift_JIS", "euc-kr", "iso-8859-1", "utf-16"])
def test_xml_is_read_in_the_encoding_that_it_declares(encoding: str) -> None:
    """Fault: files of labelImg from China are refused, since the parser knows no encodings of several bytes."""
    name = "\xe9" if encoding == "iso-8859-1" else "\u6728"
    text = f'<?xml version="1.0" encoding="{encoding}"?><annotation><name>{name}</name></annotation>'
    assert parse_xml(text.encode(encoding)).findtext("name") == name


@pytest.mark.parametrize("encoding", ["gb2312", "nonsense"])
def test_xml_that_is_not_in_its_encoding_is_refused(encoding: str) -> None:
    """Fault: a traceback of a decoder."""
    with pytest.raises(InputError, match="must be XML"):
        parse_xml(f'<?xml version="1.0" encoding="{encoding}"?><a>'.encode() + b"\xff\xff\xff</a>")


def test_classes_numbered_from_one_are_refused_as_a_whole(tmp_path: Path) -> None:
    """Fault: oak is trained as elm, and only the boxes of the last class are refused."""
    (tmp_path / "classes.txt").write_text("oak\nelm\n")
    for number in (1, 2):
        (tmp_path / f"{number}.txt").write_text(f"{number} 0.5 0.5 0.2 0.2")
    with pytest.raises(
        InputError, match="as the class file does, 0 to 1; received boxes of class 2 and none of class 0"
    ):
        annotated_classes(tmp_path, tmp_path)
    (tmp_path / "0.txt").write_text("0 0.5 0.5 0.2 0.2")
    assert read_entries(tmp_path).boxes, "one wrong number among right ones is refused alone"


@pytest.mark.parametrize(
    ("shape", "edges"),
    [
        ("<polygon><x1>9</x1><y1>2</y1><x2>30</x2><y2>8</y2><x3>12</x3><y3>40</y3></polygon>", (9, 2, 30, 40)),
        ("<polygon><pt><x>9</x><y>2</y></pt><pt><x>30</x><y>40</y></pt></polygon>", (9, 2, 30, 40)),
        ("<robndbox><cx>9</cx><cy>9</cy><w>3</w><h>4</h><angle>1</angle></robndbox>", None),
    ],
)
def test_an_xml_object_without_box_is_read_by_its_polygon_or_named(
    tmp_path: Path, shape: str, edges: tuple[int, ...] | None
) -> None:
    """Fault: "xmin must be a finite number; received ''" for an outline, or for a turned box."""
    path = tmp_path / "a.xml"
    path.write_text(f"<annotation><object><name>oak</name>{shape}</object></annotation>")
    found = read_voc(path)
    if edges:
        assert found.boxes[0].edges == edges
    else:
        assert "must have a <bndbox> or <polygon>; received <name>, <robndbox>" in found.refusals[0].message
