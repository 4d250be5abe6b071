"""inference.drawing: previews, contact sheets and the window show the answers that were given, at their places."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from inference.drawing.contact_sheet import write_contact_sheet
from inference.drawing.labels import KNOWN_STYLE, UNKNOWN_STYLE, fit_text, font_of, percent
from inference.drawing.preview import draw_preview, write_preview
from inference.drawing.window import show
from inference.errors import InputError
from inference.pictures.listing import Picture
from inference.safe_path import preview_path

RED = {"confidence": 0.93, "result": "red"}
UNKNOWN = {"confidence": 0.41, "result": "unknown"}


def grey(width: int, height: int) -> np.ndarray:
    return np.full((height, width, 3), 128, np.uint8)


def has_colour(image: Image.Image, colour: tuple[int, int, int]) -> bool:
    return bool((np.asarray(image) == colour).all(axis=2).any())


def stored(folder: Path, *keys: str) -> list[Picture]:
    """Return pictures of grey under these keys."""
    pictures = []
    for key in keys:
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(grey(60, 40)).save(folder / key, "PNG")
        pictures.append(Picture(key, folder / key))
    return pictures


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_preview_stays_in_its_folder(key: str) -> None:
    """Catches a key, from an archive say, that writes into somebody else's folder."""
    folder = Path("/somewhere/look")
    path = preview_path(folder, key)
    assert path.is_relative_to(folder)
    assert ".." not in path.parts
    assert path.suffix == ".jpg"


def test_no_two_keys_share_a_preview() -> None:
    """Catches a.png drawn over a.jpg, a hostile key over a plain one, and the preview of a.jpg named a.jpg.jpg."""
    folder = Path("look")
    keys = ["a.png", "a.jpg", "a", "b/a.png", "../a.png", "/a.png", "x/../a.png", "sheet-001.jpg", "sheet-001", "a:png"]
    paths = [preview_path(folder, key) for key in keys]
    assert paths[:2] == [folder / "a.png.jpg", folder / "a.jpg"]
    assert paths[3] == folder / "b" / "a.png.jpg"
    assert len(set(paths)) == len(keys)
    assert folder / "sheet-001.jpg" not in paths


def test_unknown_differs_in_colour_and_form() -> None:
    """Catches a rejection that a colour-blind person, or a print in grey, can't tell from an answer."""
    known, unknown = draw_preview(grey(600, 400), RED), draw_preview(grey(600, 400), UNKNOWN)
    assert has_colour(known, KNOWN_STYLE.bar) and not has_colour(known, UNKNOWN_STYLE.bar)
    assert has_colour(unknown, UNKNOWN_STYLE.bar) and not has_colour(unknown, KNOWN_STYLE.bar)
    brightness = [sum(style.bar) / 3 for style in (KNOWN_STYLE, UNKNOWN_STYLE)]
    assert abs(brightness[0] - brightness[1]) > 100
    assert UNKNOWN_STYLE.is_dashed != KNOWN_STYLE.is_dashed


@pytest.mark.parametrize("size", [(3000, 2000), (600, 400), (20, 30), (1, 1), (4000, 3)])
def test_words_stand_below_the_picture(size: tuple[int, int]) -> None:
    """Catches words over what should be seen, and previews too large to leaf through or too small to read."""
    preview = draw_preview(grey(*size), RED)
    assert 300 <= max(preview.width, preview.height) <= 1024 + 60
    pixels = np.asarray(preview)
    assert (pixels[0, 0] == 128).all()
    assert (pixels[-1, 0] == KNOWN_STYLE.bar).all()


def test_a_region_is_framed_where_it_is() -> None:
    """Catches frames shifted or scaled away from their box."""
    regions = [{"box": [100, 100, 200, 100], **RED}, {"box": [0, 0, 9, 9], "error": "a box must ..."}]
    preview = np.asarray(draw_preview(grey(512, 400), {"regions": regions}))
    framed = np.argwhere((preview[:390] == KNOWN_STYLE.bar).all(axis=2))
    scale = preview.shape[1] / 512
    top, left = framed.min(axis=0)
    assert left == pytest.approx(100 * scale, abs=6)
    assert top == pytest.approx(100 * scale, abs=6) or top < 100 * scale  # its words may stand above it
    assert (preview[int(150 * scale), int(200 * scale)] == 128).all()  # the inside can be seen


def test_a_contact_sheet_shows_every_answer_once(tmp_path: Path) -> None:
    """Catches pictures lost between pages, a sheet that ends the run for one bad file, and unknowns among the known."""
    pictures = stored(tmp_path / "in", *(f"{number:03}.png" for number in range(90)))
    pictures[5].path.write_text("no picture any more")
    answers = [RED if number % 2 else UNKNOWN for number in range(90)]
    sheets = write_contact_sheet(tmp_path / "out", zip(pictures, answers, strict=True))
    assert [path.name for path in sheets] == ["sheet-001.jpg", "sheet-002.jpg", "sheet-003.jpg"]
    first, *_, last = (Image.open(path) for path in sheets)
    known, unknown = np.array(KNOWN_STYLE.bar), np.array(UNKNOWN_STYLE.bar)

    def share(image: Image.Image, colour: np.ndarray) -> float:  # JPEG changes colours a little
        return float((np.abs(np.asarray(image).astype(int) - colour).max(axis=2) < 12).mean())

    assert share(first, known) > 0.05 > 0.001 > share(first, unknown)
    assert share(last, unknown) > 0.02 > 0.001 > share(last, known)


def test_a_preview_that_cannot_be_written_is_an_input_error(tmp_path: Path) -> None:
    """Catches a traceback for a --preview that is a file."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_preview(tmp_path / "file", stored(tmp_path, "a.png")[0], RED)


@given(st.text(), st.integers(1, 400), st.booleans())
def test_words_fit_their_bar(text: str, width: int, keep_end: bool) -> None:
    """Catches a long name that runs over its neighbour, or one that can't be drawn at all."""
    font = font_of(14)
    fitted = fit_text(text.replace("\n", "?").replace("\r", "?"), font, width, keep_end)
    assert font.getlength(fitted) <= width


def test_percentages_do_not_claim_certainty() -> None:
    """Catches "100 %" for a confidence of 0.996."""
    assert [percent(value) for value in (1.0, 0.996, 0.93, 0.004, 0.0)] == ["100 %", "> 99 %", "93 %", "< 1 %", "0 %"]


def test_without_a_display_the_user_is_told_of_preview(monkeypatch: pytest.MonkeyPatch) -> None:
    """Catches a traceback of the window system on a server."""
    tkinter = pytest.importorskip("tkinter", reason="this Python has no window system to fail")

    def fail() -> None:
        raise tkinter.TclError("no display name and no $DISPLAY environment variable")

    monkeypatch.setattr(tkinter, "Tk", fail)
    with pytest.raises(InputError, match=r"--show needs .*--preview"):
        show(["a.png"], lambda place: Image.new("RGB", (10, 10)))
