"""Image file -> RGB pixels of the model's size: the decoder and the resize that training and serving share."""

import contextlib
import io
import math
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from ..errors import InputError
from .limits import DEFAULT_LIMITS, NO_MEMORY, Limits
from .other_kinds import describe_other_kind
from .photo import Photo, Reduction, Size, reduction_to

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
# What Pillow warns of (odd metadata, a palette with transparency) is read all the same; its lines name Pillow's files.
warnings.filterwarnings("ignore", module=r"PIL\.")
Image.MAX_IMAGE_PIXELS = DEFAULT_LIMITS.pixels  # or Pillow warns earlier; silencing a call is not thread-safe

_SCAN = b"\xff\xda"  # marker of a JPEG's scan, which its pixels never contain
_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")  # of a JPEG's segments that state their length, and of its end
_START_OF_SCAN, _END_OF_IMAGE = b"\xda", b"\xd9"
_MOST_SCANS = 500  # programs write about ten; a file can hold thousands, each of which passes over all pixels
_ORIENTATION = 0x0112  # EXIF tag
_TRANSPOSES = {  # EXIF orientation -> what turns the stored pixels upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_QUARTER_TURNS = (5, 6, 7, 8)
_LAST_ROWS_FIRST = (3, 4, 7, 8)  # turned upright, the last rows or columns of the stored frame are the first ones
_LAST_COLUMNS_FIRST = (2, 3, 6, 7)
_FACTORS = (8, 4, 2)  # by which libjpeg can reduce while it decodes
_PNG_BITS = 24  # offset of a PNG's bits in each sample
_PNG_METADATA = (b"eXIf", b"tEXt", b"zTXt", b"iTXt")  # the chunks in which a PNG may state its orientation
_SIXTEEN_BIT_MODES = ("I;16", "I;16L", "I;16B", "I;16N")
_TWELVE_BITS = 1 << 12
_REFUSED_MODES = ("I", "F")  # 32-bit samples have no agreed white


def read_image(path: Path, limits: Limits = DEFAULT_LIMITS) -> np.ndarray:
    """Return the pixels of an image file as uint8 [height, width, 3], RGB, in the frame after EXIF rotation.

    The format is told by content, never by the file's name. Of an animation or a multi-page file the first
    frame is taken. Transparent pixels are laid over white; 16-bit samples keep their upper byte, or the upper 8 of 12
    bits where none uses more, as cameras of 12 bits write them.

    Raises:
        InputError: the file can't be read, is in no supported format, is damaged or has more than limits.pixels.
    """
    return decode_image(_read_bytes(path), limits)


def decode_image(data: bytes, limits: Limits = DEFAULT_LIMITS) -> np.ndarray:
    """Return the pixels of an encoded image as uint8 [height, width, 3]; see read_image."""
    with _faults_as_input_errors():
        return np.asarray(decode_photo(data, limits).image)


def decode_photo(data: bytes, limits: Limits = DEFAULT_LIMITS, reduction: Reduction | None = None) -> Photo:
    """Return an encoded image, upright and RGB; see read_image.

    A JPEG is decoded at 1/2, 1/4 or 1/8 of its size where reduction allows it: libjpeg then averages in the frequency
    domain, which takes a fifth of the time for a photograph of 12 megapixels. limits are those of the full size.
    """
    with _faults_as_input_errors():
        image = _open(data, limits)
        size = (image.height, image.width)
        if reduction is not None and (factor := _reduce(image, reduction)) > 1:
            with contextlib.suppress(OSError):
                image.load()
                return _stand_upright(image, size, factor)
            image = _open(data, limits)  # libjpeg reduces no lossless JPEG; what is damaged fails again
        image.load()
        return _stand_upright(image, size, 1)


def read_resized(path: Path, size: Size, limits: Limits = DEFAULT_LIMITS) -> np.ndarray:
    """Return an image file as a network of size (height, width) is to see it, uint8 [height, width, 3].

    A large JPEG is decoded at a reduced size; see read_image, reduction_to and resize_image.
    """
    return decode_photo(_read_bytes(path), limits, reduction_to(size)).resized(size)


def image_size(path: Path) -> tuple[int, int]:
    """Return (width, height) in pixels after EXIF rotation, without decoding the pixels.

    Only a PNG that carries metadata is decoded, because its orientation may stand behind the pixels.

    Raises:
        InputError: as read_image, but for faults that only the pixels would show.
    """
    return encoded_size(_read_bytes(path))


def is_image(path: Path) -> bool:
    """Tell whether a file begins as an image in a supported format does; its pixels may be damaged."""
    try:
        with _faults_as_input_errors(), Image.open(path, formats=FORMATS):
            return True
    except InputError:
        return False


def encoded_size(data: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[int, int]:
    """Return (width, height) of an encoded image; see image_size."""
    with _faults_as_input_errors():
        image = _open(data, limits)
        width, height = image.size
        if image.format == "TIFF":  # Pillow turns a TIFF by itself and states the size after that
            return width, height
        if image.format == "PNG" and not any(chunk in data for chunk in _PNG_METADATA):
            return width, height
        return (height, width) if _read_orientation(image) in _QUARTER_TURNS else (width, height)


def resize_image(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Stretch uint8 [height, width, 3] to size (height, width) with an antialiased triangle filter.

    Pillow's BILINEAR widens its kernel by the reduction factor, so small details do not alias.
    """
    height, width = size
    if rgb.shape[:2] == (height, width):
        return rgb
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.BILINEAR))


def _read_bytes(path: Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as fault:
        raise InputError(f"cannot be read: {fault.strerror or fault}.") from fault


@contextlib.contextmanager
def _faults_as_input_errors() -> Iterator[None]:
    """Turn what Pillow raises into InputError."""
    try:
        yield
    except InputError:
        raise
    except UnidentifiedImageError as fault:
        raise _unidentified(b"?") from fault
    except MemoryError as fault:
        raise InputError(NO_MEMORY) from fault
    except Exception as fault:  # Pillow's decoders raise OSError, SyntaxError, struct.error, ValueError ...
        raise InputError(f"is damaged: {fault}. Copy it again from its source or leave it out.") from fault


def _open(data: bytes, limits: Limits) -> Image.Image:
    """Identify an encoded image and check its declared size before any pixel is decoded."""
    if limits.pixels > (Image.MAX_IMAGE_PIXELS or 0):
        Image.MAX_IMAGE_PIXELS = limits.pixels
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as fault:
        raise _unidentified(data) from fault
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as fault:  # its first number are the pixels
        pixels = int(re.findall(r"\d+", str(fault))[0])
        raise _too_large(f"{pixels:,}", pixels, limits) from fault
    width, height = image.size
    if width * height > limits.pixels:
        raise _too_large(f"{width} x {height}", width * height, limits)
    if isinstance(image, JpegImageFile) and data.count(_SCAN) > _MOST_SCANS and _count_scans(data) > _MOST_SCANS:
        raise InputError(f"has too many scans. At most {_MOST_SCANS} are decoded; save it anew or leave it out.")
    if image.format == "PNG" and "transparency" in image.info:
        image.info["transparency"] = _as_decoded(image.info["transparency"], image.mode, data[_PNG_BITS])
    return image


def _unidentified(data: bytes) -> InputError:
    rule = f"is not an image in a supported format. Supported: {', '.join(FORMATS)}. Convert it or leave it out."
    return InputError(f"{rule} {describe_other_kind(data)}".rstrip())


def _too_large(size: str, pixels: int, limits: Limits) -> InputError:
    return InputError(
        f"is too large: {size} pixels. At most {limits.pixels:,} pixels are read. Reduce it, or let the runner read "
        f"it: --max-megapixels {math.ceil(pixels / 1e6)}."
    )


def _count_scans(data: bytes) -> int:
    """Return the number of scans of a JPEG's first image, at most one above the limit.

    What is behind its end is passed over: the video of a phone's motion photo, the second image of an MPO.
    """
    place, scans = 0, 0
    while scans <= _MOST_SCANS and (marker := _MARKER.search(data, place)) and marker[1] != _END_OF_IMAGE:
        scans += marker[1] == _START_OF_SCAN
        place = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2], "big")
    return scans


def _as_decoded(transparency: Any, mode: str, bits: int) -> Any:
    """Return the colour of a PNG that stands for transparent as its pixels are decoded: samples in 8 bits.

    Pillow returns it as stored, as a sample of 2 or 16 bits for example. Of 16-bit colour the upper bytes are compared.
    """
    if mode == "RGB":
        return tuple(_in_eight_bits(sample, bits) for sample in transparency)
    return _in_eight_bits(transparency, bits) if mode == "L" else transparency


def _in_eight_bits(sample: int, bits: int) -> int:
    largest = 2**bits - 1
    return sample >> 8 if bits == 16 else (sample & largest) * 255 // largest


def _reduce(image: Image.Image, reduction: Reduction) -> int:
    """Let a JPEG be decoded at a reduced size; return the factor by which, 1 where it is not."""
    if not isinstance(image, JpegImageFile):
        return 1
    width, height = image.size
    most = reduction((width, height) if _read_orientation(image) in _QUARTER_TURNS else (height, width))
    factor = next((factor for factor in _FACTORS if factor <= most), 1)
    reduced = factor > 1 and image.draft(None, (width // factor, height // factor))
    return factor if reduced else 1


def _stand_upright(image: Image.Image, size: Size, factor: int) -> Photo:
    """Turn and convert a decoded image; size: (height, width) of what is stored, before it was reduced by factor."""
    orientation = _read_orientation(image)
    beyond = (image.height * factor - size[0], image.width * factor - size[1])  # what the last pixels cover of nothing
    transpose = _TRANSPOSES.get(orientation)
    upright = _to_rgb(image if transpose is None else image.transpose(transpose))
    if factor == 1:
        return Photo(upright, (upright.height, upright.width))
    if orientation in _QUARTER_TURNS:
        beyond, size = beyond[::-1], size[::-1]
    above = beyond[0] if orientation in _LAST_ROWS_FIRST else 0
    before = beyond[1] if orientation in _LAST_COLUMNS_FIRST else 0
    return Photo(upright, size, factor, (above, before))


def _read_orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 (upright) where EXIF is missing or, as viewers do, where it is damaged."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # as many kinds as in decoding
        return 1


def _to_rgb(image: Image.Image) -> Image.Image:
    """Bring any Pillow mode to RGB: alpha over white, palettes resolved, 16 bits to their upper 8."""
    if image.mode in _SIXTEEN_BIT_MODES:
        samples = np.asarray(image).astype(np.uint16)
        levels = (samples >> (4 if samples.max(initial=0) < _TWELVE_BITS else 8)).astype(np.uint8)
        levels[samples == image.info.get("transparency", -1)] = 255  # PNG: one level may stand for transparent
        return Image.fromarray(levels).convert("RGB")
    if image.mode in _REFUSED_MODES:
        raise InputError(f"has 32-bit samples (mode {image.mode}). Save it with 8 or 16 bits a channel.")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")
