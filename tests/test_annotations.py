"""Annotations: four formats in, one list out; what breaks a rule is left out and named, the rest is read."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from inference.errors import InputError
from pipeline.data.annotations.read import AnnotationSet, read_annotations

LABELS = ("pyrite", "quartz", "biotite")
Sizes = dict[str, tuple[int, int]]  # photograph -> (width, height) in pixels
SIZES: Sizes = {"a.jpg": (400, 300), "b.c d+e.png": (123, 77), "turned.jpg": (200, 320), "plain": (64, 48)}
Box = tuple[str, str, float, float, float, float]  # photo, label, x, y, width, height
BOXES: list[Box] = [
    ("a.jpg", "pyrite", 10, 20, 30, 40),
    ("a.jpg", "quartz", 0, 0, 400, 300),
    ("b.c d+e.png", "biotite", 7, 11, 13, 17),
    ("plain", "pyrite", 1, 2, 3, 4),
    ("turned.jpg", "quartz", 50, 60, 100, 240),  # reaches y 300: outside the stored frame of 320 x 200
]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of four photographs: one turned by EXIF, one without extension, one with dots, blank and plus."""
    folder = tmp_path_factory.mktemp("images")
    Image.new("RGB", SIZES["a.jpg"], "red").save(folder / "a.jpg")
    Image.new("RGB", SIZES["b.c d+e.png"], "green").save(folder / "b.c d+e.png")
    Image.new("RGB", SIZES["plain"], "blue").save(folder / "plain", format="PNG")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", SIZES["turned.jpg"][::-1], "grey").save(folder / "turned.jpg", exif=exif)
    return folder


def coco_document(boxes: list[Box], stated: Sizes = SIZES) -> dict:
    """All photographs of SIZES, those without boxes too; ids count from 1 in the order of boxes."""
    photos, labels = list(SIZES), list(LABELS)
    return {
        "images": [
            {"id": number, "file_name": name, "width": stated[name][0], "height": stated[name][1]}
            for number, name in enumerate(photos, 1)
        ],
        "categories": [{"id": number, "name": name} for number, name in enumerate(labels, 1)],
        "annotations": [
            {"id": number, "image_id": photos.index(photo) + 1, "category_id": labels.index(label) + 1, "bbox": bbox}
            for number, (photo, label, *bbox) in enumerate(boxes, 1)
        ],
    }


def write_coco(folder: Path, boxes: list[Box], stated: Sizes = SIZES) -> Path:
    path = folder / "boxes.json"
    path.write_text(json.dumps(coco_document(boxes, stated)), encoding="utf-8")
    return path


def voc_text(photo: str, boxes: list[Box], size: tuple[int, int]) -> str:
    width, height = size
    objects = "".join(
        f"<object><name>{label}</name><bndbox><xmin>{x}</xmin><ymin>{y}</ymin>"
        f"<xmax>{x + w}</xmax><ymax>{y + h}</ymax></bndbox></object>"
        for name, label, x, y, w, h in boxes
        if name == photo
    )
    frame = f"<size><width>{width}</width><height>{height}</height></size>"
    return f"<annotation><filename>{photo}</filename>{frame}{objects}</annotation>"


def write_voc(folder: Path, boxes: list[Box], stated: Sizes = SIZES) -> Path:
    path = folder / "voc"
    path.mkdir(exist_ok=True)
    for photo, size in stated.items():
        (path / f"{photo}.xml").write_text(voc_text(photo, boxes, size), encoding="utf-8")
    return path


def write_yolo(folder: Path, boxes: list[Box]) -> Path:
    path = folder / "yolo"
    (path / "labels").mkdir(parents=True, exist_ok=True)
    (path / "classes.txt").write_text("\n".join(LABELS) + "\n", encoding="utf-8")
    for photo, (width, height) in SIZES.items():
        lines = [
            f"{LABELS.index(label)} {(x + w / 2) / width:.6f} {(y + h / 2) / height:.6f} "
            f"{w / width:.6f} {h / height:.6f}"
            for name, label, x, y, w, h in boxes
            if name == photo
        ]
        stem = photo.removesuffix(".jpg").removesuffix(".png")
        (path / "labels" / f"{stem}.txt").write_text("\n".join(lines), encoding="utf-8")
    return path


