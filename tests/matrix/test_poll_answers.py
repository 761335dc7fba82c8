"""Rows C: looks whose answers cannot be used, are about another job, or name no usable id."""

from __future__ import annotations

import base64
import contextlib
import gzip
import re

import pytest
from conftest import Faults
from raw import Connection, RawServer, Script, message, says
from running import Box

from .peak import BOUND, Peak
from .scene import Scene
from .variants import slowly
from .waiting import submitted

BAD: dict[str, bytes] = {
    "HTML": b"<html><title>Log in</title></html>",
    "nothing": b"",
    "a list": b"[]",
    "null": b"null",
    "cut JSON": b'{"id": "38a8bb5e", "status": "comp',
    "UTF-16": '{"status": "processing"}'.encode("utf-16"),
    "not UTF-8": b'{"status": "\xff\xfe"}',
    "nested 200,000 times": b'{"status":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "a number of 4301 digits": b'{"size": ' + b"9" * 4301 + b"}",
    "no number": b'{"size": NaN}',
    "an endless number": b'{"size": 1e999}',
    "gzip, not asked for": gzip.compress(b'{"status": "processing"}'),
}
SAID = re.compile(
    r"compressor: \d+\.png: the service("
    r" sent an empty answer| sent an answer that is not JSON"
    r"|'s answer is JSON, but not an object|'s answer is nested too deeply)"
)


@pytest.mark.row("C6")
def test_three_bad_answers_in_a_row_are_the_end(scene: Scene, box: Box, faults: Faults) -> None:
    """Of whatever sort: as many jobs as sorts, each of which is answered three times."""
    ids = submitted(scene, box, *["processing"] * 9, count=len(BAD))
    contents = [base64.b64encode(body).decode() for body in BAD.values()]
    faults(*({"on": "job", "status": 200, "body_base64": text, "times": 3} for text in contents))
    scene.compressor.env["COMPRESSOR_STATE_DIR"] = str(scene.compressor.home / "state")
    done = scene.run("wait", *ids, code=6, within=6)
    assert sorted(done.lines) == sorted(f"{job}\terror" for job in ids)
    ends = [line for line in done.stderr.splitlines() if line.startswith("compressor:")]
    assert len(ends) == len(BAD)
    assert all(SAID.fullmatch(line) for line in ends)
    assert box.routes() == ["job"] * 3 * len(BAD)


ODD = [b"\xef\xbb\xbf{}", b'{"status": "completed", "status": "processing"}', b'{"x": {"y": []}}']
"""With a BOM; with one word twice; with words that nobody knows."""


@pytest.mark.row("C6")
def test_an_odd_answer_is_an_answer(scene: Scene, box: Box, faults: Faults) -> None:
    """Nothing in it says that the job is over."""
    ids = submitted(scene, box, count=len(ODD))
    contents = [base64.b64encode(body).decode() for body in ODD]
    faults(*({"on": "job", "status": 200, "body_base64": text} for text in contents))
    done = scene.run("wait", *ids, code=0)
    assert sorted(done.lines) == sorted(f"{job}\tcompleted" for job in ids)
    assert "next try" not in done.stderr


def endless(connection: Connection) -> None:
    """A gigabyte of an answer, as fast as it is taken."""
    connection.head()
    length = 1 << 30
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    with contextlib.suppress(OSError):
        connection.sock.sendall(head.encode() + b'{"padding": "')
        for _ in range(length >> 20):
            connection.sock.sendall(b"x" * (1 << 20))


def chunks(connection: Connection) -> None:
    """The same in chunks, of which no length tells how many there will be."""
    connection.head()
    chunk = b"100000\r\n" + b"x" * (1 << 20) + b"\r\n"
    with contextlib.suppress(OSError):
        connection.sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(1 << 10):
            connection.sock.sendall(chunk)


def bomb() -> Script:
    """Little on the wire, a hundred megabytes once it is unpacked, if anybody does that."""
    content = gzip.compress(b'{"padding": "' + b"x" * 100_000_000 + b'"}', compresslevel=1)
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    return says(message(200, content, headers))


@pytest.mark.row("C6")
@pytest.mark.parametrize(
    ("script", "why"),
    [
        (endless, "127.0.0.1:PORT sent an answer without end"),
        (chunks, "127.0.0.1:PORT sent an answer without end"),
        (bomb(), "the service sent an answer that is not JSON"),
    ],
    ids=["1 GB", "1 GB in chunks", "a gzip bomb"],
)
@pytest.mark.parametrize("command", ["status", *slowly("wait")])
def test_no_answer_takes_much_memory(scene: Scene, script: Script, why: str, command: str) -> None:
    """Eight MiB are read at most, and nothing is unpacked."""
    peak = Peak(scene.compressor.home)
    with RawServer(script, script, script) as server:
        scene.api(server)
        done = scene.shell(f"{peak.prefix} compressor {command} 38a8bb5e", code=6)
    why = why.replace("PORT", str(server.port))
    assert done.stderr.splitlines()[-1] == f"compressor: 38a8bb5e: {why}"
    assert peak.bytes < BOUND


@pytest.mark.row("C7")
def test_the_answer_for_another_job_is_not_believed(scene: Scene, box: Box, faults: Faults) -> None:
    """Nor is its file fetched, though a URL is named. It may be a slip, so it is asked again."""
    mine, other = submitted(scene, box, count=2)
    url = f"{box.origin}/outputs/of-another"
    faults({"on": "job", "merge": {"id": other, "url": url, "status": "completed"}, "times": 3})
    done = scene.run("get", mine, "--wait", "-o", "mine.png", code=6)
    wrong = f"compressor: {mine}: the service answered for another job: {other}"
    assert done.stderr.splitlines()[-1] == wrong
    assert box.routes() == ["job"] * 3
    assert not (scene.folder / "mine.png").exists()


HOSTILE = {
    "a path upwards": ("../../x", "'../../x'"),
    "dots": ("..", "'..'"),
    "a path": ("a/b", "'a/b'"),
    "a query": ("a?b", "'a?b'"),
    "a fragment": ("a#b", "'a#b'"),
    "10 kB": ("x" * 10_000, f"'{'x' * 80}'"),
    "escapes": ("\x1b]0;evil\x07\x1b[31m", r"'\x1b]0;evil\x07\x1b[31m'"),
    "lines": ("a\nb", r"'a\nb'"),
    "no ASCII": ("１２", "'１２'"),
    "an object": ({"x": 1}, "\"{'x': 1}\""),
}


@pytest.mark.row("C8")
@pytest.mark.parametrize(("job_id", "shown"), HOSTILE.values(), ids=HOSTILE)
def test_an_id_that_cannot_be_one(
    scene: Scene, box: Box, faults: Faults, job_id: object, shown: str
) -> None:
    """It is asked for nowhere; the job was made, and nobody can know it: that is doubt."""
    scene.source("photo.png")
    faults({"on": "upload", "merge": {"id": job_id}})
    done = scene.run("submit", "photo.png", "-o", "out/", code=7)
    assert done.stdout == ""
    assert done.stderr.splitlines()[0] == (
        "compressor: photo.png: the upload was sent whole, but whether it was accepted is unknown "
        f"(the service gave no usable job id: {shown})"
    )
    assert box.routes() == ["upload"]
