"""What other tools export besides the plain formats: layouts, names of columns, shapes and names of photographs."""

import json
from pathlib import Path

import pytest
from PIL import Image

from inference.boxes.files import read_boxes
from inference.errors import InputError
from inference.pictures.image_io import read_image
from inference.pictures.listing import Picture
from pipeline.data.annotations.read import read_annotations
from tests.test_annotation_dialects import (
    BOXES,
    LABELS,
    LIST,
    YAML,
    coco_json,
    draw_photographs,
    edges_of,
    read_text,
    table,
    yolo,
)

CORNERS = "{p},{l},{x},{y},{r},{b}"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return draw_photographs(tmp_path / "photos", "a.jpg", "b.jpg")


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("filename,label,x0,y0,x1,y1", CORNERS),
        ("ImagePath,ClassName,minX,minY,maxX,maxY", CORNERS),
        ("image_url,species,startX,startY,endX,endY", "https://x.org/t/" + CORNERS),
        ("photo,tag,bbox_x1,bbox_y1,bbox_x2,bbox_y2", CORNERS),
        ("image,name,top_left_x,top_left_y,bottom_right_x,bottom_right_y", CORNERS),
        ("image,object,xmin (px),ymin (px),xmax (px),ymax (px)", CORNERS),
        ("image,class_label,bbox_left,bbox_top,bbox_width,bbox_height", "{p},{l},{x},{y},{w},{h}"),
        ("frame,xmin,xmax,ymin,ymax,class_id", "{p},{x},{r},{y},{b},{l}"),
        ("image,label,x1,y1,w,h", "{p},{l},{x},{y},{w},{h}"),
        ("image_id,label,bbox", "{s},{l},[{x} {y} {w} {h}]"),
        ("image_id,label,bboxes", '{s},{l},"[[{x}, {y}, {w}, {h}]]"'),
    ],
)
def test_columns_of_boxes_are_known_by_the_names_of_other_programs(header: str, line: str, images: Path) -> None:
    """Faults: a table of boxes is called one without; of x0 and x1 the latter is the left edge."""
    found = read_text(table(line, header), images)
    assert (edges_of(found), found.refused) == (BOXES, ())


HEADER = "filename,label,xmin,ymin,xmax,ymax"


@pytest.mark.parametrize(
    "text",
    [
        table(CORNERS + ",", HEADER),
        table(CORNERS, HEADER + ","),
        table(CORNERS, f"# of trees\n\n{HEADER}"),
        table(CORNERS, f"{HEADER}\n,,,,,\n# the first\n{HEADER}"),
        table(CORNERS, f"{HEADER}\na.jpg,,nan,NaN,None,"),
        table('"{p}", "{l}", {x}, {y}, {r}, {b}', HEADER.replace(",", ", ")),
        table('{p},{l},"{x},0","{y},0","{r},00","{b},0"', HEADER),
    ],
)
def test_a_table_as_people_keep_it_loses_no_box(text: str, images: Path) -> None:
    """Faults: refused for a comma too many, a line without anything, a comment, a blank before a quote."""
    found = read_text(text, images)
    assert (edges_of(found), found.refused) == (BOXES, ())


def test_a_quoted_comma_of_thousands_is_no_decimal(images: Path) -> None:
    """Fault: "1,234" becomes 1.234."""
    found = read_text(table(CORNERS, HEADER) + 'a.jpg,oak,"1,234",5,"1,250",9\n', images)
    assert edges_of(found) == BOXES and "received '1,234'" in found.refused[0]


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("filename,width,height,class,xmin,ymin,xmax,ymax", "{{p}},{},{{l}},{{x}},{{y}},{{r}},{{b}}"),
        ("image_name,image_width,image_height,label,x,y,w,h", "{{p}},{},{{l}},{{x}},{{y}},{{w}},{{h}}"),
        ("", "{{l}},{{x}},{{y}},{{w}},{{h}},{{p}},{}"),  # make-sense
    ],
)
def test_a_table_that_states_another_size_is_of_other_photographs(header: str, line: str, images: Path) -> None:
    """Fault: boxes drawn on a larger copy, or before EXIF rotation, are cut from the photograph in silence."""
    for size, refusals in (("160,120", 0), ("0,0", 0), ("640,480", 2), ("120,160", 2)):
        text = table(line.format(size), header)
        if not refusals:
            assert edges_of(read_text(text, images)) == BOXES
            continue
        with pytest.raises(InputError, match="the stated size must be that of the photograph, 160 x 120"):
            read_text(text, images)


