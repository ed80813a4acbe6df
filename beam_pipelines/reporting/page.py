"""A report: one HTML file that needs no other, all text escaped, its figures inside."""

import base64
import dataclasses
import io
import pathlib
import re
import warnings
from typing import Any

import jinja2

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of a report.

    Attributes:
      title: Its heading.
      name: The name of its figure.
      text: What it says first.
      table: `header`, `rows` and which rows are `marked`.
      figure: A matplotlib figure.
      caption: Below the figure.
      code: Preformatted text.
    """

    title: str
    name: str = ""
    text: str = ""
    table: dict | None = None
    figure: Any = None
    caption: str = ""
    code: str = ""


def images(sections: list[Section]) -> dict[str, bytes]:
    """Draws the figures: PNG files by name."""
    drawn = {}
    for section in sections:
        if section.figure:
            data = io.BytesIO()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # A letter that the font lacks is drawn as a box.
                section.figure.savefig(data, format="png")
            drawn[section.name] = data.getvalue()
    return drawn


def render(title: str, headline: str, sections: list[Section], drawn: dict[str, bytes]) -> bytes:
    """The page, in UTF-8.

    Args:
      title: Of the page.
      headline: The result in a few sentences.
      sections: The parts, in order.
      drawn: What `images` made of them.
    """
    parts = [
        {**vars(section), "image": base64.b64encode(drawn[section.name]).decode() if section.figure else ""}
        for section in sections
    ]
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(pathlib.Path(__file__).parent), autoescape=True)
    environment.filters["figure"] = shown
    page = environment.get_template("page.html").render(title=title, headline=headline, sections=parts)
    return page.encode("utf-8", "replace")


def shown(value) -> str:
    """A table's cell as text, in which control characters are replaced.

    >>> [shown(value) for value in ("a", None, 12345, 0.12345, 12345.6)]
    ['a', '-', '12,345', '0.123', '12,346']
    """
    if isinstance(value, str):
        return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", value)
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
