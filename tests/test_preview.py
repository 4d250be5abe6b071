"""--preview, seen closely: words that can be read, frames that can be told apart, sheets in the stated order."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.drawing.contact_sheet import write_contact_sheet
from inference.drawing.labels import KNOWN_STYLE, UNKNOWN_STYLE, Colour, Edges, Style, draw_bar, words_of
from inference.drawing.preview import draw_preview, place_bars, write_preview
from inference.pictures.listing import Picture
from inference.safe_path import preview_path

SIZE = (1024, 768)
WORDS = ("#10 chrysocolla", "93 %")


def overlap(one: Edges, other: Edges) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def touch(one: Edges, other: Edges) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def contrast(style: Style) -> float:
    """Return the contrast ratio of WCAG 2.1: 1 for one colour, 21 for black on white."""
    darker, lighter = sorted(_luminance(colour) for colour in (style.bar, style.text))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Colour) -> float:
    shares = [value / 255 for value in colour]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def runs_along_top(result: str, background: int) -> list[bool]:
    """Return in turns whether the style's colour is there or not, along the middle of a frame's upper side."""
    style = UNKNOWN_STYLE if result == "unknown" else KNOWN_STYLE
    region = {"box": [100, 100, 800, 500], "result": result, "confidence": 0.5}
    pixels = np.asarray(draw_preview(np.full((768, 1024, 3), background, np.uint8), {"regions": [region]}))
    is_there = (pixels[102, 400:898] == style.bar).all(axis=1)
    return [value for value, _ in itertools.groupby(is_there.tolist())]


def save(folder: Path, key: str, colour: Colour = (128, 128, 128), size: tuple[int, int] = (60, 40)) -> Picture:
    path = folder / f"{len(list(folder.iterdir()))}.png"
    Image.new("RGB", size, colour).save(path)
    return Picture(key, path)


def centre(image: Image.Image, colour: Colour) -> tuple[float, float]:
    """Return the middle of what has this colour: x, y in pixels."""
    near = np.abs(np.asarray(image).astype(int) - colour).max(axis=2) < 25
    rows, columns = np.nonzero(near)
    assert len(rows) > 1000, colour
    return float(columns.mean()), float(rows.mean())


@pytest.mark.parametrize("style", [KNOWN_STYLE, UNKNOWN_STYLE])
def test_words_can_be_read_on_their_bar(style: Style) -> None:
    """Catches words in a colour too close to the bar's: WCAG asks for 4.5."""
    assert contrast(style) >= 4.5


@pytest.mark.parametrize("background", [0, 128, 255])
def test_frames_are_solid_for_an_answer_and_dashed_for_unknown(background: int) -> None:
    """Catches frames that differ in colour only, and frames that no bright or dark picture lets one see."""
    assert runs_along_top("pyrite", background) == [True]
    assert len(runs_along_top("unknown", background)) > 10


@pytest.mark.parametrize("background", [0, 255])
@pytest.mark.parametrize("result", ["pyrite", "unknown"])
def test_frames_show_on_black_and_on_white(result: str, background: int) -> None:
    """Catches a dark frame that vanishes on a dark picture."""
    region = {"box": [100, 100, 800, 500], "result": result, "confidence": 0.5}
    pixels = np.asarray(draw_preview(np.full((768, 1024, 3), background, np.uint8), {"regions": [region]}))
    across = pixels[300:400, 96:110].astype(int)  # the left side, far from the words
    assert (np.abs(across - background).max(axis=(1, 2)) > 150).mean() > 0.4  # the gaps between dashes are black


@pytest.mark.parametrize(
    "boxes",
    [
        [(left, top, left + 150, top + 100) for top in range(60, 700, 140) for left in range(20, 900, 170)],
        [(300, 100, 600, 300), (300, 305, 600, 500)],  # above the second there is the first
    ],
)
def test_words_of_neighbours_hide_neither_words_nor_boxes(boxes: list[Edges]) -> None:
    """Catches words drawn over words or over a neighbour, or away from the box that they belong to."""
    bars = place_bars(SIZE, [(box, WORDS) for box in boxes])
    assert not any(overlap(one, other) for one, other in itertools.combinations(bars, 2))
    for box, bar in zip(boxes, bars, strict=True):
        assert touch(box, bar)
        assert not any(overlap(bar, other) for other in boxes if other != box)


def test_words_of_boxes_in_one_place_stay_readable() -> None:
    """Catches the same place chosen for the words of boxes that lie on each other."""
    box = (300, 300, 600, 500)
    bars = place_bars(SIZE, [(box, WORDS)] * 6)
    assert not any(overlap(one, other) for one, other in itertools.combinations(bars, 2))


@pytest.mark.parametrize("box", [(0, 0, 30, 30), (994, 738, 1024, 768), (0, 0, 1024, 768), (500, 0, 501, 768)])
def test_words_stay_in_the_picture(box: Edges) -> None:
    """Catches words cut off at the edge."""
    ((left, top, right, bottom),) = place_bars(SIZE, [(box, WORDS)])
    assert 0 <= left < right <= SIZE[0]
    assert 0 <= top < bottom <= SIZE[1]


def test_a_long_label_leaves_room_for_the_confidence() -> None:
    """Catches a label that runs over its confidence or out of its bar."""
    bars = [Image.new("RGB", (300, 40)) for _ in range(2)]
    for image, label in zip(bars, ("a", "W" * 1000), strict=True):
        draw_bar(image, (0, 0, 300, 40), (label, "93 %"), KNOWN_STYLE)
    ends = [np.asarray(image)[:, 225:] for image in bars]  # "93 %" and the free space before it
    assert (ends[0] == ends[1]).all()
    assert (np.asarray(bars[1])[:, :5] == KNOWN_STYLE.bar).all()
    assert (np.asarray(bars[1])[:, 20:200] != KNOWN_STYLE.bar).any()


