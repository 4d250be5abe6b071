"""The format of annotations is told by content; the dialects of one format read the same."""

import json
from pathlib import Path

import pytest
from PIL import Image

from inference.errors import InputError
from pipeline.data.annotations.read import Annotation, read_annotations

LABELS = ("pyrite", "tiger's eye", "rose, pale")
COCO = json.dumps(
    {
        "images": [{"id": 5, "file_name": "a.png"}],
        "categories": [{"id": 7, "name": "pyrite"}],
        "annotations": [{"image_id": 5, "category_id": 7, "bbox": [1, 2, 3, 4]}],
    }
)
VOC = (
    "<annotation><filename>a.png</filename><object><name>pyrite</name>"
    "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>4</xmax><ymax>6</ymax></bndbox></object></annotation>"
)
CSV = "filename,label,xmin,ymin,xmax,ymax\na.png,pyrite,1,2,4,6\n"
YOLO = "0 0.25 0.4 0.3 0.4\n"  # of 10 x 10 pixels


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    Image.new("RGB", (10, 10)).save(folder / "a.png")
    return folder


def read_one(path: Path, images: Path) -> tuple[str, Annotation]:
    """Return the format and the only annotation, which must be the box that all the texts above hold."""
    found = read_annotations(path, images, LABELS)
    (annotation,) = found.annotations
    assert found.refused == ()
    assert (annotation.x, annotation.y, annotation.width, annotation.height) == (1, 2, 3, 4)
    return found.format, annotation


@pytest.mark.parametrize("name", ["boxes", "boxes.txt", "boxes.csv", "boxes.xml", "boxes.json", "boxes.jpg"])
@pytest.mark.parametrize(("text", "told"), [(COCO, "coco"), (VOC, "voc"), (CSV, "csv")])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_misleading_name_does_not_change_the_format(
    name: str, text: str, told: str, mark: str, images: Path, tmp_path: Path
) -> None:
    """Fault: COCO in a .txt or without extension is taken for YOLO; a byte order mark hides the first column."""
    path = tmp_path / name
    path.write_text(mark + text, encoding="utf-8")
    assert read_one(path, images)[0] == told


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"x": COCO, "notes.json": "{}"}, "coco"),
        ({"x.txt": CSV}, "csv"),
        ({"Annotations/x.xml": VOC, "readme.txt": "hello"}, "voc"),
        ({"a.txt": YOLO, "obj.names": "pyrite"}, "yolo"),
        ({"labels/train/a.txt": YOLO, "classes.txt": "pyrite\n", "train.txt": "images/a.png\n"}, "yolo"),
        (
            {"obj_train_data/a.TXT": YOLO, "data.yaml": "nc: 1\nnames:\n- pyrite\nval: x\n", "README.txt": "by me"},
            "yolo",
        ),
    ],
)
def test_a_folder_is_told_by_what_is_in_it(files: dict[str, str], told: str, images: Path, tmp_path: Path) -> None:
    """Fault: notes beside the annotations are read as annotations; labels in a subfolder are not found."""
    folder = tmp_path / "source"
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    assert read_one(folder, images)[0] == told


