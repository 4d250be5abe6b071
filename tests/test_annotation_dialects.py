"""Exports of annotation tools as they come: every dialect gives the boxes that were drawn, and says what it assumed."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.boxes.coco import read_coco
from inference.boxes.files import read_boxes
from inference.boxes.rle import enclose_rle, is_one_piece
from inference.pictures.listing import Picture
from pipeline.data.annotations.read import AnnotationSet, read_annotations
from pipeline.data.patches import cut_patches
from pipeline.settings.recipe import Recipe, override_all

LABELS = ("oak", "Föhre")
SIZE = (160, 120)
# photograph, label, left, top, right, bottom: whole hundredths of the frame, so that fractions are exact
BOXES = [("a.jpg", "oak", 16, 12, 80, 60), ("b.jpg", "Föhre", 32, 24, 64, 108)]
PATTERNS = {  # for format(): x, y, r, b edges; w, h size; the same in fractions as fx ..., centre as fcx, fcy
    "keras-retinanet": "photos/{p},{x},{y},{r},{b},{l}",
    "automl": "TRAIN,gs://bucket/trees/{p},{l},{fx},{fy},,,{fr},{fb},,",
    "automl without sets": "gs://bucket/{p},{l},{fx},{fy},,,{fr},{fb},,",
    "make-sense": "{l},{x},{y},{w},{h},{p},160,120",
    "label second": "{p},{l},{x},{y},{r},{b}",
    "tensorflow": "{p},160,120,{l},{x},{y},{r},{b}",
}
HEADERS = {
    "automl with header": (
        "set,path,label,x_min,y_min,x_max,y_min,x_max,y_max,x_min,y_max",
        "TRAIN,gs://bucket/{p},{l},{fx},{fy},,,{fr},{fb},,",
    ),
    "open images": (
        "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded",
        "{s},xclick,{l},1,{fx},{fr},{fy},{fb},0",
    ),
    "kaggle": ("image_id,class_name,class_id,x_min,y_min,x_max,y_max", "{s},{l},0,{x},{y},{r},{b}"),
    "kaggle wheat": ("image_id,width,height,bbox,label", '{s},160,120,"[{x}.0, {y}.0, {w}.0, {h}.0]",{l}'),
    "pandas": (",filename,class,xmin,ymin,xmax,ymax,score", "0,{p},{l},{x}.0,{y}.0,{r}.0,{b}.0,"),
    "separator told": ("sep=;\nfilename;class;xmin;ymin;xmax;ymax", "{p};{l};{x};{y};{r};{b}"),
    "pipes": ("filename|class|xmin|ymin|xmax|ymax", "{p}|{l}|{x}|{y}|{r}|{b}"),
    "decimal comma": ("filename;class;xmin;ymin;xmax;ymax", "{p};{l};{x},0;{y},00;{r},0;{b},0"),
    "fractions by decimal comma": ("filename;class;x;y;width;height", "{p};{l};{cx};{cy};{cw};{ch}"),
    "via": (
        "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes",
        '{p},50,{{}},1,0,"{{""name"":""rect"",""x"":{x},""y"":{y},""width"":{w},""height"":{h}}}","{{""t"":""{l}""}}"',
    ),
}


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return draw_photographs(tmp_path / "photos", "a.jpg", "b.jpg")


def draw_photographs(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", SIZE).save(folder / name)
    return folder


def table(pattern: str, header: str = "") -> str:
    lines = [header] if header else []
    for photo, label, x, y, r, b in BOXES:
        edges = {"fx": x / 160, "fy": y / 120, "fr": r / 160, "fb": b / 120}
        extent = {"cx": x / 160, "cy": y / 120, "cw": (r - x) / 160, "ch": (b - y) / 120}
        commas = {name: str(value).replace(".", ",") for name, value in extent.items()}
        names = {"p": photo, "s": photo.removesuffix(".jpg"), "l": label}
        lines.append(pattern.format(**names, x=x, y=y, r=r, b=b, w=r - x, h=b - y, **edges, **commas))
    return "\n".join(lines) + "\n"


def edges_of(found: AnnotationSet) -> list[tuple[str, str, int, int, int, int]]:
    return [(a.photo, a.label, a.x, a.y, a.x + a.width, a.y + a.height) for a in found.annotations]


def read_text(text: str | bytes, images: Path, name: str = "boxes") -> AnnotationSet:
    path = images.parent / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_annotations(path, images, LABELS)


TABLES = {name: table(pattern) for name, pattern in PATTERNS.items()} | {
    name: table(pattern, header) for name, (header, pattern) in HEADERS.items()
}


@pytest.mark.parametrize("name", TABLES)
def test_each_dialect_of_tables_gives_the_boxes_that_were_drawn(name: str, images: Path) -> None:
    """Faults: the first box taken for a header, fractions that become one pixel, x taken for y, a lost label."""
    found = read_text(TABLES[name], images)
    assert (edges_of(found), found.refused) == (BOXES, ())
    fractions = any("fractions of their picture" in note for note in found.notes)
    assert fractions == (name.startswith(("automl", "open images", "fractions")))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("name", ["kaggle", "keras-retinanet", "decimal comma"])
def test_a_table_is_read_in_the_encodings_that_excel_writes(name: str, encoding: str, images: Path) -> None:
    """Faults: a byte order mark in the first name; UTF-16 refused; a label in Windows-1252 that is no label."""
    assert edges_of(read_text(TABLES[name].encode(encoding), images)) == BOXES


def test_a_name_in_windows_1252_finds_its_photograph_and_is_shown_readable(images: Path) -> None:
    """Fault: Föhre.jpg of Excel's CSV is lost, or shown as an escape."""
    draw_photographs(images, "Föhre.jpg")
    text = TABLES["kaggle"].replace("\na,", "\nFöhre.jpg,").encode("cp1252")
    found = read_text(text, images)
    assert {annotation.photo for annotation in found.annotations} == {"Föhre.jpg", "b.jpg"}
    assert any("read as Windows-1252: 'Föhre.jpg' is 'Föhre.jpg'" in note for note in found.notes)