def test_width_and_height_that_repeat_the_box_are_not_the_pictures(images: Path) -> None:
    """Fault: a table with edges and size of each box is refused as one of other photographs."""
    text = table(CORNERS + ",{w},{h}", HEADER + ",width,height")
    assert edges_of(read_text(text, images)) == BOXES


@pytest.mark.parametrize("classes", [{"data.yaml": YAML}, {"x.yaml": "path: .\n'names':\n  '0': oak\n  '1': Föhre\n"}])
def test_labels_of_yolo_find_their_classes_two_folders_up(classes: dict[str, str], images: Path) -> None:
    """Fault: --annotations train/labels of Roboflow's folder, whose data.yaml is above train, is no annotation."""
    folder = write(images.parent / "set", {**classes, "train/labels/a.txt": yolo("0", "a")})
    write(folder, {"train/labels/b.txt": yolo("1", "b")})
    found = read_annotations(folder / "train" / "labels", images, LABELS)
    assert edges_of(found) == BOXES and found.notes == (f"the classes are those of {folder / next(iter(classes))}",)


def test_data_yaml_stands_for_its_folder(images: Path) -> None:
    """Fault: the file that every trainer of YOLO takes is refused."""
    folder = write(images.parent / "set", {"data.yaml": YAML, "labels/a.txt": yolo("0", "a")})
    write(folder, {"labels/b.txt": yolo("1", "b")})
    assert edges_of(read_annotations(folder / "data.yaml", images, LABELS)) == BOXES


@pytest.mark.parametrize("classes", ["0 oak\n1 Föhre\n", "0: oak\n1: Föhre", LIST])
@pytest.mark.parametrize("line", ["{}", "# class x y w h\n{}", "{}"])
def test_numbered_classes_and_comments_of_yolo_are_read(classes: str, line: str, images: Path) -> None:
    """Fault: the classes are called "0 oak" and "1 Föhre"; a comment is a box."""
    labels = {"a.txt": line.format(yolo("0", "a")), "b.txt": line.format(yolo("1", "b").replace(" ", ", "))}
    found = read_annotations(write(images.parent / "set", {"classes.txt": classes, **labels}), images, LABELS)
    assert (edges_of(found), found.refused) == (BOXES, ())


def test_labels_of_yolo_without_classes_are_told_with_the_remedy(images: Path) -> None:
    """Fault: they are in no supported format, which leaves the user to guess that classes.txt is missing."""
    folder = write(images.parent / "set" / "of" / "labels", {"a.txt": yolo("0", "a")})
    with pytest.raises(InputError, match=r"holds labels of YOLO, but no file .* names the classes.*classes.txt"):
        read_annotations(folder, images, LABELS)


def labelme(photo: str, label: str, x: int, y: int, r: int, b: int) -> str:
    return json.dumps({"shapes": [{"label": label, "points": [[x, y], [r, b]]}], "imagePath": photo})


@pytest.mark.parametrize("beside", ["labels.txt", "classes.txt", "predefined_classes.txt"])
def test_a_list_of_classes_beside_other_annotations_is_not_yolo(beside: str, images: Path) -> None:
    """Fault: labelme's folder with its labels.txt is read as YOLO without any label."""
    files = {box[0].replace("jpg", "json"): labelme(*box) for box in BOXES}
    found = read_annotations(write(images, {**files, beside: LIST, "notes.txt": "mine"}), images, LABELS)
    assert (found.format, edges_of(found)) == ("labelme", BOXES)


def voc(photo: str, label: str, x: int, y: int, r: int, b: int) -> str:
    edges = f"<xmin>{x}</xmin><ymin>{y}</ymin><xmax>{r}</xmax><ymax>{b}</ymax>"
    points = "".join(f"<pt><x>{x}</x><y>{y}</y></pt>" for x, y in ((1, 1), (9, 1), (9, 9)))
    removed = "<object><name>oak</name><deleted>1</deleted><polygon>{}</polygon></object>"
    kept = f"<object><name>{label}</name><deleted>0</deleted><bndbox>{edges}</bndbox></object>"
    return f"<annotation><filename>{photo}</filename>{removed.format(points)}{kept}</annotation>"


