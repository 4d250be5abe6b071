"""A notebook's own folder, in which it runs the commands that a user would type in a terminal."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
NAME = "WORK"  # stands for the folder in command lines and in what they print
QUICK = "TOUCHSTONE_QUICK"  # set by the tests: few and small pictures, so that figures mean nothing
_SHOWN_OF_ERROR = 2000  # characters


class Workspace:
    """A temporary folder with all files of one notebook.

    >>> work = Workspace("photos")  # doctest: +SKIP
    >>> work.run("python -m pipeline run photos --images WORK/photos --annotations WORK/boxes.json --runs WORK/runs")
    """

    def __init__(self, name: str) -> None:
        """Make the folder; name: the beginning of its name."""
        self.folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
        self.is_quick = os.environ.get(QUICK) == "1"

    def run(self, line: str, quiet: bool = False) -> None:
        """Run a command and print it with its standard output, unless quiet; WORK stands for the folder.

        Raises:
            RuntimeError: it failed; with the end of its standard error.
        """
        done = self._execute(shlex.split(line))
        if not quiet:
            print("$", self._named(line))
            print(self._named(done.stdout))
        if done.returncode:
            raise RuntimeError(done.stderr[-_SHOWN_OF_ERROR:])

    def last_run(self, recipe: str, runs: str = "") -> Path:
        """Return the folder of the newest finished run of a recipe; runs: what --runs named below the folder."""
        reports = (self.folder / runs / recipe).glob("*/report.json")
        return max(reports, key=lambda report: report.stat().st_mtime).parent

    def answers(self, model: Path, pictures: Path) -> dict[str, dict[str, Any]]:
        """Return the runner's answer, {"confidence", "result"}, for each picture of a folder that can be read."""
        done = self._execute(["python", "-m", "inference", str(model), str(pictures), "--quiet"])
        if not done.stdout:
            raise RuntimeError(done.stderr[-_SHOWN_OF_ERROR:])
        answers: dict[str, dict[str, Any]] = json.loads(done.stdout)
        return answers

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder)

    def _execute(self, words: list[str]) -> subprocess.CompletedProcess[str]:
        given = [sys.executable, *(self._placed(word) for word in words[1:])]
        return subprocess.run(given, cwd=ROOT, text=True, capture_output=True, check=False)

    def _placed(self, word: str) -> str:
        """Return a word with the folder in the place of WORK."""
        return str(self.folder) + word.removeprefix(NAME) if word.split("/")[0] == NAME else word

    def _named(self, text: str) -> str:
        return text.replace(str(self.folder), NAME)


def read_json(path: Path) -> Any:
    """Return what a file of the program holds."""
    return json.loads(path.read_text(encoding="utf-8"))


def share_of(answers: dict[str, dict[str, Any]], result: str) -> float:
    """Return which part of the answers has this result."""
    return sum(answer["result"] == result for answer in answers.values()) / len(answers)


def copy_pictures(pictures: Iterable[Path], folder: Path) -> None:
    """Copy files into a new folder."""
    folder.mkdir()
    for picture in pictures:
        shutil.copyfile(picture, folder / picture.name)
