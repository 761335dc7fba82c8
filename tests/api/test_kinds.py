"""The kinds of files that the service takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor_cli.api.kinds import NAMESPACES, kind_of


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.jpg", "image"),
        ("a/b.c/PHOTO.JPEG", "image"),
        ("a.min.webp", "image"),
        ("a.MoV", "video"),
        ("a.mp3", "audio"),
        ("a.pdf", "pdf"),
        ("a.docx", "document"),
        ("a.tar.gz", "archive"),
        ("a\n.png", "image"),
        ("\udcff.png", "image"),
        ("a.txt", None),
        ("a.png.txt", None),
        ("a.png~", None),
        ("a.", None),
        ("png", None),
        (".png", None),
        ("a.png/b", None),
        ("", None),
    ],
)
def test_the_last_extension_tells_the_kind(name: str, kind: str | None) -> None:
    """Whatever its case; a name that is only an extension has none."""
    assert kind_of(name) == kind


@given(st.text())
def test_any_text_has_a_kind_or_none(name: str) -> None:
    kind = kind_of(name)
    assert kind is None or "." in name
    assert kind_of(f"{name}x.png") == "image"


def test_the_documented_namespaces_are_kinds() -> None:
    assert {kind_of("a.png"), kind_of("a.mp4")} == set(NAMESPACES)