def test_objects_that_labelme_on_the_web_has_removed_are_no_boxes(images: Path) -> None:
    """Fault: what an annotator deleted is learned."""
    found = read_annotations(
        write(images.parent / "xml", {box[0].replace("jpg", "xml"): voc(*box) for box in BOXES}), images, LABELS
    )
    assert (edges_of(found), found.refused) == (BOXES, ())


@pytest.mark.parametrize("kind", ["voc", "yolo"])
def test_copies_in_hidden_folders_are_no_annotations(kind: str, images: Path) -> None:
    """Fault: Jupyter's .ipynb_checkpoints costs a refusal for each file that was opened."""
    suffix = {"voc": "xml", "yolo": "txt"}[kind]
    texts = {"voc": voc, "yolo": lambda p, label, *_: yolo(str(LABELS.index(label)), p[0])}
    files = {box[0].replace("jpg", suffix): texts[kind](*box) for box in BOXES}
    hidden = {f".ipynb_checkpoints/a-checkpoint.{suffix}": files[f"a.{suffix}"]}
    classes = {"classes.txt": LIST} if kind == "yolo" else {}
    found = read_annotations(write(images.parent / "set", {**files, **hidden, **classes}), images, LABELS)
    assert (edges_of(found), found.refused) == (BOXES, ())


def cvat(*shapes: str) -> str:
    images = [f'<image name="{name}">{shape}</image>' for name, shape in zip(("a.jpg", "b.jpg"), shapes, strict=True)]
    return f"<annotations>{''.join(images)}</annotations>"


def test_each_shape_of_cvat_is_a_box_or_named(images: Path) -> None:
    """Fault: masks, ellipses and points vanish in silence, and what they outline may be cut as background."""
    ellipse = '<ellipse label="oak" cx="48" cy="36" rx="32" ry="24"/><tag label="x"/>'
    mask = '<mask label="Föhre" rle="1,2" left="32" top="24" width="32" height="84"/>'
    assert edges_of(read_text(cvat(ellipse, mask), images)) == BOXES
    turned = '<box label="oak" xtl="24" ytl="4" xbr="72" ybr="68" rotation="90"/>'
    found = read_text(cvat(turned, mask + '<points label="oak" points="1,2;3,4"/>'), images)
    assert edges_of(found) == BOXES and found.incomplete == ("b.jpg",)
    assert "image 2: points 2: a shape must be a box, polygon, ellipse or mask; received <points>" in found.refused[0]


def test_captions_beside_the_objects_of_coco_are_passed_over(tmp_path: Path) -> None:
    """Fault: the folder annotations/ of COCO is refused for captions_train2017.json in it."""
    for split, box in zip(("train2017", "val2017"), BOXES, strict=True):
        draw_photographs(tmp_path / split, "1.jpg")
        text = coco_json([("1.jpg", *box[1:])])
        captions = json.dumps({"images": [], "annotations": [{"id": 1, "image_id": 0, "caption": "a tree"}]})
        write(tmp_path / "of", {f"instances_{split}.json": text, f"captions_{split}.json": captions})
    assert len(read_annotations(tmp_path / "of", tmp_path, LABELS).annotations) == 2


def test_an_image_that_is_listed_twice_alike_is_one(images: Path) -> None:
    """Fault: joined files of COCO cost a refusal for each image, though no box is doubtful."""
    document = json.loads(coco_json(BOXES))
    document["images"] *= 2
    found = read_text(json.dumps(document), images)
    assert (edges_of(found), found.refused) == (BOXES, ())


@pytest.mark.parametrize("key", ["filename", "path", "coco_url"])
def test_coco_may_name_a_photograph_by_its_address(key: str, images: Path) -> None:
    """Fault: LVIS, whose images have coco_url alone, names no photograph."""
    text = coco_json(BOXES).replace('"file_name": "', f'"{key}": "http://x.org/val/')
    assert edges_of(read_text(text, images)) == BOXES


@pytest.mark.parametrize(
    ("written", "on_disk"),
    [
        ("upload/1/abb8e5a8-WhatsApp_Image_at_10.00_1.jpg", "WhatsApp Image at 10.00 (1).jpg"),
        ("0123abcd-Föhre_2.jpg", "Föhre 2.jpg"),
        ("tree.jpg ", "tree.jpg"),
    ],
)
def test_names_that_tools_change_find_their_photographs(written: str, on_disk: str, tmp_path: Path) -> None:
    """Faults: Label Studio's underscores for blanks, without brackets, and a blank behind a name fit nothing."""
    images = draw_photographs(tmp_path / "photos", on_disk)
    found = read_text(coco_json([(written, *BOXES[0][1:])]), images)
    assert [box.photo for box in found.annotations] == [on_disk] and found.notes


