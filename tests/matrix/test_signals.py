"""Rows F1, F2, F3, F6: ended by a signal, or made deaf to it by the parent."""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import signal
import tempfile
import time
from pathlib import Path

import pytest
from running import PROGRAM, Box, Going, until

from .scene import Scene
from .terminal import AtTerminal
from .tools import needs, traced

GRACE = 1.0  # seconds that workers have after the first signal
ROWS = [
    pytest.param(signal.SIGINT, marks=pytest.mark.row("F1"), id="INT"),
    pytest.param(signal.SIGTERM, marks=pytest.mark.row("F3"), id="TERM"),
    pytest.param(signal.SIGHUP, marks=pytest.mark.row("F3"), id="HUP"),
]
SLOW_OUTPUT = {"on": "output", "throttle": 20_000}
FOREVER = {"on": "upload", "states": ["processing"] * 99}


def parts(scene: Scene) -> list[Path]:
    return [file for file in scene.compressor.files() if file.name.endswith((".part", ".spool"))]


def reads(going: Going, name: str) -> bool:
    """Whether the process has got some way into the file `name`."""
    place = Path(f"/proc/{going.process.pid}")
    for link in (place / "fd").iterdir():
        try:
            if link.readlink().name == name:
                position = (place / "fdinfo" / link.name).read_text().split()[1]
                return int(position) > 0
        except FileNotFoundError:  # closed meanwhile
            continue
    return False


def go_on(scene: Scene, box: Box, command: str) -> None:
    """The command that was printed does what was left."""
    box.calm()
    scene.shell(command, code=0)


@pytest.mark.parametrize("number", ROWS)
def test_in_an_upload(scene: Scene, box: Box, number: signal.Signals) -> None:
    scene.source("big.bmp", width=1800, height=1200)
    box.script({"on": "upload", "throttle": 500_000})
    going = scene.start("submit", "big.bmp", "-o", "x.bmp")
    until(lambda: box.fired() == [1])
    done = scene.held(going.signalled(number), 128 + number)
    assert done.code == -number, "the parent sees the signal"
    assert done.stderr.splitlines() == [
        "compressor: interrupted",
        "  not sent yet: compressor submit --output x.bmp -- big.bmp",
    ]
    go_on(scene, box, done.commands[0])
    assert box.stats()["accepted"] == 1


@pytest.mark.parametrize("number", ROWS)
def test_in_the_sleep_between_looks(scene: Scene, box: Box, number: signal.Signals) -> None:
    """The id is on stdout, the job goes on in the service, and the command to go on is told."""
    scene.source("a.png")
    box.script(FOREVER)
    going = scene.start("submit", "a.png", "-o", "x.png")
    going.says("processing")
    done = scene.held(going.signalled(number), 128 + number)
    (job,) = done.ids
    assert done.code == -number
    assert done.stderr.splitlines()[-2:] == [
        "compressor: interrupted; the job is still running in the service",
        f"  go on with: compressor get --wait {job} --output x.png",
    ]


@pytest.mark.parametrize("number", ROWS)
def test_in_a_download(scene: Scene, box: Box, number: signal.Signals) -> None:
    """Whether there was an old result or none: there is what was, and no more."""
    scene.source("a.png")
    old = b"" if number == signal.SIGTERM else scene.source("x.png", b"old").read_bytes()
    box.script(SLOW_OUTPUT)
    going = scene.start("submit", "a.png", "-o", "x.png")
    until(lambda: box.fired() == [1] and parts(scene))
    done = scene.held(going.signalled(number), 128 + number)
    assert [path.read_bytes() for path in scene.folder.glob("x.png")] == [old] * bool(old)
    (job,) = done.ids
    assert done.commands == [f"compressor get --wait {job} --output x.png"]
    go_on(scene, box, done.commands[0])


@pytest.mark.row("F1")
def test_while_a_file_is_hashed(scene: Scene) -> None:
    """Before anything was sent."""
    with tempfile.TemporaryDirectory() as elsewhere:
        huge = Path(elsewhere, "huge.png")
        with huge.open("wb") as file:
            file.truncate(16 << 30)
        going = scene.start("compress", huge, "-o", "out/")
        until(lambda: reads(going, "huge.png"))
        done = scene.held(going.signalled(), 130)
    assert done.stderr.splitlines()[0] == "compressor: interrupted"


