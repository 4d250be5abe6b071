"""A template and its variables -> a self-contained page with embedded style, plots and pictures."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline.report.style import ABSENT, THIN, bounds, decimal, ordinal, share, show, size, spread

_TEMPLATES = Path(__file__).parent / "templates"


def render_page(template: str, **values: Any) -> str:
    """Return the page rendered from a template of templates/; an undefined variable is an error.

    Numbers are formatted by the filters share, decimal, show, bounds, spread, size and ordinal. All pages share
    style.css.
    """
    style = Markup((_TEMPLATES / "style.css").read_text(encoding="utf-8"))
    return _environment(escape=True).get_template(template).render(style=style, absent=ABSENT, thin=THIN, **values)


def render_text(template: str, **values: Any) -> str:
    """Return a text that is no HTML, rendered from a template with the same filters, without narrow spaces."""
    return _environment(escape=False).get_template(template).render(**values).lstrip().replace(THIN, " ")


@cache
def _environment(escape: bool) -> Environment:
    """Return the environment, which keeps the templates that it has compiled."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=escape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {one.__name__: one for one in (share, decimal, show, bounds, spread, size, ordinal)}
    return environment
