"""One version number: commands, changelog and what they write agree."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from inference.version import VERSION
from pipeline.settings.run_folder import describe_environment

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("pipeline.__main__", []),
        ("export.__main__", []),
        ("inference.__main__", []),
        ("inference.__main__", ["serve"]),
        ("inference.__main__", ["check"]),
    ],
)
def test_every_command_states_the_version(module: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Catches a command without --version, and one that states another."""
    with pytest.raises(SystemExit) as end:
        import_module(module).main([*words, "--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"{VERSION}\n"


def test_the_changelog_begins_with_the_version() -> None:
    """Catches a version that was raised without saying what changed."""
    first = re.search(r"^## (\S+),", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert first
    assert first[1] == VERSION


def test_a_run_records_the_version() -> None:
    """Catches a model of which nobody can say what made it."""
    assert describe_environment(0)["version"] == VERSION