def test_a_decomposed_label_is_its_composed_one(images: Path) -> None:
    """Fault: Föhre written on a Mac, with a separate dieresis, is an unknown class."""
    found = read_text(TABLES["kaggle"].replace("ö", "o\u0308"), images)
    assert [annotation.label for annotation in found.annotations] == ["oak", "Föhre"]


def test_one_line_in_fractions_among_pixels_is_refused(images: Path) -> None:
    """Fault: 0.45 to 0.87 in a table of pixels becomes a box of one pixel, silently."""
    found = read_text(TABLES["kaggle"] + "a,oak,0,0.45,0.4,0.87,0.9\n", images)
    assert edges_of(found) == BOXES
    assert len(found.refused) == 1 and "line 4: a file must have one unit, here pixels" in found.refused[0]


def via_json(**changes: object) -> str:
    regions = {}
    for photo, label, x, y, r, b in BOXES:
        shape = {"name": "polygon", "all_points_x": [x, r, x], "all_points_y": [y, y, b]}
        region = {"shape_attributes": shape, "region_attributes": {"tree": {label: True, "other": False}}}
        regions[photo + "50"] = {"filename": photo, "size": 50, "regions": [region], "file_attributes": {}}
    return json.dumps({"_via_img_metadata": regions, **changes} if changes else regions)


def coco_json(boxes: list[tuple[str, str, int, int, int, int]], change: Callable[[dict], None] = lambda _: None) -> str:
    document = {
        "images": [{"id": n, "file_name": box[0], "width": 160, "height": 120} for n, box in enumerate(boxes)],
        "categories": [{"id": n, "name": label} for n, label in enumerate(LABELS)],
        "annotations": [
            {"id": n, "image_id": n, "category_id": LABELS.index(label), "bbox": [x, y, r - x, b - y]}
            for n, (_, label, x, y, r, b) in enumerate(boxes)
        ],
    }
    for entry in document["annotations"]:
        change(entry)
    return json.dumps(document)


