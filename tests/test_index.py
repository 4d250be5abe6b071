"""index.csv and the folder that it lies in: what cutting and training share, and which runs share it."""

from pathlib import Path

import pytest

from inference.errors import InputError
from pipeline.data.index import Patch, PatchIndex, read_index, write_index
from pipeline.data.sources import PHOTOGRAPHS, DataPlace, annotated_photos
from pipeline.settings.recipe import override, override_all
from tests.worlds import RECIPE, one_each, write_world

SCENES = one_each(24)


def test_index_csv_gives_the_index_back(tmp_path: Path) -> None:
    """Catches commas, quotes and line breaks of names that shift the columns."""
    odd = ["a,b.jpg", 'c"d.jpg', "e\nf.jpg", "ü 石.jpg", " g .jpg"]
    patches = tuple(Patch(f"x/{n}.png", "red", photo, n, 2, 3, 4, "train") for n, photo in enumerate(odd))
    write_index(PatchIndex(tmp_path, patches), tmp_path / "index.csv")
    assert read_index(tmp_path / "index.csv") == PatchIndex(tmp_path, patches)
    moved = read_index(tmp_path / "index.csv", Path("elsewhere"))
    assert moved.path(moved.patches[0]) == Path("elsewhere/x/0.png")


def test_an_index_selects_by_split_and_label() -> None:
    """Catches a selection that lets a test patch or another label through."""
    patches = tuple(Patch("f", label, "p", 0, 0, 1, 1, split) for split in ("train", "test") for label in "aab")
    index = PatchIndex(Path(), patches)
    assert index.select("test").counts() == {"a": 2, "b": 1}
    assert index.select("train", ("b", "c")).patches == (patches[2],)
    assert index.select("validation").counts() == index.select("test", ()).counts() == {}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "line 1 must be file,label,photo"),
        ("file,label\n", "line 1 must be file,label,photo"),
        ("{header}\na,b,c,1,2,3,4\n", "line 2"),
        ("{header}\na,b,c,1,2,3,4,test\na,b,c,1,2,three,4,test\n", "line 3.*three"),
    ],
)
def test_a_damaged_index_is_a_clear_error(text: str, word: str, tmp_path: Path) -> None:
    """Catches a traceback, or an error without the line, for an index that was edited by hand."""
    path = tmp_path / "index.csv"
    path.write_text(text.format(header="file,label,photo,x,y,width,height,split"))
    with pytest.raises(InputError, match=f"{word}.*Cut the patches again"):
        read_index(path)
    with pytest.raises(InputError, match="does not exist"):
        read_index(tmp_path / "none.csv")


def test_runs_share_patches_where_their_settings_allow(tmp_path: Path) -> None:
    """Catches a run that trains on another's leftovers, or cuts everything again for another number of epochs."""
    write_world(tmp_path, SCENES)
    place = DataPlace(tmp_path / "photos", tmp_path / "boxes.json", tmp_path / "runs")
    first = annotated_photos(place, RECIPE)
    assert (first.kind, first.clipped_boxes, first.refused) == (PHOTOGRAPHS, 0, ())
    assert first.written == len(first.index.patches)
    same = annotated_photos(place, override_all(RECIPE, (("fit.epochs", "3"), ("seed", "8"))))
    assert (same.index.root, same.written) == (first.index.root, 0)
    for setting, text in (("patches.margin", "0.3"), ("split.test", "0.3"), ("labels", "red,green")):
        other = annotated_photos(place, override(RECIPE, setting, text))
        assert other.index.root != first.index.root


def test_photographs_and_annotations_belong_together(tmp_path: Path) -> None:
    """Catches annotations that are ignored because the photographs' folder was forgotten, or the other way round."""
    write_world(tmp_path, SCENES)
    photos, boxes = tmp_path / "photos", tmp_path / "boxes.json"
    for images, annotations in ((photos, None), (None, boxes)):
        with pytest.raises(InputError, match="belong together"):
            annotated_photos(DataPlace(images, annotations, tmp_path / "runs"), RECIPE)
    with pytest.raises(InputError, match="is not a folder"):
        annotated_photos(DataPlace(boxes, boxes, tmp_path / "runs"), RECIPE)
    assert not (tmp_path / "runs").exists()