def test_regions_of_a_small_photograph_are_enlarged() -> None:
    """Catches words that cover the regions of a thumbnail."""
    region = {"box": [10, 10, 50, 50], "result": "pyrite", "confidence": 0.5}
    assert draw_preview(np.zeros((150, 200, 3), np.uint8), {"regions": [region] * 3}).width == 1024


def test_a_preview_is_upright(tmp_path: Path) -> None:
    """Catches a phone's photograph that lies on its side, or boxes laid over the other side of it."""
    image = Image.new("RGB", (600, 400), (200, 30, 30))
    image.paste((30, 30, 200), (0, 0, 600, 200))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees: the upper half becomes the right one
    image.save(tmp_path / "phone.jpg", exif=exif)
    answer = {"result": "pyrite", "confidence": 0.9}
    preview = Image.open(write_preview(tmp_path / "look", Picture("phone.jpg", tmp_path / "phone.jpg"), answer))
    assert preview.width == 400
    assert centre(preview, (30, 30, 200))[0] > 250 > 150 > centre(preview, (200, 30, 30))[0]


def test_keys_that_differ_in_empty_parts_have_a_preview_each() -> None:
    """Catches a member of an archive drawn over another one."""
    keys = ("a/b.png", "a//b.png", "a/./b.png", "./a/b.png", "a/b.png/", "//a/b.png", "a\\b.png", "a_b.png")
    assert len({preview_path(Path("look"), key) for key in keys}) == len(keys)


@pytest.mark.parametrize("key", ["x" * 255 + ".jpg", "é" * 200 + ".jpg", "y" * 3000, "a/" + "鉱" * 80 + "/b.png"])
def test_names_of_any_length_can_be_written(key: str, tmp_path: Path) -> None:
    """Catches "File name too long" for a name that fits only without the .jpg behind it."""
    preview = write_preview(tmp_path / "look", save(tmp_path, key), {"result": "pyrite", "confidence": 0.9})
    assert preview.is_file()
    assert preview_path(tmp_path, key + "x") != preview_path(tmp_path, key)


@pytest.mark.parametrize("key", ["黄铁矿.png", "پیریت.png", "a\nb.png", "\u202egnp.png", "\x00.png", "n" * 900])
def test_any_name_and_label_can_be_drawn(key: str, tmp_path: Path) -> None:
    """Catches a crash for letters that the font lacks, line ends, control signs and names of any length."""
    picture = save(tmp_path, key)
    answer = {"result": key, "confidence": 0.9}
    assert words_of(answer)[0].isprintable()
    assert write_preview(tmp_path / "look", picture, answer).is_file()
    assert write_contact_sheet(tmp_path / "look", [(picture, answer)]) == [tmp_path / "look" / "sheet-001.jpg"]


def test_a_sheet_follows_labels_and_falling_confidence(tmp_path: Path) -> None:
    """Catches a sheet in the order of files, in which no error stands out, and unknown pictures in the midst."""
    colours = {"low": (255, 0, 0), "high": (0, 255, 0), "other": (0, 0, 255), "unknown": (255, 0, 255)}
    pictures = {name: save(tmp_path, f"{name}.png", colour) for name, colour in colours.items()}
    entries = [
        (pictures["unknown"], {"result": "unknown", "confidence": 0.99}),
        (pictures["other"], {"result": "wood", "confidence": 0.95}),
        (pictures["low"], {"result": "agate", "confidence": 0.6}),
        (pictures["high"], {"result": "agate", "confidence": 0.9}),
    ]
    (sheet,) = write_contact_sheet(tmp_path / "look", iter(entries))
    places = {name: centre(Image.open(sheet), colour) for name, colour in colours.items()}
    assert places["high"][0] < places["low"][0]
    assert places["high"][1] == pytest.approx(places["low"][1], abs=2)
    assert places["low"][1] < places["other"][1] < places["unknown"][1]


def test_a_sheet_shows_each_region_and_none_that_failed(tmp_path: Path) -> None:
    """Catches a thumbnail of the whole photograph for each region, or of another region."""
    picture = save(tmp_path, "photo.png", (255, 0, 0), (200, 100))
    with Image.open(picture.path) as image:
        image.paste((0, 0, 255), (100, 0, 200, 100))
        image.save(picture.path)
    regions = [
        {"box": [0, 0, 100, 100], "result": "b", "confidence": 0.9},
        {"box": [100, 0, 100, 100], "result": "a", "confidence": 0.9},
        {"box": [900, 0, 10, 10], "error": "a box must overlap its photograph"},
    ]
    (sheet,) = write_contact_sheet(tmp_path / "look", [(picture, {"regions": regions})])
    pixels = np.asarray(Image.open(sheet)).astype(int)
    areas = [int((np.abs(pixels - colour).max(axis=2) < 25).sum()) for colour in ((255, 0, 0), (0, 0, 255))]
    assert areas == pytest.approx([150 * 150] * 2, rel=0.05)  # whole thumbnails of one colour each
    bars = int((np.abs(pixels - KNOWN_STYLE.bar).max(axis=2) < 25).sum())
    assert 1.5 * 194 * 26 < bars < 2 * 194 * 26  # two bars of 194 x 26, less their words
    assert centre(Image.open(sheet), (0, 0, 255))[1] < centre(Image.open(sheet), (255, 0, 0))[1]
