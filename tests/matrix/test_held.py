"""Rows F3 and D14: what another program holds, or spoils, while a run goes on and while it ends."""

from __future__ import annotations

import fcntl
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from running import Box, until

from .nobody import as_nobody
from .scene import Scene

FOREVER = {"on": "upload", "states": ["processing"] * 99}
SLOW_OUTPUT = {"on": "output", "stall": 1.5}
HELD = "compressor.lock cannot be written: another program holds it"


@pytest.fixture
def lock(scene: Scene) -> Path:
    """The lock of an earlier run."""
    scene.source("old.png", seed=9)
    scene.run("compress", "old.png", "-o", "out/", code=0)
    scene.source("a.png")
    return scene.folder / "compressor.lock"


@contextmanager
def held(lock: Path) -> Iterator[None]:
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def ledger_held(scene: Scene) -> Iterator[None]:
    path = Path(scene.compressor.env["COMPRESSOR_STATE_DIR"], "ledger.sqlite3")
    with closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


@pytest.mark.row("F3")
@pytest.mark.usefixtures("box")
def test_a_deadline_comes_though_the_lock_is_held(scene: Scene, lock: Path) -> None:
    with held(lock):
        done = scene.run("compress", "a.png", "-o", "out/", "--timeout", "3s", code=10, within=5)
    assert done.commands == ["compressor compress --output out/ --timeout 3s -- a.png"]
    scene.run("compress", "a.png", "-o", "out/", code=0)


@pytest.mark.row("F3")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.usefixtures("box")
def test_a_signal_gets_through_though_the_lock_is_held(
    scene: Scene, lock: Path, number: signal.Signals
) -> None:
    with held(lock):
        going = scene.start("compress", "a.png", "-o", "out/")
        until(lambda: (scene.folder / "out/a.png").exists())
        done = scene.held(going.signalled(number, within=4), 128 + number)
    assert done.commands == ["compressor compress --output out/ -- a.png"]
    assert "1 file" in done.stdout


@pytest.mark.slow
@pytest.mark.row("F3")
@pytest.mark.usefixtures("box")
def test_a_lock_that_is_held_for_long(scene: Scene, lock: Path) -> None:
    """The result is in place; what could not be noted is said, with what to do."""
    with held(lock):
        done = scene.run("compress", "a.png", "-o", "out/", code=9, within=25)
    assert HELD in done.stderr
    assert "run it again when that has ended, or with --no-lock" in done.stderr


@pytest.mark.row("F3")
@pytest.mark.parametrize("number", [0, signal.SIGTERM])
def test_a_lock_that_is_spoiled_during_the_run(
    scene: Scene, box: Box, lock: Path, number: int
) -> None:
    """As by a merge: it is named, and hides neither the table nor how to go on."""
    header, line = lock.read_bytes().splitlines(keepends=True)
    lock.write_bytes(header + line + line)  # it is to be sorted, whatever comes
    box.script(FOREVER if number else SLOW_OUTPUT)
    going = scene.start("compress", "a.png", "-o", "out/")
    going.says("processing") if number else until(lambda: box.fired() == [1])
    before = lock.read_bytes()
    lock.write_bytes(before + b"<<<<<<< HEAD\n" + before)
    if number:
        done = scene.held(going.signalled(number), 128 + number)
        assert done.commands == ["compressor compress --output out/ -- a.png"]
    else:
        done = scene.held(going.ended(), 3)
    assert "1 file: 1 " in done.stdout
    assert "compressor.lock is damaged in line 4" in done.stderr


@pytest.mark.slow
@pytest.mark.row("F3")
@pytest.mark.parametrize("command", ["submit --wait", "compress -o out/"])
@pytest.mark.parametrize("number", [0, signal.SIGINT, signal.SIGTERM])
def test_a_ledger_that_is_held_while_it_ends(
    scene: Scene, box: Box, number: int, command: str
) -> None:
    """By the deadline or a signal, in the midst of an upload."""
    scene.source("big.bmp", width=1800, height=1200)
    scene.run("jobs", code=0)
    box.script({"on": "upload", "throttle": 300_000})
    timeout = [] if number else ["--timeout", "3s"]
    going = scene.start(*command.split(), *timeout, "big.bmp")
    until(lambda: box.fired() == [1])
    begun = time.monotonic()
    with ledger_held(scene):
        if number:
            going.process.send_signal(number)
        done = scene.held(going.ended(), 128 + number if number else 5)
    assert time.monotonic() - begun < (6 if number else 9)
    assert len(done.commands) == 1
    assert "the ledger" in done.stderr
    assert "was in use by another program" in done.stderr


@pytest.mark.row("D14")
@pytest.mark.parametrize("missing", [False, True])
def test_a_lock_that_cannot_be_written(scene: Scene, box: Box, lock: Path, missing: bool) -> None:
    """Seen before anything is paid for: read-only, or missing where no file can be made."""
    here = scene.folder
    locks = here / "locks"
    locks.mkdir()
    if not missing:
        lock = lock.rename(locks / lock.name)
        lock.chmod(0o444)
    locks.chmod(0o555)
    sent = box.stats()["accepted"]
    words = ("compress", "a.png", "-o", "out/", "--lock", "locks/compressor.lock")
    try:
        done = scene.shell(as_nobody("compressor", *words), code=9)
        assert box.stats()["accepted"] == sent
        scene.shell(as_nobody("compressor", *words, "--dry-run"), code=0)
    finally:
        locks.chmod(0o755)
    assert "locks/compressor.lock cannot be written: Permission denied" in done.stderr
    assert "or run with --no-lock" in done.stderr
