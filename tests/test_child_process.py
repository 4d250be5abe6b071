"""How a child process ended is said in one line; it ends with its parent, and does not wait where it fails."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from inference.errors import InputError
from pipeline.child_process import repeat_in_child

ROOT = Path(__file__).parent.parent
REMEDY = "Start again."
WAITS_AT_EXIT = """
import atexit, time
from inference.errors import InputError
from pipeline.child_process import explained
atexit.register(time.sleep, 60)
with explained():
    raise {}
"""


def run(monkeypatch: pytest.MonkeyPatch, code: str) -> int:
    monkeypatch.setattr(sys, "orig_argv", [sys.executable, "-c", code])
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return repeat_in_child(REMEDY)


def test_exit_codes_are_those_of_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault: a failed child counts as done."""
    assert [run(monkeypatch, f"raise SystemExit({code})") for code in (0, 2)] == [0, 2]


def test_a_lost_partner_and_a_kill_are_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault: pages of a library's messages, or none."""
    lost = "import os; os.write(2, b'Gloo all-reduce failed: Connection reset by peer'); os.abort()"
    with pytest.raises(InputError, match=f"^another process of this training ended, or can't be reached. {REMEDY}$"):
        run(monkeypatch, lost)
    with pytest.raises(InputError, match="ended by signal 9"):
        run(monkeypatch, "import os; os.kill(os.getpid(), 9)")


def test_a_child_that_fails_ends_at_once_and_a_fault_of_the_program_keeps_its_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Faults: a child that waits for its partners, a traceback that is swallowed."""
    begun = time.monotonic()
    with pytest.raises(SystemExit, match="ZeroDivisionError"):
        run(monkeypatch, WAITS_AT_EXIT.format("ZeroDivisionError"))
    assert run(monkeypatch, WAITS_AT_EXIT.format("InputError('disk full')")) == 2
    assert time.monotonic() - begun < 50


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_child_ends_with_its_parent(tmp_path: Path) -> None:
    """Fault: a killed training goes on in the background and keeps the run's folder locked."""
    child = "import os, time; from pipeline.child_process import explained\nwith explained():\n  {}\n  time.sleep(60)"
    child = child.format(f"open({str(tmp_path / 'child')!r}, 'w').write(f'{{os.getpid()}} ')")
    code = f"import sys; sys.orig_argv = ['', '-c', {child!r}]\nfrom pipeline.child_process import repeat_in_child\n"
    parent = subprocess.Popen([sys.executable, "-c", code + "repeat_in_child('')"], cwd=ROOT)
    while not (tmp_path / "child").is_file() or not (number := (tmp_path / "child").read_text()):
        time.sleep(0.05)
    parent.kill()
    parent.wait()
    for _ in range(300):
        if not Path(f"/proc/{int(number)}/cmdline").is_file():
            break
        time.sleep(0.1)
    else:
        os.kill(int(number), signal.SIGKILL)
        pytest.fail("the child goes on")