@pytest.mark.parametrize(
    "names",
    [
        "names: [pyrite, tiger's eye, 'rose, pale']",
        "names: ['pyrite', 'tiger''s eye',\n  \"rose, pale\"]  # three",
        "names:\n- pyrite\n- tiger's eye\n- rose, pale",
        "names:\n  # by number\n  2: rose, pale\n  1: tiger's eye\n  0: pyrite",
        'names: {0: pyrite, 1: "tiger\'s eye", 2: "rose, pale"}',
    ],
)
@pytest.mark.parametrize(("number", "label"), list(enumerate(LABELS)))
def test_each_way_to_list_yolo_classes_gives_the_same_numbers(
    names: str, number: int, label: str, images: Path, tmp_path: Path
) -> None:
    """Fault: a comma or quote in a name, or the order of a mapping, shifts every later class."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "data.yaml").write_text(f"train: images\n{names}\nnc: 3\n")
    (folder / "a.txt").write_text(f"{number}{YOLO[1:]}")
    assert read_one(folder, images)[1].label == label


@pytest.mark.parametrize(
    "text",
    [
        "image_path;class;x;y;width;height\r\na.png;pyrite;1;2;3;4\r\n",
        "Class Name\tFILE\tLeft\tTop\tWidth\tHeight\npyrite\ta.png\t1\t2\t3\t4",
        "filename,width,height,class,xmin,ymin,xmax,ymax\na.png,10,10,pyrite,1,2,4,6",
        'x1,y1,x2,y2,image,label,"note, free"\n1,2,4,6,"a.png","pyrite","of ""two"""\n\n',
    ],
)
def test_the_header_of_a_table_decides_its_columns(text: str, images: Path, tmp_path: Path) -> None:
    """Fault: the picture's width is read as the box's; columns are taken by position."""
    path = tmp_path / "table"
    path.write_bytes(text.encode())
    assert read_one(path, images)[0] == "csv"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"x": "hello"}, ["not hold annotations in a supported format", "COCO", "VOC", "YOLO", "CSV"]),
        ({"x": ""}, ["not hold annotations in a supported format"]),
        ({"x": "\0"}, ["binary", "COCO"]),
        ({"x": YOLO}, ["holds labels of YOLO", "the folder of all of them, with classes.txt"]),
        ({"x": '{"images": ['}, ["x: must be JSON"]),
        ({"x": '{"a":' * 100_000}, ["x: must be JSON"]),
        ({"x": '{"images": []}'}, ["images, annotations, categories", "['images']"]),
        ({"x": "<annotation>"}, ["x: must be XML"]),
        ({"x": "<html></html>"}, ["is a web page"]),
        ({"x": "filename,label,xmin,ymin\na.png,pyrite,1,2"}, ["line 1", "width", "height"]),
        ({"x": "filename,label,xmin,xmin,ymin,xmax,ymax\n"}, ["line 1", "once", "xmin"]),
        ({"y/x.xml": VOC, "y/x.csv": CSV}, ["one set", "voc in", "csv in"]),
        ({"y/note": "hello"}, ["not hold annotations in a supported format", "COCO"]),
        ({"y/a.txt": YOLO, "y/classes.txt": "\n"}, ["classes.txt", "received none"]),
        ({"y/a.txt": YOLO, "y/classes.txt": "a", "y/obj.names": "b"}, ["classes.txt, obj.names", "different"]),
        ({"z": ""}, ["nothing is at"]),
    ],
)
def test_a_source_that_cannot_be_used_at_all_is_an_error(
    files: dict[str, str], words: list[str], images: Path, tmp_path: Path
) -> None:
    """Fault: a traceback, or a message that leaves the user to guess what would have been right."""
    folder = tmp_path / "source"
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    path = folder / "y" if (folder / "y").is_dir() else folder / "x"
    with pytest.raises(InputError) as raised:
        read_annotations(path, images, LABELS)
    assert all(word in str(raised.value) for word in words), raised.value


def test_a_folder_of_images_that_is_missing_is_an_error(tmp_path: Path) -> None:
    """Fault: every photograph is called missing one by one."""
    (tmp_path / "x").write_text(CSV)
    with pytest.raises(InputError, match="images must be a folder"):
        read_annotations(tmp_path / "x", tmp_path / "gone", LABELS)


@pytest.mark.parametrize("text", [COCO, VOC])
def test_blanks_before_the_text_do_not_hide_the_format(text: str, images: Path, tmp_path: Path) -> None:
    """Fault: the format is told by the first character alone."""
    (tmp_path / "x").write_text("\n  " + text)
    read_one(tmp_path / "x", images)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_line_is_counted_once_whatever_ends_it(end: str, images: Path, tmp_path: Path) -> None:
    """Fault: each line of a file from Windows counts as two, so that messages name the wrong one."""
    (tmp_path / "x").write_bytes((CSV + "a.png,gold,1,2,4,6\n").replace("\n", end).encode())
    (message,) = read_annotations(tmp_path / "x", images, LABELS).refused
    assert message.startswith("x: line 3: ")


@pytest.mark.parametrize("written", ["pyrite", " Pyrite ", "PYRITE"])
def test_a_label_may_differ_in_case_and_blanks(written: str, images: Path, tmp_path: Path) -> None:
    """Fault: a class is lost to a capital letter."""
    (tmp_path / "x").write_text(COCO.replace('"pyrite"', f'"{written}"'))
    assert read_one(tmp_path / "x", images)[1].label == "pyrite"


def test_a_label_that_fits_two_classes_but_for_case_is_refused(images: Path, tmp_path: Path) -> None:
    """Fault: the first of two classes that differ in case takes the other's boxes."""
    (tmp_path / "x").write_text(CSV.replace("pyrite", "Gold") + "a.png,GOLD,1,2,4,6\n")
    found = read_annotations(tmp_path / "x", images, ("gold", "Gold"))
    assert [annotation.label for annotation in found.annotations] == ["Gold"]
    assert len(found.refused) == 1 and found.refused[0].startswith("x: line 3: a label must be one of gold, Gold")


def test_a_source_without_any_usable_box_is_an_error_that_says_why(images: Path, tmp_path: Path) -> None:
    """Fault: an empty training set travels on."""
    (tmp_path / "x").write_text(CSV.replace("pyrite", "gold"))
    with pytest.raises(InputError, match=r"at least one usable box(?s:.*)x: line 2: .*'gold'"):
        read_annotations(tmp_path / "x", images, LABELS)
