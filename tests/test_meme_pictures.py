"""The drawn memes: what is promised about the pictures and the folder that they are written to."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.ensemble import RandomForestClassifier

from inference.errors import InputError
from pipeline.drawn.memes.canvas import new_canvas
from pipeline.drawn.memes.dataset import STYLES, draw_meme, picture_path, write_meme_pictures
from pipeline.drawn.memes.doom.monsters import SIDE, PlacedSprite, Sprite, paint_sprites
from pipeline.drawn.memes.doom.raycast import CELLS, Eye, Materials, World, cast, render
from pipeline.drawn.memes.lettering import fit_lines, load_font, write_broad
from pipeline.evaluation.colour_baseline import colour_histogram
from pipeline.settings.labels import BACKGROUND

GAMES = ("doom", "animal_crossing")
COUNT = 60


@pytest.fixture(scope="module")
def memes() -> dict[str, list[np.ndarray]]:
    """Pictures of each style."""
    return {style: [draw_meme(style, 5, number) for number in range(COUNT)] for style in STYLES}


@pytest.mark.parametrize("style", STYLES)
def test_a_meme_is_the_same_whenever_it_is_drawn(style: str) -> None:
    """Faults: randomness that pictures share, a picture that is drawn into another, fonts that remember."""
    first = draw_meme(style, 3, 7)
    draw_meme(style, 3, 8)
    assert np.array_equal(first, draw_meme(style, 3, 7))


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("seed", "number"), [(3, 8), (4, 7), (7, 3)])
def test_another_seed_or_number_gives_another_meme(style: str, seed: int, number: int) -> None:
    """Faults: a seed or number that is ignored, and seed + number used as one (3 + 7 = 7 + 3)."""
    first, other = draw_meme(style, 3, 7), draw_meme(style, seed, number)
    assert first.shape != other.shape or not np.array_equal(first, other)


@pytest.mark.slow
def test_memes_are_rgb_bytes_of_many_sizes(memes: dict[str, list[np.ndarray]]) -> None:
    """Faults: floats that leak out, one size for all, and sizes that give the style away."""
    for style, pictures in memes.items():
        assert {(picture.dtype, picture.ndim, picture.shape[2]) for picture in pictures} == {(np.dtype(np.uint8), 3, 3)}
        shapes = np.array([picture.shape[:2] for picture in pictures])
        assert shapes.min() >= 150 and shapes.max() <= 1400, style
        aspects = shapes[:, 1] / shapes[:, 0]
        assert len(set(map(tuple, shapes))) > COUNT / 2, style
        assert aspects.min() < 0.8 and aspects.max() > 1.5, style


@pytest.mark.slow
def test_no_meme_is_empty_or_like_another(memes: dict[str, list[np.ndarray]]) -> None:
    """Faults: a view into a wall, a black night, and one scene under many captions; a background may be nearly even."""
    for style, pictures in memes.items():
        if style == BACKGROUND:
            continue
        small = [np.asarray(Image.fromarray(p).resize((16, 16)), float) for p in pictures]
        assert min(picture.std() for picture in small) > 4, style
        assert min(np.abs(one - other).mean() for one, other in combinations(small, 2)) > 8, style


@pytest.mark.slow
def test_styles_differ_in_light_yet_colour_alone_does_not_tell_them(memes: dict[str, list[np.ndarray]]) -> None:
    """Faults: corridors as bright as villages, styles that a colour histogram tells apart, colours without meaning."""
    light = {style: np.median([picture.mean() for picture in memes[style]]) for style in GAMES}
    assert light["doom"] < light["animal_crossing"]
    features = np.array([colour_histogram(picture) for style in GAMES for picture in memes[style]])
    forest = RandomForestClassifier(200, oob_score=True, random_state=0).fit(features, np.repeat(GAMES, COUNT))
    assert 0.6 < forest.oob_score_ < 0.95


def test_the_folder_holds_what_draw_meme_draws(tmp_path: Path) -> None:
    """Faults: numbers or styles that are mixed up, a style that gets more than its turn, files besides the pictures."""
    folder = write_meme_pictures(tmp_path / "memes", 9, 9, tuple(STYLES))
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*") if path.name[0] != ".")
    expected = {"doom": 3, "animal_crossing": 2, "background": 2, "genshin": 2}
    assert files == sorted(f"{style}/{number:03d}.jpg" for style, count in expected.items() for number in range(count))
    for style, count in expected.items():
        for number in range(count):
            drawn, stored = draw_meme(style, 9, number), np.asarray(Image.open(picture_path(folder, style, number)))
            assert stored.shape == drawn.shape
            assert np.abs(stored.astype(float) - drawn).mean() < 10  # JPEG's loss; other memes differ by 40


@pytest.mark.slow
def test_the_number_of_workers_changes_nothing(tmp_path: Path) -> None:
    """Faults: drawing that depends on the process, its threads or the order."""
    alone, together = (write_meme_pictures(tmp_path / str(n), 12, 4, workers=n) for n in (1, 2))
    for style in GAMES:
        for number in range(6):
            files = [picture_path(folder, style, number).read_bytes() for folder in (alone, together)]
            assert files[0] == files[1]


def test_writing_again_adds_only_what_is_missing(tmp_path: Path) -> None:
    """Faults: a second run that draws everything anew, leaves gaps, or can't add a style later."""
    write_meme_pictures(tmp_path, 4, 2)
    kept, lost = picture_path(tmp_path, "doom", 0), picture_path(tmp_path, "animal_crossing", 1)
    picture = lost.read_bytes()
    kept.write_bytes(b"not touched")
    lost.unlink()
    write_meme_pictures(tmp_path, 4, 2)
    assert (kept.read_bytes(), lost.read_bytes()) == (b"not touched", picture)
    write_meme_pictures(tmp_path, 1, 2, ("genshin",))
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == sorted({*GAMES, "genshin"})


