"""documentation.pdf: set from the committed sources and measured files, with no figure typed."""

import io
import json
import re
import shutil
from pathlib import Path

import pytest
from pypdf import PdfReader

from benchmarks.draw_network import TIMES
from docs.pdf.build import ROOT, build, make_compiler
from docs.pdf.walk import COMMANDS, REQUEST
from docs.pdf.walk import TARGET as WALK
from pipeline.anomaly.report import flagged_clean
from pipeline.anomaly.sections import AnomalyReport
from pipeline.report.stored import parse_section

CHAPTERS = sorted((ROOT / "docs" / "pdf" / "chapters").glob("*.typ"))
TYPED_FIGURE = re.compile(r"\d+([.,]\d+)? (%|percent|points)|\b0\.\d{3,}\b")
LEVELS = ("95 %", "90 %")  # of intervals and of accepted pictures: chosen, not measured


@pytest.fixture(scope="module")
def pages() -> list[str]:
    return [page.extract_text() for page in PdfReader(ROOT / "documentation.pdf").pages]


def test_the_committed_pdf_is_what_make_docs_builds() -> None:
    """Faults: a report, table or text that changed since documentation.pdf was set; a date among its bytes."""
    assert (ROOT / "documentation.pdf").read_bytes() == build(), "run: make docs"


def test_the_same_inputs_give_the_same_bytes_elsewhere(tmp_path: Path) -> None:
    """Faults: a path, a date or a font of the machine in the bytes."""
    for folder in ("docs", "models/released"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    assert build(tmp_path) == (ROOT / "documentation.pdf").read_bytes()


@pytest.mark.slow
def test_it_has_the_length_of_something_that_one_reads(pages: list[str]) -> None:
    """Faults: chapters left out; a table that runs on for pages; an empty page."""
    assert 15 <= len(pages) <= 40
    assert min(len(text.strip()) for text in pages) > 150


@pytest.mark.slow
def test_figures_are_those_of_the_reports(pages: list[str]) -> None:
    """Faults: a report read from another place; numbers rounded elsewhere; a chapter that is not included."""
    text = re.sub(r"\s+", " ", " ".join(pages))
    for name, path in (("docs/results/minerals_crossval.json", ("pooled",)), ("docs/results/wood_drawn.json", ())):
        report = json.loads((ROOT / name).read_text(encoding="utf-8"))
        figure = report["pooled"]["accuracy"]["value"] * 100 if path else report["metrics"]["aupro"]
        assert f"{figure:.{1 if path else 3}f}" in text, name


def test_the_table_of_anomalies_counts_clean_photographs_as_the_reports_do(pages: list[str]) -> None:
    """Fault: photographs that set the threshold counted with the clean ones of the test: 0 of 44."""
    row = next(line for line in "\n".join(pages).splitlines() if line.startswith("clean ones flagged"))
    expected = []
    for name in ("drawn", "photographs", "photographs_auto", "tiles"):
        values = json.loads((ROOT / "docs" / "results" / f"wood_{name}.json").read_text(encoding="utf-8"))
        clean = flagged_clean(parse_section(AnomalyReport, values))
        fitted = "" if clean.ends else "*"
        expected.append(f"{round((clean.value or 0) * clean.n)} of {clean.n}{fitted}")
    assert re.findall(r"\d+ of \d+\*?", row) == expected


def test_chapters_come_in_the_order_of_their_use(pages: list[str]) -> None:
    """Faults: a chapter that is not included; results before how to use the program."""
    contents = re.sub(r"\s+", " ", pages[0])
    titles = ("How to use it", "Architecture", "Positive and negative samples", "Training", "Inference", "Results",
              "Experiments that failed", "Future work", "References")  # fmt: skip
    places = [contents.rindex(title) for title in titles]
    assert places == sorted(places)


def test_figures_stay_in_their_chapter() -> None:
    """Faults: a figure that floats above the heading of its chapter, or below the heading of the next one."""
    assert json.loads(make_compiler().query("<misplaced>", field="value")) == [[]]


@pytest.mark.parametrize("name", sorted(path.stem for path in WALK.glob("*.txt")))
def test_recorded_commands_exist(name: str) -> None:
    """Faults: a recorded session of a command or option that was renamed since."""
    command = (WALK / f"{name}.txt").read_text(encoding="utf-8").splitlines()[0].removeprefix("$ ")
    assert command in (*COMMANDS.values(), REQUEST)


@pytest.mark.parametrize("source", CHAPTERS, ids=lambda path: path.stem)
def test_no_figure_is_typed(source: Path) -> None:
    """Faults: an accuracy written into a chapter, which a new measurement would leave behind.

    Figures of others stand beside their reference (@key), aims beside a remark (//), names of lines in quotes.
    """
    lines = source.read_text(encoding="utf-8").splitlines()
    own = [re.sub(r'"[^"]*"', "", line) for line in lines if "//" not in line and not re.search(r"@[a-z]+\d", line)]
    found = [match.group() for line in own for match in TYPED_FIGURE.finditer(line)]
    assert [figure for figure in found if figure not in LEVELS] == []


def test_a_missing_figure_is_an_error(tmp_path: Path) -> None:
    """Faults: a figure that silently becomes a dash where its report has lost it."""
    for folder in ("docs", "models/released"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    path = tmp_path / "docs" / "results" / "minerals_crossval.json"
    report = json.loads(path.read_text(encoding="utf-8"))
    del report["pooled"]["accuracy"]
    path.write_text(json.dumps(report), encoding="utf-8")
    with pytest.raises(Exception, match="accuracy"):
        build(tmp_path)


@pytest.mark.slow
def test_pictures_are_in_it() -> None:
    """Faults: empty boxes where pictures should be."""
    images = sum(len(page.images) for page in PdfReader(io.BytesIO(build())).pages)
    assert images >= 6


@pytest.mark.parametrize("folder", sorted((ROOT / "models" / "released").glob("*/")), ids=lambda path: path.name)
def test_a_released_network_is_drawn_as_it_is(folder: Path) -> None:
    """Faults: a drawing of the network that was released before."""
    side = json.loads((folder / "recipe.json").read_text(encoding="utf-8"))["network"]["input_side"]
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    drawing = (folder / "network.svg").read_text(encoding="utf-8")
    assert f"{side} {TIMES} {side}" in drawing
    assert f"{report['cost']['parameters']:,} parameters" in drawing
