"""Names of photographs in annotations find one file under the images folder, or say why not."""

import os
import unicodedata
from pathlib import Path

import pytest
from PIL import Image

from inference.boxes.matching import PhotoMatcher
from inference.errors import InputError
from pipeline.data.annotations.photo_index import index_photos
from pipeline.data.annotations.read import read_annotations


def make_index(folder: Path, *names: str) -> PhotoMatcher:
    """Lay a PNG at each name, text where the name says so, and index the folder."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith((".txt", ".json")):
            path.write_text("0 0.5 0.5 1 1")
        else:
            Image.new("RGB", (10, 10)).save(path, format="PNG")
    return index_photos(folder)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a.jpg", "a.jpg"),  # exact, though b/a.jpg has the same base name
        ("b/a.jpg", "b/a.jpg"),
        ("b\\a.jpg", "b/a.jpg"),
        ("./c/../b/a.jpg", "b/a.jpg"),
        ("prefix/of/export/1. b+c.d.jpg", "deep/1. b+c.d.jpg"),
        (unicodedata.normalize("NFD", "é.jpg"), "é.jpg"),
    ],
)
def test_a_name_finds_its_exact_path_else_its_only_base_name(name: str, path: str, tmp_path: Path) -> None:
    """Fault: an exporter's prefix, a backslash or a decomposed accent loses the photograph."""
    assert make_index(tmp_path, "a.jpg", "b/a.jpg", "deep/1. b+c.d.jpg", "é.jpg").find(name).path == path


def test_an_exact_name_is_not_in_doubt_beside_its_decomposed_twin(tmp_path: Path) -> None:
    """Fault: a name that is on disk as written is refused, since another looks like it."""
    composed, decomposed = "\u00e9.jpg", "e\u0301.jpg"
    index = make_index(tmp_path, composed, decomposed)
    if len(index.paths) < 2:
        pytest.skip("this file system takes both names for one")
    assert (index.find(composed).path, index.find(decomposed).path) == (composed, decomposed)


@pytest.mark.parametrize(
    ("stem", "path"),
    [
        ("1. b+c.d", "1. b+c.d.jpeg"),
        ("42. bo", "42. bo"),
        ("x", "x.webp"),  # x.txt and x.json are no images
        ("train/y", "train/y.png"),
        ("plain", "deep/plain"),
        ("z.jpg", "z.jpg"),  # some programs keep the extension: z.jpg.txt
        ("v1", "v1.png"),  # v1.2 is a name without extension, not v1 with extension 2
    ],
)
def test_a_stem_finds_its_photograph_whatever_the_extension(stem: str, path: str, tmp_path: Path) -> None:
    """Fault: the stem is cut at the first dot, or labels beside the photographs are taken for photographs."""
    names = ["1. b+c.d.jpeg", "42. bo", "x.webp", "x.txt", "x.json", "train/y.png", "val/y.png", "deep/plain"]
    assert make_index(tmp_path, *names, "z.jpg", "v1.2", "v1.png").find(stem, by_stem=True).path == path


@pytest.mark.parametrize(
    "name",
    ["../a.jpg", "b/../../a.jpg", "/a.jpg", "C:/a.jpg", "c:\\a.jpg", "..\\a.jpg", "%2e%2e/a.jpg", "gs://x/a.jpg"],
)
def test_a_name_that_leaves_the_folder_never_leads_out_of_it(name: str, tmp_path: Path) -> None:
    """Fault: annotations from elsewhere read any file of the machine, or are lost although their base name fits."""
    make_index(tmp_path, "a.jpg", "x/outside.jpg")
    index = make_index(tmp_path / "images", "b/a.jpg", "b/c.jpg")
    fit = index.find(name)
    assert fit.path == "b/a.jpg" and "by the end of its path" in fit.how
    for outside in (name.replace("a.jpg", "outside.jpg"), "..", ".", "/", ""):
        with pytest.raises(InputError, match="nothing there is named"):
            index.find(outside)


@pytest.mark.parametrize(
    ("name", "path", "how"),
    [
        ("tree.jpg", "tree.JPG", "in other case"),
        ("TREE.jpg", "tree.JPG", "in other case"),
        ("z/train/one.jpg", "train/one.jpg", "by the end of its path"),
        ("D:\\x\\valid\\one.jpg", "valid/one.jpg", "by the end of its path"),
        ("oak.jpg", "oak.png", "with another extension"),
        ("oak.tif", "oak.png", "with another extension"),
        ("oak", "oak.png", "without extension"),
        ("OAK", "oak.png", "without extension and in other case"),
        ("d%C3%A9cran%200.jpg", "décran 0.jpg", "percent-decoded"),
        ("https://x.org/a/d%C3%A9cran%200.jpg?alt=media", "décran 0.jpg", "as the path in an address and by the end"),
        ("/data/local-files/?d=set/tree.JPG", "tree.JPG", "by the end of its path"),
        ("images/abb8e5a8-oak.png", "oak.png", "without Label Studio's prefix and by the end of its path"),
        ("spruce.jpg", "0a1b2c3d-spruce.jpg", "with Label Studio's prefix"),
        (b"F\xf6hre.jpg".decode("utf-8", "surrogateescape"), "Föhre.jpg", "read as Windows-1252"),
        ("elsewhere.jpg", "own.jpg", "by the name of its annotation file"),
    ],
)
def test_a_name_fits_leniently_and_says_how(name: str, path: str, how: str, tmp_path: Path) -> None:
    """Fault: a photograph is lost to its spelling, or found without a word although another may be meant."""
    names = ["tree.JPG", "train/one.jpg", "valid/one.jpg", "oak.png", "oak.txt", "décran 0.jpg", "Föhre.jpg", "own.jpg"]
    names.append("0a1b2c3d-spruce.jpg")
    fit = make_index(tmp_path, *names).find(name, ("own",) if name == "elsewhere.jpg" else ())
    assert fit.path == path and fit.how.startswith(how)


