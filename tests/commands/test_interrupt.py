"""Ctrl-C, SIGTERM and SIGHUP in every phase: nothing half-done is left, and the way on is told."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from conftest import File
from running import PROGRAM, Box, Compressor, Going, until
from sandbox.pictures import opened

FOREVER = ["processing"] * 99


@pytest.fixture
def big(file: File) -> Path:
    """More than the buffers of a connection hold."""
    return file("big.bmp", width=2400, height=1600)


@pytest.fixture
def job(compressor: Compressor, box: Box, file: File) -> str:
    """A finished job whose download takes long."""
    file("photo.bmp", width=600, height=450)
    made = compressor("submit", "-q", "photo.bmp").ids[0]
    box.forget()
    box.script({"on": "output", "throttle": 50_000})
    return made


def waits_for(box: Box, going: Going, stage: str) -> None:
    """Until the sandbox, or the command, is in this phase."""
    if stage == "submitted":
        going.says("submitted as")
    else:
        until(lambda: box.fired()[0] or going.process.poll() is not None)
        assert going.process.poll() is None, going.stderr


@pytest.mark.row("F1")
@pytest.mark.usefixtures("big")
def test_during_an_upload(compressor: Compressor, box: Box) -> None:
    """Nothing was accepted: the same submit is printed, options and all, and does it."""
    box.script({"on": "upload", "throttle": 500_000})
    going = compressor.start("submit", "big.bmp", "--compression", "ultra", "-o", "my small.bmp")
    waits_for(box, going, "upload")
    done = going.signalled()
    assert done.whole == (
        "exit -2\n-- stdout\n-- stderr\ncompressor: interrupted\n"
        "  not sent yet: compressor submit --compression ultra --output 'my small.bmp' -- big.bmp\n"
    )
    assert compressor("jobs", "--json").record["state"] == "not-sent"
    box.forget()
    again = compressor.shell(done.commands[0])
    assert again.code == 0
    assert opened((compressor.folder / "my small.bmp").read_bytes()).size == (2400, 1600)
    assert box.stats()["accepted"] == 1


@pytest.mark.row("F1", "F3")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_while_the_answer_is_awaited(
    compressor: Compressor, box: Box, file: File, number: signal.Signals
) -> None:
    """It may have been accepted: said so, noted so, and not called unsent."""
    file("a.png")
    box.script({"on": "upload", "stall": 20, "after_work": True, "status": 200})
    going = compressor.start("submit", "a.png")
    until(lambda: box.stats()["accepted"])
    done = going.signalled(number)
    assert (done.code, done.stdout, done.commands) == (-number, "", [])
    assert "a.png: sent whole, but whether it was accepted is unknown" in done.stderr
    assert "dashboard" in done.stderr
    assert compressor("jobs", "--json").record["state"] == "unknown"


@pytest.mark.row("F1")
def test_an_answer_that_fails_while_it_ends(compressor: Compressor, box: Box, file: File) -> None:
    """The connection breaks in the moment between the signal and the end: still in doubt."""
    file("a.png")
    box.script({"on": "upload", "stall": 0.4, "drop": "after"})
    going = compressor.start("compress", "a.png", "-o", "small/", "--json")
    until(lambda: box.stats()["accepted"])
    done = going.signalled()
    assert done.code == -signal.SIGINT
    assert "whether it was accepted is unknown" in done.stderr
    row, total = done.records
    assert (row["state"], row["exit_code"], total["states"]) == ("failed", 7, {"failed": 1})
    assert compressor("jobs", "--json").record["state"] == "unknown"
    again = compressor("compress", "a.png", "-o", "small/")
    assert again.code == 7
    assert box.stats()["accepted"] == 1


@pytest.mark.row("F1")
@pytest.mark.parametrize("output", [[], ["-o", "x.png"]], ids=["wait", "download"])
def test_while_polling_after_a_submit(
    compressor: Compressor, later: Box, file: File, output: list[str]
) -> None:
    """The job goes on; the printed command waits for it, and downloads if that was asked."""
    file("a.png")
    going = compressor.start("submit", "a.png", "--wait", *output)
    waits_for(later, going, "submitted")
    done = going.signalled()
    (job,) = done.ids[:1]
    assert done.code == -2
    assert done.lines == [job]
    expected = f"get --wait {job} --output x.png" if output else f"wait {job}"
    assert done.commands == [f"compressor {expected}"]
    again = compressor.shell(done.commands[0])
    assert again.code == 0
    assert (compressor.folder / "x.png").exists() == bool(output)


@pytest.mark.row("F1")
@pytest.mark.parametrize("command", ["wait", "get"])
def test_during_a_download(compressor: Compressor, box: Box, job: str, command: str) -> None:
    """The old file is untouched, no part is left, and the printed command brings the new one."""
    old = compressor.folder / "x.bmp"
    old.write_bytes(b"old")
    going = compressor.start(command, job, "-o", "x.bmp")
    until(lambda: list(compressor.folder.glob(".*.part")))
    done = going.signalled()
    assert done.code == -2
    assert old.read_bytes() == b"old"
    box.forget()
    assert compressor.shell(done.commands[0]).code == 0
    assert opened(old.read_bytes()).size == (600, 450)


@pytest.mark.row("F1")
def test_during_a_download_to_stdout(compressor: Compressor, job: str) -> None:
    """Not a byte of it came out."""
    going = compressor.start("get", job, "-o", "-")
    until(lambda: list((compressor.home / "tmp").iterdir()))
    done = going.signalled()
    assert (done.code, done.out) == (-2, b"")
    assert list((compressor.home / "tmp").iterdir()) == []


@pytest.mark.row("F1")
def test_while_stdin_is_read(compressor: Compressor) -> None:
    """The private copy is gone, nothing was sent."""
    out, into = os.pipe()
    os.write(into, b"the beginning of a file")
    going = compressor.start("submit", "-", stdin=out)
    os.close(out)
    until(lambda: list((compressor.home / "tmp").iterdir()))
    done = going.signalled()
    os.close(into)
    assert (done.code, done.stdout) == (-2, "")
    assert done.commands == ["compressor submit -- -"]
    assert list((compressor.home / "tmp").iterdir()) == []
    assert compressor("jobs").stdout == ""


@pytest.mark.row("F1")
def test_while_it_waits_to_try_again(compressor: Compressor, box: Box, file: File) -> None:
    """Also in the long pause that the service asked for."""
    file("a.png")
    box.script({"on": "upload", "status": 429, "headers": {"Retry-After": "600"}})
    going = compressor.start("submit", "a.png")
    going.says("next try in")
    done = going.signalled()
    assert done.code == -2
    assert done.commands == ["compressor submit -- a.png"]
    assert "10 min" in done.stderr


@pytest.mark.row("F1")
@pytest.mark.usefixtures("big")
def test_some_sent_some_not(compressor: Compressor, box: Box, file: File) -> None:
    """Both ways to go on; together they finish everything, and nothing is sent twice."""
    file("a.png")
    box.script({"on": "upload", "states": ["processing"]}, {"on": "upload", "throttle": 500_000})
    going = compressor.start("submit", "a.png", "big.bmp", "-o", "small/", "--json")
    going.says("submitted as")
    until(lambda: box.fired() == [1, 1])
    done = going.signalled()
    by_source = {record["source"]: record for record in done.records}
    job = by_source["a.png"]["id"]
    assert by_source["a.png"]["state"] in ("pending", "completed")
    assert by_source["big.bmp"]["id"] is None
    assert done.commands == [
        f"compressor get --wait {job} --output small/",
        "compressor submit --output small/ -- big.bmp",
    ]
    box.forget()
    assert [compressor.shell(command).code for command in done.commands] == [0, 0]
    assert sorted(p.name for p in (compressor.folder / "small").iterdir()) == ["a.png", "big.bmp"]
    assert box.stats()["accepted"] == 1


@pytest.mark.row("F2")
def test_the_second_ctrl_c_ends_it_at_once(compressor: Compressor, box: Box, job: str) -> None:
    """While the workers still have their moment; the part is gone all the same."""
    box.forget()
    box.script({"on": "output", "stall": 30})
    going = compressor.start("get", job, "-o", "x.bmp")
    until(lambda: list(compressor.folder.glob(".*.part")) and box.fired() == [1])
    until(lambda: sent_again(going))
    assert going.ended().code == 130, "it left there and then; in order it dies of the signal"
    assert not list(compressor.folder.glob(".*"))


def sent_again(going: Going) -> bool:
    """Whether one more SIGINT found it at its end."""
    going.process.send_signal(signal.SIGINT)
    return going.process.poll() is not None


@pytest.mark.row("F6")
@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP], ids=["INT", "HUP"])
def test_what_the_parent_ignores_stays_ignored(
    compressor: Compressor, file: File, number: signal.Signals
) -> None:
    """A background job of sh, or nohup: it goes on to its end."""
    file("a.png")
    process = subprocess.Popen(
        ["sh", "-c", f"trap '' {number.value}; exec {PROGRAM} submit a.png -o x.png"],
        env=compressor.environment(), cwd=compressor.folder,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    assert "submitted as" in process.stderr.readline()
    process.send_signal(number)
    assert process.wait(20) == 0
    process.communicate()
    assert (compressor.folder / "x.png").exists()


@pytest.mark.row("F4")
def test_a_killed_command_loses_no_job(compressor: Compressor, later: Box, file: File) -> None:
    """Not even by SIGKILL: the ledger has the id, and --last goes on."""
    file("a.png")
    going = compressor.start("submit", "a.png", "--wait")
    waits_for(later, going, "submitted")
    going.process.kill()
    assert going.ended().code == -signal.SIGKILL
    assert compressor("get", "--last", "--wait", "-o", "x.png").code == 0


@pytest.mark.row("F1")
def test_a_url_is_in_doubt_from_the_first_byte(compressor: Compressor, box: Box) -> None:
    """Its whole request is one packet."""
    box.script({"on": "fetch", "stall": 20, "drop": "after"})
    going = compressor.start("submit", "http://127.0.0.1:1/x.png")
    until(lambda: box.fired() == [1])
    done = going.signalled()
    assert "whether it was accepted is unknown" in done.stderr


def test_what_was_seen_before_is_in_the_ledger(
    compressor: Compressor, box: Box, file: File
) -> None:
    """Every word that was told of a job, though notes are written behind its back."""
    file("a.png")
    box.script({"on": "upload", "states": ["thawing"] * 99, "times": 5})
    jobs = [compressor("submit", "-q", "a.png").ids[0] for _ in range(5)]
    stranger = {"COMPRESSOR_STATE_DIR": str(compressor.home / "stranger")}
    going = compressor.start("wait", *jobs, env=stranger)
    for job in jobs:
        going.says(f"{job}: thawing")
    assert going.signalled().code == -signal.SIGINT
    records = compressor("jobs", "--json", env=stranger).records
    assert {record["id"]: record["status"] for record in records} == dict.fromkeys(jobs, "thawing")
