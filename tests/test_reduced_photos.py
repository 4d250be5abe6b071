"""JPEG photographs are decoded at a reduced size: the same picture for the network, up to a few levels of 255."""

import functools
import io
import struct
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.errors import InputError
from inference.model.classifier import Classifier
from inference.pictures.image_io import decode_image, decode_photo, read_resized, resize_image
from inference.pictures.limits import Limits
from inference.pictures.photo import Photo, Region, Size, reduction_to
from inference.pictures.regions import Box, find_region
from pipeline.data.dataset import load_patch

NETWORK = (128, 128)
ORIENTATION = 0x0112


@functools.cache
def draw_photo(width: int, height: int) -> Image.Image:
    """Return a photograph with detail of several sizes, and without symmetry."""
    random = np.random.default_rng(0)
    total = np.zeros((height, width, 3))
    for cells, strength in ((3, 90), (12, 40), (64, 12)):
        noise = Image.fromarray(random.integers(0, 256, (cells, cells, 3), np.uint8))
        total += (np.asarray(noise.resize((width, height), Image.Resampling.BICUBIC), float) - 128) * strength / 64
    return Image.fromarray(np.clip(total + 128, 0, 255).astype(np.uint8))


def encode(image: Image.Image, kind: str = "JPEG", orientation: int = 1, **options: int) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    data = io.BytesIO()
    image.save(data, kind, exif=exif, **({"quality": 95} | options))
    return data.getvalue()


def reduced(data: bytes) -> Photo:
    return decode_photo(data, reduction=reduction_to(NETWORK))


def regions_of(boxes: list[Box]) -> Callable[[Size], Iterable[Region]]:
    return lambda size: [find_region(size, box) for box in boxes]


def differences(data: bytes) -> np.ndarray:
    """Return by how much the network's picture differs from that of a full decode, int [height, width, 3]."""
    return reduced(data).resized(NETWORK).astype(int) - resize_image(decode_image(data), NETWORK)


@pytest.mark.slow
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_reduced_photograph_is_the_full_one_whatever_its_orientation(orientation: int) -> None:
    """Faults: edges that are off by the pixels which 8 does not divide, size or edges of the frame before EXIF."""
    data = encode(draw_photo(3593, 2509), orientation=orientation)
    photo = reduced(data)
    assert (photo.factor, photo.size) == (8, decode_image(data).shape[:2])
    found = differences(data)
    assert np.abs(found).max() <= 3
    assert np.abs(found).mean() < 0.3
    assert abs(found[:, 0].mean()) < 0.3 > abs(found[-1].mean()), "the edges are where the photograph has them"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "options"),
    [("RGB", {"subsampling": 0}), ("RGB", {"progressive": True}), ("L", {}), ("CMYK", {})],
    ids=["no subsampling", "progressive", "grey", "CMYK"],
)
def test_every_kind_of_jpeg_is_reduced_alike(mode: str, options: dict[str, int]) -> None:
    """Faults: inverted inks, a grey picture in one channel, a scan that is read at another scale."""
    data = encode(draw_photo(2200, 2060).convert(mode), **options)
    assert reduced(data).factor == 8
    assert np.abs(differences(data)).max() <= 3


def test_a_photograph_of_several_pictures_is_reduced() -> None:
    """Catches MPO, which phones write for depth and brightness maps, taken for another format."""
    data = io.BytesIO()
    draw_photo(2200, 2060).save(data, "MPO", save_all=True, append_images=[draw_photo(90, 60)])
    assert reduced(data.getvalue()).factor == 8
    assert np.abs(differences(data.getvalue())).max() <= 3


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "BMP", "GIF"])
def test_other_formats_are_decoded_in_full(kind: str) -> None:
    """Faults: a drawing of one-pixel lines that is reduced by leaving lines out."""
    data = io.BytesIO()
    draw_photo(600, 500).save(data, kind)
    assert reduced(data.getvalue()).factor == 1
    assert not differences(data.getvalue()).any()


@pytest.mark.parametrize(("size", "factor"), [((2048, 2048), 8), ((2047, 2100), 4), ((1023, 1024), 2), ((511, 999), 1)])
def test_twice_the_networks_sides_are_left(size: tuple[int, int], factor: int) -> None:
    """Faults: a reduction that one side allows alone, one that leaves the network's own size."""
    data = encode(draw_photo(*size))
    photo = reduced(data)
    assert photo.factor == factor
    assert min(photo.image.size) >= 2 * NETWORK[0] - 1 or factor == 1
    if factor == 1:
        assert not differences(data).any()


