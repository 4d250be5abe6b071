"""Splits: near-duplicates on one side, shares as wanted, the same on every machine and in the future."""

import os
import random
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from inference.pictures.image_io import resize_image
from pipeline.data.splits import SPLITS, HashedPhoto, assign_splits, group_near_duplicates, perceptual_hashes
from pipeline.settings.sections import SplitSettings
from tests.worlds import Scene, Specimen, hashed_photo, jpeg

ROOT = Path(__file__).parent.parent
SETTINGS = SplitSettings(validation=0.2, test=0.3)
DISTANCE = SETTINGS.near_duplicate_distance
FIFTEEN = [hashed_photo(f"{number}.jpg", "ab"[number % 2]) for number in range(15)]
GOLDEN = "te te te tr tr tr va te tr tr va tr te va tr tr"


def look_alike(photo: HashedPhoto, name: str, bits: int, mirrored: bool = False) -> HashedPhoto:
    """Return a photograph of another name whose first view differs by so many bits, as it is or in the mirror."""
    mask = (1 << bits) - 1
    view, mirror = (value ^ mask for value in photo.views[0])
    return replace(photo, name=name, views=((mirror, view) if mirrored else (view, mirror),))


def distance(first: HashedPhoto, second: HashedPhoto) -> int:
    """Count differing bits of the closest views, the slow way."""
    return min((one[0] ^ other).bit_count() for one in first.views for pair in second.views for other in pair)


@pytest.mark.parametrize("seed", range(8))
def test_the_same_picture_in_another_form_has_a_close_hash(seed: int) -> None:
    """Catches a hash that a smaller copy, a messenger's recompression or a mirror image escapes."""
    picture = Scene(seed, (Specimen("red", seed + 100),), 320, 240).draw()
    own = HashedPhoto("own", (), (perceptual_hashes(picture),))
    forms = {
        "rescaled": resize_image(picture, (90, 120)),
        "recompressed": jpeg(picture, 40),
        "mirrored": np.ascontiguousarray(picture[:, ::-1]),
        "all at once": jpeg(resize_image(np.ascontiguousarray(picture[:, ::-1]), (150, 200)), 60),
    }
    for name, form in forms.items():
        assert distance(own, HashedPhoto(name, (), (perceptual_hashes(form),))) <= DISTANCE, name


def test_different_pictures_have_distant_hashes() -> None:
    """Catches a hash that joins all photographs into one group, which then fills one split."""
    photos = [HashedPhoto(str(seed), (), (perceptual_hashes(Scene(seed).draw()),)) for seed in range(40)]
    assert max(len(group) for group in group_near_duplicates(photos, DISTANCE)) == 1


def test_plain_views_resemble_nothing() -> None:
    """Catches photographs joined because each has a box of plain colour: all plain pictures hash alike."""
    plain = perceptual_hashes(np.full((30, 40, 3), 200, np.uint8))
    assert plain == perceptual_hashes(np.full((9, 9, 3), 90, np.uint8))
    photos = [replace(photo, views=(*photo.views, plain)) for photo in FIFTEEN]
    assert len(group_near_duplicates(photos, DISTANCE)) == len(photos)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize(("bits", "groups"), [(0, 14), (DISTANCE, 14), (DISTANCE + 1, 15)])
def test_views_are_close_up_to_the_distance(bits: int, groups: int, mirrored: bool) -> None:
    """Catches "less than" for "at most", and mirror images that are compared with themselves alone."""
    photos = [*FIFTEEN[:-1], look_alike(FIFTEEN[2], "copy.jpg", bits, mirrored)]
    assert len(group_near_duplicates(photos, DISTANCE)) == groups


def test_any_two_views_join_their_photographs() -> None:
    """Catches comparing whole pictures alone: the same specimen on another table, or cropped, crosses over."""
    photos = [hashed_photo(f"{number:03}", "a", views=4) for number in range(150)]  # 600 views: several blocks
    photos[140] = replace(photos[140], views=(*photos[140].views[:3], photos[3].views[1]))
    (pair,) = [group for group in group_near_duplicates(photos, DISTANCE) if len(group) > 1]
    assert [photo.name for photo in pair] == ["003", "140"]


def test_a_chain_of_near_duplicates_is_one_group() -> None:
    """Catches pairs that are joined without what they were joined to before: a burst of photographs drifts."""
    chain = [FIFTEEN[0]]
    for number in range(9):
        mask = 0b11111 << 5 * number
        view, mirror = chain[-1].views[0]
        chain.append(HashedPhoto(f"chain-{number * 7 % 9}", ("a",), ((view ^ mask, mirror ^ mask),)))
    assert distance(chain[0], chain[-1]) > DISTANCE >= max(distance(*pair) for pair in pairwise(chain))
    groups = group_near_duplicates([*chain[::2], *FIFTEEN[1:], *chain[1::2]], DISTANCE)
    assert sorted(len(group) for group in groups)[-2:] == [1, len(chain)]


