"""Image files of every kind -> the same uint8 RGB pixels, or InputError; never another exception."""

import struct
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from inference.errors import InputError
from inference.pictures.encode import FULL_COLOUR, HALF_COLOUR, jpeg_bytes, png_bytes
from inference.pictures.image_io import decode_image, image_size, read_image
from inference.pictures.limits import Limits
from tests.picture_files import BLUE, GREEN, ORIENTATION, RED, WHITE, chunk, encode, file_of, one_colour, png

# How a camera stores an upright picture for each EXIF orientation: where row 0 and column 0 come to lie
# (EXIF 2.32, section 4.6.4, tag Orientation).
STORED = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: upright.swapaxes(0, 1)[::-1],
    7: lambda upright: upright.swapaxes(0, 1)[::-1, ::-1],
    8: lambda upright: upright.swapaxes(0, 1)[:, ::-1],
}
CONTAINERS: dict[str, dict[str, Any]] = {
    "PNG": {},
    "TIFF": {},
    "WEBP": {"lossless": True},
    "JPEG": {"quality": 95, "subsampling": 0},
}


def four_corners() -> np.ndarray:
    """Return a picture of 16 x 32 pixels whose four quarters differ, so that every turn and flip shows."""
    rgb = np.zeros((16, 32, 3), np.uint8)
    rgb[:8, :16], rgb[:8, 16:], rgb[8:, :16], rgb[8:, 16:] = RED, GREEN, BLUE, WHITE
    return rgb


def with_orientation(upright: np.ndarray, orientation: int, container: str) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = np.ascontiguousarray(STORED[orientation](upright))
    return encode(Image.fromarray(stored), container, exif=exif, **CONTAINERS[container])


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("orientation", STORED)
def test_all_eight_orientations_give_the_same_upright_picture(orientation: int, container: str) -> None:
    """Catches a missing, doubled or mirrored EXIF rotation in any container."""
    rgb = decode_image(with_orientation(four_corners(), orientation, container))
    assert rgb.shape == (16, 32, 3)
    assert np.abs(rgb.astype(int) - four_corners()).max() <= (12 if container == "JPEG" else 0)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("orientation", STORED)
def test_image_size_agrees_with_the_decoded_picture(orientation: int, container: str, tmp_path: Path) -> None:
    """Catches width and height swapped, or swapped twice as Pillow does a TIFF's by itself."""
    path = file_of(tmp_path, with_orientation(four_corners(), orientation, container))
    assert image_size(path) == (32, 16) == read_image(path).shape[1::-1]


def test_an_orientation_behind_the_pixels_of_a_png_is_seen(tmp_path: Path) -> None:
    """Catches a PNG's size taken from its header although its eXIf chunk, at the end, turns it."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    end = chunk(b"IEND", b"")
    plain = encode(Image.fromarray(four_corners()), "PNG")
    path = file_of(tmp_path, plain.removesuffix(end) + chunk(b"eXIf", exif.tobytes()[6:]) + end)
    assert image_size(path) == (16, 32) == read_image(path).shape[1::-1]


def test_a_turned_picture_with_exif_that_cannot_be_rewritten_is_read() -> None:
    """Catches a good photograph refused because some unrelated EXIF tag has an unexpected type."""
    maker_as_fraction = struct.pack(">HHII", 0x010F, 5, 1, 38)
    turned = struct.pack(">HHIHH", ORIENTATION, 3, 1, 6, 0)
    directory = struct.pack(">H", 2) + maker_as_fraction + turned + struct.pack(">I", 0) + struct.pack(">II", 1, 1)
    exif = b"Exif\x00\x00MM\x00*\x00\x00\x00\x08" + directory
    assert decode_image(encode(Image.new("RGB", (32, 16)), "JPEG", exif=exif)).shape == (32, 16, 3)


@pytest.mark.parametrize("container", ["JPEG", "WEBP"])
def test_damaged_exif_counts_as_upright(container: str, tmp_path: Path) -> None:
    """Catches a traceback or a refusal where only the metadata is damaged."""
    path = file_of(tmp_path, encode(Image.new("RGB", (32, 16)), container, exif=b"Exif\x00\x00no EXIF at all"))
    assert image_size(path) == (32, 16) == read_image(path).shape[1::-1]


def test_alpha_is_laid_over_white() -> None:
    """Catches transparent pixels read as black, or as the colour that hides below them."""
    assert decode_image(encode(one_colour("RGBA", (255, 0, 0, 0)), "PNG"))[0, 0].tolist() == [255, 255, 255]
    # 255 * (1 - 51/255) = 204 of white, 51/255 of red
    assert decode_image(encode(one_colour("RGBA", (255, 0, 0, 51)), "PNG"))[0, 0].tolist() == [255, 204, 204]
    assert decode_image(encode(one_colour("LA", (0, 51)), "PNG"))[0, 0].tolist() == [204, 204, 204]


def test_a_transparent_palette_entry_is_laid_over_white() -> None:
    """Catches a palette's transparency lost in the conversion to RGB."""
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, *BLUE])
    image.putpixel((1, 0), 1)
    for options in ({"transparency": 1}, {"transparency": b"\xff\x00"}):
        assert decode_image(encode(image, "PNG", **options))[0].tolist() == [[255, 0, 0], [255, 255, 255]]


