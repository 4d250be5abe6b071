"""Files that are damaged, hostile or no pictures: pixels or an InputError, never anything else."""

import io
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from benchmarks.hostile import scan_bomb
from inference.errors import InputError
from inference.pictures.image_io import decode_image, image_size, read_image
from inference.pictures.limits import DEFAULT_LIMITS
from tests.picture_files import ORIENTATION, RED, encode, file_of, one_colour, png


@pytest.mark.parametrize("container", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.9])
def test_truncated_files_are_refused(container: str, share: float) -> None:
    """Catches a half-copied file classified by its grey or black lower half."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = encode(Image.fromarray(noise), container)
    with pytest.raises(InputError):
        decode_image(data[: int(len(data) * share)])


@pytest.mark.parametrize("read", [read_image, image_size])
def test_what_is_no_file_of_pixels_is_refused_with_the_reason(read: Any, tmp_path: Path) -> None:
    """Catches a traceback for an empty file, a folder or a missing path."""
    with pytest.raises(InputError, match="not an image in a supported format"):
        read(file_of(tmp_path, b""))
    with pytest.raises(InputError, match=r"cannot be read: Is a directory\."):
        read(tmp_path)
    with pytest.raises(InputError, match=r"cannot be read: No such file or directory\."):
        read(tmp_path / "missing.jpg")


BOMB = r"is too large: [\d x,]+ pixels\. At most 120,000,000 pixels are read\. .* --max-megapixels (600|121)\."


@pytest.mark.parametrize("read", [read_image, image_size])
@pytest.mark.parametrize("warned", ["error", "ignore"])
@pytest.mark.parametrize("width", [60000, DEFAULT_LIMITS.pixels // 10000 + 1])
def test_too_many_declared_pixels_are_refused_at_once(width: int, warned: Any, read: Any, tmp_path: Path) -> None:
    """Faults: a small file makes the runner reserve gigabytes, whatever becomes of Pillow's warnings; no remedy."""
    path = file_of(tmp_path, png(width, 10000, 8, 2, b""))
    start = time.perf_counter()
    with warnings.catch_warnings(), pytest.raises(InputError, match=BOMB):
        warnings.simplefilter(warned)
        read(path)
    assert time.perf_counter() - start < 1


def test_a_photograph_of_100_million_pixels_is_no_bomb(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Catches Pillow's warning at 89 million pixels shown, or turned into a refusal; only the header is read."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert image_size(file_of(tmp_path, png(10000, 10000, 8, 2, b""))) == (10000, 10000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert image_size(file_of(tmp_path, png(10000, 10000, 8, 2, b""))) == (10000, 10000)
    assert capfd.readouterr() == ("", "")


def sample_files() -> dict[str, bytes]:
    """Return small real files, with the metadata that makes decoders branch."""
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 20, 3), np.uint8))
    exif = Image.Exif()
    exif[ORIENTATION], exif[0x010F], exif[0x011A] = 6, "Maker", 72.0
    return {
        "PNG": encode(noise, "PNG", exif=exif),
        "JPEG": encode(noise, "JPEG", exif=exif),
        "GIF": encode(noise, "GIF", save_all=True, append_images=[one_colour("RGB", RED)]),
        "TIFF": encode(noise, "TIFF", exif=exif),
        "TIFF LZW": encode(noise, "TIFF", compression="tiff_lzw"),
        "WEBP": encode(noise, "WEBP", exif=exif),
        "BMP": encode(noise, "BMP"),
    }


SAMPLES = sample_files()

FUZZ = settings(
    max_examples=300,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def check_pixels_or_input_error(data: bytes, path: Path) -> None:
    path.write_bytes(data)
    try:
        rgb = read_image(path)
    except InputError:
        rgb = None
    try:
        size = image_size(path)
    except InputError:
        size = None
    if rgb is not None:
        assert rgb.dtype == np.uint8
        assert rgb.shape[2:] == (3,)
        assert size == rgb.shape[1::-1]
    assert size is None or size[0] * size[1] <= DEFAULT_LIMITS.pixels


@pytest.mark.slow
@FUZZ
@given(kind=st.sampled_from(list(SAMPLES)), start=st.integers(0, 100), rest=st.binary(max_size=200))
def test_random_bytes_give_pixels_or_input_error(tmp_path: Path, kind: str, start: int, rest: bytes) -> None:
    """Catches an exception of Pillow's that the runner would show as a traceback."""
    check_pixels_or_input_error(SAMPLES[kind][:start] + rest, tmp_path / "random")


@pytest.mark.slow
@pytest.mark.parametrize("kind", SAMPLES)
@FUZZ
@given(
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=4),
    kept=st.none() | st.integers(0, 2000),
)
def test_damaged_files_give_pixels_or_input_error(
    tmp_path: Path, kind: str, changes: list[tuple[int, int]], kept: int | None
) -> None:
    """Catches an exception of Pillow's, and a size that differs from that of the pixels."""
    data = bytearray(SAMPLES[kind])
    for place, value in changes:
        data[place % len(data)] = value
    check_pixels_or_input_error(bytes(data[:kept]), tmp_path / "damaged")


def test_a_jpeg_of_thousands_of_scans_is_refused_at_once() -> None:
    """Faults: a file of some hundred kB that takes minutes of a processor."""
    start = time.monotonic()
    with pytest.raises(InputError, match=r"scans\. At most 500 are decoded"):
        decode_image(scan_bomb())
    assert time.monotonic() - start < 5
    file = io.BytesIO()
    Image.new("RGB", (40, 30)).save(file, "JPEG", progressive=True)
    assert decode_image(file.getvalue()).shape == (30, 40, 3)


@pytest.mark.parametrize(
    ("container", "options"), [("JPEG", {}), ("MPO", {"save_all": True, "append_images": [one_colour("RGB", RED)]})]
)
def test_what_is_behind_a_jpeg_is_no_scan_of_it(container: str, options: dict[str, Any]) -> None:
    """Fault: a phone's motion photo is refused because its video holds the bytes of 500 scans."""
    data = encode(one_colour("RGB", RED), container, **options)
    assert decode_image(data + b"\xff\xda" * 600).shape == (8, 8, 3)


def test_an_embedded_thumbnail_does_not_hide_the_scans_behind_it() -> None:
    """Fault: the end of the thumbnail in the metadata is taken for that of the photograph, and a bomb is decoded."""
    bomb, thumbnail = scan_bomb(), encode(one_colour("RGB", RED), "JPEG")
    metadata = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    with pytest.raises(InputError, match=r"scans\. At most 500 are decoded"):
        decode_image(bomb[:2] + metadata + bomb[2:])


def test_a_picture_beyond_the_memory_is_not_called_damaged(tmp_path: Path) -> None:
    """Fault: a large photograph on a small machine is "damaged: ." and is to be copied again."""
    path = file_of(tmp_path, png(10000, 10000, 8, 2, b""))
    program = (
        "import resource, sys; from pathlib import Path; from inference.pictures.image_io import read_image\n"
        "used = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 50_000_000,) * 2); read_image(Path(sys.argv[1]))"
    )
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=False)
    assert "InputError: needs more memory than there is" in done.stderr