def write_csv(folder: Path, boxes: list[Box]) -> Path:
    path = folder / "boxes.csv"
    rows = [f'"{photo}",{label},{x},{y},{x + w},{y + h}' for photo, label, x, y, w, h in boxes]
    rows += [f'"{photo}",,,,,' for photo in SIZES if photo not in {box[0] for box in boxes}]
    path.write_text("\n".join(["filename,label,xmin,ymin,xmax,ymax", *rows]) + "\n", encoding="utf-8")
    return path


WRITERS = {"coco": write_coco, "voc": write_voc, "yolo": write_yolo, "csv": write_csv}


def boxes_of(found: AnnotationSet) -> list[Box]:
    return [(a.photo, a.label, a.x, a.y, a.width, a.height) for a in found.annotations]


def read_document(document: dict, images: Path, folder: Path) -> AnnotationSet:
    path = folder / "boxes.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return read_annotations(path, images, LABELS)


@pytest.mark.parametrize("name", WRITERS)
def test_each_format_gives_the_boxes_that_were_drawn(name: str, images: Path, tmp_path: Path) -> None:
    """Fault: xmax read as width, a YOLO centre as corner, a photograph measured before EXIF rotation."""
    found = read_annotations(WRITERS[name](tmp_path, BOXES), images, LABELS)
    assert (found.format, found.clipped, found.refused, found.incomplete) == (name, 0, (), ())
    assert boxes_of(found) == BOXES
    assert found.photos == tuple(sorted(SIZES))


@st.composite
def drawn_boxes(draw: st.DrawFn) -> list[Box]:
    """Boxes on half pixels inside their photographs, at least a pixel wide and high, sorted by photograph."""
    boxes = []
    for _ in range(draw(st.integers(1, 6))):
        photo = draw(st.sampled_from(list(SIZES)))
        spans = []
        for side in SIZES[photo]:
            first, last = sorted(draw(st.lists(st.integers(0, side * 2), min_size=2, max_size=2)))
            spans.append((first / 2, max(last - first, 2) / 2) if first < side * 2 - 1 else (side - 1, 1))
        (x, width), (y, height) = spans
        boxes.append((photo, draw(st.sampled_from(LABELS)), x, y, width, height))
    return sorted(boxes, key=lambda box: box[0])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(boxes=drawn_boxes())
def test_the_same_boxes_in_four_formats_are_equal_whole_pixels(boxes: list[Box], images: Path, tmp_path: Path) -> None:
    """Fault: sizes rounded instead of edges, halves rounded to even, or six decimals of YOLO falling below a half."""
    assume(any(max(x, y, width, height) > 1 for _, _, x, y, width, height in boxes))  # else they may be fractions
    found = [boxes_of(read_annotations(write(tmp_path, boxes), images, LABELS)) for write in WRITERS.values()]
    expected = []
    for photo, label, x, y, width, height in boxes:
        left, top, right, bottom = (int(edge + 0.5) for edge in (x, y, x + width, y + height))  # edges are positive
        expected.append((photo, label, left, top, right - left, bottom - top))
    assert found == [expected] * 4


@pytest.mark.parametrize("name", WRITERS)
def test_a_box_that_sticks_out_is_clipped_and_counted(name: str, images: Path, tmp_path: Path) -> None:
    """Fault: a patch cut beyond the picture, or clipping that nobody is told of."""
    boxes: list[Box] = [("a.jpg", "pyrite", -5, -7, 20, 20), ("a.jpg", "quartz", 390, 290, 30, 40), *BOXES[2:]]
    found = read_annotations(WRITERS[name](tmp_path, boxes), images, LABELS)
    assert boxes_of(found)[:2] == [("a.jpg", "pyrite", 0, 0, 15, 13), ("a.jpg", "quartz", 390, 290, 10, 10)]
    assert (found.clipped, found.refused) == (2, ())


