"""A file as a request body."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from running import KEY, Box
from sandbox.pictures import encoded

from compressor_cli.api.client import ApiClient
from compressor_cli.engine.body import PIECE, Digest, UploadBody
from compressor_cli.errors import InputProblem


def body_of(
    path: Path, *, name: str = "a.png", options: dict[str, Any] | None = None
) -> UploadBody:
    return UploadBody(
        path, label="the label", name=name, options=options or {}, sent=lambda _done, _whole: None
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    path.write_bytes(os.urandom(2 * PIECE + 5))
    return path


def test_the_bytes_that_are_sent(tmp_path: Path) -> None:
    """`data` first, then `file`, with the length that was declared."""
    path = tmp_path / "x"
    path.write_bytes(b"content\r\n")
    with body_of(path, options={"image": {"compression": "ultra"}}) as body:
        boundary = body.content_type.removeprefix("multipart/form-data; boundary=")
        pieces = list(body)
        assert b"".join(pieces).decode() == (
            f"--{boundary}\r\n"
            'Content-Disposition: form-data; name="data"\r\n'
            "Content-Type: application/json\r\n\r\n"
            '{"image": {"compression": "ultra"}}\r\n'
            f"--{boundary}\r\n"
            'Content-Disposition: form-data; name="file"; filename="a.png"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
            "content\r\n\r\n"
            f"--{boundary}--\r\n"
        )
        assert body.length == len(b"".join(pieces))
        assert body.sha1() == hashlib.sha1(b"content\r\n").hexdigest()
    assert len(boundary) == 32


def test_no_two_boundaries_are_alike(file: Path) -> None:
    assert body_of(file).content_type != body_of(file).content_type


@pytest.mark.parametrize("size", [1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 7 * PIECE + 3])
def test_length_and_digest_are_right_for_every_size(tmp_path: Path, size: int) -> None:
    """And it is complete only once the last boundary is handed over, which is on its own."""
    content = os.urandom(size)
    path = tmp_path / "x"
    path.write_bytes(content)
    steps: list[tuple[int, int]] = []
    body = UploadBody(
        path, label="x", name="x", options={}, sent=lambda done, whole: steps.append((done, whole))
    )
    with body:
        sent, complete = [], []
        for piece in body:
            sent.append(piece)
            complete.append(body.complete)
        assert body.sha1() == hashlib.sha1(content).hexdigest()
    assert sum(map(len, sent)) == body.length
    assert b"".join(sent[1:-1]) == content
    assert complete == [False] * (len(sent) - 1) + [True]
    assert steps[-1] == (size, size)
    assert [done for done, _ in steps] == sorted({*range(PIECE, size, PIECE), size})


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_a_digest_of_pieces(pieces: list[bytes]) -> None:
    """That of hashlib, also when it is asked for between."""
    digest, plain = Digest(), hashlib.sha1()
    for piece in pieces:
        digest.update(piece)
        plain.update(piece)
        if len(piece) % 3 == 0:
            assert digest.hex() == plain.hexdigest()
    assert digest.hex() == digest.hex() == plain.hexdigest()
    digest.settle()


def drained(pieces: Iterator[bytes]) -> bytes:
    return b"".join(pieces)


@pytest.mark.parametrize("when", [1, 2, 3])
def test_a_file_that_shrinks_is_never_completed(file: Path, when: int) -> None:
    with body_of(file) as body:
        pieces = iter(body)
        for _ in range(when):
            next(pieces)
        os.truncate(file, 5)
        with pytest.raises(InputProblem, match="the label changed while it was sent"):
            drained(pieces)
        assert not body.complete


@pytest.mark.parametrize("when", [1, 2, 4])
def test_a_file_that_grows_is_never_completed(file: Path, when: int) -> None:
    with body_of(file) as body:
        pieces = iter(body)
        for _ in range(when):
            next(pieces)
        with file.open("ab") as other:
            other.write(b"more")
        with pytest.raises(InputProblem, match="changed") as caught:
            drained(pieces)
        assert not body.complete
    assert "nothing was accepted" in caught.value.message


def test_a_file_that_is_rewritten_is_never_completed(file: Path) -> None:
    """Same size, other time."""
    with body_of(file) as body:
        pieces = iter(body)
        next(pieces)
        os.utime(file, ns=(1, 1))
        with pytest.raises(InputProblem):
            drained(pieces)
        assert not body.complete


def test_a_file_that_is_replaced_is_sent_as_it_was(file: Path) -> None:
    """Another file of the same name is none of ours."""
    content = file.read_bytes()
    with body_of(file) as body:
        pieces = iter(body)
        next(pieces)
        new = file.with_name("new")
        new.write_bytes(b"other")
        new.replace(file)
        assert content in drained(pieces)
        assert body.complete


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    with (
        pytest.raises(InputProblem, match="the label cannot be read: No such file"),
        body_of(tmp_path / "none"),
    ):
        pytest.fail("it was opened")


def test_a_file_that_cannot_be_read_on(tmp_path: Path) -> None:
    """A folder can be opened nowhere, and memory of a process opened but not read."""
    with pytest.raises(InputProblem), body_of(tmp_path):
        pytest.fail("it was opened")
    body = body_of(Path("/proc/self/mem"))
    with body, pytest.raises(InputProblem, match="cannot be read: Input/output error"):
        body._read(10)


NAMES = [
    ('q"uo"te.png', "q%22uo%22te.png"),
    ("a\r\nX-Evil: 1\r\n\r\nb.png", "a%0D%0AX-Evil: 1%0D%0A%0D%0Ab.png"),
    ('a.png"; filename="b.png', "a.png%22; filename=%22b.png"),
    ('a"; name="data', "a%22; name=%22data"),
    ("tab\there\x01\x7f.png", "tab_here__.png"),
    (os.fsdecode(b"\xff\xfe.png"), "??.png"),
    ("ev\u202egpj.png", "ev\u202egpj.png"),
    ("grüße 漢字 🎉.png", "grüße 漢字 🎉.png"),
    ("back\\slash\\.png", "back%5Cslash%5C.png"),
    ("ends with \\", "ends with %5C"),
    ("x" * 251 + ".png", "x" * 251 + ".png"),
    ("ä" * 300 + ".png", "ä" * 125 + ".png"),
    ("-rf", "-rf"),
    ("%22.png", "%22.png"),
]


@pytest.mark.parametrize(("name", "seen"), NAMES)
def test_hostile_names_stay_names(box: Box, tmp_path: Path, name: str, seen: str) -> None:
    """The server sees one file part with one name, and the options that were sent."""
    path = tmp_path / "x"
    path.write_bytes(encoded("png"))
    client = ApiClient(api_url=box.url, key=KEY)
    with body_of(path, name=name, options={"webhook": {"url": "http://127.0.0.1:1/"}}) as body:
        content = drained(iter(body))
        head = content.partition(b"\r\nContent-Type: application/octet-stream\r\n\r\n")[0]
        disposition = head.rpartition(b"\r\n")[2]
        prefix = b'Content-Disposition: form-data; name="file"; filename="'
        assert disposition == prefix + seen.encode() + b'"'
    with body_of(path, name=name) as body:
        job = client.upload(body).job
    client.close()
    assert job.state == "completed"
    assert job.input.size == path.stat().st_size
    assert job.input.sha1 == body.sha1()
    shown = str(job.input.name)
    assert shown.endswith(Path(name).suffix if len(name) < 200 and "\\" not in name else "")
    assert not set(shown) & set("\r\n")


@given(st.text(max_size=40) | st.text(alphabet='"\\\r\n;=%\x00\udcff ä', max_size=300))
def test_no_name_leaves_its_header(name: str) -> None:
    """One line, one pair of quotes, at most 255 bytes, UTF-8."""
    with body_of(Path(__file__), name=name) as body:
        head = next(iter(body))
    line = head.split(b"\r\n")[6]
    value = line.removeprefix(b'Content-Disposition: form-data; name="file"; filename="')
    assert value.endswith(b'"')
    quoted = value[:-1]
    assert not set(quoted) & set(b'"\\\r\n\0')
    assert len(quoted) <= 255
    assert quoted.decode() is not None
    assert len(head.split(b"\r\n")) == 10


SPARSE = """
import resource, sys
from pathlib import Path
from compressor_cli.engine.body import UploadBody

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with UploadBody(
    Path(sys.argv[1]), label="x", name="x", options={}, sent=lambda done, whole: None
) as body:
    assert sum(map(len, body)) == body.length > 300_000_000
    body.sha1()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """300 MB are sent and hashed in less than 20 MiB more."""
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(300_000_000)
    done = subprocess.run(
        [sys.executable, "-c", SPARSE, str(path)], capture_output=True, timeout=60, check=True
    )
    assert int(done.stdout) < 20 * 1024


def test_options_are_ascii_json(file: Path) -> None:
    """Whatever they hold, also lone surrogates."""
    options: dict[str, Any] = {"ä": ["\ud800", None, 1.5]}
    with body_of(file, options=options) as body:
        head = next(iter(body))
    data = head.split(b"\r\n")[4]
    assert data.isascii()
    assert json.loads(data) == options