def test_small_networks_get_256_pixels_a_side() -> None:
    """Catches answers of a network of 32 pixels that differ by a hundredth from those of the browser's full decoder."""
    data = encode(draw_photo(1023, 1024))
    assert decode_photo(data, reduction=reduction_to((32, 32))).factor == 2


def test_regions_count_not_the_photograph() -> None:
    """Faults: a small box of a large photograph that is reduced away, boxes in pixels of the reduced image."""
    data = encode(draw_photo(3593, 2509), orientation=6)
    full = decode_image(data)
    boxes: list[Box] = [(13, 22, 1102, 1080), (1200.4, 1600.5, 600, 620)]
    for chosen, factor in ((boxes[:1], 4), (boxes, 2), ([*boxes, (5, 5, 200, 200)], 1)):
        photo = decode_photo(data, reduction=reduction_to(NETWORK, regions_of(chosen)))
        assert photo.factor == factor
        for box in chosen:
            rows, columns = find_region(photo.size, box)
            expected = resize_image(np.ascontiguousarray(full[rows, columns]), NETWORK)
            worst = np.abs(photo.resized(NETWORK, (rows, columns)).astype(int) - expected).max()
            assert worst <= (4 if factor > 1 else 0), box


def test_training_sees_what_the_runner_sees(tiny_model: Path, tmp_path: Path) -> None:
    """Faults: one front end that decodes large photographs in full, and so answers a little differently."""
    path = tmp_path / "large.jpg"
    path.write_bytes(encode(draw_photo(3593, 2509), orientation=8))
    classifier = Classifier(tiny_model)
    size = classifier.card.input_size
    shown = classifier.prepare_encoded(path.read_bytes()).pixels[0]
    assert isinstance(shown, np.ndarray)
    np.testing.assert_array_equal(shown, load_patch(path, size[0]))
    np.testing.assert_array_equal(shown, read_resized(path, size))
    np.testing.assert_array_equal(classifier.probabilities(path), classifier.probabilities(shown))


def test_boxes_that_cannot_be_cut_are_named(tiny_model: Path) -> None:
    """Faults: a box outside of the photograph that fails the whole of it, or decides how it is reduced."""
    data = encode(draw_photo(2200, 2060))
    prepared = Classifier(tiny_model).prepare_encoded(data, [(5000, 0, 10, 10), (0, 0, 2200, 2060), (0, 0, -1, 4)])
    assert [isinstance(one, str) for one in prepared.pixels] == [True, False, True]
    whole = Classifier(tiny_model).prepare_encoded(data)
    np.testing.assert_array_equal(prepared.pixels[1], whole.pixels[0])


def test_limits_are_those_of_the_full_size() -> None:
    """Faults: a decompression bomb that is let in, since its reduced size is small."""
    data = encode(draw_photo(2200, 2060))
    with pytest.raises(InputError, match="2200 x 2060 pixels"):
        decode_photo(data, Limits(pixels=1_000_000), reduction_to(NETWORK))


def test_what_cannot_be_reduced_is_decoded_in_full() -> None:
    """Faults: a lossless JPEG, of whose pixels libjpeg gives no averages, that is called damaged."""
    header = struct.pack(">BHHB", 8, 16, 16, 1) + bytes([1, 0x11, 0])
    table = bytes([0, 0, 0, 0, 10, *[0] * 12, *range(10)])  # ten differences' sizes, of four bits each
    segments = {0xC3: header, 0xC4: table, 0xDA: bytes([1, 1, 0, 1, 0, 0])}  # lossless, Huffman table, scan
    parts = [b"\xff" + bytes([kind]) + struct.pack(">H", len(part) + 2) + part for kind, part in segments.items()]
    data = b"\xff\xd8" + b"".join(parts) + bytes(16 * 16 // 2) + b"\xff\xd9"  # no difference from the middle grey
    photo = decode_photo(data, reduction=reduction_to((2, 2)))
    assert photo.factor == 1
    assert (photo.resized((2, 2)) == 128).all()


def test_a_damaged_photograph_is_refused_all_the_same() -> None:
    """Faults: half a photograph that is answered because its reduced size was decoded."""
    data = encode(draw_photo(2200, 2060))
    with pytest.raises(InputError, match="is damaged"):
        reduced(data[: len(data) // 2])