@pytest.mark.row("F1")
@pytest.mark.parametrize(("hangs", "replaced"), [(0.4, True), (1.4, False)])
@pytest.mark.usefixtures("box")
def test_while_a_result_gets_its_name(scene: Scene, hangs: float, replaced: bool) -> None:
    """The rename hangs, as on a network's disk: the old file or the new one, no other.

    What comes to its end in the second that workers have is done, and nothing is left to do.
    """
    needs("strace")
    scene.source("a.png")
    old = scene.source("x.png", b"old").read_bytes()
    job = scene.run("submit", "-q", "a.png", code=0).ids[0]
    trace = scene.compressor.home / "tmp" / "trace"
    going = scene.start(
        *traced("rename,renameat,renameat2", f"delay_enter={int(hangs * 1e6)}", trace),
        *("get", job, "-o", "x.png"),
        executable=shutil.which("strace"),
    )
    until(lambda: trace.exists() and "x.png" in trace.read_text())
    done = scene.held(going.signalled(), 130)
    assert ((scene.folder / "x.png").read_bytes() != old) == replaced
    assert done.commands == ([] if replaced else [f"compressor get --wait {job} --output x.png"])
    for command in done.commands:
        scene.shell(command, code=0)


@pytest.mark.row("F1")
@pytest.mark.usefixtures("box")
def test_on_a_terminal(scene: Scene, box: Box) -> None:
    """The region is gone, the cursor is where it was, and what stays is how to go on."""
    scene.source("a.png")
    box.script(FOREVER)
    at = AtTerminal(scene, "submit", "a.png", "--wait")
    at.shows("processing")
    begun = time.monotonic()
    at.going.process.send_signal(signal.SIGINT)
    text = at.ended(130)
    assert time.monotonic() - begun < 2.0
    job, said, hint = text.splitlines()
    assert said == "compressor: interrupted; the job is still running in the service"
    assert hint == f"  go on with: compressor wait {job}"


@pytest.mark.row("F2")
@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_the_second_signal_ends_it_at_once(scene: Scene, box: Box, terminal: bool) -> None:
    """Without the second that workers have to come to an end; the part is gone all the same."""
    scene.source("a.png")
    box.script({"on": "output", "stall": 30})
    words = ("submit", "a.png", "-o", "x.png")
    at = AtTerminal(scene, *words) if terminal else None
    going = at.going if at is not None else scene.start(*words)
    until(lambda: box.fired() == [1] and parts(scene) and (at is None or at.read()))
    begun = time.monotonic()
    going.process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert going.process.poll() is None, "the workers have their second"
    going.process.send_signal(signal.SIGINT)
    assert going.process.wait(5) == 130, "it left there and then; in order it dies of the signal"
    assert time.monotonic() - begun < GRACE
    assert not parts(scene)
    if at is not None:
        until(lambda: not at.read())
        at.child.close()
    scene.held(going.ended(), 130)


MOMENTS = [pytest.param(n, marks=[] if n % 8 == 4 else pytest.mark.slow) for n in range(40)]


@pytest.mark.row("F2")
@pytest.mark.parametrize("number", MOMENTS)
def test_an_echo_is_no_second_signal(scene: Scene, box: Box, number: int) -> None:
    """As a key that bounces, or a terminal and a script that both pass it on."""
    scene.source("a.png")
    box.script(FOREVER)
    going = scene.start("submit", "a.png", "-o", "x.png")
    going.says("processing")
    going.process.send_signal(signal.SIGINT)
    time.sleep(number * 0.0003)
    going.process.send_signal(signal.SIGINT)
    done = scene.held(going.ended(), 130)
    (job,) = done.ids
    assert done.stderr.splitlines()[-2:] == [
        "compressor: interrupted; the job is still running in the service",
        f"  go on with: compressor get --wait {job} --output x.png",
    ]