def cvat_xml() -> str:
    shapes = [
        f'<image id="0" name="{p}" width="160" height="120"><box label="{label}" xtl="{x}" ytl="{y}" xbr="{r}" '
        f'ybr="{b}"/></image>'
        for p, label, x, y, r, b in BOXES
    ]
    return f'<?xml version="1.0" encoding="utf-8"?><annotations><meta/>{"".join(shapes)}</annotations>'


def as_polygon(entry: dict) -> None:
    x, y, width, height = entry.pop("bbox")
    entry["segmentation"] = [[x, y, x + width, y, x, y + height], [x, y, x + width, y + height]]


def as_mask(entry: dict) -> None:
    """One object as CVAT writes it: uncompressed runs down the columns, iscrowd 1; 120 rows."""
    x, y, width, height = entry.pop("bbox")
    runs = [x * 120 + y, height, *[120 - height, height] * (width - 1)]
    entry.update(iscrowd=1, segmentation={"size": [120, 160], "counts": [*runs, 160 * 120 - sum(runs)]})


def as_text(entry: dict) -> None:
    """Every number as text, ids as whole floats."""
    entry.update(image_id=float(entry["image_id"]), category_id=str(entry["category_id"]))
    entry["bbox"] = [str(value) for value in entry["bbox"]]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (via_json(), "via"),
        (via_json(_via_settings={}), "via"),
        (cvat_xml(), "cvat"),
        *((coco_json(BOXES, change), "coco") for change in (as_polygon, as_mask, as_text)),
        (coco_json(BOXES).replace('"width": 160, "height": 120', '"width": 0, "height": 0'), "coco"),
        (coco_json(BOXES).replace('"width": 160', '"width": "160"'), "coco"),
    ],
)
def test_exports_of_tools_give_the_boxes_that_were_drawn(text: str, told: str, images: Path) -> None:
    """Faults: an outline without a box; a mask of one object taken for a crowd; size 0 taken for a size; "1" not 1."""
    found = read_text(text, images)
    assert (found.format, edges_of(found), found.refused) == (told, BOXES, ())


def test_ids_that_occur_again_lose_no_box(images: Path) -> None:
    """Fault: an exporter that numbers each photograph's boxes from 1 loses all but the first photograph's."""
    found = read_text(coco_json(BOXES, lambda entry: entry.update(id=1)), images)
    assert (edges_of(found), found.refused) == (BOXES, ())
    assert found.notes == ("boxes: annotation ids occur again in 1 of 2 annotations; all boxes are read",)


def test_a_mask_of_several_pieces_stays_a_crowd() -> None:
    """Faults: a region of many objects becomes one box; a box as high as the picture for a run over a column's end."""
    two = {"size": [4, 4], "counts": [0, 1, 11, 2, 2]}  # column 0, and columns 3
    assert not is_one_piece(two)
    assert is_one_piece({"size": [4, 4], "counts": [0, 1, 4, 1, 10]})  # they touch at a corner
    assert enclose_rle({"size": [4, 4], "counts": [5, 2, 2, 2, 5]}) == (1, 1, 3, 3)
    assert enclose_rle({"size": [4, 4], "counts": "52203"}) == (1, 1, 3, 3)  # differences from the fourth


def test_a_compressed_mask_is_read_as_its_runs() -> None:
    """Fault: the differences of COCO's compressed text are taken for lengths. 60 = 28 + 1 * 32: '\\\\' has 28, more."""
    mask = {"size": [120, 160], "counts": "l" + "1" + ":" + "X3"}
    entry = {"image_id": 0, "segmentation": mask, "iscrowd": 1}
    text = json.dumps({"images": [{"id": 0, "file_name": "a.jpg"}], "annotations": [entry]})
    (box,) = read_coco(text, "x", False).boxes
    assert box.numbers == (0, 60, 1, 70)


