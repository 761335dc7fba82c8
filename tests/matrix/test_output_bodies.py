"""Rows D3 and D4: outputs that come encoded, or longer than any promise."""

from __future__ import annotations

import gzip
import re
from itertools import repeat
from typing import Any

import pytest
from conftest import Faults
from raw import Connection, message
from running import Box

from .mounts import with_mounts
from .scene import Scene
from .storage import HEAD, RESULT, chunk, chunked, stored
from .variants import slowly

OLD = b"what was there before"
ENCODED = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: %s\r\n"
BOMB = gzip.compress(bytes(100_000_000), 9)
"""A hundred kilobytes that would be a hundred megabytes."""


@pytest.mark.row("D3")
@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        (b"gzip", gzip.compress(RESULT)),
        (b"gzip, gzip", gzip.compress(gzip.compress(RESULT))),
        (b"gzip", BOMB),
        (b"gzip", b"not gzip at all"),
    ],
    ids=["gzip", "double", "bomb", "lying"],
)
@pytest.mark.parametrize(
    "known", [{"size": None}, {"size": None, "sha1": None}, *slowly({}, {"sha1": None})]
)
def test_an_encoding_that_was_not_asked_for(
    scene: Scene, encoding: bytes, body: bytes, known: dict[str, Any]
) -> None:
    """Identity was asked for: nothing is unpacked, so a bomb stays as small as it came."""
    answer = chunked(body, head=ENCODED % encoding)
    with stored(scene, answer, **known) as storage:
        blocks = len(BOMB) // 512 + 500
        script = f"ulimit -f {blocks}; compressor submit photo.png -o x.png"
        done = scene.shell(script, code=8)
    assert b"\r\nAccept-Encoding: identity\r\n" in storage.received[0]
    assert len(storage.received) == 1
    assert "encoded" in done.stderr or "longer than the promised" in done.stderr


@pytest.mark.row("D3")
def test_an_encoding_that_the_file_itself_has(scene: Scene) -> None:
    """A header that names an encoding of the very bytes that were promised does no harm."""
    with stored(scene, message(200, RESULT, {"Content-Encoding": "gzip"})):
        scene.run("submit", "photo.png", "-o", "x.png", code=0)
    assert (scene.folder / "x.png").read_bytes() == RESULT


@pytest.mark.row("D3")
def test_the_sandbox_sends_gzip(scene: Scene, box: Box, faults: Faults) -> None:
    scene.source("photo.png")
    faults({"on": "output", "gzip": True})
    scene.run("submit", "photo.png", "-o", "x.png", code=8)
    assert box.routes().count("output") == 1


def endless(connection: Connection) -> None:
    """An output without end, and without a declared length."""
    connection.request()
    connection.sock.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    for piece in repeat(chunk(bytes(65536))):
        connection.sock.sendall(piece)  # until the other side has gone


@pytest.mark.row("D4")
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (endless, f"the output is longer than the promised {len(RESULT)} bytes"),
        (chunked(RESULT + b"x"), f"the output is longer than the promised {len(RESULT)} bytes"),
        (message(200, RESULT + b"x"), f"has {len(RESULT) + 1} bytes, {len(RESULT)} were promised"),
        (message(200, RESULT, length=10**12), f"has {10**12} bytes, {len(RESULT)} were promised"),
    ],
    ids=["endless", "one byte more", "one more declared", "a terabyte declared"],
)
def test_a_body_larger_than_promised(scene: Scene, answer: Any, said: str) -> None:
    """Left as soon as it shows; a second look would not make it right."""
    old = scene.source("x.png", OLD)
    with stored(scene, answer) as storage:
        done = scene.run("submit", "photo.png", "-o", "x.png", code=8)
    assert said in done.stderr
    assert old.read_bytes() == OLD
    assert len(storage.received) == 1


@pytest.mark.row("D4")
@pytest.mark.parametrize(
    ("answer", "known"),
    [
        (message(200, RESULT, length=10**18), {"size": None}),
        (message(200, RESULT, length=10**18), {"size": 10**18}),
        (chunked(RESULT), {"size": 10**18}),
    ],
    ids=["declared", "declared and promised", "promised"],
)
def test_an_output_that_no_disk_holds(scene: Scene, answer: bytes, known: dict[str, Any]) -> None:
    """Told before a byte of it is written, with how much is needed, and how to go on."""
    with stored(scene, answer, **known):
        done = scene.run("submit", "photo.png", "-o", "x.png", code=9)
    assert "compressor: photo.png: no space in " in done.stderr
    assert f"{10**18} bytes are needed" in done.stderr
    assert done.commands == [f"compressor get --wait {done.ids[0]} --output x.png"]


@pytest.mark.row("D4")
@pytest.mark.parametrize("known", [{}, {"size": None, "sha1": None}], ids=["promised", "unknown"])
def test_an_output_without_a_declared_length(scene: Scene, known: dict[str, Any]) -> None:
    """Its last chunk tells that it is whole."""
    with stored(scene, chunked(RESULT), **known):
        scene.run("submit", "photo.png", "-o", "x.png", code=0)
    assert (scene.folder / "x.png").read_bytes() == RESULT


@pytest.mark.row("D4")
@pytest.mark.parametrize("output", ["disk/x.png", "-"], ids=["file", "stdout"])
def test_an_output_without_end_does_not_fill_the_disk(scene: Scene, output: str) -> None:
    """Of a disk of 40 MiB a twentieth stays free, also where the result is only on its way."""
    disk = scene.folder / "disk"
    disk.mkdir()
    script = with_mounts(
        f"mount -t tmpfs -o size=40m tmpfs {disk}",
        then=f"TMPDIR=$PWD/disk compressor submit photo.png -o {output}; "
        "code=$?; ls -A disk; exit $code",
    )
    with stored(scene, endless, size=None, sha1=None, name=None, format=None, mime=None):
        done = scene.shell(script, code=9)
    assert done.lines == done.ids
    said = re.search(
        "the output has no known end, and .* after ([0-9]+) bytes of it ([0-9]+) are", done.stderr
    )
    assert said
    written, free = map(int, said.groups())
    assert 36 << 20 < written <= 39 << 20
    assert 1 << 20 <= free < 2 << 20
    assert done.commands


@pytest.mark.row("D4")
def test_more_than_the_declared_length(scene: Scene) -> None:
    """What comes beyond it belongs to nothing, and is not read."""
    with stored(scene, message(200, RESULT + b"x" * 99, length=len(RESULT)), size=None, sha1=None):
        scene.run("submit", "photo.png", "-o", "x.png", code=0)
    assert (scene.folder / "x.png").read_bytes() == RESULT


@pytest.mark.slow
@pytest.mark.row("D4")
def test_a_negative_length(scene: Scene) -> None:
    """No HTTP: nothing of it is read, as often as it is tried."""
    old = scene.source("x.png", OLD)
    with stored(scene, message(200, RESULT, length=-5)):
        done = scene.run("submit", "photo.png", "-o", "x.png", code=5, within=30)
    assert old.read_bytes() == OLD
    assert done.commands == [f"compressor get --wait {done.ids[0]} --output x.png"]
