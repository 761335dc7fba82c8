"""`compress` never pays twice: two runs at once, a run after another command, a run elsewhere."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from conftest import File
from running import Box, Compressor, Elsewhere, boxed, until


@pytest.fixture
def four(compressor: Compressor, file: File) -> list[Path]:
    (compressor.folder / "in").mkdir()
    return [file(f"in/{number}.png", seed=number) for number in range(4)]


@pytest.mark.parametrize("place", [["--in-place"], ["-o", "out/"]])
@pytest.mark.usefixtures("four")
def test_two_runs_at_once(compressor: Compressor, place: list[str]) -> None:
    """The second waits for what the first sends, and takes its jobs."""
    words = ["compress", "in", *place, "-j", "1", "--json"]
    with boxed(answers="later", work_seconds=0.3) as box:
        compressor.env["COMPRESSOR_API_URL"] = box.url
        first = compressor.start(*words)
        until(lambda: "upload" in box.routes())
        second = compressor.start(*words)
        for going in (first, second):  # both, since the end of one looks for the other's litter
            going.process.wait(30)
        codes = first.ended().code, second.ended().code
        stats = box.stats()
    assert codes == (0, 0)
    assert list(stats["accepted_by_sha1"].values()) == [1] * 4


def test_what_submit_sent_without_an_answer(compressor: Compressor, box: Box, file: File) -> None:
    """Its bytes are in the ledger before the last of them leaves."""
    file("a.png")
    box.script({"on": "upload", "drop": "after"})
    assert compressor("submit", "a.png").code == 7
    done = compressor("compress", "a.png", "-o", "small.png")
    assert (done.code, box.stats()["accepted"]) == (7, 1)
    assert "never heard whether it was accepted" in done.stderr


@pytest.mark.usefixtures("four")
def test_in_place_from_another_folder(compressor: Compressor, box: Box) -> None:
    """Another folder has another lock; the ledger knows the result and its place."""
    above = compressor.folder
    compressor.folder = above / "in"
    assert compressor("compress", "1.png", "--in-place").code == 0
    compressor.folder = above
    small = (above / "in/1.png").read_bytes()
    done = compressor("compress", "in/1.png", "--in-place")
    assert (done.code, box.stats()["accepted"]) == (0, 1)
    assert "unchanged" in done.stdout
    assert (above / "in/1.png").read_bytes() == small
    box.forget()
    assert compressor("compress", "in/1.png", "--in-place").code == 0
    assert box.requests == [], "now it stands in this lock too"


def test_what_changes_before_it_is_sent(compressor: Compressor, box: Box, file: File) -> None:
    """Another run may have put its result there: that is not compressed again."""
    file("a.png", seed=1)
    second = file("b.png", seed=2)
    box.script({"on": "upload", "stall": 1.0})
    going = compressor.start("compress", "a.png", "b.png", "-o", "out/", "-j", "1", "--json")
    until(lambda: box.fired() == [1])
    file("b.png", seed=3)
    done = going.ended()
    rows = {row["path"]: row for row in done.records if row["kind"] == "file"}
    assert (rows["a.png"]["exit_code"], rows["b.png"]["exit_code"]) == (0, 3)
    assert "b.png changed before it was sent; nothing was accepted" in done.stderr
    assert box.stats()["accepted"] == 1
    assert second.exists()


@pytest.mark.usefixtures("four")
def test_the_printed_command_of_a_forced_run(compressor: Compressor) -> None:
    """It takes the jobs up, and forces nothing."""
    with boxed(answers="later", work_seconds=0.5) as box:
        compressor.env["COMPRESSOR_API_URL"] = box.url
        assert compressor("compress", "in", "-o", "out/").code == 0
        box.forget()
        going = compressor.start("compress", "in", "-o", "out/", "--force")
        until(lambda: box.routes().count("upload") == 4)
        done = going.signalled()
        (command,) = done.commands
        assert "--force" not in command
        assert compressor.shell(command).code == 0
        assert box.stats()["accepted"] == 4


@pytest.mark.parametrize("kind", ["upload", "fetch"])
def test_the_printed_command_of_what_is_no_file(
    compressor: Compressor, file: File, elsewhere: Elsewhere, kind: str
) -> None:
    """Of standard input and a URL: it fetches the job's result, and nothing is handed over."""
    content = file("a.png").read_bytes()
    elsewhere.pages["/a.png"] = content
    source = "-" if kind == "upload" else f"{elsewhere.url}/a.png"
    target = compressor.folder / "small.png"
    with boxed(answers="later") as box:
        compressor.env["COMPRESSOR_API_URL"] = box.url
        box.script({"on": kind, "states": ["processing"] * 3})
        going = compressor.start("compress", source, "-o", "small.png", stdin=subprocess.PIPE)
        assert going.process.stdin is not None
        going.process.stdin.write(content)
        going.process.stdin.close()
        until(lambda: "job" in box.routes())
        (command,) = going.signalled().commands
        assert shlex.split(command)[:3] == ["compressor", "get", "--wait"]
        assert compressor.shell(command).code == 0
        assert box.routes().count(kind) == 1
    assert 0 < target.stat().st_size < len(content)


def test_a_url_that_was_not_sent_is_named_without_its_secrets(
    compressor: Compressor, box: Box
) -> None:
    """As everywhere; and it is said that they are to be written again."""
    box.script({"on": "fetch", "status": 429, "headers": {"Retry-After": "60"}, "times": 9})
    url = "https://me:hunter2@example.com/a.png?token=hunter2"
    going = compressor.start("compress", url, "-o", "out/")
    going.says("next try")
    done = going.signalled()
    assert "hunter2" not in done.stderr
    assert done.commands == ["compressor compress --output out/ -- https://example.com/a.png"]
    assert "(of a URL its query and password are not shown: write them again)" in done.stderr
