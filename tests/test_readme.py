"""README.txt and docs: their commands exist, their figures are those of the reports."""

import json
import re
import shlex
from pathlib import Path

import pytest

import export.__main__
import inference.options
import inference.service.serve
import pipeline.__main__
from benchmarks.page import table as page_times
from benchmarks.results_table import results_table, short_table
from pipeline.recipes import RECIPES
from pipeline.run_options import read_recipe
from pipeline.settings.recipe import override

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.txt").read_text(encoding="utf-8")
RESULTS = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
RUNNER = (ROOT / "docs" / "runner.md").read_text(encoding="utf-8")
# docs/adding_a_recipe.md has commands of a recipe that its reader writes; tests/test_adding_a_recipe.py runs them
PAGE_FILES = {*(ROOT / "docs").glob("*.md"), ROOT / "models" / "released" / "README.txt"} - {
    ROOT / "docs" / "adding_a_recipe.md"
}
PARSERS = {
    "pipeline": pipeline.__main__.make_parser,
    "export": export.__main__.make_parser,
    "inference": inference.options.make_parser,
    "serve": inference.service.serve.make_parser,
}
PAGES = (README, *(path.read_text(encoding="utf-8") for path in PAGE_FILES))
TEXT = re.compile(r"(?<!\()\bpython3? -m (?:pipeline|export|inference)(?: [^\n\\`]*(?:\\\n[^\n\\`]*)*)")
COMMANDS = sorted({" ".join(text.replace("\\\n", " ").split()) for page in PAGES for text in TEXT.findall(page)})
SENTENCES = [TEXT.sub("", page) for page in PAGES]  # a command's settings are understood together
SETTINGS = sorted(
    {one for text in SENTENCES for one in re.findall(r"--set\s+([\w.]+=[\w./,-]*\w)", text)} - {"section.name=value"}
)


def test_the_table_is_the_reports() -> None:
    """Catches a figure in docs/results.md or the README that no report holds."""
    for table, text in ((results_table(), RESULTS), (short_table(), README)):
        indented = "\n".join(f"    {line}" if line else "" for line in table.splitlines())
        assert "accuracy" in indented
        assert indented in text


def test_the_times_of_the_page_are_those_measured() -> None:
    """Catches a time in docs/phone.md that no measurement gave."""
    measured = json.loads((ROOT / "docs" / "page_speed.json").read_text(encoding="utf-8"))
    assert page_times(measured) in (ROOT / "docs" / "phone.md").read_text(encoding="utf-8")


def test_lines_fit_a_terminal() -> None:
    """Catches lines that wrap on 80 columns, and a README that grows beyond what a newcomer reads."""
    assert [line for line in README.splitlines() if len(line) > 80] == []
    assert len(README.splitlines()) <= 250


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_understood(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Catches a command, option or setting that the program no longer has."""
    _, _, program, *words = shlex.split(command)
    if words[:1] == ["serve"]:
        program, words = words[0], words[1:]
    try:
        options = PARSERS[program]().parse_args(words)
    except SystemExit as end:
        assert end.code == 0, capsys.readouterr().err
    else:
        if hasattr(options, "recipe"):
            assert read_recipe(options).name == options.recipe


@pytest.mark.parametrize("setting", SETTINGS)
def test_settings_in_the_text_are_understood(setting: str) -> None:
    """Catches a setting that a sentence speaks of and the program refuses."""
    name, _, value = setting.partition("=")
    override(RECIPES["wood" if name.startswith("anomaly.") else "minerals"], name, value)


def test_make_and_readme_name_the_same_steps() -> None:
    """Catches a Makefile that does something else than the lines for machines without make."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for step in ("-m pipeline run minerals", "-m pytest", "requirements.txt", "requirements-dev.txt"):
        assert step in makefile
        assert step in README


def test_continuous_integration_runs_the_test_command() -> None:
    """Catches a CI that checks something else than what the README tells a user to run."""
    assert "make test" in README
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("program", ["inference", "serve"])
def test_every_option_of_the_runner_has_an_example(program: str) -> None:
    """Catches an option that a user can only find by reading the program."""
    parser = PARSERS[program]()
    shown = README + RUNNER + (parser.epilog or "")
    options = [option for action in parser._actions for option in action.option_strings if option.startswith("--")]
    assert [option for option in options if option not in shown and option not in ("--help", "--version")] == []