@pytest.mark.parametrize("kind", ["labelme", "voc"])
def test_the_name_of_an_annotation_file_saves_a_wrong_name_in_it(kind: str, images: Path) -> None:
    """Fault: a photograph renamed together with its annotation file is lost."""
    for photo, label, x, y, r, b in BOXES:
        shape = {"label": label, "points": [[r, b], [x, y]], "shape_type": "rectangle"}
        document = {"shapes": [shape], "imagePath": "..\\gone.jpg", "imageHeight": 120, "imageWidth": 160}
        xml = (
            f"<annotation><filename>{'gone.jpg' if x > 16 else ''}</filename><size><width>0</width></size><object>"
            f"<name>{label}</name><bndbox><xmin>{x}</xmin><ymin>{y}</ymin><xmax>{r}</xmax><ymax>{b}</ymax></bndbox>"
            "</object></annotation>"
        )
        suffix, text = (".json", json.dumps(document)) if kind == "labelme" else (".xml", xml)
        (images / photo).with_suffix(suffix).write_text(text, encoding="utf-8")
        if kind == "labelme":
            (images / photo).with_suffix(suffix).write_text(text.replace("gone", f"gone {x}"), encoding="utf-8")
    found = read_annotations(images, images, LABELS)
    assert (found.format, edges_of(found), found.refused) == (kind, BOXES, ())
    assert any("by the name of its annotation file" in note for note in found.notes)


def test_voc_files_that_all_name_one_photograph_are_of_their_own(images: Path) -> None:
    """Fault: copies of one XML with a stale name lay all their boxes over one photograph."""
    for photo, label, x, y, r, b in BOXES:
        (images / photo).with_suffix(".xml").write_text(
            f"<annotation><filename>a.jpg</filename><object><name>{label}</name><bndbox><xmin>{x}</xmin>"
            f"<ymin>{y}</ymin><xmax>{r}</xmax><ymax>{b}</ymax></bndbox></object></annotation>",
            encoding="utf-8",
        )
    assert edges_of(read_annotations(images, images, LABELS)) == BOXES


YOLO = {"a": "{c} 0.3 0.3 0.4 0.4", "b": "{c} 0.3 0.55 0.2 0.7"}
YAML = "names: ['oak', 'Föhre']\n"
LIST = "oak\nFöhre\n"


def yolo(number: str, stem: str) -> str:
    return YOLO[stem].format(c=number)


@pytest.mark.parametrize(
    "files",
    [
        {"labels.txt": LIST, "a.txt": yolo("0", "a"), "b.txt": yolo("1", "b")},
        {"_darknet.labels": LIST, "a.txt": yolo("0.0", "a"), "b.txt": yolo("1.000e+00", "b")},
        {"classes.txt": LIST, "labels/a.txt": "oak 0,3 0,3 0,4 0,4", "labels/b.txt": yolo("Föhre", "b") + " 0.93"},
        {"data.yaml": YAML, "a.txt": "0 0.1 0.1 0.5 0.1 0.5 0.5", "b.txt": "1 0.2 0.2 0.4 0.2 0.4 0.9 0.2 0.9"},
        {"data.yaml": YAML + "kpt_shape: [1, 2]\n", "a.txt": yolo("0", "a") + " 0 0", "b.txt": yolo("1", "b") + " 1 1"},
        {"x.names": LIST, "My list.txt": "y/a.jpg\ny/b.jpg\n", "y/a.txt": yolo("0", "a"), "y/b.txt": yolo("1", "b")},
        {"x/_darknet.labels": LIST, "x/a.txt": yolo("0", "a"), "x/b.txt": yolo("1", "b")},
        {"../data.yaml": YAML, "a.txt": yolo("0", "a"), "b.txt": yolo("1", "b"), "README.dataset.txt": "by me"},
    ],
)  # fmt: skip
def test_each_layout_of_yolo_gives_the_boxes_that_were_drawn(files: dict[str, str], images: Path) -> None:
    """Faults: a list of classes or of photographs read as labels; classes by decimal or name; polygons refused."""
    folder = images.parent / "yolo"
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    found = read_annotations(folder, images, LABELS)
    assert (edges_of(found), found.refused) == (BOXES, ())


