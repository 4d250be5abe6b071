"""Ten thousand damaged pictures through the runner's workers: each gets an answer or a reason, none stops the rest."""

import collections
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.batch.pool import answer_all
from inference.batch.worker import Request, WorkerSettings
from inference.pictures.limits import Limits
from inference.pictures.listing import Listing
from tests.tiny_model import COLOURS, LABELS

CASES = 10_000
SOUND_EVERY = 50  # an undamaged picture now and then: its answer shows that what came before broke nothing

NUMBERS = [b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0", b"\0\0\0\1"]  # as lengths and sizes in headers


def originals() -> list[bytes]:
    """Return pictures of every format, with the variants in which decoders differ."""
    noise = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    image = Image.fromarray(noise)
    exif = Image.Exif()
    exif[0x0112] = 6
    ways = (
        ("JPEG", "RGB", {"exif": exif}),
        ("JPEG", "RGB", {"progressive": True}),
        ("JPEG", "CMYK", {}),
        ("PNG", "RGBA", {}),
        ("PNG", "P", {"exif": exif}),
        ("PNG", "1", {}),
        ("WEBP", "RGB", {"lossless": True}),
        ("WEBP", "RGBA", {}),
        ("BMP", "P", {}),
        ("GIF", "P", {"save_all": True, "append_images": [image.convert("P")]}),
        ("TIFF", "RGB", {"compression": "tiff_lzw"}),
        ("TIFF", "RGB", {"compression": "tiff_deflate", "exif": exif}),
        ("TIFF", "1", {"compression": "group4"}),
        ("TIFF", "RGB", {"compression": "jpeg"}),
    )
    return [encode(image.convert(mode), kind, options) for kind, mode, options in ways]


def encode(image: Image.Image, kind: str, options: dict) -> bytes:
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def damaged(random: np.random.Generator, data: bytes) -> bytes:
    """Change bytes, cut the end off, or repeat, drop or swap a piece; headers, where it hurts most, more often."""
    changed = bytearray(data)
    reach = len(data) if random.random() < 0.5 else min(64, len(data))
    for _ in range(int(random.integers(1, 6))):
        place = int(random.integers(reach))
        length = int(random.integers(1, 17))
        kind = int(random.integers(5))
        if kind == 0:
            changed[place : place + 1] = bytes([int(random.integers(256))])
        elif kind == 1:
            changed[place : place + 4] = random.choice(
                [b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\0\1"]
            )
        elif kind == 2:
            del changed[max(place, 4) : place + length]
        elif kind == 3:
            changed[place:place] = changed[place : place + length]
        else:
            del changed[max(int(random.integers(len(data))), 8) :]
    return bytes(changed)


def cases() -> Iterator[tuple[str, bytes]]:
    random = np.random.default_rng(0)
    seeds = originals()
    sound = encode(Image.new("RGB", (20, 20), COLOURS["red"]), "PNG", {})
    for number in range(CASES):
        if number % SOUND_EVERY == 0:
            yield f"{number:05d}-sound", sound
        else:
            yield f"{number:05d}", damaged(random, seeds[number % len(seeds)])


@pytest.mark.slow
def test_damaged_pictures_cost_nothing_but_themselves(tiny_model: Path, tmp_path: Path) -> None:
    """Catches a crash, a hang, a result lost or given twice, and a sound picture that suffers from a damaged one."""
    with zipfile.ZipFile(tmp_path / "damaged.zip", "w") as archive:
        for name, data in cases():
            archive.writestr(name, data)
    requests = (Request(picture) for picture in Listing([tmp_path / "damaged.zip"]))
    settings = WorkerSettings(tiny_model, limits=Limits(pixels=4_000_000, seconds=60.0))
    answered = [(request.picture.key, answer) for request, answer in answer_all(requests, settings, 2)]
    answers = dict(answered)
    assert len(answered) == len(answers) == CASES
    assert {answers[key]["result"] for key in answers if key.endswith("sound")} == {"red"}
    kinds = collections.Counter(type(answer) for answer in answers.values())
    assert kinds[str] > CASES / 10 and kinds[dict] > CASES / 10  # the damage is neither too coarse nor too fine
    for answer in answers.values():
        if isinstance(answer, dict):
            assert answer["result"] in (*LABELS, "unknown") and 0 <= answer["confidence"] <= 1
        else:
            assert not answer.startswith(("crashes", "takes longer"))
