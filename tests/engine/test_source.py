"""What is handed over, checked before anything is sent."""

from __future__ import annotations

import io
import os
import socket
import stat
from pathlib import Path

import pytest

from compressor_cli.engine.source import (
    StdinSource,
    file_source,
    is_url,
    spool_file,
    spooled,
    url_source,
)
from compressor_cli.errors import InputProblem, OutputProblem, UsageProblem


def test_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it was named, where it lies whatever folder one changes to, and how long it is."""
    (tmp_path / "a b.png").write_bytes(b"12345")
    monkeypatch.chdir(tmp_path)
    source = file_source("./a b.png")
    assert (source.label, source.name, source.size) == ("./a b.png", "a b.png", 5)
    assert source.path == tmp_path / "a b.png"


def test_a_link_to_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"12345")
    (tmp_path / "link.png").symlink_to("a.png")
    assert file_source(str(tmp_path / "link.png")).name == "link.png"


def test_what_is_no_file_to_send(tmp_path: Path) -> None:
    """Refused before it is opened: a pipe would be waited for, a device has no end."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").touch()
    (tmp_path / "dangling").symlink_to("none")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_bytes(b"x")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        for name, said in {
            "": "a folder, not a regular file",
            "pipe": "a pipe, not a regular file",
            "socket": "a socket, not a regular file",
            "empty": "is empty",
            "none": "cannot be read: No such file",
            "dangling": "cannot be read: No such file",
            "loop": "cannot be read: Too many levels",
            "file/x": "cannot be read: Not a directory",
            "a" * 300: "cannot be read: File name too long",
        }.items():
            with pytest.raises(InputProblem, match=said):
                file_source(f"{tmp_path}/{name}")
    with pytest.raises(InputProblem, match="a device"):
        file_source("/dev/zero")
    with pytest.raises(InputProblem, match="empty"):
        file_source("/proc/self/mem")
    with pytest.raises(InputProblem, match="not a possible path"):
        file_source("a\0b")


@pytest.mark.parametrize("text", ["http://h", "https://h/x", "HTTPS://h"])
def test_urls(text: str) -> None:
    assert is_url(text)


@pytest.mark.parametrize(
    "text", ["", "-", "a.png", "httpx://h", "file:///x", "https:/x", "./http://"]
)
def test_paths(text: str) -> None:
    assert not is_url(text)


@pytest.mark.parametrize(
    ("text", "label", "name"),
    [
        ("https://u:pw@h/a/b%20c.png?sig=1#f", "https://h/a/b%20c.png", "b c.png"),
        ("https://h", "https://h", "h"),
        ("https://h/", "https://h/", "h"),
        ("https://h/a/", "https://h/a/", "a"),
        ("https://h/%2e%2e%2fevil", "https://h/%2e%2e%2fevil", "evil"),
    ],
)
def test_a_url(text: str, label: str, name: str) -> None:
    """Sent as it is; shown without credentials; named after its path."""
    source = url_source(text, headers={"A": "b"})
    assert (source.url, source.label, source.name, source.headers) == (
        text,
        label,
        name,
        {"A": "b"},
    )


@pytest.mark.parametrize(
    "text",
    [
        "http://",
        "https:///x",
        "https://[",
        "https://h:0/",
        "https://h:x/",
        "https://h/a b",
        "https://h/\n",
    ],
)
def test_urls_that_nobody_could_retrieve(text: str) -> None:
    with pytest.raises(UsageProblem, match="not a usable URL"):
        url_source(text, headers={})


def test_standard_input_is_kept_in_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    checks: list[int] = []
    content = os.urandom(3_000_000)
    source = spooled(StdinSource(io.BytesIO(content)), path, check=lambda: checks.append(1))
    assert path.read_bytes() == content
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (source.label, source.name, source.size, source.path) == ("-", "stdin", 3_000_000, path)
    assert len(checks) == 3


def test_standard_input_that_is_empty(tmp_path: Path) -> None:
    with pytest.raises(InputProblem, match="empty"):
        spooled(StdinSource(io.BytesIO()), tmp_path / "spool", check=lambda: None)


def test_standard_input_without_end(tmp_path: Path) -> None:
    """It is left after a limit; the test's own is small."""
    with Path("/dev/zero").open("rb") as endless, pytest.raises(InputProblem, match="does not end"):
        spooled(StdinSource(endless), tmp_path / "spool", check=lambda: None, limit=5_000_000)
    assert (tmp_path / "spool").stat().st_size <= 5_000_000


def test_standard_input_that_cannot_be_read_or_kept(tmp_path: Path) -> None:
    (tmp_path / "spool").touch()
    with pytest.raises(OutputProblem, match=r"cannot be kept in .*: File exists"):
        spooled(StdinSource(io.BytesIO(b"x")), tmp_path / "spool", check=lambda: None)
    with (
        Path("/proc/self/mem").open("rb") as stream,
        pytest.raises(InputProblem, match="standard input cannot be read: Input/output"),
    ):
        spooled(StdinSource(stream), tmp_path / "other", check=lambda: None)


def test_spool_files_have_names_of_their_own() -> None:
    assert spool_file() != spool_file()
    assert not spool_file().exists()