@pytest.mark.parametrize("layout", ["{split}/{kind}", "{kind}/{split}"])
def test_equal_names_in_two_given_splits_are_two_photographs(layout: str, tmp_path: Path) -> None:
    """Fault: train/images/a.jpg gets the labels of valid/labels/a.txt, or both are refused; the splits are lost."""
    (tmp_path / "data.yaml").write_text(YAML, encoding="utf-8")
    for split, stem in (("train", "a"), ("val", "b")):
        draw_photographs(tmp_path / layout.format(split=split, kind="images"), "1.jpg")
        labels = tmp_path / layout.format(split=split, kind="labels")
        labels.mkdir(parents=True)
        (labels / "1.txt").write_text(yolo("0", stem))
    found = read_annotations(tmp_path, tmp_path, LABELS)
    expected = {layout.format(split=s, kind="images") + "/1.jpg": BOXES[n][2:] for n, s in enumerate(("train", "val"))}
    assert {box[0]: box[2:] for box in edges_of(found)} == expected
    assert (set(found.splits.values()), found.refused) == ({"train", "validation"}, ())


@pytest.mark.parametrize("name", ["_annotations.coco.json", "_annotations.csv"])
def test_a_file_in_each_split_is_read_relative_to_itself(name: str, tmp_path: Path) -> None:
    """Fault: several files of one data set are refused, or photographs of one name mixed up."""
    for n, split in enumerate(("train", "valid", "test")):
        box = ("same.jpg", "oak", *BOXES[n % 2][2:])
        draw_photographs(tmp_path / split, "same.jpg")
        csv = f"filename,class,xmin,ymin,xmax,ymax\nsame.jpg,oak,{box[2]},{box[3]},{box[4]},{box[5]}\n"
        (tmp_path / split / name).write_text(csv if name.endswith("csv") else coco_json([box]), encoding="utf-8")
    found = read_annotations(tmp_path, tmp_path, LABELS)
    assert [(box[0], box[2:]) for box in edges_of(found)] == [
        ("test/same.jpg", BOXES[0][2:]),
        ("train/same.jpg", BOXES[0][2:]),
        ("valid/same.jpg", BOXES[1][2:]),
    ]
    assert (found.refused, sorted(found.splits.values())) == ((), ["test", "train", "validation"])
    assert found.notes == ("the data set gives its splits, which are kept by all but cross-validation: train 1, "
                           "validation 1, test 1",)  # fmt: skip


@pytest.mark.parametrize("given", [("train", "test"), ("train", "valid"), ("train", "valid", "test")])
def test_given_splits_reach_the_patches(given: tuple[str, ...], tmp_path: Path) -> None:
    """Faults: test photographs are trained on; a missing part is not split off; a copy changes the given split."""
    names = {"train": "train", "valid": "validation", "test": "test"}
    for split in given:
        boxes = [(f"{number}.png", "oak", *BOXES[0][2:]) for number in range(8)]
        for number in range(8):  # 0.png is the same in all
            write_noise(tmp_path / split / f"{number}.png", number * 3 + given.index(split) * bool(number))
        (tmp_path / split / "boxes.json").write_text(coco_json(boxes), encoding="utf-8")
    recipe = override_all(Recipe(name="x", title="x", labels=LABELS), ())
    found = cut_patches(read_annotations(tmp_path, tmp_path, LABELS), tmp_path, tmp_path / "cut", recipe)
    splits = {patch.photo: patch.split for patch in found.index.patches}
    assert len(splits) == 8 * len(given) and set(splits.values()) == set(names.values())
    for split in given[1:]:
        assert {splits[f"{split}/{number}.png"] for number in range(8)} == {names[split]}
    assert {split for photo, split in splits.items() if photo.startswith("train/")} == (
        {"train"} | set(names.values()) - {names[split] for split in given}
    )


