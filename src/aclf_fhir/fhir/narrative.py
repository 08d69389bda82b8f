"""Narrative.div: plain XHTML with some content (txt-1, txt-2)."""

from html.entities import name2codepoint
from typing import NoReturn
from xml.parsers import expat

__all__ = ["is_narrative"]

# XHTML 1.0 chapters 7 to 11 (without 11.4) and 15, `a`, images and `style` (narrative.html §2.3.0).
_ELEMENTS = frozenset({
    "a", "abbr", "acronym", "address", "area", "b", "bdo", "big", "blockquote", "br", "caption",
    "cite", "code", "col", "colgroup", "dd", "dfn", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4",
    "h5", "h6", "hr", "i", "img", "kbd", "li", "map", "ol", "p", "pre", "q", "samp", "small",
    "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt",
    "ul", "var",
})  # fmt: skip


class _RefusedError(Exception):
    pass


class _Reader:
    def __init__(self) -> None:
        self.started = False
        self.content = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if not self.started and name != "div":
            raise _RefusedError
        if name not in _ELEMENTS or any(a.lower().startswith("on") for a in attributes):
            raise _RefusedError
        self.started = True
        self.content = self.content or name == "img"

    def text(self, text: str) -> None:
        self.content = self.content or not text.isspace()

    def entity(self, name: str, _is_parameter: bool) -> None:
        if name not in name2codepoint:
            raise _RefusedError
        self.content = self.content or name != "nbsp"


def is_narrative(div: str) -> bool:
    """Whether the text is one `<div>` of allowed elements, without scripts, not empty."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.UseForeignDTD(True)  # lets HTML entities reach `entity` instead of being errors
    parser.StartElementHandler = reader.start
    parser.CharacterDataHandler = reader.text
    parser.SkippedEntityHandler = reader.entity
    parser.StartDoctypeDeclHandler = _refuse
    parser.ProcessingInstructionHandler = _refuse
    try:
        parser.Parse(div, True)
    except (expat.ExpatError, _RefusedError, UnicodeEncodeError):
        return False
    return reader.content


def _refuse(*_: object) -> NoReturn:
    raise _RefusedError
