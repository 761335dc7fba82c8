"""Every documented exit code, reached by the installed command."""

from __future__ import annotations

import os
import signal

import pytest
from conftest import File
from running import Box, Compressor

CLOSED = {"COMPRESSOR_API_URL": "http://127.0.0.1:1/1.0"}


@pytest.mark.usefixtures("box")
def test_0_all_done(compressor: Compressor, file: File) -> None:
    """The id on stdout and nothing else; how it went on stderr."""
    file("photo.png")
    done = compressor("submit", "photo.png", "-o", "small.png")
    assert done.whole == (
        "exit 0\n-- stdout\n<ID>\n-- stderr\n"
        "photo.png: submitted as <ID>\n"
        "photo.png  37.3 kB → 11.4 kB  −69.3 %  in <TIME>\n"
    )


@pytest.mark.usefixtures("box")
def test_1_a_batch_that_failed_in_several_ways(compressor: Compressor, file: File) -> None:
    """Each with its own reason; the good one is submitted all the same."""
    file("good.png")
    file("notes.png", b"just text")
    done = compressor("submit", "missing.png", "notes.png", "good.png")
    assert done.code == 1
    assert len(done.ids) == 2
    assert "compressor: missing.png cannot be read: No such file or directory\n" in done.stderr
    assert "compressor: notes.png: the job failed: " in done.stderr
    assert "good.png  37.3 kB → " in done.stderr


def test_2_usage(compressor: Compressor) -> None:
    done = compressor("get", "a/b", env=CLOSED)
    assert done.whole == (
        "exit 2\n-- stdout\n-- stderr\n"
        "compressor: 'a/b' is not a job id\n  see your jobs with: compressor jobs\n"
    )


def test_3_input(compressor: Compressor) -> None:
    done = compressor("submit", "missing.png")
    assert done.whole == (
        "exit 3\n-- stdout\n-- stderr\n"
        "compressor: missing.png cannot be read: No such file or directory\n"
    )


@pytest.mark.parametrize("key", [None, "", "another-key"], ids=["none", "empty", "wrong"])
@pytest.mark.usefixtures("box")
def test_4_key(compressor: Compressor, file: File, key: str | None) -> None:
    """Missing or refused, with what to do."""
    file("photo.png")
    done = compressor("submit", "photo.png", env={"COMPRESSOR_API_KEY": key})
    assert (done.code, done.stdout) == (4, "")
    assert "compressor auth " in done.stderr
    assert ("the service answered 401" in done.stderr) == bool(key)


def test_5_temporary(compressor: Compressor, box: Box, file: File) -> None:
    """Nothing listens; no answer in time; or the service asks for a long pause."""
    refused = compressor("auth", "status", env=CLOSED)
    assert (refused.code, refused.stdout) == (5, "")
    assert "127.0.0.1:1" in refused.stderr
    file("photo.png")
    late = compressor("submit", "photo.png", "--timeout", "0.3", env=CLOSED)
    assert (late.code, late.stdout) == (5, "")
    assert "nothing was accepted within 0.3 s" in late.stderr
    assert late.commands == ["compressor submit -- photo.png"]
    box.script({"on": "upload", "status": 429, "headers": {"Retry-After": "7200"}})
    paused = compressor("submit", "photo.png")
    assert (paused.code, paused.stdout) == (5, "")
    assert "run it again after that" in paused.stderr
    assert box.fired() == [1]


@pytest.mark.usefixtures("box")
def test_6_for_good(compressor: Compressor, file: File) -> None:
    """A failed job, with the service's reason and its id; a job that nobody knows."""
    file("notes.png", b"just text")
    failed = compressor("submit", "notes.png", "--json")
    assert failed.code == 6
    record = failed.record
    assert (record["state"], record["error"]["kind"]) == ("failed", "JobFailed")
    assert "this is text" in record["error"]["message"]
    assert record["id"]
    unknown = compressor("wait", "38a8bb5e-0000-4000-8000-000000000000")
    assert unknown.code == 6
    assert "404" in unknown.stderr


