"""The page of a report with its plots: self-contained, accessible, repeatable, well-formed."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from pipeline.report.plots import PALETTE, Bar, draw_comparison, draw_training, svg_text
from pipeline.report.report import write_report
from tests.report_page import HOSTILE, Page
from tests.sample_report import parsed, sample_history, sample_report, write_sample_pictures


@pytest.fixture(scope="module")
def page_text(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("run")
    write_sample_pictures(folder)
    return write_report(folder, parsed(sample_report()), sample_history())[1].read_text(encoding="utf-8")


def test_the_page_asks_for_nothing_outside_itself(page_text: str) -> None:
    """Catches a plot, font, script or picture that is missing as soon as the page is sent to somebody."""
    page = Page(page_text)
    assert not page.all("link") + page.all("script") + page.all("iframe")
    references = page.values("src") + page.values("href") + page.values("xlink:href") + page.values("srcset")
    assert references
    assert all(
        reference.startswith(("#", "data:image/png;base64,", "data:image/jpeg;base64,")) for reference in references
    )
    assert "http://" not in page_text and "https://" not in page_text and "@import" not in page_text
    assert all(target.startswith("#") for target in re.findall(r"url\(['\"]?([^)]*)", page_text))


def test_every_inner_link_has_one_target(page_text: str) -> None:
    """Catches two plots whose markers or clip paths share an id, and contents that lead nowhere."""
    page = Page(page_text)
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    links = page.values("href") + page.values("xlink:href")
    clips = re.findall(r"url\(#([^)]*)\)", page_text)
    assert {link.removeprefix("#") for link in links if link.startswith("#")} | set(clips) <= set(ids)


def test_the_page_is_well_formed(page_text: str) -> None:
    """Catches an element that a condition in the template opens but does not close."""
    assert Page(page_text).unclosed == []
    assert len(Page(page_text).all("style")) == 1, "the style of a plot would hold for the whole page"


def test_the_page_speaks_to_a_screen_reader(page_text: str) -> None:
    """Catches plots and pictures without a text, tables without headings, a page without language or title."""
    page = Page(page_text)
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == len(page.all("title")) == 1
    assert [svg["role"] for svg in page.all("svg")] == ["img"] * 7
    assert all(svg["aria-label"] for svg in page.all("svg"))
    assert page.all("img") and all(image["alt"] for image in page.all("img"))
    assert len(page.all("caption")) == len(page.all("table")) == 8
    assert all(cell["scope"] in ("row", "col") for cell in page.all("th"))


def test_plots_take_their_colours_from_the_page(page_text: str) -> None:
    """Catches ink on a dark page: a colour in a plot that does not change with the page's."""
    plots = "".join(re.findall(r"<svg.*?</svg>", page_text, flags=re.DOTALL))
    assert set(re.findall(r"(?:fill|stroke): ([^;\"]+)", plots)) <= {"none"} | {f"var(--{name})" for name in PALETTE}
    defined = set(re.findall(r"--([a-z]+): #", page_text))
    assert set(PALETTE) <= defined


@pytest.mark.slow
def test_same_report_gives_same_bytes(tmp_path: Path) -> None:
    """Catches a date, a random id or an order of keys in the files."""
    for name in ("one", "two"):
        write_sample_pictures(tmp_path / name)
        write_report(tmp_path / name, parsed(sample_report()), sample_history())
    for file in ("report.html", "report.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_svg_of_hostile_names_is_well_formed() -> None:
    """Catches a name that breaks out of the figure's text or of its description."""
    svg = svg_text(draw_comparison([Bar(HOSTILE, "50 %", 0.5, 0.4, 0.6)]), "name", HOSTILE + "\\1 \\g<0>")
    root = ElementTree.fromstring(svg.replace("xlink:href", "href"))
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == HOSTILE + "\\1 \\g<0>"
    assert HOSTILE in "".join(root.itertext())


def test_equal_plots_of_two_names_share_no_id() -> None:
    """Catches a marker or clip path that a browser takes from another plot of the page."""
    one, two = (svg_text(draw_training(sample_history(), 3), name, "text") for name in ("one", "two"))
    ids = [set(re.findall(r" id=\"([^\"]+)", svg)) for svg in (one, two)]
    assert ids[0] and not ids[0] & ids[1]


@pytest.mark.parametrize(
    "history", [[{"epoch": 0}], [{"epoch": 0, "loss": 1.0}], [{"epoch": 0}, {"epoch": 1, "val_loss": 2.0}]]
)
def test_histories_with_holes_are_drawn(history: list[dict[str, float]]) -> None:
    """Catches a plot that needs validation, accuracy or more than one epoch."""
    assert svg_text(draw_training(history, 0), "training", "text").startswith("<svg ")
