"""Rows F4, F8: killed at any moment, and interrupted while the key is saved."""

from __future__ import annotations

import fcntl
import json
import os
import random
import shutil
import signal
import stat
import sys
import termios
import threading
from pathlib import Path
from typing import IO

import pytest
from running import KEY, Box, until

from .scene import Scene, sha1
from .tools import needs, traced

ANOTHER = "sk-another-5Hn8wQ3e"
QUICK = 2
POINTS = [
    pytest.param(point, marks=[] if point < QUICK else pytest.mark.slow) for point in range(20)
]
PLACES = (["-o", "out/"], ["--in-place"])


def killed(scene: Scene, *words: str, after: float) -> None:
    """Start it, kill it so many seconds later, and see what is left over."""
    before = set(scene.compressor.files())
    going = scene.start(*words)
    threading.Event().wait(after)
    going.process.kill()
    going.process.wait()
    state = Path(scene.compressor.env["COMPRESSOR_STATE_DIR"])
    new = {path for path in scene.compressor.files() if state not in path.parents} - before
    allowed = (".part", "compressor.lock")
    left = [path for path in new if not path.name.endswith(allowed) and path.parent.name != "out"]
    assert not left
    scene.held(going.ended(), {137, 0})


@pytest.mark.row("F4")
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_random_point(scene: Scene, later: Box, point: int) -> None:
    """Old results and the configuration are as they were; the next run does the rest."""
    place, chance = PLACES[point % 2], random.Random(point)
    scene.run("config", "set", "timeout", "20s", code=0)
    configuration = scene.compressor.config.read_bytes()
    sources = [scene.source(f"in/p{seed}.png", seed=seed) for seed in range(3)]
    scene.run("compress", "in/p0.png", *place, code=0)
    words = ["compress", "in", *place]
    inputs = {path: path.read_bytes() for path in sources}
    killed(scene, *words, after=chance.uniform(0.1, 1.2))
    assert scene.compressor.config.read_bytes() == configuration
    for line in (scene.folder / "compressor.lock").read_text().splitlines():
        json.loads(line)
    done = scene.run(*words, "--json", code={0, 7})
    rows = {row["path"]: row for row in done.records if row["kind"] == "file"}
    outputs = later.stats()["outputs"]
    for path, content in inputs.items():
        row = rows[str(path.relative_to(scene.folder))]
        if row["exit_code"] == 7:
            assert "never heard" in row["detail"]
        else:
            target = path if place[0] != "-o" else scene.folder / "out" / path.name
            assert sha1(target.read_bytes()) in outputs
        if place[0] == "-o":
            assert path.read_bytes() == content


@pytest.fixture
def configuration(scene: Scene) -> Path:
    """One with another key in it; the environment has none."""
    del scene.compressor.env["COMPRESSOR_API_KEY"]
    scene.run("auth", "login", "--no-check", stdin=ANOTHER.encode(), code=0)
    return scene.compressor.config


NUMBERS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL]
CALLS = {"write": "write", "settle": "fsync", "rename": "rename,renameat,renameat2"}


def check_saved(scene: Scene, before: bytes) -> None:
    """The old key or the new one, whole, and nothing here that others may read."""
    place = scene.compressor.config
    content = place.read_bytes()
    assert content in (before, before.replace(ANOTHER.encode(), KEY.encode()))
    assert {stat.S_IMODE(path.stat().st_mode) for path in place.parent.iterdir()} == {0o600}
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700


def check_logout(scene: Scene) -> None:
    """No key is in any file afterwards, and nothing half-written lies about."""
    scene.run("auth", "logout", code=0)
    for path in scene.compressor.config.parent.iterdir():
        assert path == scene.compressor.config
        assert KEY not in path.read_text()
        assert ANOTHER not in path.read_text()


@pytest.mark.row("F8")
@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number.name)
@pytest.mark.parametrize("step", CALLS)
def test_a_login_that_is_ended_while_it_saves(
    scene: Scene, configuration: Path, step: str, number: signal.Signals
) -> None:
    """At each step of the saving, also where the umask allows everything."""
    needs("strace")
    before = configuration.read_bytes()
    log = scene.compressor.home / "tmp" / "trace"
    with typed(KEY) as pipe:
        going = scene.start(
            *traced(CALLS[step], f"signal={number.name}:when=1", log),
            *("auth", "login", "--no-check"),
            executable=shutil.which("strace"),
            stdin=pipe,
            umask=0,
        )
    until(lambda: going.process.poll() is not None)
    check_saved(scene, before)
    if number == signal.SIGKILL:
        check_logout(scene)
    scene.held(going.ended(), 128 + number)
    assert number.name in log.read_text()