COCO_FAULTS = {
    "an empty box": ({"bbox": [1, 2, 0, 4]}, ["at least one whole pixel", "[1, 2, 0, 4]"]),
    "a negative box": ({"bbox": [1, 2, 3, -4]}, ["at least one whole pixel", "[1, 2, 3, -4]"]),
    "a box outside": ({"bbox": [400, 2, 3, 4]}, ["in its picture of 400 x 300", "[400, 2, 3, 4]"]),
    "a coordinate that is not finite": ({"bbox": [1, float("nan"), 3, 4]}, ["finite", "nan"]),
    "a sum that is not finite": ({"bbox": [1e308, 1, 1e308, 4]}, ["finite", "1e+308"]),
    "a sum of integers beyond floats": ({"bbox": [10**308, 1, 10**308, 4]}, ["finite", "1000"]),
    "a truth value": ({"bbox": [True, 2, 3, 4]}, ["finite numbers", "True"]),
    "an integer beyond floats": ({"bbox": [10**400, 1, 3, 4]}, ["finite", "1000"]),
    "a coordinate that is no number": ({"bbox": [1, "two", 3, 4]}, ["finite numbers", "two"]),
    "a box of three numbers": ({"bbox": [1, 2, 3]}, ["four", "[1, 2, 3]"]),
    "no box": ({"bbox": None}, ["four", "None"]),
    "a crowd": ({"iscrowd": 1}, ["iscrowd 1", "Draw a box round each"]),
    "a dangling image": ({"image_id": 99}, ["image_id", "99"]),
    "a dangling category": ({"category_id": 99}, ["category_id", "99"]),
    "an image id of a strange type": ({"image_id": [1]}, ["image_id", "[1]"]),
    "an image id that is a truth value": ({"image_id": True}, ["image_id", "True"]),
}


@pytest.mark.parametrize("case", COCO_FAULTS)
def test_a_faulty_coco_box_is_refused_by_its_id_and_the_rest_is_read(case: str, images: Path, tmp_path: Path) -> None:
    """Fault: one bad entry ends the reading, is silently dropped, or slips through."""
    change, words = COCO_FAULTS[case]
    document = coco_document([*BOXES, ("a.jpg", "pyrite", 1, 2, 3, 4)])
    document["annotations"][-1].update(change)
    found = read_document(document, images, tmp_path)
    assert boxes_of(found) == BOXES
    (message,) = found.refused
    number = change.get("id", len(BOXES) + 1)
    assert message.startswith(f"boxes.json: annotation id {number}: ")
    assert all(word in message for word in words), message
    assert found.incomplete == (() if "image_id" in change else ("a.jpg",))


CSV_FAULTS = {
    "an empty box": ("a.jpg,pyrite,5,5,5,9", ["at least one whole pixel", "xmin 5, ymin 5, xmax 5, ymax 9"]),
    "a box empty after clipping": ("a.jpg,pyrite,-9,5,-1,9", ["in its picture of 400 x 300", "xmin -9"]),
    "a coordinate that is not finite": ("a.jpg,pyrite,1,inf,3,4", ["ymin must be a finite number", "'inf'"]),
    "a coordinate that is no number": ("a.jpg,pyrite,1,2,1_0,4", ["xmax must be a finite number", "'1_0'"]),
    "an unknown class": ("a.jpg,pyrit,1,2,3,4", ["pyrite, quartz, biotite", "'pyrit'", "Did you mean pyrite?"]),
    "no class": ("a.jpg,,1,2,3,4", ["pyrite, quartz, biotite", "''"]),
    "a missing photograph": ("gone.jpg,pyrite,1,2,3,4", ["images folder", "'gone.jpg'"]),
    "a way out of the folder": ("../images/a.jpg,pyrite,1,2,3,4", ["can't be one file", "../images/a.jpg"]),
    "an absolute name": ("/a.jpg,pyrite,1,2,3,4", ["can't be one file", "'/a.jpg'"]),
    "a drive": ("C:\\a.jpg,pyrite,1,2,3,4", ["can't be one file", "a.jpg"]),
    "another unit": ("a.jpg,pyrite,0.1,0.2,0.3,0.4", ["one unit, here pixels", "xmin 0.1"]),
    "too few fields": ("a.jpg,pyrite,1,2,3", ["6 fields", "received 5"]),
    "an open quote": ('"a.jpg,pyrite,1,2,3,4', ["well-formed", "a.jpg"]),
    "no photograph": (",pyrite,1,2,3,4", ["name its photograph"]),
}


