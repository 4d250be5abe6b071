"""Files whose boxes are in another order than their format's own: told by all boxes together, never by one."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from inference.boxes.files import BoxFile, read_boxes
from inference.boxes.order import Order, tell_order
from inference.pictures.listing import Picture
from pipeline.data.annotations.read import AnnotationSet, read_annotations

WIDTH, HEIGHT = 160, 120
# left, top, right, bottom of one box in each photograph
DRAWN = [(80, 60, 150, 110), (10, 12, 60, 60), (100, 20, 156, 72), (24, 66, 104, 114), (62, 30, 118, 96)]
PHOTOS = [f"{number}.png" for number in range(len(DRAWN))]
Row = tuple[float, float, float, float]
Write = Callable[[Path, list[Row]], Path]


def in_order(order: Order, edges: tuple[int, int, int, int], fractions: bool = False) -> Row:
    left, top, right, bottom = edges
    width, height = right - left, bottom - top
    numbers = {
        Order.CORNERS: edges,
        Order.EXTENT: (left, top, width, height),
        Order.CENTRE: (left + width / 2, top + height / 2, width, height),
    }[order]
    scale = (WIDTH, HEIGHT) * 2 if fractions else (1,) * 4
    first, second, third, fourth = (number / side for number, side in zip(numbers, scale, strict=True))
    return first, second, third, fourth


def write_coco(folder: Path, rows: list[Row]) -> Path:
    document = {
        "images": [{"id": n, "file_name": name} for n, name in enumerate(PHOTOS)],
        "categories": [{"id": 0, "name": "oak"}],
        "annotations": [{"id": n, "image_id": n, "category_id": 0, "bbox": row} for n, row in enumerate(rows)],
    }
    (folder / "boxes").write_text(json.dumps(document))
    return folder / "boxes"


def write_table(header: str, pattern: str) -> Write:
    def write(folder: Path, rows: list[Row]) -> Path:
        lines = [pattern.format(*row, p=photo) for photo, row in zip(PHOTOS, rows, strict=True)]
        (folder / "boxes").write_text("\n".join([*([header] if header else []), *lines]) + "\n")
        return folder / "boxes"

    return write


def write_yolo(folder: Path, rows: list[Row]) -> Path:
    (folder / "yolo").mkdir()
    (folder / "yolo" / "classes.txt").write_text("oak\n")
    for photo, row in zip(PHOTOS, rows, strict=True):
        (folder / "yolo" / photo).with_suffix(".txt").write_text(" ".join(["0", *map(str, row)]))
    return folder / "yolo"


WRITERS: dict[str, Write] = {
    "coco": write_coco,
    "yolo": write_yolo,
    "csv bbox": write_table("image_id,bbox,label", '{p},"[{}, {}, {}, {}]",oak'),
    "csv without header": write_table("", "{p},{},{},{},{},oak"),
    "csv x, y": write_table("file,x,y,width,height,label", "{p},{},{},{},{},oak"),
    "csv centre": write_table("file,x_center,y_center,width,height,label", "{p},{},{},{},{},oak"),
}
OWN = {"yolo": Order.CENTRE, "csv without header": Order.CORNERS, "csv centre": Order.CENTRE}
CASES = [
    *((kind, order) for kind in ("coco", "yolo", "csv bbox", "csv without header") for order in Order),
    *(("csv x, y", order) for order in (Order.EXTENT, Order.CENTRE)),
    ("csv centre", Order.CENTRE),
]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for name in PHOTOS:
        (tmp_path / "photos").mkdir(exist_ok=True)
        Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / "photos" / name)
    return tmp_path / "photos"


def train(path: Path, images: Path) -> AnnotationSet:
    return read_annotations(path, images, ("oak",))


def classify(path: Path, images: Path) -> BoxFile:
    return read_boxes(path, [Picture(name, images / name) for name in PHOTOS])


@pytest.mark.parametrize("fractions", [False, True], ids=["pixels", "fractions"])
@pytest.mark.parametrize(("kind", "order"), CASES, ids=[f"{kind} {order.name}" for kind, order in CASES])
def test_boxes_in_another_order_are_read_as_they_were_drawn(
    kind: str, order: Order, fractions: bool, images: Path
) -> None:
    """Faults: x2 and y2 taken for width and height, and clipped; a centre for a corner; nobody is told."""
    fractions = fractions or kind == "yolo"
    path = WRITERS[kind](images.parent, [in_order(order, edges, fractions) for edges in DRAWN])
    found = train(path, images)
    assert [(a.x, a.y, a.x + a.width, a.y + a.height) for a in found.annotations] == DRAWN
    assert (found.refused, found.clipped) == ((), 0)
    told = [note for note in found.notes if "stick out" in note]
    assert len(told) == (order is not OWN.get(kind, Order.EXTENT))
    assert all(note.endswith(f"of 5 boxes stick out of their picture: all are read as {order.value}") for note in told)
    if kind != "yolo":
        boxes = classify(path, images)
        expected = {name: in_order(Order.EXTENT, edges) for name, edges in zip(PHOTOS, DRAWN, strict=True)}
        assert {name: pytest.approx(box) for name, box in expected.items()} == {k: b for k, (b,) in boxes.boxes.items()}
        assert [note for note in boxes.notes if "stick out" in note] == told


def test_one_row_never_changes_the_order_of_a_file(images: Path) -> None:
    """Faults: a single careless box, or half of a file in another order, changes how all others are read."""
    rows = [in_order(Order.EXTENT, edges) for edges in DRAWN]
    for changed in (1, 2, 3):
        mixed = [in_order(Order.CORNERS, edges) for edges in DRAWN[:changed]] + rows[changed:]
        found = train(write_coco(images.parent, mixed), images)
        assert not any("stick out" in note for note in found.notes)
        assert found.annotations[-1].x + found.annotations[-1].width == DRAWN[-1][2]


@pytest.mark.parametrize(
    ("boxes", "why"),
    [
        ([(10, 10, 60, 50), (12, 20, 70, 50)], "both orders fit"),
        ([(60, 60, 98, 98)], "one box"),
        ([(60, 60, 98, 98)] * 2 + [(10, 10, 60, 60)] * 10, "few boxes stick out"),
        ([(1, 1, 100, 100)] * 9, "a pixel beyond the edge"),
        ([(50, 50, 60, 60), (55, 55, 70, 70)], "edges and centre fit"),
    ],
)
def test_what_is_ambiguous_is_read_by_the_standard(boxes: list[Row], why: str) -> None:
    """Fault: a good file is read otherwise because of a guess."""
    told, _ = tell_order(
        [("a", box) for box in boxes], (Order.EXTENT, Order.CORNERS, Order.CENTRE), lambda _: (100, 100)
    )
    assert told is Order.EXTENT, why


def test_pictures_are_measured_for_a_sample_alone_where_the_order_is_right() -> None:
    """Fault: a file of a million boxes costs the reading of each picture a second time."""
    measured: list[str] = []
    boxes = [(str(number), (50.0, 50.0, 20.0, 20.0)) for number in range(10_000)]
    told, outside = tell_order(boxes, (Order.EXTENT, Order.CORNERS), lambda photo: measured.append(photo) or (100, 100))
    assert (told, outside, len(measured)) == (Order.EXTENT, 0, 200)
