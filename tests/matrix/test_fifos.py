"""Row D13: a FIFO as the target, and readers of it that do not come or do not stay."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path

import pytest
from raw import message
from running import until

from .scene import Scene
from .storage import JOB, RESULT, stored

AGAIN = f"compressor get --wait {JOB} --output fifo"


@pytest.fixture
def fifo(scene: Scene) -> Path:
    path = scene.folder / "fifo"
    os.mkfifo(path)
    return path


@pytest.mark.row("D13")
@pytest.mark.parametrize("verb", ["submit photo.png", "get --last"])
def test_a_fifo_whose_reader_never_comes(scene: Scene, fifo: Path, verb: str) -> None:
    """Ends by the deadline, and does not call a job that is completed one that still runs."""
    with stored(scene, message(200, RESULT)):
        if verb.startswith("get"):
            scene.run("submit", "photo.png", code=0)
        done = scene.run(*verb.split(), "-o", "fifo", "--timeout", "1", code=10, within=2.5)
    assert done.stderr.splitlines()[-2:] == [
        "compressor: 1 s are over; the job is completed, but not every result is in its place",
        f"  go on with: {AGAIN}",
    ]
    assert stat.S_ISFIFO(fifo.lstat().st_mode)


@pytest.mark.row("D13")
def test_a_signal_while_a_reader_is_waited_for(scene: Scene, fifo: Path) -> None:
    """It is heard, and the job is not said to be running."""
    with stored(scene, message(200, RESULT)):
        going = scene.start("submit", "photo.png", "-o", "fifo")
        spool = scene.compressor.home / "tmp"
        until(lambda: [part for part in spool.iterdir() if part.stat().st_size == len(RESULT)])
        done = scene.held(going.signalled(signal.SIGINT), code=130)
    assert done.commands == [AGAIN]
    assert "still running" not in done.stderr
    assert stat.S_ISFIFO(fifo.lstat().st_mode)


@pytest.mark.row("D13")
def test_a_fifo_whose_reader_leaves(scene: Scene, fifo: Path) -> None:
    """It is no end of stdout's reader: the result did not arrive, and that is told."""
    big = RESULT + bytes(1_000_000)
    scene.promise(big)
    told = {"size": len(big), "sha1": None}
    with stored(scene, message(200, big), **told):
        done = scene.shell(
            "head -c 9 fifo >/dev/null & compressor submit photo.png -o fifo", code=9
        )
    assert "compressor: photo.png: fifo cannot be written: Broken pipe\n" in done.stderr
    assert done.commands == [AGAIN]
    assert stat.S_ISFIFO(fifo.lstat().st_mode)


@pytest.mark.row("D13")
@pytest.mark.parametrize("name", ["-", "/dev/stdout"])
def test_what_stands_in_a_file_that_is_appended_to_stays(scene: Scene, name: str) -> None:
    joined = scene.compressor.home / "joined"
    joined.write_bytes(b"before, ")
    scene.promise(b"before, " + RESULT)
    with stored(scene, message(200, RESULT)):
        scene.shell(f"compressor submit photo.png -o {name} >> '{joined}'", code=0)
    assert joined.read_bytes() == b"before, " + RESULT
