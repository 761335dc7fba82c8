"""Rows E5, E6: standard streams that are closed, full, or left by their reader."""

from __future__ import annotations

import os
import re

import pytest
from running import ID, Box, Result

from .scene import Scene

BUFFERING = pytest.mark.parametrize("unbuffered", [None, "1"], ids=["buffered", "unbuffered"])
MODES = pytest.mark.parametrize("mode", ["", "--json"], ids=["text", "json"])
FULL = "compressor: stdout cannot be written: No space left on device"


def code_of(done: Result) -> int:
    """The exit code that a script wrote to the file `code`."""
    return int(done.stdout.splitlines()[-1])


ENDS = {
    "head": ("| head -1 >&3", {0, 141}),
    "true": ("| true", {0, 141}),
    "no stdout": (">&-", {9}),
    "no stderr": ("2>&- >/dev/null", {0}),
    "no input": ("</dev/null >/dev/null", {0}),
    "no stdin": ("<&- >/dev/null", {0}),
}


@pytest.mark.row("E5")
@BUFFERING
@pytest.mark.parametrize("end", ENDS)
def test_streams_as_shells_leave_them(
    scene: Scene, box: Box, end: str, unbuffered: str | None
) -> None:
    """The work is finished whatever becomes of a stream; never the interpreter's own 120."""
    redirection, codes = ENDS[end]
    for seed, name in enumerate(("a.png", "b.png")):
        scene.source(name, seed=seed)
    command = "compressor submit a.png b.png -o out/"
    into = "$TMPDIR/code"
    script = (
        f'{{ {command}; echo $? >"{into}"; }} 3>/dev/null {redirection}'
        if "|" in redirection
        else f'{command} {redirection}; echo $? >"{into}"'
    )
    done = scene.shell(f'{script}; cat "{into}"', code=0, env={"PYTHONUNBUFFERED": unbuffered})
    assert code_of(done) in codes
    assert sorted(path.name for path in (scene.folder / "out").iterdir()) == ["a.png", "b.png"]
    assert box.stats()["accepted"] == 2


COMMANDS = {
    "submit": ["submit", "a.png", "b.png", "-o", "out/"],
    "compress": ["compress", "a.png", "b.png", "-o", "out/"],
    "after a failure": ["submit", "missing.png", "a.png", "b.png", "-o", "out/"],
    "after what is done": ["compress", "done.png", "a.png", "b.png", "-o", "out/"],
}


@pytest.mark.row("E5")
@MODES
@pytest.mark.parametrize("what", COMMANDS)
@pytest.mark.usefixtures("box")
def test_a_reader_that_left_before_the_first_line(scene: Scene, what: str, mode: str) -> None:
    """141 without a word about it, also where a line was due before anything was sent."""
    if what == "after what is done":
        scene.source("done.png", seed=9)
        scene.run("compress", "done.png", "-o", "out/", code=0)
    for seed, name in enumerate(("a.png", "b.png")):
        scene.source(name, seed=seed)
    out, into = os.pipe()
    os.close(out)
    going = scene.start(*COMMANDS[what], *([mode] if mode else []), stdout=into)
    os.close(into)
    done = scene.held(going.ended(), 141)
    assert not re.search("written|went away|EPIPE|Broken", done.stderr)
    made = {path.name for path in (scene.folder / "out").iterdir()}
    assert made >= {"a.png", "b.png"}


@pytest.mark.row("E5")
@pytest.mark.usefixtures("later")
def test_a_reader_that_left_after_the_first_line(scene: Scene) -> None:
    """As `head -1` does: the others are submitted and brought home all the same."""
    names = ["a.png", "b.png", "c.png"]
    for seed, name in enumerate(names):
        scene.source(name, seed=seed)
    out, into = os.pipe()
    going = scene.start("submit", *names, "--json", "-o", "out/", stdout=into)
    os.close(into)
    assert os.read(out, 10) == b'{"schema":'
    os.close(out)
    scene.held(going.ended(), 141)
    assert sorted(path.name for path in (scene.folder / "out").iterdir()) == names


JOBS = ("submit b.png -o x.png", "submit -q c.png", "wait {job}", "status {job}",
        "get {job} -o y.png", "get {job} -o -", "compress -q d.png -o out/")  # fmt: skip
OTHERS = ("check b.png -o out/", "jobs", "config list", "auth status")
PLAIN = ("completions bash", "--help", "submit --help", "--version")


@pytest.mark.row("E6")
@MODES
def test_a_full_disk_behind_stdout(scene: Scene, box: Box, mode: str) -> None:
    """One line on stderr says so, once; the id of each job is on stderr too; the work is done."""
    for seed, name in enumerate(("a.png", "b.png", "c.png", "d.png")):
        scene.source(name, seed=seed)
    job = scene.run("submit", "a.png", code=0).ids[0]
    for words in JOBS:
        more = "" if words.endswith("-o -") else mode
        done = scene.shell(f"compressor {words.format(job=job)} {more} >/dev/full", code=9)
        assert done.stderr.count("stdout cannot be written: No space left on device") == 1, words
        newest = scene.run("jobs", "--json", "--limit", "1", code=0).record["id"]
        assert (job if "{job}" in words else newest) in ID.findall(done.stderr), words
    assert {path.name for path in scene.folder.rglob("*.png")} >= {"x.png", "y.png"}
    assert (scene.folder / "out" / "d.png").exists()
    assert box.stats()["accepted"] == 4


@pytest.mark.row("E6")
@MODES
@pytest.mark.usefixtures("box")
def test_a_full_disk_behind_a_list(scene: Scene, mode: str) -> None:
    """Where there are no jobs to tell of."""
    scene.source("b.png")
    scene.run("submit", "b.png", code=0)
    for words in OTHERS:
        done = scene.shell(f"compressor {words} {mode} >/dev/full", code=9)
        assert done.stderr == f"{FULL}\n"


@pytest.mark.row("E6")
@BUFFERING
@pytest.mark.parametrize("words", PLAIN)
def test_a_full_disk_behind_small_commands(
    scene: Scene, words: str, unbuffered: str | None
) -> None:
    done = scene.shell(
        f"compressor {words} >/dev/full", code=9, env={"PYTHONUNBUFFERED": unbuffered}
    )
    assert done.stderr == f"{FULL}\n"
