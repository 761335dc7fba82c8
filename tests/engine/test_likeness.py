"""What files of well-known formats begin with."""

from __future__ import annotations

import pytest

from compressor_cli.api.contract import Artifact
from compressor_cli.engine.likeness import misfit, page

BEGINNINGS = [
    ("png", b"\x89PNG\r\n\x1a\n"),
    ("jpg", b"\xff\xd8\xff\xe0"),
    ("gif", b"GIF89a"),
    ("webp", b"RIFF\x0a\x0d\x00\x00WEBP"),
    ("heic", b"\x00\x00\x00\x18ftypheic"),
    ("tif", b"MM\x00*"),
    ("bmp", b"BM"),
    ("ico", b"\x00\x00\x01\x00"),
    ("pdf", b"\n%PDF-1.7"),
    ("zip", b"PK\x03\x04"),
    ("zip", b"PK\x05\x06"),
    ("docx", b"PK\x03\x04"),
    ("mp4", b"\x00\x00\x00\x20ftypisom"),
    ("mov", b"\x00\x00\x00\x08wide"),
    ("webm", b"\x1aE\xdf\xa3"),
    ("mp3", b"ID3\x04"),
    ("mp3", b"\xff\xfb\x90"),
    ("wav", b"RIFF\x00\x00\x00\x00WAVE"),
    ("flac", b"fLaC"),
    ("opus", b"OggS"),
]


@pytest.mark.parametrize(("format_", "begin"), BEGINNINGS)
def test_a_file_begins_as_its_format_does(format_: str, begin: bytes) -> None:
    """Or by the name alone; a page never does."""
    for output in (Artifact(format=format_), Artifact(name=f"a.{format_.upper()}")):
        assert misfit(output, begin + b"...") is None
        assert misfit(output, b"<html>") == format_
    assert page(begin) is None


@pytest.mark.parametrize(
    "mime", ["image/vnd.microsoft.icon", "image/x-icon", "application/x-zip-compressed; a=b"]
)
def test_a_type_names_a_format(mime: str) -> None:
    assert misfit(Artifact(mime=mime), b"no") is not None


def test_what_nobody_knows_may_begin_with_anything() -> None:
    for output in (Artifact(), Artifact(format="jxl", name="a.png"), Artifact(name="a.")):
        assert misfit(output, b"no") is None


def test_markup_that_never_ends_is_looked_at_in_no_time() -> None:
    assert page(b"<!---->" * 150 + b"x") is None
    assert page(b"<?x?>" * 99 + b"<!--" * 99) == "XML"