@pytest.mark.row("F8")
def test_a_first_login_that_is_killed_while_it_saves(scene: Scene) -> None:
    """There is no configuration yet, only what is left of it; logout takes that away too."""
    needs("strace")
    del scene.compressor.env["COMPRESSOR_API_KEY"]
    with typed(KEY) as pipe:
        going = scene.start(
            *traced("fsync", "signal=SIGKILL:when=1", scene.compressor.home / "tmp" / "trace"),
            *("auth", "login", "--no-check"),
            executable=shutil.which("strace"),
            stdin=pipe,
        )
    until(lambda: going.process.poll() is not None)
    (left,) = scene.compressor.config.parent.iterdir()
    assert KEY in left.read_text()
    check_logout(scene)
    scene.held(going.ended(), 137)


@pytest.mark.row("F8")
@pytest.mark.parametrize("number", NUMBERS[:-1], ids=lambda number: number.name)
@pytest.mark.usefixtures("box")
def test_a_batch_that_is_ended_while_its_lock_is_sorted(
    scene: Scene, number: signal.Signals
) -> None:
    """The lock is as it was or sorted, and nothing lies beside it."""
    needs("strace")
    scene.source("a.png")
    scene.run("compress", "a.png", "-o", "out", code=0)
    lock = scene.folder / "compressor.lock"
    header, line = lock.read_text().splitlines(keepends=True)
    other = line.replace("a.png", "b.png")
    before = header + other + line
    lock.write_text(before)
    log = scene.compressor.home / "tmp" / "trace"
    going = scene.start(
        *traced(CALLS["settle"], f"signal={number.name}:when=1", log),
        *("compress", "a.png", "-o", "out"),
        executable=shutil.which("strace"),
    )
    done = scene.held(going.ended(), 128 + number)
    assert "unchanged" in done.stdout, "the table is shown all the same"
    assert lock.read_text() in (before, header + line + other)


@pytest.mark.row("F8")
@pytest.mark.parametrize("number", NUMBERS[:-1], ids=lambda number: number.name)
@pytest.mark.usefixtures("box")
def test_a_batch_that_is_ended_while_its_report_is_written(
    scene: Scene, number: signal.Signals
) -> None:
    """The old report or the new one, and nothing beside it."""
    needs("strace")
    scene.source("a.png")
    scene.run("compress", "a.png", "-o", "out", code=0)
    report = scene.source("report.json", b"{}")
    log = scene.compressor.home / "tmp" / "trace"
    going = scene.start(
        *traced(CALLS["rename"], f"error=EIO:signal={number.name}:when=1", log),
        *("compress", "a.png", "-o", "out", "--report", "report.json"),
        executable=shutil.which("strace"),
    )
    scene.held(going.ended(), 128 + number)
    assert report.read_text() == "{}"


def typed(text: str) -> IO[bytes]:
    """As a pipe brings it."""
    out, into = os.pipe()
    os.write(into, text.encode())
    os.close(into)
    return os.fdopen(out, "rb")


def unread(pipe: IO[bytes]) -> int:
    """Bytes that still wait in it."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


@pytest.mark.slow
@pytest.mark.row("F8")
@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number.name)
def test_a_login_that_is_ended_at_any_time(
    scene: Scene, configuration: Path, number: signal.Signals
) -> None:
    """Thirty moments after it has read the key."""
    before = configuration.read_bytes()
    for moment in range(30):
        with typed(KEY) as pipe:
            going = scene.start("auth", "login", "--no-check", stdin=pipe)
            until(lambda pipe=pipe: not unread(pipe))
        threading.Event().wait(moment * 0.002)
        going.process.send_signal(number)
        until(lambda going=going: going.process.poll() is not None)
        check_saved(scene, before)
        if number == signal.SIGKILL:
            check_logout(scene)
            scene.compressor.config.write_bytes(before)
        scene.held(going.ended(), {128 + number, 0})