@pytest.mark.parametrize("case", CSV_FAULTS)
def test_a_faulty_csv_line_is_refused_by_its_number_and_the_rest_is_read(
    case: str, images: Path, tmp_path: Path
) -> None:
    """Fault: a malformed line ends the reading or swallows the lines behind it; a name reaches out of the folder."""
    faulty, words = CSV_FAULTS[case]
    path = write_csv(tmp_path, BOXES)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:3], faulty, *lines[3:]]))
    found = read_annotations(path, images, LABELS)
    assert boxes_of(found) == BOXES
    (message,) = found.refused
    assert message.startswith("boxes.csv: line 4: ")
    assert all(word in message for word in words), message
    assert found.incomplete == (("a.jpg",) if faulty.strip('"').startswith("a.jpg") else ())


YOLO_FAULTS = {
    "a class without name": ("7 0.5 0.5 0.1 0.1", ["0 pyrite, 1 quartz, 2 biotite", "'7'"]),
    "four values": ("0 0.5 0.5 0.1", ["received 4 values"]),
    "half a point": ("0 0.1 0.1 0.2 0.1 0.2 0.2 0.3", ["received 8 values"]),
    "pixels": ("0 100 100 300 300", ["x_center must be a fraction", "100"]),
    "a value that is no number": ("0 0.5 x 0.1 0.1", ["y_center must be a finite number", "'x'"]),
    "a negative width": ("0 0.5 0.5 -0.1 0.1", ["at least one whole pixel", "-0.1"]),
}


@pytest.mark.parametrize("case", YOLO_FAULTS)
def test_a_faulty_yolo_line_is_refused_by_file_and_line(case: str, images: Path, tmp_path: Path) -> None:
    """Fault: pixels taken for fractions fill the whole picture; a damaged polygon is read as a box."""
    faulty, words = YOLO_FAULTS[case]
    path = write_yolo(tmp_path, BOXES)
    with (path / "labels" / "a.txt").open("a") as file:
        file.write("\n" + faulty)
    found = read_annotations(path, images, LABELS)
    assert boxes_of(found) == BOXES
    (message,) = found.refused
    assert message.startswith("labels/a.txt: line 3: ")
    assert all(word in message for word in words), message
    assert found.incomplete == ("a.jpg",)


def test_a_faulty_voc_object_is_refused_by_its_position(images: Path, tmp_path: Path) -> None:
    """Fault: a missing edge is taken for zero."""
    path = write_voc(tmp_path, BOXES)
    file = path / "a.jpg.xml"
    file.write_text(file.read_text().replace("<ymax>60</ymax>", "", 1))
    found = read_annotations(path, images, LABELS)
    assert boxes_of(found) == BOXES[1:]
    (message,) = found.refused
    assert message.startswith("a.jpg.xml: object 1: ymax must be a finite number; received ''")


@pytest.mark.parametrize(("before", "word"), [('<!DOCTYPE x [<!ENTITY e "boo">]>', "DOCTYPE"), ("<broken", "XML")])
def test_a_voc_file_that_may_not_be_parsed_is_refused_alone(
    before: str, word: str, images: Path, tmp_path: Path
) -> None:
    """Fault: entities are expanded, or one damaged file hides the folder."""
    path = write_voc(tmp_path, BOXES)
    file = path / "a.jpg.xml"
    file.write_text(before + file.read_text().replace("pyrite", "&e;"))
    found = read_annotations(path, images, LABELS)
    assert boxes_of(found) == BOXES[2:]
    (message,) = found.refused
    assert message.startswith("a.jpg.xml: ") and word in message
    assert "a.jpg" not in found.photos
    with pytest.raises(InputError, match=word):
        read_annotations(file, images, LABELS)


