"""inference.batch.keep_memory: a worker's memory stays with it from picture to picture."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

PICTURES = 50
COUNT_FAULTS = """
import resource, sys
from pathlib import Path
from inference.pictures.image_io import read_image
from inference.batch.keep_memory import keep_memory
keep_memory()
for _ in range(5):
    read_image(Path(sys.argv[1]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(int(sys.argv[2])):
    read_image(Path(sys.argv[1]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told to keep memory")
def test_pictures_do_not_fault_their_pages_in_anew(tmp_path: Path) -> None:
    """Catches a quarter of the decoding time lost to the system's memory management: 250 page faults a picture."""
    path = tmp_path / "photo.jpg"
    Image.effect_noise((480, 360), 60).convert("RGB").save(path)
    command = [sys.executable, "-c", COUNT_FAULTS, str(path), str(PICTURES)]
    faults = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert faults < 20 * PICTURES
