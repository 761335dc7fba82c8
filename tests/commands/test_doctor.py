"""`compressor doctor`: one line each, and an exit code that says whether all is well."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest
from raw import RawServer, closed_port, message, says
from running import KEY, Box, Compressor, until


@pytest.mark.usefixtures("box")
def test_all_is_well(compressor: Compressor) -> None:
    done = compressor("doctor")
    assert (done.code, done.stderr) == (0, "")
    names = [line.split()[1] for line in done.lines]
    assert names == [
        *("settings", "key", "proxy", "certificates", "service", "clock", "state"),
        *("terminal", "sandbox"),
    ]
    assert all(line.startswith("ok   ") for line in done.lines)
    assert "from environment COMPRESSOR_API_KEY" in done.lines[1]
    assert re.search(r"accepts the key, in \d+ ms", done.lines[4])


@pytest.mark.usefixtures("box")
def test_json(compressor: Compressor) -> None:
    records = compressor("doctor", "--json").records
    assert {record["name"]: record["ok"] for record in records}["service"] is True
    assert all(record["exit_code"] == 0 and record["hint"] is None for record in records)


def line(done_lines: list[str], name: str) -> str:
    (found,) = [line for line in done_lines if line.split()[1] == name]
    return found


def test_without_a_key_it_says_how_to_come_by_one(compressor: Compressor) -> None:
    """Nothing is asked of the service then."""
    done = compressor("doctor", env={"COMPRESSOR_API_KEY": None})
    assert done.code == 4
    assert line(done.lines, "key").startswith("BAD  key")
    assert "compressor auth login" in line(done.lines, "key")
    assert "compressor sandbox exec" in line(done.lines, "key")
    assert line(done.lines, "service") == "ok   service      not asked, without a key"


def test_what_is_not_well_has_its_exit_code(compressor: Compressor, box: Box) -> None:
    """The service is away, refuses the key, or the folder of the ledger cannot be made."""
    away = compressor("doctor", env={"COMPRESSOR_API_URL": f"http://127.0.0.1:{closed_port()}/1.0"})
    assert away.code == 5
    assert "Connection refused" in line(away.lines, "service")
    wrong = compressor("doctor", env={"COMPRESSOR_API_KEY": "another"})
    assert wrong.code == 4
    assert line(wrong.lines, "service").startswith("BAD  service")
    file = compressor.folder / "file"
    file.write_text("")
    state = compressor("doctor", env={"COMPRESSOR_STATE_DIR": str(file)})
    assert state.code == 9
    both = compressor(
        "doctor", env={"COMPRESSOR_STATE_DIR": str(file), "COMPRESSOR_API_KEY": "another"}
    )
    assert both.code == 1, "several kinds"
    assert box.stats()["accepted"] == 0


def test_a_clock_that_is_off_is_told(compressor: Compressor) -> None:
    answer = message(200, {"account": "x"}, {"Date": "Mon, 01 Jan 2024 00:00:00 GMT"})
    with RawServer(says(answer)) as server:
        done = compressor("doctor", env={"COMPRESSOR_API_URL": f"{server.url}/1.0"})
    assert done.code == 1
    assert re.search(r"BAD  clock +\d+ s ahead of the service's; set this", "\n".join(done.lines))


def test_the_proxy_is_named_without_its_password(compressor: Compressor) -> None:
    """And an SSL_CERT_FILE that is none is named as such."""
    proxy = f"http://me:secret-word@127.0.0.1:{closed_port()}"
    done = compressor(
        "doctor",
        env={
            "COMPRESSOR_API_URL": "https://api.invalid/1.0",
            "HTTPS_PROXY": proxy,
            "SSL_CERT_FILE": str(Path("/none")),
        },
    )
    assert line(done.lines, "proxy").endswith(proxy.rpartition("@")[2])
    assert "secret-word" not in done.stdout + done.stderr
    assert line(done.lines, "certificates").startswith("BAD")
    assert KEY not in done.stdout


@pytest.mark.usefixtures("box")
def test_a_key_out_of_a_pipe_is_read_once(compressor: Compressor) -> None:
    """A second reading of a pipe finds nothing."""
    pipe = compressor.folder / "key"
    os.mkfifo(pipe)
    env = {"COMPRESSOR_API_KEY": None, "COMPRESSOR_API_KEY_FILE": str(pipe)}
    going = compressor.start("doctor", env=env)
    with pipe.open("w") as writer:
        writer.write(f"{KEY}\n")
    done = going.ended(10)
    assert done.code == 0, done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_no_finding(compressor: Compressor, box: Box, number: signal.Signals) -> None:
    """It ends the whole command, not one look."""
    box.script({"on": "account", "stall": 20})
    going = compressor.start("doctor")
    until(lambda: box.fired() == [1])
    done = going.signalled(number)
    assert done.code == -number
    assert "service" not in done.stdout