def test_a_changed_name_that_fits_two_photographs_is_refused(tmp_path: Path) -> None:
    """Fault: of `a b.jpg` and `a_b.jpg` (in another folder) one is chosen."""
    images = draw_photographs(tmp_path / "photos", "1/a (b).jpg", "2/a [b].jpg")
    with pytest.raises(InputError, match="fits 2"):
        read_text(coco_json([("abb8e5a8-a_b.jpg", *BOXES[0][1:])]), images)


OTHERS = {
    "Label Studio": json.dumps([{"annotations": [{"result": [{"to_name": "image", "from_name": "label"}]}]}]),
    "Label Studio's JSON or CSV": 'image,label\na.jpg,"[{""rectanglelabels"": [""oak""], ""original_width"": 9}]"\n',
    "CreateML": json.dumps([{"image": "a.jpg", "annotations": [{"label": "oak", "coordinates": {"x": 1}}]}]),
    "Datumaro": json.dumps({"items": [{"annotations": [{"label_id": 0}]}], "categories": {}}),
    "Supervisely": json.dumps({"objects": [{"classTitle": "oak"}], "size": {}}),
    "VGG Image Annotator 3": json.dumps({"metadata": {}, "file": {}, "attribute": {}}),
    "VoTT": json.dumps({"assets": {"a": {"regions": []}}}),
    "workbook of Excel": b"PK\3\4.xl/workbook.xml",
    "Parquet": b"PAR1\0",
}


@pytest.mark.parametrize("told", OTHERS)
def test_exports_that_are_not_read_are_named_with_the_export_to_choose(told: str, images: Path) -> None:
    """Fault: "COCO JSON has the lists images ..." to someone who never asked for COCO; "is a zip" of a workbook."""
    text = OTHERS[told]
    with pytest.raises(InputError, match=rf"{told}.*(Export|Save|Write)"):
        read_text(text, images)
    path = write(images.parent / "set", {"x.json": text}) / "x.json"
    with pytest.raises(InputError, match=told):
        read_annotations(path.parent, images, LABELS)
    with pytest.raises(InputError, match=told):
        read_boxes(path, [Picture("a.jpg", images / "a.jpg")])


@pytest.mark.parametrize(("text", "told"), [(voc(*BOXES[0]), "Pascal VOC"), (yolo("0", "a"), "labels of YOLO")])
def test_the_runner_says_what_to_do_with_boxes_for_training(text: str, told: str, images: Path) -> None:
    """Fault: someone with labelImg's files is told that VOC is no format at all."""
    path = write(images.parent, {"boxes": text}) / "boxes"
    with pytest.raises(InputError, match=f"{told}.*for the runner's --boxes, export COCO JSON or CSV"):
        read_boxes(path, [Picture("a.jpg", images / "a.jpg")])


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "It is HEIC, whatever its name"),
        (b"\0\0\0\x18ftypavif\0\0\0\0", "It is AVIF"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0", "It is a video"),
        (b"", "It is empty"),
        (b"<svg/>", "It is SVG"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    ],
)
def test_a_picture_of_another_kind_is_told_by_its_content(data: bytes, told: str, tmp_path: Path) -> None:
    """Fault: an iPhone's HEIC called a.jpg is "not an image", and its owner sees it in every viewer."""
    write(tmp_path, {"a.jpg": data})
    with pytest.raises(InputError, match=f"is not an image in a supported format.*{told}"):
        read_image(tmp_path / "a.jpg")


def test_a_photograph_in_a_hidden_folder_is_not_meant(tmp_path: Path) -> None:
    """Fault: a thumbnail in .cache/ makes the name of a photograph in a subfolder ambiguous."""
    images = draw_photographs(tmp_path / "photos", "x/a.jpg", ".cache/a.jpg")
    Image.new("RGB", (9, 9)).save(images / ".cache" / "a.jpg")
    assert [box.photo for box in read_text(coco_json(BOXES[:1]), images).annotations] == ["x/a.jpg"]