def test_what_can_not_be_drawn_is_refused(tmp_path: Path) -> None:
    """Faults: pictures of two seeds in one class, and a KeyError for a game that nobody draws."""
    write_meme_pictures(tmp_path, 1, 2)
    with pytest.raises(InputError, match=r"'seed': 2.*'seed': 3"):
        write_meme_pictures(tmp_path, 1, 3)
    with pytest.raises(InputError, match=r"doom, animal_crossing, background, genshin\. Received: 'chess'"):
        write_meme_pictures(tmp_path / "chess", 1, 2, ("doom", "chess"))
    assert not (tmp_path / "chess").exists()


@pytest.fixture
def room() -> tuple[World, Eye]:
    """A room of 5 x 3 cells whose wall lies 4 cells ahead, seen along its middle."""
    walls = np.ones((CELLS, CELLS), np.uint8)
    walls[10:13, 10:15] = 0
    return World(walls, np.zeros((CELLS, CELLS), np.uint8), np.ones((CELLS, CELLS))), Eye(11.0, 11.5, 0.0, 0.75)


def test_walls_are_as_far_as_the_map_says(room: tuple[World, Eye]) -> None:
    """Faults: distances along the ray (a bulging wall), axes that are swapped, a ray that passes a corner."""
    hits = cast(*room, width=200)
    ahead = np.abs(np.arange(200) - 99.5) / 100 * 0.75 * 4 < 1.49  # columns whose ray reaches the far wall
    assert np.allclose(hits.depth[ahead], 4.0)
    assert (hits.depth[~ahead] < 4.0).all()
    assert np.allclose(hits.depth[0], 1.5 / 0.75, atol=0.02), "the side wall, 1.5 cells to the left"


def test_a_near_thing_hides_the_wall_and_the_wall_hides_a_far_one(room: tuple[World, Eye]) -> None:
    """Faults: monsters that are seen through walls, that stand on the ceiling, or grow with distance."""
    world, eye = room
    plain = np.full((1, 64, 64, 3), 100, np.uint8)
    materials = Materials(plain, plain // 2, plain[0] // 4, None, 0.0, 9)
    hits = cast(world, eye, 160)
    empty = render(world, eye, materials, (120, 160), hits)
    red = Sprite(np.full((SIDE, SIDE, 3), (255, 0, 0), np.uint8), np.ones((SIDE, SIDE), bool))
    sizes = []
    for distance in (2.0, 3.0, 5.0):  # the last stands behind the wall
        view = empty.copy()
        paint_sprites(view, eye, hits, [PlacedSprite(red, eye.x + distance, eye.y, 0.5)], 0.0)
        rows, columns = np.nonzero((view != empty).any(axis=2))
        sizes.append(len(rows))
        if len(rows):
            assert rows.min() >= 59, "half a cell tall: from the floor to the horizon"
            assert abs(columns.mean() - 79.5) <= 1
    assert sizes[0] > sizes[1] > sizes[2] == 0


def test_captions_fit_and_are_white_with_a_black_edge() -> None:
    """Faults: words that run out of the picture, and white letters that nobody can read on snow."""
    for ground in ((255, 255, 255), (0, 0, 0), (90, 160, 70)):
        canvas = new_canvas((80, 200), ground)
        write_broad(canvas, "REMEMBER THAT ONE TIME", (100, 40), 24, ((255, 255, 255), (0, 0, 0)))
        assert (canvas[40, 4:-4] > 240).all(axis=1).any()
        assert (canvas[40, 4:-4] < 15).all(axis=1).any()
        assert (canvas[:, [0, -1]] == ground).all(), "a margin stays"
    lines = fit_lines("one does not simply leave the house", 120, 18)
    assert " ".join(lines) == "one does not simply leave the house"
    assert len(lines) > 1 and all(load_font(18).getlength(line) <= 120 for line in lines)


@pytest.mark.slow
def test_memes_of_no_game_differ_and_have_the_sizes_of_the_others(memes: dict[str, list[np.ndarray]]) -> None:
    """Faults: one scene for all, and sizes by which background is known."""
    pictures = memes[BACKGROUND]
    small = [np.asarray(Image.fromarray(picture).resize((16, 16)), float) for picture in pictures]
    distances = [np.abs(one - other).mean() for one, other in combinations(small, 2)]
    assert np.quantile(distances, 0.01) > 8
    shapes = {
        style: np.median([picture.shape[:2] for picture in memes[style]], axis=0) for style in (BACKGROUND, *GAMES)
    }
    assert np.abs(shapes[BACKGROUND] / shapes["doom"] - 1).max() < 0.4
