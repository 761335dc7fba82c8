"""Row D20: a result that goes to stdout: all of it and verified, or nothing."""

from __future__ import annotations

import os
import pty
from typing import Any

import pytest
from conftest import Faults
from raw import Connection, message
from running import Box, until

from .mounts import with_mounts
from .scene import Scene, sha1
from .storage import RESULT, stored


@pytest.mark.row("D20")
@pytest.mark.parametrize(
    ("verb", "options"),
    [
        ("submit photo.png", ""),
        ("submit photo.png", "--json"),
        ("get --last", "--verbose"),
        ("get --last", "--json"),
        ("wait --last", ""),
    ],
)
def test_a_pipe_gets_the_result_and_nothing_else(
    scene: Scene, box: Box, verb: str, options: str
) -> None:
    """No id, no path, no record stands among its bytes; what is said stands on stderr."""
    scene.source("photo.png")
    if "--last" in verb:
        scene.run("submit", "photo.png", code=0)
    done = scene.shell(f"compressor {verb} {options} -o - | cat", code=0, foreign=True)
    assert [sha1(done.out)] == box.stats()["outputs"][-1:]
    assert "photo.png" in done.stderr


@pytest.mark.row("D20")
@pytest.mark.parametrize(
    "fault",
    [{"corrupt": True}, {"body": "<html>", "content_type": "text/html"}, {"gzip": True}],
    ids=["wrong", "page", "gzip"],
)
def test_nothing_unverified_reaches_the_next_program(
    scene: Scene, box: Box, faults: Faults, fault: dict[str, Any]
) -> None:
    scene.source("photo.png")
    faults({"on": "output", **fault})
    done = scene.run("submit", "photo.png", "-o", "-", code=8)
    assert done.out == b""
    assert box.stats()["accepted"] == 1


@pytest.mark.row("D20")
def test_the_pipe_gets_nothing_before_all_is_here(scene: Scene) -> None:
    """Not even the first bytes of a result that is still on its way."""
    before: list[str] = []

    def in_two_parts(connection: Connection) -> None:
        connection.request()
        connection.send(message(200, RESULT[:500], length=len(RESULT)))
        spool = scene.compressor.home / "tmp"
        until(lambda: list(spool.glob(".compressor-result.*.part")))
        before.append(going.stdout)
        connection.send(RESULT[500:])

    with stored(scene, in_two_parts):
        going = scene.start("submit", "photo.png", "-o", "-")
        done = scene.held(going.ended(), code=0)
    assert before == [""]
    assert done.out == RESULT


@pytest.mark.row("D20")
@pytest.mark.usefixtures("box")
def test_a_pipe_that_nobody_reads(scene: Scene) -> None:
    """Ends quietly, with the code that a shell shows for it; the job can be fetched again."""
    scene.source("photo.bmp", width=400, height=300)
    scene.run("submit", "photo.bmp", code=0)
    reading, writing = os.pipe()
    going = scene.start("get", "--last", "-o", "-", stdout=writing)
    os.close(reading)
    os.close(writing)
    done = scene.held(going.ended(), code=141)
    assert done.err == b""
    scene.run("get", "--last", "-o", "x.bmp", code=0)


@pytest.mark.row("D20")
@pytest.mark.parametrize("options", ["", "--quiet"])
@pytest.mark.usefixtures("box")
def test_a_full_disk_behind_stdout(scene: Scene, options: str) -> None:
    """Told with the command that fetches it again without a second upload."""
    scene.source("photo.png")
    done = scene.shell(f"compressor submit photo.png {options} -o - > /dev/full", code=9)
    assert "compressor: photo.png: stdout cannot be written: No space left on device" in done.stderr
    (again,) = done.commands
    assert again.startswith("compressor get --wait ")
    scene.shell(again.replace("--output -", "--output x.png"), code=0)


@pytest.mark.row("D20")
@pytest.mark.usefixtures("box")
def test_a_disk_that_becomes_full_behind_stdout(scene: Scene) -> None:
    """A little of it may stand there then: the exit code says that it is not all."""
    scene.source("photo.png", width=800, height=600)
    disk = scene.folder / "disk"
    disk.mkdir()
    then = "compressor submit photo.png -o - > disk/x.png"
    script = with_mounts(f"mount -t tmpfs -o size=64k tmpfs {disk}", then=then)
    done = scene.shell(script, code=9)
    assert "stdout cannot be written: No space left on device" in done.stderr
    assert done.commands


@pytest.mark.row("D20")
@pytest.mark.parametrize("name", ["-", "/dev/stdout"])
@pytest.mark.parametrize("verb", ["submit photo.png", "get 38a8bb5e"])
def test_a_stdout_that_is_closed(scene: Scene, box: Box, verb: str, name: str) -> None:
    """Nothing could take the result: told before anything is sent."""
    scene.source("photo.png")
    done = scene.shell(f"compressor {verb} -o {name} >&-", code=9)
    assert done.stderr == (
        "compressor: the result would go to stdout, which is closed\n  send it to a file or pipe\n"
    )
    assert box.requests == []


@pytest.mark.row("D20")
@pytest.mark.usefixtures("box")
def test_a_full_disk_on_the_way_to_stdout(scene: Scene) -> None:
    """Where the result waits until it is verified. Nothing of it came to stdout."""
    scene.source("photo.png", width=800, height=600)
    disk = scene.folder / "disk"
    disk.mkdir()
    then = "TMPDIR=$PWD/disk compressor submit photo.png -o -; code=$?; ls -A disk; exit $code"
    done = scene.shell(with_mounts(f"mount -t tmpfs -o size=64k tmpfs {disk}", then=then), code=9)
    assert done.out == b""
    assert f"compressor: photo.png: no space in {disk}: " in done.stderr
    assert done.commands
    assert done.commands[0].startswith("compressor get --wait ")


@pytest.mark.row("D20")
@pytest.mark.parametrize("name", ["-", "/dev/stdout"])
@pytest.mark.parametrize(("force", "code"), [((), 2), (("--force",), 0)], ids=["", "force"])
def test_a_terminal(scene: Scene, box: Box, name: str, force: tuple[str, ...], code: int) -> None:
    """Bytes are not shown to people unless they insist; known before anything is sent."""
    scene.source("photo.png")
    ours, theirs = pty.openpty()
    going = scene.start("submit", "photo.png", "-o", name, *force, stdout=theirs)
    os.close(theirs)
    shown = _all_of(ours)
    done = scene.held(going.ended(), code=code)
    assert box.stats()["accepted"] == (0 if code else 1)
    assert (b"PNG" in shown) == (not code)
    if code:
        assert done.stderr == (
            "compressor: the result would go to the terminal\n"
            "  send it to a file or pipe, or --force\n"
        )


def _all_of(terminal: int) -> bytes:
    """What is shown on the other side, until that is closed."""
    shown = b""
    try:
        while piece := os.read(terminal, 65536):
            shown += piece
    except OSError:  # so Linux tells the end
        pass
    os.close(terminal)
    return shown