@pytest.mark.parametrize("name", ["coco", "voc"])
def test_boxes_drawn_before_exif_rotation_are_refused_once(name: str, images: Path, tmp_path: Path) -> None:
    """Fault: boxes of the stored frame are laid over the turned picture and cut background as mineral."""
    boxes: list[Box] = [*BOXES, ("turned.jpg", "pyrite", 1, 2, 3, 4)]
    path = WRITERS[name](tmp_path, boxes, SIZES | {"turned.jpg": (320, 200)})
    found = read_annotations(path, images, LABELS)
    assert (boxes_of(found), "turned.jpg" in found.photos) == (BOXES[:4], False)
    (message,) = found.refused
    assert all(word in message for word in ("after EXIF rotation, 200 x 320", "320 x 200", "follows EXIF"))


@pytest.mark.parametrize("name", ["coco", "voc"])
@pytest.mark.parametrize("size", [(300, 400), (200, 150)])
def test_boxes_of_another_picture_size_are_refused_once(
    name: str, size: tuple[int, int], images: Path, tmp_path: Path
) -> None:
    """Fault: boxes of the full-size original are laid over its thumbnail; a plain picture is blamed on EXIF."""
    found = read_annotations(WRITERS[name](tmp_path, BOXES, SIZES | {"a.jpg": size}), images, LABELS)
    assert boxes_of(found) == BOXES[2:]
    (message,) = found.refused
    assert f"photograph, 400 x 300; for 'a.jpg' it is {size[0]} x {size[1]}" in message
    assert "EXIF" not in message


@pytest.mark.parametrize("name", WRITERS)
def test_a_photograph_that_cannot_be_read_is_refused_once(name: str, images: Path, tmp_path: Path) -> None:
    """Fault: one message a box, an unreadable file among the sources of background, or a crash."""
    damaged = tmp_path / "images"
    damaged.mkdir()
    for photo in SIZES:
        (damaged / photo).write_bytes(b"no image" if photo == "a.jpg" else (images / photo).read_bytes())
    found = read_annotations(WRITERS[name](tmp_path, BOXES), damaged, LABELS)
    assert boxes_of(found) == BOXES[2:]
    (message,) = found.refused
    assert "'a.jpg' is not an image in a supported format" in message and "a.jpg" not in found.photos


def test_an_image_id_with_two_meanings_refuses_its_boxes_in_one_message(images: Path, tmp_path: Path) -> None:
    """Fault: boxes of one photograph are laid over the other that has the same id."""
    document = coco_document(BOXES)
    document["images"].append({"id": 1, "file_name": "plain"})
    found = read_document(document, images, tmp_path)
    assert boxes_of(found) == BOXES[2:]
    (message,) = found.refused
    assert message.startswith("boxes.json: image id 1: an id may occur once; received 1 again")


def test_two_entries_of_one_photograph_must_both_state_its_size(images: Path, tmp_path: Path) -> None:
    """Fault: the first entry vouches for the second one's boxes."""
    document = coco_document(BOXES)
    document["images"].append({"id": 9, "file_name": "a.jpg", "width": 800, "height": 600})
    found = read_document(document, images, tmp_path)
    assert boxes_of(found) == BOXES[2:]
    (message,) = found.refused
    assert message.startswith("boxes.json: image id 9: the stated size")


def test_a_stated_size_that_is_text_is_refused_as_such(images: Path, tmp_path: Path) -> None:
    """Fault: a traceback, or a message that hides what is written."""
    document = coco_document(BOXES)
    document["images"][0].update(width="four", height="300")
    (message,) = read_document(document, images, tmp_path).refused
    assert message.startswith("boxes.json: image id 1: the stated size") and "it is 'four' x 300" in message


def test_boxes_of_a_refused_category_leave_their_photograph_incomplete(images: Path, tmp_path: Path) -> None:
    """Fault: background is cut where a box was that nobody could name."""
    document = coco_document(BOXES)
    document["categories"].append({"id": 2, "name": "biotite"})
    found = read_document(document, images, tmp_path)
    assert boxes_of(found) == [box for box in BOXES if box[1] != "quartz"]
    assert len(found.refused) == 3 and found.refused[0].startswith("boxes.json: category id 2: ")
    assert found.incomplete == ("a.jpg", "turned.jpg")