@st.composite
def photo_sets(draw: st.DrawFn) -> list[HashedPhoto]:
    """Photographs of one to three labels, many of them near-duplicates of others, in any order."""
    photos = [hashed_photo(str(number), *draw(st.sets(st.sampled_from("abc")))) for number in range(6)]
    for number in range(draw(st.integers(0, 12))):
        model = draw(st.sampled_from(photos))
        photos.append(look_alike(model, f"copy-{number}", draw(st.integers(0, 9)), draw(st.booleans())))
    return draw(st.permutations(photos))


@given(photos=photo_sets(), seed=st.integers(0, 3))
def test_near_duplicates_never_sit_on_two_sides(photos: list[HashedPhoto], seed: int) -> None:
    """Catches a leak: a test photograph whose near-duplicate was trained on."""
    splits = assign_splits(photos, replace(SETTINGS, seed=seed))
    assert set(splits) == {photo.name for photo in photos}
    for first, second in product(photos, photos):
        assert distance(first, second) > DISTANCE or splits[first.name] == splits[second.name]


@pytest.mark.parametrize(("count", "most"), [(40, 1), (300, 1), (300, 3)])
def test_each_class_gets_its_shares(count: int, most: int) -> None:
    """Catches shares of all photographs together, under which a rare class may be missing from a split."""
    generator = random.Random(1)
    photos = [
        hashed_photo(f"{number}", *generator.choices("abcde", [40, 30, 20, 7, 3], k=generator.randint(1, most)))
        for number in range(count)
    ]
    splits = assign_splits(photos, SETTINGS)
    totals = Counter(label for photo in photos for label in set(photo.labels))
    wanted = {"train": 0.5, "validation": 0.2, "test": 0.3}
    for label, split in product("abcde", SPLITS):
        got = sum(label in photo.labels and splits[photo.name] == split for photo in photos)
        assert abs(got - wanted[split] * totals[label]) <= 1.5, (label, split, got, totals[label])


def test_photographs_without_boxes_are_shared_out_too() -> None:
    """Catches photographs of bare background that all end up in one split."""
    splits = assign_splits([*FIFTEEN, *(hashed_photo(f"bare-{n}") for n in range(20))], SETTINGS)
    counts = Counter(split for name, split in splits.items() if name.startswith("bare"))
    assert counts == {"train": 10, "validation": 4, "test": 6}


@given(photos=photo_sets())
def test_the_order_of_the_photographs_has_no_influence(photos: list[HashedPhoto]) -> None:
    """Catches splits that follow the order of a folder's listing."""
    assert assign_splits(photos, SETTINGS) == assign_splits(sorted(photos, key=lambda photo: photo.name), SETTINGS)


def test_a_known_set_is_split_as_ever() -> None:
    """Catches splits that change with the machine, a library or an edit: reports could no longer be compared."""
    copy = look_alike(FIFTEEN[4], "copy.jpg", 3)
    splits = assign_splits([*FIFTEEN, copy], SETTINGS)
    assert " ".join(splits[photo.name][:2] for photo in [*FIFTEEN, copy]) == GOLDEN
    assert assign_splits([*FIFTEEN, copy], replace(SETTINGS, seed=1)) != splits


def several_labels(count: int) -> list[HashedPhoto]:
    """Return photographs with one to four of seven labels each, none alike."""
    rng = np.random.default_rng(0)
    labels = [tuple(f"label {number}" for number in rng.choice(7, rng.integers(1, 5))) for _ in range(count)]
    return [HashedPhoto(f"{number:04}.jpg", own, ()) for number, own in enumerate(labels)]


@pytest.mark.slow
def test_another_process_splits_alike() -> None:
    """Catches an order of sets, which each process salts anew and which decides rounding where labels are summed."""
    code = "from tests.test_splits import *; print(sorted(assign_splits(several_labels(1000), SETTINGS).items()))"
    answers = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": salt},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for salt in ("1", "2", "3")
    }
    assert answers == {f"{sorted(assign_splits(several_labels(1000), SETTINGS).items())}\n"}


FOLDS = replace(SETTINGS, folds=5, fold=1)


def folds_of(photos: list[HashedPhoto], settings: SplitSettings = FOLDS) -> dict[int, set[str]]:
    """Return the names of each fold's test photographs."""
    splits = {fold: assign_splits(photos, replace(settings, fold=fold)) for fold in range(1, settings.folds + 1)}
    return {fold: {name for name, split in sides.items() if split == "test"} for fold, sides in splits.items()}


def test_folds_part_the_photographs() -> None:
    """Catches folds drawn anew for each test: photographs tested twice or never; and folds of unequal size."""
    for photos, sizes in (
        (several_labels(103), range(16, 27)),
        ([hashed_photo(f"{n:03}", "a") for n in range(103)], (20, 21)),
    ):
        folds = folds_of(photos)
        assert sorted(name for names in folds.values() for name in names) == [photo.name for photo in photos]
        assert {len(names) for names in folds.values()} <= {*sizes}


def test_folds_are_stratified() -> None:
    """Catches folds filled by number alone: a rare label would be missing from a test."""
    photos = [hashed_photo(f"{number}", "rare" if number % 10 == 3 else "often") for number in range(100)]
    for names in folds_of(photos).values():
        assert sum(photo.name in names and photo.labels == ("rare",) for photo in photos) == 2


