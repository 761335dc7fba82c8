"""Compresses one SVG drawing: what nobody sees is left out, numbers get fewer digits."""

from __future__ import annotations

import re
from pathlib import Path
from xml.parsers import expat
from xml.sax.saxutils import escape

from compressor_cli.sandbox.asked import Asked
from compressor_cli.sandbox.kinds import Kind
from compressor_cli.sandbox.limits import CannotCompress, Limits, writing
from compressor_cli.sandbox.numbers import coordinates, path

MAX_DEPTH = 500
_DIGITS = {"high": 5, "ultra": 4}  # of a coordinate; its whole part is always kept
_EDITORS = ("http://www.inkscape.org/", "http://sodipodi.", "http://ns.adobe.com/",
            "http://www.bohemiancoding.com/sketch")  # fmt: skip
_TEXTS = {"text", "title", "desc", "style", "script", "foreignObject"}  # spaces count inside
_COORDINATES = {"x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "fx", "fy", "dx",
                "dy", "width", "height", "points"}  # fmt: skip
_REFERENCES = {"href", "src", "srcset", "data", "poster", "action", "base"}
_ANIMATED = {"to", "from", "by", "values"}
_URL = re.compile(r"url\(\s*['\"]?\s*([^'\")]*)", re.IGNORECASE)
_INSIDE = re.compile(r"\s*(#|data:image/(png|jpe?g|gif|webp|avif)[;,])", re.IGNORECASE)
_QUOTED = {'"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}


def compress(source: Path, target: Path, kind: Kind, asked: Asked, _: Limits) -> None:
    """Write the drawing to `target`. Raises CannotCompress, also for what lies outside the file."""
    drawing = _Drawing(_DIGITS.get(asked.level, 0))
    try:
        text = drawing.written(source.read_bytes())
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise CannotCompress(f"the {kind.name} file is damaged or unusual: {error}") from None
    with writing():
        target.write_text(text, "utf-8")


class _Drawing:
    """Writes a drawing again while it is parsed. `digits` of coordinates are kept; 0: all."""

    def __init__(self, digits: int) -> None:
        self._digits = digits
        self._out: list[str] = []
        self._open: list[str] = []  # elements around the place
        self._left_out = 0  # how many of these belong to one that is left out
        self._prefixes: set[str] = set()  # of editors
        self._unended = False  # the last start tag still lacks its >

    def written(self, content: bytes) -> str:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.ordered_attributes = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._entity
        parser.SkippedEntityHandler = self._entity
        parser.ProcessingInstructionHandler = self._instruction
        parser.Parse(content, True)
        return "".join(self._out)

    def _doctype(self, _: str, __: str | None, ___: str | None, subset: bool) -> None:
        if subset:
            self._entity()

    def _entity(self, *_: object) -> None:
        raise CannotCompress("this SVG drawing defines or names entities, which are not taken")

    def _instruction(self, name: str, _: str) -> None:
        if name == "xml-stylesheet":
            raise _outside("a style sheet")

    def _start(self, tag: str, attributes: list[str]) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise CannotCompress(f"this SVG drawing nests more than {MAX_DEPTH} elements")
        pairs = list(zip(attributes[::2], attributes[1::2], strict=True))
        for name, value in pairs:
            self._check(tag, name, value)
            if name.startswith("xmlns:") and value.startswith(_EDITORS):
                self._prefixes.add(name.removeprefix("xmlns:"))
        self._open.append(tag)
        if self._left_out or tag == "metadata" or self._editors(tag):
            self._left_out += 1
            return
        self._finish_tag()
        kept = [(name, value) for name, value in pairs if not self._editors(name)]
        words = [f'{name}="{escape(self._short(name, value), _QUOTED)}"' for name, value in kept]
        self._out.append("<" + " ".join([tag, *words]))
        self._unended = True

    def _end(self, tag: str) -> None:
        self._open.pop()
        if self._left_out:
            self._left_out -= 1
        elif self._unended:
            self._out.append("/>")
            self._unended = False
        else:
            self._out.append(f"</{tag}>")

    def _text(self, text: str) -> None:
        if "style" in self._open:
            _check_style(text)
        if self._left_out or (text.isspace() and _TEXTS.isdisjoint(self._open)):
            return
        self._finish_tag()
        self._out.append(escape(text))

    def _finish_tag(self) -> None:
        if self._unended:
            self._out.append(">")
            self._unended = False

    def _editors(self, name: str) -> bool:
        """Whether an element or attribute, or the name it is declared by, is an editor's own."""
        prefix, _, last = name.partition(":")
        return (last if prefix == "xmlns" else prefix if last else "") in self._prefixes

    def _check(self, tag: str, name: str, value: str) -> None:
        last = name.rpartition(":")[2]
        link = tag.rpartition(":")[2] == "a"  # followed by people, not fetched to draw
        if (last in _REFERENCES and not link and not _INSIDE.match(value)) or (
            last in _ANIMATED and "//" in value
        ):
            raise _outside(value)
        if last == "style" or "url" in value.lower():
            _check_style(value)

    def _short(self, name: str, value: str) -> str:
        if not self._digits:
            return value
        if name == "d":
            return path(value, self._digits)
        return coordinates(value, self._digits) if name in _COORDINATES else value


def _check_style(text: str) -> None:
    if "\\" in text or "@import" in text.lower():
        raise _outside("by a style")
    for target in _URL.findall(text):
        if not _INSIDE.match(target):
            raise _outside(target)


def _outside(what: str) -> CannotCompress:
    shown = what if len(what) <= 60 else what[:57] + "..."
    return CannotCompress(f"this SVG drawing refers to what lies outside it, not taken: {shown}")
