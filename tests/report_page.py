"""The page of a report as a test reads it: its elements and words."""

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from pipeline.report.report import write_report
from tests.sample_report import parsed, sample_history

HOSTILE = '<script>alert(\'x\')</script> " onload="x" & $\\frac{$ {{ 7*7 }} http://example.org/a.css'
VOID = {"meta", "img", "br", "col", "link", "input", "hr"}


class Page(HTMLParser):
    """What a test wants to know of a page: its elements with attributes, and whether they nest properly."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.unclosed: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.unclosed.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.unclosed.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def values(self, attribute: str) -> list[str]:
        return [attributes[attribute] or "" for _, attributes in self.elements if attribute in attributes]


def render(folder: Path, report: dict[str, Any], history: list[dict[str, float]] | None = None) -> Page:
    history = sample_history() if history is None else history
    return Page(write_report(folder, parsed(report), history)[1].read_text(encoding="utf-8"))