@pytest.mark.parametrize("name", ["tree.jpg", "oak.tif", "birch", "x/one.jpg", "abb8e5a8-one.jpg"])
def test_a_lenient_fit_must_be_the_only_one(name: str, tmp_path: Path) -> None:
    """Fault: the first of several files that are nearly called so gets the boxes."""
    names = ["tree.JPG", "Tree.jpg", "oak.png", "oak.jpg", "birch.png", "birch.jpg", "a/one.jpg", "b/one.jpg"]
    if len(list(make_case_folder(tmp_path).iterdir())) < 2:
        pytest.skip("this file system takes names in other case for one")
    with pytest.raises(InputError, match="must fit one file"):
        make_index(tmp_path / "images", *names).find(name)


def make_case_folder(folder: Path) -> Path:
    """Return a folder with two files whose names differ in case alone, if the file system has them."""
    made = folder / "case"
    made.mkdir()
    for name in ("a", "A"):
        (made / name).touch()
    return made


def test_a_name_that_fits_two_photographs_is_refused_with_both(tmp_path: Path) -> None:
    """Fault: the first of two photographs gets the other's boxes."""
    index = make_index(tmp_path, "a/1.jpg", "b/1.jpg")
    with pytest.raises(InputError, match=r"fits 2: 'a/1.jpg', 'b/1.jpg'"):
        index.find("1.jpg")
    with pytest.raises(InputError, match=r"fits 2: 'a/1.jpg', 'b/1.jpg'"):
        index.find("1", by_stem=True)


@pytest.mark.parametrize(
    ("written", "kept"), [(["train/1.jpg", "test/1.jpg"], 0), (["1.jpg", "test/1.jpg"], 1), (["1.jpg", "./1.jpg"], 2)]
)
def test_two_photographs_do_not_share_a_file(written: list[str], kept: int, tmp_path: Path) -> None:
    """Fault: train/1.jpg and test/1.jpg, of which one is on disk, both lay their boxes over it."""
    make_index(tmp_path / "images", "1.jpg", "2.jpg")
    path = tmp_path / "boxes"
    lines = [f"{name},pyrite,1,2,3,4" for name in [*written, "2.jpg"]]
    path.write_text("\n".join(["file,label,x,y,width,height", *lines]))
    found = read_annotations(path, tmp_path / "images", ("pyrite",))
    assert [annotation.photo for annotation in found.annotations] == ["1.jpg"] * kept + ["2.jpg"]
    assert len(found.refused) == 2 - kept
    assert all("can't be one file" in message for message in found.refused)


@pytest.mark.parametrize(("photo", "kept"), [("10/1.jpg", []), ("1.jpg", ["1.jpg"])])
def test_two_stems_share_no_file(photo: str, kept: list[str], tmp_path: Path) -> None:
    """Fault: 1 is taken for the exact name of 10/1.jpg, since the path begins with it; or not for that of 1.jpg."""
    make_index(tmp_path / "images", photo, "2.jpg")
    labels = tmp_path / "labels"
    (labels / "x").mkdir(parents=True)
    (labels / "classes.txt").write_text("pyrite")
    for name in ("1.txt", "x/1.txt", "2.txt"):
        (labels / name).write_text("0 0.5 0.5 1 1")
    found = read_annotations(labels, tmp_path / "images", ("pyrite",))
    assert [annotation.photo for annotation in found.annotations] == [*kept, "2.jpg"]
    assert len(found.refused) == 2 - len(kept)


def test_names_that_are_not_utf8_are_matched_and_shown(tmp_path: Path) -> None:
    """Fault: a name in Latin-1 ends the reading, or a message about it can't be printed."""
    images, labels = tmp_path / "images", tmp_path / "labels"
    make_index(images, "a.png")
    labels.mkdir()
    (labels / "classes.txt").write_text("pyrite")
    try:
        (images / "a.png").rename(images / os.fsdecode(b"\xe9.png"))
    except OSError:
        pytest.skip("this file system takes UTF-8 names alone")
    (labels / os.fsdecode(b"\xe9.txt")).write_text("0 0.5 0.5 1 1\n0 0.5 0.5 1")
    table = tmp_path / "boxes.csv"
    table.write_bytes(b"file,label,x,y,width,height\n\xe9.png,pyrite,0,0,10,10\n")
    assert read_annotations(table, images, ("pyrite",)).annotations[0].photo == os.fsdecode(b"\xe9.png")
    found = read_annotations(labels, images, ("pyrite",))
    assert [os.fsencode(annotation.photo) for annotation in found.annotations] == [b"\xe9.png"]
    assert found.refused[0].encode("utf-8").startswith(rb"\udce9.txt: line 2: ")