def test_twelve_bits_in_sixteen_are_stretched() -> None:
    """Faults: a camera's 12-bit picture is nearly black; one that uses all 16 bits is stretched too."""
    samples = np.array([[0, 16, 2048, 4095]], np.uint16)
    assert decode_image(encode(Image.fromarray(samples), "TIFF"))[0, :, 0].tolist() == [0, 1, 128, 255]
    samples[0, 3] = 4096
    assert decode_image(encode(Image.fromarray(samples), "TIFF"))[0, :, 0].tolist() == [0, 0, 8, 16]


def test_a_picture_over_the_limit_names_the_option_that_reads_it() -> None:
    """Fault: a phone's photograph of 200 megapixels is refused without a way to read it."""
    with pytest.raises(InputError, match=r"30 x 20 pixels\. At most 500 pixels are read.*--max-megapixels 1\."):
        decode_image(encode(Image.new("RGB", (30, 20)), "PNG"), Limits(pixels=500))


@pytest.mark.parametrize(("mode", "level"), [("1", 0), ("L", 7), ("I;16", 700), ("RGB", (7, 8, 9))])
def test_a_colour_that_stands_for_transparent_becomes_white(mode: str, level: Any) -> None:
    """Catches PNG's other kind of transparency, one colour without alpha, left black."""
    assert decode_image(encode(one_colour(mode, level), "PNG", transparency=level))[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize(
    ("bits", "colour_type", "row", "level"),
    [
        (2, 0, bytes([0b01_10_00_00]), (1,)),
        (4, 0, bytes([0x5A]), (5,)),
        (8, 0, bytes([5, 170]), (0xFF05,)),  # of the level's two bytes the upper one has no meaning
        (16, 2, struct.pack(">6H", 0x1234, 0x5678, 0x9ABC, 0xAAAA, 0xAAAA, 0xAAAA), (0x1234, 0x5678, 0x9ABC)),
    ],
    ids=["2-bit grey", "4-bit grey", "8-bit grey", "16-bit colour"],
)
def test_a_png_states_its_transparent_colour_in_its_own_bits(
    bits: int, colour_type: int, row: bytes, level: tuple[int, ...]
) -> None:
    """Fault: the colour is compared with samples that were brought to 8 bits: none, or another, becomes white."""
    start, end = 33, struct.pack(f">{len(level)}H", *level)  # the chunk of the header ends at byte 33
    data = png(2, 1, bits, colour_type, b"\0" + row)
    rgb = decode_image(data[:start] + chunk(b"tRNS", end) + data[start:])
    assert rgb[0].tolist() == [[255] * 3, [170] * 3]


@pytest.mark.parametrize("container", ["PNG", "TIFF"])
def test_sixteen_bit_grey_keeps_its_upper_byte(container: str) -> None:
    """Catches 16-bit pictures clipped to white: all 65,536 levels are compared."""
    levels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    rgb = decode_image(encode(Image.fromarray(levels), container))
    assert (rgb == (levels // 256)[..., np.newaxis]).all()


def test_sixteen_bit_colour_keeps_its_upper_byte() -> None:
    """Catches a Pillow that rounds or clips 16-bit colour."""
    samples = b"\x00" + struct.pack(">6H", 0, 255, 256, 32767, 65280, 65535)
    assert decode_image(png(2, 1, 16, 2, samples))[0].tolist() == [[0, 0, 1], [127, 255, 255]]


@pytest.mark.parametrize("mode", ["I", "F"])
def test_32_bit_samples_are_refused(mode: str) -> None:
    """Catches measurements without a white level silently clipped to black and white."""
    with pytest.raises(InputError, match="32-bit samples"):
        decode_image(encode(one_colour(mode, 1), "TIFF"))


def test_cmyk_jpeg_keeps_its_colours() -> None:
    """Catches the inverted CMYK of Adobe's JPEG read as its negative."""
    no_cyan = decode_image(encode(one_colour("CMYK", (0, 255, 255, 0)), "JPEG"))
    assert np.abs(no_cyan.astype(int) - RED).max() <= 2


@pytest.mark.parametrize("container", ["PNG", "TIFF", "BMP", "GIF"])
def test_bilevel_and_grey_become_rgb(container: str) -> None:
    """Catches a picture without colour that comes out as one channel, or as 0 and 1."""
    bilevel = one_colour("1", 0)
    bilevel.putpixel((1, 0), 1)
    assert decode_image(encode(bilevel, container))[0, :2].tolist() == [[0, 0, 0], [255, 255, 255]]
    assert decode_image(encode(one_colour("L", 90), container))[0, 0].tolist() == [90, 90, 90]


@pytest.mark.parametrize("container", ["GIF", "TIFF", "WEBP", "PNG", "MPO"])
def test_the_first_of_several_frames_is_read(container: str) -> None:
    """Catches the last frame, or a phone's second JPEG (MPO), taken for the picture."""
    options = {"lossless": True} if container == "WEBP" else {}
    others = [one_colour("RGB", GREEN), one_colour("RGB", BLUE)]
    rgb = decode_image(encode(one_colour("RGB", RED), container, save_all=True, append_images=others, **options))
    assert rgb.shape == (8, 8, 3)
    assert np.abs(rgb.astype(int) - RED).max() <= 2


@pytest.mark.parametrize("container", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
@pytest.mark.parametrize("name", ["picture", "picture.txt", "picture.ico", "picture.jpg", "picture.png"])
def test_the_content_decides_not_the_name(name: str, container: str, tmp_path: Path) -> None:
    """Catches a decoder chosen by extension."""
    path = tmp_path / name
    path.write_bytes(encode(one_colour("RGB", RED), container))
    rgb = read_image(path)
    assert rgb.dtype == np.uint8
    assert np.abs(rgb.astype(int) - RED).max() <= 2


@pytest.mark.parametrize("container", ["ICO", "PPM", "PCX", "TGA", "EPS"])
def test_other_formats_are_refused(container: str) -> None:
    """Catches Pillow's many rarely tested decoders opened to files of unknown origin."""
    with pytest.raises(InputError, match="not an image in a supported format"):
        decode_image(encode(one_colour("RGB", RED), container))


def test_decoding_in_threads_leaves_the_warning_filters_alone() -> None:
    """Catches warnings silenced around a call: threads would undo each other's and silence the whole process."""
    picture = encode(Image.fromarray(four_corners()), "PNG")
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(decode_image, [picture] * 2000))
    assert warnings.filters == before


pytestmark = pytest.mark.filterwarnings("ignore:::PIL")


def test_pictures_are_encoded_as_stated() -> None:
    """Faults: a PNG with other pixels; small red letters washed out; a picture in memory order of its own refused."""
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:, ::2, 0], pixels[:, 1::2, 2] = 255, 255  # red and blue columns, one pixel wide
    turned = pixels.transpose(1, 0, 2)
    assert (decode_image(png_bytes(turned)) == turned).all()
    full, half = (decode_image(jpeg_bytes(pixels, 95, kind)).astype(int) for kind in (FULL_COLOUR, HALF_COLOUR))
    assert abs(full - pixels).mean() < 5 < 40 < abs(half - pixels).mean()