def test_7_maybe_accepted(compressor: Compressor, box: Box, file: File) -> None:
    """Not sent again, and said how to find out; the ledger says unknown."""
    file("photo.png")
    box.script({"on": "upload", "drop": "after"})
    done = compressor("submit", "photo.png")
    assert (done.code, done.stdout) == (7, "")
    assert "whether it was accepted is unknown" in done.stderr
    assert "look in the dashboard" in done.stderr
    assert box.stats()["accepted"] == 1
    assert box.fired() == [1]
    assert compressor("jobs", "--json").record["state"] == "unknown"


def test_8_not_as_promised(compressor: Compressor, box: Box, file: File) -> None:
    """Discarded: the old file is what it was."""
    file("photo.png")
    old = file("small.png", b"old")
    box.script({"on": "output", "corrupt": True, "times": 9})
    done = compressor("submit", "photo.png", "-o", "small.png")
    assert done.code == 8
    assert len(done.ids) == 1
    assert "SHA-1" in done.stderr
    assert done.commands == [f"compressor get --wait {done.ids[0]} --output small.png"]
    assert old.read_bytes() == b"old"
    assert box.fired()[0] >= 1


def test_9_output(compressor: Compressor, box: Box, file: File) -> None:
    """It exists: refused before anything is sent where the name is known, and at the end too."""
    file("photo.png")
    job = compressor("submit", "photo.png").ids[0]
    file("photo.min.png", b"mine")
    box.forget()
    done = compressor("get", job)
    assert done.code == 9
    assert "photo.min.png exists already" in done.stderr
    assert "--force" in done.stderr
    again = compressor("submit", "photo.png", "-o", "./")
    assert again.code == 9
    assert "upload" not in box.routes()
    assert (compressor.folder / "photo.min.png").read_bytes() == b"mine"


def test_10_still_running(compressor: Compressor, box: Box, file: File) -> None:
    """An output asked of an unfinished job; and a deadline that came."""
    file("photo.png")
    box.script({"on": "upload", "states": ["processing"] * 99})
    job = compressor("submit", "photo.png").ids[0]
    asked = compressor("get", job, "-o", "x.png")
    assert (asked.code, asked.stdout) == (10, "")
    assert asked.commands == [f"compressor get --wait {job} --output x.png"]
    late = compressor("wait", job, "--timeout", "0.2")
    assert late.code == 10
    assert late.commands == [f"compressor wait {job}"]
    assert late.stdout in ("", f"{job}\tprocessing\n", f"{job}\tenqueued\n")


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGHUP, 129), (signal.SIGINT, 130), (signal.SIGTERM, 143)],
    ids=["HUP", "INT", "TERM"],
)
def test_signals(
    compressor: Compressor, box: Box, file: File, number: signal.Signals, code: int
) -> None:
    """It dies of the signal itself, so that a parent sees it; a shell calls that 128 + n."""
    file("photo.png")
    box.script({"on": "upload", "states": ["processing"] * 99})
    going = compressor.start("submit", "photo.png", "--wait")
    going.says("submitted as")
    done = going.signalled(number)
    assert done.code == -number
    assert done.commands == [f"compressor wait {done.ids[0]}"]
    script = (
        f"(while ! compressor jobs --state pending | grep -q b.png; do :; done; "
        f"kill -{number.value} $(cat pid)) & "
        "sh -c 'echo $$ > pid; exec compressor submit b.png --wait' ; echo code $? >&2; wait"
    )
    file("b.png", seed=2)
    box.script({"on": "upload", "states": ["processing"] * 99})
    assert f"code {code}\n" in compressor.shell(script).stderr


def test_141_the_reader_went_away(compressor: Compressor, box: Box, file: File) -> None:
    file("photo.png")
    out, into = os.pipe()
    os.close(out)
    going = compressor.start("submit", "photo.png", stdout=into)
    os.close(into)
    assert going.ended().code == 141
    assert box.stats()["accepted"] == 1