@pytest.mark.slow
@pytest.mark.row("F3")
def test_a_reader_that_does_not_read(scene: Scene, box: Box) -> None:
    """The main thread waits for room in the pipe; one signal ends it all the same."""
    names = [scene.source(f"{n}.png", width=24, height=18, seed=n).name for n in range(40)]
    box.script({**FOREVER, "times": len(names)})
    out, into = os.pipe()
    fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, 4096)
    going = scene.start("submit", *names, "--wait", "--json", stdout=into)
    os.close(into)
    until(lambda: box.stats()["accepted"] == len(names))
    time.sleep(1)
    done = scene.held(going.signalled(signal.SIGTERM, within=8), 143)
    os.close(out)
    assert done.code == 143, "not in order"


@pytest.mark.row("F3")
@pytest.mark.parametrize(
    ("how", "codes"),
    [("", {124}), ("--preserve-status", {143}), ("--preserve-status -s HUP", {129})],
)
def test_the_program_timeout(scene: Scene, box: Box, how: str, codes: set[int]) -> None:
    """timeout(1) ends it as it ends any program; the id is out, and the way on is told."""
    needs("timeout")
    scene.source("a.png")
    box.script(FOREVER)
    done = scene.shell(f"timeout {how} 2 compressor submit a.png --wait", code=codes)
    assert done.commands == [f"compressor wait {done.ids[0]}"]


@pytest.mark.row("F3")
def test_a_terminal_that_is_closed(scene: Scene, box: Box) -> None:
    """Nothing can be said any more; it dies of the hang-up, and the ledger knows the job."""
    scene.source("a.png")
    box.script(FOREVER)
    at = AtTerminal(scene, "submit", "a.png", "--wait")
    at.shows("processing")
    at.child.close()
    at.going.process.send_signal(signal.SIGHUP)
    scene.held(at.going.ended(2), 129)
    box.calm()
    assert scene.run("jobs", "--json", code=0).record["state"] == "pending"


@pytest.mark.row("F6")
@pytest.mark.parametrize("ignored", [True, False])
@pytest.mark.usefixtures("box")
def test_a_parent_that_ignores_broken_pipes(scene: Scene, ignored: bool) -> None:
    """As CI runners and Python do: the same 141, and the same finished work."""
    scene.source("a.png")
    trap = "trap '' PIPE; " if ignored else ""
    script = "{ compressor submit a.png -o x.png; echo $? >$TMPDIR/code; } | :; cat $TMPDIR/code"
    done = scene.shell(f"{trap}{script}", code=0)
    assert done.stdout in ("141\n", "0\n")
    assert done.stderr.count("\n") == 2, "no word about the pipe"
    assert (scene.folder / "x.png").exists()
    out, into = os.pipe()
    os.close(out)
    scene.source("b.png", seed=2)
    going = scene.start("submit", "b.png", "-o", "y.png", stdout=into, restore_signals=not ignored)
    os.close(into)
    scene.held(going.ended(), 141)
    assert (scene.folder / "y.png").exists()


@pytest.mark.row("F6")
@pytest.mark.parametrize(
    ("number", "command"),
    [(signal.SIGINT, "submit a.png -o x.png"), (signal.SIGHUP, "compress a.png -o out/")],
    ids=["INT", "HUP"],
)
@pytest.mark.usefixtures("later")
def test_a_signal_that_the_parent_ignores(
    scene: Scene, number: signal.Signals, command: str
) -> None:
    """A background job of sh, or nohup: it stays deaf to it and comes to its end."""
    scene.source("a.png")
    words = ["-c", f"trap '' {number.value}; exec {PROGRAM} {command}"]
    going = scene.start(*words, executable="/bin/sh")
    going.says("submitted as")
    going.process.send_signal(number)
    going.process.send_signal(number)
    scene.held(going.ended(), 0)


@pytest.mark.row("F6")
def test_a_child_of_the_sandbox_hears_signals_again(scene: Scene) -> None:
    """What `exec` handles for itself is as ever in the command that it runs."""
    show = ("grep", "-E", "^Sig(Blk|Ign|Cgt)", "/proc/self/status")
    usual = scene.shell(f"exec {shlex.join(show)}", code=0).stdout
    assert scene.run("sandbox", "exec", "--", *show, code=0).stdout == usual
