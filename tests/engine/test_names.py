"""The names of result files."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compressor_cli.engine.names import LONGEST, beside_source, result_name, safe_name, split

RESERVED = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{p}{n}" for p in ("com", "lpt") for n in "0123456789¹²³"),
}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("photo.jpg", "photo.jpg"),
        ("Grüße an alle.png", "Grüße an alle.png"),
        ("../../etc/passwd", "passwd"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\x.exe", "x.exe"),
        ("C:\\Windows\\x.dll", "x.dll"),
        ("C:evil", "evil"),
        ("a.txt:stream", "a.txtstream"),
        ("..", ""),
        (".", ""),
        ("", ""),
        ("/", ""),
        ("\0\n\x1b", ""),
        (".bashrc", "bashrc"),
        ("-rf", "rf"),
        ("a.txt. . ", "a.txt"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("con .txt", "_con.txt"),
        ("com¹.png", "_com¹.png"),
        ("console.txt", "console.txt"),
        ("ev\u202egpj.exe", "evgpj.exe"),
        ("a\u2028b\u00a0c.txt", "a b c.txt"),
        ("a\nb.txt", "ab.txt"),
        ('a<b>"c|d?e*.txt', "abcde.txt"),
        ("a\udcffb.txt", "ab.txt"),
        ("x" * 300 + ".jpeg", "x" * 195 + ".jpeg"),
        ("ü" * 300 + ".png", "ü" * 98 + ".png"),
        ("con" + " " * 300 + "x", "_con"),
    ],
)
def test_safe_names(text: str, name: str) -> None:
    """One harmless component, as near to what was given as may be."""
    assert safe_name(text) == name


NASTY = st.text(max_size=30) | st.text(
    alphabet="./\\: -_conCOMnul1²\0\n\u202e\ud800äx*?", max_size=30
)


@given(NASTY | st.builds(lambda a, b: a + b * 60, NASTY, st.text(max_size=5)))
@example("con .txt")
@example("nul." + "x" * 300)
@example("con" + " " * 300 + "x")
@example(". . .png")
def test_any_text_becomes_a_harmless_name(text: str) -> None:
    name = safe_name(text)
    assert name == PurePosixPath(name).name == PureWindowsPath(name).name
    assert not set(name) & set('<>:"/\\|?*')
    assert all(unicodedata.category(c)[0] != "C" for c in name)
    assert name == name.strip(" ")
    assert not name.startswith((".", "-"))
    assert not name.endswith(".")
    assert len(name.encode()) <= LONGEST
    assert name.partition(".")[0].rstrip(" ").lower() not in RESERVED
    assert safe_name(name) == name


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("a.jpg", ("a", ".jpg")),
        ("a.tar.gz", ("a.tar", ".gz")),
        ("a", ("a", "")),
        (".jpg", (".jpg", "")),
        ("a.", ("a.", "")),
        ("a.no extension", ("a.no extension", "")),
        ("v1.0-final", ("v1.0-final", "")),
        ("", ("", "")),
    ],
)
def test_stem_and_extension(name: str, parts: tuple[str, str]) -> None:
    assert split(name) == parts
    assert "".join(parts) == name


@pytest.mark.parametrize(
    ("source", "server", "name"),
    [
        ("photo.jpg", "photo.jpeg", "photo.jpg"),
        ("photo.JPG", "x.jpg", "photo.JPG"),
        ("photo.tif", "photo.tiff", "photo.tif"),
        ("photo.png", "photo.webp", "photo.webp"),
        ("photo.png", None, "photo.png"),
        ("photo.png", "", "photo.png"),
        ("photo.png", "../../evil.sh/..", "photo.png"),
        ("photo.png", "noextension", "photo.png"),
        ("photo", "x.jpeg", "photo.jpeg"),
        ("../x.png", "y.avif", "x.avif"),
        (None, "image.jpeg", "image.jpeg"),
        (None, "../../etc/image.jpeg", "image.jpeg"),
        (None, "..", "j-1"),
        (None, None, "j-1"),
        ("..", None, "j-1"),
    ],
)
def test_result_names(source: str | None, server: str | None, name: str) -> None:
    """The source's stem and the result's extension; the server's words only where there is none."""
    assert result_name(source_name=source, server_name=server, job_id="j-1") == name


def test_a_result_always_has_a_name() -> None:
    assert result_name(source_name="", server_name="", job_id="...") == "output"


@given(st.none() | NASTY, st.none() | NASTY)
def test_any_result_name_is_harmless(source: str | None, server: str | None) -> None:
    name = result_name(source_name=source, server_name=server, job_id="j")
    assert name not in ("", ".", "..")
    assert PureWindowsPath(name).name == PurePosixPath(name).name == name
    assert len(name.encode()) <= LONGEST + 11


def test_a_name_beside_its_source() -> None:
    assert beside_source("photo.jpg") == "photo.min.jpg"
    assert beside_source("photo") == "photo.min"
