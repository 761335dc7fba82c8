"""What an API key looks like."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor_cli.errors import KeyProblem
from compressor_cli.memory.key import check_key, read_key_file

BAD = ["", "  \n", "hunter2 x", "hunter2\x00", "hunter2\nx", "hunter2é", "hunter2\x7f", "x" * 4097]


@pytest.mark.parametrize("text", BAD)
def test_refused_without_being_shown(text: str) -> None:
    """The source is named, the value is not, and the way to set one is told."""
    with pytest.raises(KeyProblem) as caught:
        check_key(text, source="environment X")
    assert "environment X" in caught.value.message
    assert "hunter2" not in caught.value.message
    for way in ("compressor auth login", "COMPRESSOR_API_KEY", "compressor sandbox exec -- "):
        assert way in caught.value.hint


@given(st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1))
def test_visible_ascii_is_taken(text: str) -> None:
    """White space around is trimmed; the repr does not show the value."""
    key = check_key(f" \t{text}\r\n", source="s")
    assert (key.value, key.source) == (text, "s")
    assert repr(key) == "Key(…, source='s')"


def test_colon_only_matters_for_basic() -> None:
    """A Basic user name ends at its first colon."""
    assert check_key("a:b", source="s").value == "a:b"
    with pytest.raises(KeyProblem, match="colon"):
        check_key("a:b", source="s", basic=True)


def test_key_file(tmp_path: Path) -> None:
    """A file's trailing newline is trimmed, a byte order mark too; a pipe will do."""
    file = tmp_path / "key"
    file.write_bytes(b"\xef\xbb\xbfabc\r\n")
    assert read_key_file(str(file), source="s").value == "abc"
    reader, writer = os.pipe()
    os.write(writer, b"abc\n")
    os.close(writer)
    try:
        assert read_key_file(f"/dev/fd/{reader}", source="s").value == "abc"
    finally:
        os.close(reader)


def test_key_file_trouble(tmp_path: Path) -> None:
    """Missing, a folder, not a path, too large, not text: one line that names the source."""
    large, binary = tmp_path / "large", tmp_path / "binary"
    large.write_bytes(b"x" * 65537)
    binary.write_bytes(b"hunter2\xff")
    for path in (tmp_path / "none", tmp_path, "\x00", large, binary):
        with pytest.raises(KeyProblem) as caught:
            read_key_file(str(path), source="environment F (path)")
        assert "environment F (path)" in caught.value.message
        assert "hunter2" not in caught.value.message
