"""Mistakes and doubtful labels on the page: nothing left out, nothing made up, small enough to be sent."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.report.mistakes import picture_uri
from tests.report_page import Page, render
from tests.sample_report import no_mistakes, sample_report, write_sample_pictures

MOST_BYTES = 3_000_000
pytestmark = pytest.mark.usefixtures("empty_plots")


@pytest.fixture
def report() -> dict[str, Any]:
    return sample_report()


@pytest.fixture
def page(empty_plots: None, tmp_path: Path) -> Page:
    write_sample_pictures(tmp_path)
    return render(tmp_path, sample_report())


def test_every_mistake_shows_its_labels_figures_and_pictures(page: Page, report: dict[str, Any]) -> None:
    """Faults: true and given label exchanged; a mistake, map or neighbour that the template forgets; pictures of
    another mistake; a rejected one without its mark."""
    for entry in report["mistakes"]["shown"]:
        figures = f"confidence {entry['confidence']:.3f}, true class {entry['truth']:.3f}, loss {entry['loss']:.2f}"
        assert figures in page.text
        assert f"{entry['label']}, answered {entry['given']}" in page.text
    assert len(page.all("mark")) == 2
    alts = [image["alt"] for image in page.all("img")]
    assert sum(alt.startswith("Grad-CAM map for") for alt in alts) == 22
    assert sum(alt.startswith("Training patch of") for alt in alts) == 33
    assert page.text.count("picture not found") == 1
    assert "no evidence for biotite" in page.text
    assert len({image["src"] for image in page.all("img")}) == len(alts), "each picture is another"


def test_the_page_says_how_many_there_are_and_what_was_searched(page: Page) -> None:
    """Faults: the shown ones passed off as all; a sample passed off as the whole training; no key of the colours."""
    assert "33 of 604 test patches got a wrong label; 9 of these were answered “unknown”" in page.text
    assert "Shown are the first 11; all are in predictions.csv." in page.text
    assert "5,000 training patches, sampled at random from 12,345" in page.text
    assert "Another 14 had the right label" in page.text
    assert sum((image["alt"] or "").startswith("Colours from") for image in page.all("img")) == 1


def test_confused_pairs_are_a_table(page: Page) -> None:
    """Faults: n left out; the share of another row."""
    assert "pyritebornite7 of 779.1 %2 backgroundquartz5 of 1403.6 %0" in page.text


def test_doubtful_labels_are_called_candidates(page: Page, report: dict[str, Any]) -> None:
    """Faults: a suspect passed off as a found error; label and suggestion exchanged."""
    assert "Of 917 annotated patches of validation and test, 5 may be labelled wrongly" in page.text
    assert "candidates, not confirmed errors" in page.text
    for entry in report["label_errors"]["shown"]:
        quality = f"label quality {entry['quality']:.3f}"
        assert f"labelled quartzperhaps muscovite{quality}{entry['split']}: {entry['photo']}" in page.text


def test_no_mistakes_and_no_doubts_are_said(report: dict[str, Any], tmp_path: Path) -> None:
    """Faults: empty galleries, a legend of nothing, a sentence that counts 0."""
    report["mistakes"] = no_mistakes() | {"right_rejected": 2}
    report["label_errors"] = {"checked": 9, "count": 0, "shown": []}
    text = render(tmp_path, report).text
    assert "None: no test patch got a wrong label. 2 had the right one" in text
    assert "suspects no label of 9 annotated patches of validation and test" in text
    assert "Heat maps" not in text and "Most frequent confusions" not in text


def test_a_whole_list_and_a_whole_search_are_not_called_a_part(report: dict[str, Any], tmp_path: Path) -> None:
    """Faults: "the first 11 of 11"; "sampled at random" where all were searched."""
    report["mistakes"] |= {"count": 11, "rejected": 0, "searched": {"patches": 40, "of": 40}}
    text = render(tmp_path, report).text
    assert "11 of 604 test patches got a wrong label." in text
    assert "Shown are the first" not in text
    assert "Searched: all 40 training patches." in text


def test_a_report_of_an_earlier_version_still_has_a_page(report: dict[str, Any], tmp_path: Path) -> None:
    """Faults: a report.json with "worst" that can't be shown any more."""
    del report["mistakes"], report["label_errors"]
    report |= {"format": 1, "worst": []}
    page = render(tmp_path, report)
    assert "earlier version of the program" in page.text
    assert "#labels" not in page.values("href")
    assert page.unclosed == []


@pytest.mark.slow
def test_the_page_stays_small_with_pictures_that_do_not_compress(report: dict[str, Any], tmp_path: Path) -> None:
    """Faults: photographs in full size, or losslessly, inside the page."""
    mistakes, suspects = report["mistakes"]["shown"], report["label_errors"]["shown"]
    report["mistakes"]["shown"] = [mistakes[number % len(mistakes)] for number in range(24)]
    report["label_errors"]["shown"] = [suspects[number % len(suspects)] for number in range(24)]
    files = [one["file"] for entry in mistakes for one in (entry, *entry["maps"], *entry["nearest"])]
    noise = np.random.default_rng(0).integers(0, 256, (512, 512, 3), np.uint8)
    for file in [*files, *(entry["file"] for entry in suspects)]:
        path = tmp_path / file
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(noise).save(path)
    assert len(render(tmp_path, report).all("img")) == 24 * 7 + 1
    assert (tmp_path / "report.html").stat().st_size < MOST_BYTES


def test_pictures_are_small_and_small_ones_keep_their_pixels(tmp_path: Path) -> None:
    """Faults: photographs in full size; pictures of 32 pixels blurred by JPEG."""
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "small.png")
    Image.fromarray(noise).resize((900, 300)).save(tmp_path / "wide.png")
    np.testing.assert_array_equal(np.asarray(read_uri(picture_uri(tmp_path / "small.png"))), noise)
    assert read_uri(picture_uri(tmp_path / "wide.png")).size == (160, 53)
    assert read_uri(picture_uri(tmp_path / "wide.png", 90)).size == (90, 30)


def read_uri(uri: str | None) -> Image.Image:
    assert uri is not None
    return Image.open(io.BytesIO(base64.b64decode(uri.partition("base64,")[2])))


def test_a_mistake_whose_picture_is_gone_is_still_listed(report: dict[str, Any], tmp_path: Path) -> None:
    """Faults: a report that fails because the patches were deleted or damaged."""
    damaged = tmp_path / "patches" / "000.png"
    damaged.parent.mkdir()
    damaged.write_bytes(b"no picture")
    report["mistakes"]["shown"] = report["mistakes"]["shown"][:2]
    page = render(tmp_path, report)
    assert page.text.count("picture not found") == 2 * 6 + 5
    assert len(page.all("img")) == 1, "the scale"
    assert "IMG_2048.jpg" in page.text


def test_an_absolute_picture_path_is_read(report: dict[str, Any], tmp_path: Path) -> None:
    """Faults: paths that only work from the run's folder."""
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    entry = report["mistakes"]["shown"][0] | {"file": str(tmp_path / "a.png"), "maps": [], "nearest": []}
    report["mistakes"]["shown"] = [entry]
    assert [image["alt"] for image in render(tmp_path / "run", report).all("img")][1:] == [
        "Patch of pyrite that was answered bornite"
    ]