def test_splits_that_are_not_used_are_said(tmp_path: Path) -> None:
    """Fault: one empty cell, and the data set's own test is split at random without a word."""
    lines = ["filename,label,xmin,ymin,xmax,ymax,split"]
    for number, split in enumerate(("train", "train", "test", "")):
        draw_photographs(tmp_path, f"{number}.jpg")
        lines.append(f"{number}.jpg,oak,1,1,9,9,{split}")
    (tmp_path / "boxes.csv").write_text("\n".join(lines), encoding="utf-8")
    found = read_annotations(tmp_path / "boxes.csv", tmp_path, LABELS)
    assert found.splits == {}
    assert found.notes == (
        "the data set gives no split for 1 of 4 photographs, for example 3.jpg; the splits that it gives to the others "
        "are not used",
    )


def write_noise(path: Path, seed: int) -> None:
    """Write a picture that resembles no other but those of the same seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    Image.fromarray(coarse).resize(SIZE, Image.Resampling.BICUBIC).save(path)


def test_two_files_of_the_same_photograph_are_two_sets(images: Path) -> None:
    """Fault: a copy of the annotations doubles every box."""
    for name in ("all.json", "copy.json"):
        (images / name).write_text(coco_json(BOXES), encoding="utf-8")
    with pytest.raises(Exception, match=r"one set of annotations; received all.json and copy.json, which both have"):
        read_annotations(images, images, LABELS)


def test_labelme_files_that_all_name_one_photograph_are_of_their_own(images: Path) -> None:
    """Fault: copies of one file with a stale name are refused as two sets."""
    for photo, label, x, y, r, b in BOXES:
        document = {"shapes": [{"label": label, "points": [[x, y], [r, b]]}], "imagePath": "a.jpg"}
        (images / photo).with_suffix(".json").write_text(json.dumps(document), encoding="utf-8")
    assert edges_of(read_annotations(images, images, LABELS)) == BOXES


def test_equal_names_in_files_named_after_splits_are_of_their_folders(tmp_path: Path) -> None:
    """Fault: COCO's own layout, annotations/instances_train2017.json beside train2017/, is refused as two sets."""
    for split, box in zip(("train2017", "val2017"), BOXES, strict=True):
        draw_photographs(tmp_path / split, "1.jpg")
        (tmp_path / "annotations").mkdir(exist_ok=True)
        text = coco_json([("1.jpg", *box[1:])])
        (tmp_path / "annotations" / f"instances_{split}.json").write_text(text, encoding="utf-8")
    found = read_annotations(tmp_path, tmp_path, LABELS)
    assert edges_of(found) == [("train2017/1.jpg", *BOXES[0][1:]), ("val2017/1.jpg", *BOXES[1][1:])]
    assert found.splits == {"train2017/1.jpg": "train", "val2017/1.jpg": "validation"}


def test_tables_named_after_splits_give_them(images: Path) -> None:
    """Fault: train_labels.csv and test_labels.csv are shuffled anew."""
    lines = TABLES["label second"].splitlines()
    for name, line in zip(("train_labels.csv", "test_labels.csv"), lines, strict=True):
        (images / name).write_text(line, encoding="utf-8")
    found = read_annotations(images, images, LABELS)
    assert (edges_of(found), found.splits) == (BOXES, {"a.jpg": "train", "b.jpg": "test"})


@pytest.mark.parametrize("text", [TABLES["automl"], cvat_xml(), via_json(), TABLES["make-sense"], coco_json(BOXES)])
def test_the_runner_reads_the_same_boxes_and_names(text: str, images: Path) -> None:
    """Fault: --boxes refuses what training reads, cuts fractions as pixels, or needs names spelled exactly."""
    for name in ("a.jpg", "b.jpg"):
        (images / name).rename((images / name).with_suffix(".JPG"))
    path = images.parent / "boxes"
    path.write_text(text, encoding="utf-8")
    found = read_boxes(path, [Picture(name, images / name) for name in ("a.JPG", "b.JPG")])
    drawn = {photo.replace("jpg", "JPG"): [x, y, r - x, b - y] for photo, _, x, y, r, b in BOXES}
    assert {key: pytest.approx(drawn[key]) for key in found.boxes} == {key: list(*b) for key, b in found.boxes.items()}
    assert len(found.boxes) == 2 and any("in other case" in note for note in found.notes)