def test_neither_validation_nor_test_shares_change_the_folds_but_the_seed_does() -> None:
    """Catches a pooled figure that depends on how the rest is shared out."""
    folds = folds_of(several_labels(60))
    for change in ({"validation": 0.4}, {"test": 0.7}):
        assert folds_of(several_labels(60), replace(FOLDS, **change)) == folds  # type: ignore[arg-type]
    assert folds_of(several_labels(60), replace(FOLDS, seed=1)) != folds


def test_validation_is_a_share_of_all_photographs_beside_a_fold() -> None:
    """Catches a share of the rest, which is smaller, and test photographs taken from the rest too."""
    photos = [hashed_photo(f"{number}", "ab"[number % 2]) for number in range(100)]
    assert Counter(assign_splits(photos, FOLDS).values()) == {"train": 60, "validation": 20, "test": 20}


@pytest.mark.slow
@given(photos=photo_sets())
def test_near_duplicates_share_a_fold(photos: list[HashedPhoto]) -> None:
    """Catches the picture of a test photograph in the training of that fold."""
    for fold in range(1, 4):
        splits = assign_splits(photos, replace(SETTINGS, folds=3, fold=fold))
        for group in group_near_duplicates(photos, DISTANCE):
            assert len({splits[photo.name] for photo in group}) == 1


def test_known_photographs_keep_their_fold_as_others_are_added() -> None:
    """Catches a test photograph that moves to the training, or is tested in two folds, after an addition."""
    old, new = several_labels(40), [hashed_photo(f"new-{number}", "label 1") for number in range(30)]
    copy = replace(FIFTEEN[0], name="copy", groups=(7,))
    old[5] = replace(old[5], groups=(7,))
    tested: Counter[str] = Counter()
    for fold in range(1, 6):
        settings = replace(FOLDS, fold=fold)
        known = assign_splits(old, settings)
        splits = assign_splits([*old, copy, *new], settings, known)
        assert {name: splits[name] for name in known} == known
        assert splits["copy"] == known[old[5].name]
        tested.update(name for name, split in splits.items() if split == "test")
    assert tested == dict.fromkeys([photo.name for photo in [*old, copy, *new]], 1)


def test_photographs_of_a_known_group_share_a_split() -> None:
    """Catches views of one specimen, which no hash finds, on two sides; and groups that are not joined in chains."""
    photos = [replace(photo, groups=(number // 5,)) for number, photo in enumerate(FIFTEEN)]
    photos[4] = replace(photos[4], groups=(0, 1))
    groups = group_near_duplicates(photos, DISTANCE)
    assert sorted(len(group) for group in groups) == [5, 10]
    for settings in (SETTINGS, replace(FOLDS, folds=2)):
        splits = assign_splits(photos, settings)
        assert all(len({splits[photo.name] for photo in group}) == 1 for group in groups)


def test_known_photographs_keep_their_split_and_draw_their_duplicates() -> None:
    """Catches a test photograph that moves to training, or whose near-duplicate does, as photographs are added."""
    known = {photo.name: SPLITS[number % 3] for number, photo in enumerate(FIFTEEN)}
    new = [look_alike(photo, f"0-{photo.name}", 4, mirrored=True) for photo in FIFTEEN]
    splits = assign_splits([*new, *FIFTEEN], SETTINGS, known)
    assert {name: splits[name] for name in known} == known
    assert {photo.name: splits[photo.name] for photo in new} == {f"0-{name}": side for name, side in known.items()}


def test_new_photographs_fill_what_the_known_ones_lack() -> None:
    """Catches quotas that forget the known photographs: the shares would drift with each addition."""
    known = {photo.name: "train" for photo in FIFTEEN}
    splits = assign_splits([*FIFTEEN, *(hashed_photo(f"new-{n}", "ab"[n % 2]) for n in range(15))], SETTINGS, known)
    assert Counter(splits.values()) == {"train": 15, "validation": 6, "test": 9}


def test_a_photograph_like_two_sides_is_left_out() -> None:
    """Catches a bridge between test and training that is given to either."""
    bridge = replace(FIFTEEN[0], name="bridge", views=(FIFTEEN[0].views[0], FIFTEEN[1].views[0]))
    known = {FIFTEEN[0].name: "train", FIFTEEN[1].name: "test"}
    splits = assign_splits([bridge, *FIFTEEN], SETTINGS, known)
    assert set(splits) == {photo.name for photo in FIFTEEN}
    assert {name: splits[name] for name in known} == known
    both = assign_splits([bridge, *FIFTEEN], SETTINGS, dict.fromkeys(known, "test"))
    assert both["bridge"] == "test"


def test_a_mirror_hash_is_the_hash_of_the_mirror_image() -> None:
    """Catches hashes in the wrong order, or of a picture turned upside down."""
    picture = Image.fromarray(Scene(3).draw())
    mirrored = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert perceptual_hashes(np.asarray(mirrored)) == perceptual_hashes(np.asarray(picture))[::-1]
