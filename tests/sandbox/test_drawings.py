"""SVG: what nobody sees is left out, and nothing outside the drawing is named by it."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from compressor_cli.sandbox import codecs
from compressor_cli.sandbox.limits import CannotCompress
from compressor_cli.sandbox.numbers import coordinates, path

from .conftest import LIMITS

HEAD = "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink'>"
DOT = "data:image/png;base64,iVBORw0KGgo="


def squeezed(folder: Path, text: str, level: str = "high") -> str:
    source, target = folder / "source", folder / "target"
    source.write_text(text, "utf-8")
    assert codecs.compress(source, target, {"image": {"compression": level}}, LIMITS) == "svg"
    return target.read_text("utf-8")


def drawn() -> str:
    chance = random.Random(1)

    def number() -> str:
        return f"{chance.uniform(-300, 300):.7f}"

    paths = [
        f"<path d='M {number()} {number()} C {', '.join(number() for _ in range(6))} z'/>"
        for _ in range(40)
    ]
    return (
        "<?xml version='1.0'?>\n<!-- made by hand -->\n"
        "<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd'>\n"
        "<svg xmlns='http://www.w3.org/2000/svg' xmlns:ink='http://www.inkscape.org/namespaces/x'"
        " ink:version='1' viewBox='0 0 640 480'>\n  <metadata><a/>x</metadata>\n"
        "  <ink:view zoom='2'><ink:guide/></ink:view>\n  <text x='1'> two  <tspan>&lt;&amp;</tspan>"
        " </text>\n  "
        + "\n  ".join(paths)
        + "\n  <a href='https://example.com/'><g></g></a>\n</svg>"
    )


def test_each_level_is_smaller_than_the_one_before(tmp_path: Path) -> None:
    """The shapes stay within a thousandth, the words to the letter, and it is still XML."""
    text = drawn()
    sizes = [len(text)]
    for level in ("medium", "high", "ultra"):
        output = squeezed(tmp_path, text, level)
        sizes.append(len(output))
        root = ElementTree.fromstring(output)
        words = "".join(root.itertext())
        assert words == " two  <& "
        assert len(root.findall("{*}path")) == 40
        assert "ink" not in output
        assert "DOCTYPE" not in output
    for larger, smaller in pairwise(sizes):
        assert smaller < larger * 0.95


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("10.00000 20.50000", "10 20.5"),
        ("1.99999.5", "2 .5"),
        ("0.123456 -0.5e0", ".12346-.5"),
        ("-0.0000123456", "-.000012346"),
        ("1234567.891", "1234568"),
        (".5.25-.125", ".5.25-.125"),
        ("-0 0.0", "0 0"),
        ("100%", "100%"),
        ("1em 2", "1em 2"),
        ("1" * 500 + ".5 1", "1" * 500 + ".5 1"),
        ("", ""),
    ],
)
def test_numbers_lose_what_nobody_sees(text: str, short: str) -> None:
    """The whole part is always kept, small numbers keep their digits, none runs into another."""
    assert coordinates(text, 5) == short


def test_paths_keep_their_arcs() -> None:
    """Their flags may stand without spaces, so these are not read as numbers."""
    assert path("M 1.234567 2 a 5.55555 5 0 01 10.123456,5 L 3 4z", 5) == (
        "M1.2346 2a5.55555 5 0 01 10.123456,5L3 4z"
    )
    assert path("M 1 2 ? 3.4567891", 5) == "M 1 2 ? 3.4567891"
    assert path("", 5) == ""


@pytest.mark.parametrize(
    "inside",
    [
        "<image href='file:///etc/passwd'/>",
        "<image xlink:href='http://127.0.0.1:1/a.png'/>",
        "<image href='//example.com/a.png'/>",
        "<image href='other.png'/>",
        f"<image href='{DOT.replace('png', 'svg+xml')}'/>",
        "<use href='other.svg#a'/>",
        "<script src='https://example.com/a.js'/>",
        "<rect style='fill:url(http://127.0.0.1/a)'/>",
        "<rect fill='URL( \"a.svg#b\" )'/>",
        "<style>@import 'a.css';</style>",
        "<style>rect{fill:url(file:///etc/passwd)}</style>",
        "<style>rect{fill:\\75rl(a.svg)}</style>",
        "<style><![CDATA[@IMPORT url(a.css)]]></style>",
        "<?xml-stylesheet href='a.css'?>",
        "<set attributeName='href' to='http://127.0.0.1/'/>",
        "<g xml:base='http://127.0.0.1/'/>",
        "<foreignObject><iframe src='http://127.0.0.1/'/></foreignObject>",
    ],
)
def test_what_lies_outside_is_refused(tmp_path: Path, inside: str) -> None:
    with pytest.raises(CannotCompress, match="refers to what lies outside it"):
        squeezed(tmp_path, f"{HEAD}{inside}</svg>")


@pytest.mark.parametrize(
    "inside",
    [
        "<use href='#a'/>",
        f"<image href='{DOT}'/>",
        "<rect fill='url(#a)'/>",
        f"<style>rect{{fill:url({DOT})}}</style>",
        "<a xlink:href='https://example.com/'/>",
    ],
)
def test_what_lies_inside_is_taken(tmp_path: Path, inside: str) -> None:
    assert inside.replace("'", '"') in squeezed(tmp_path, f"{HEAD}  {inside}  </svg>")


LAUGHS = "".join(f"<!ENTITY l{n + 1} '{f'&l{n};' * 10}'>" for n in range(9))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"<!DOCTYPE svg [<!ENTITY l0 'ha'>{LAUGHS}]>{HEAD}&l9;</svg>", "defines entities"),
        ("<!DOCTYPE svg [<!ENTITY a SYSTEM '/etc/passwd'>]><svg>&a;</svg>", "defines entities"),
        ("<!DOCTYPE svg SYSTEM '/etc/passwd'><svg>&a;</svg>", "names entities"),
        ("<svg>&a;</svg>", "damaged or unusual"),
        ("<svg><g></svg>", "damaged or unusual"),
        ("<?xml version='1.0' encoding='no-such'?><svg/>", "damaged or unusual"),
        ("<svg>" + "<g>" * 600, "nests more than 500"),
    ],
    ids=["laughs", "file", "skipped", "unknown", "cut", "encoding", "deep"],
)
def test_what_else_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(CannotCompress, match=words):
        squeezed(tmp_path, text)


def test_a_drawing_cannot_be_resized(tmp_path: Path) -> None:
    source = tmp_path / "a"
    source.write_text("<svg/>")
    with pytest.raises(CannotCompress, match=r"image.resize is not possible: this is SVG"):
        codecs.compress(source, tmp_path / "b", {"image": {"resize": {"width": 1}}}, LIMITS)
