"""`jobs`: what was submitted from here."""

from __future__ import annotations

import re

import pytest
from conftest import File
from running import Box, Compressor


@pytest.fixture
def three(compressor: Compressor, box: Box, file: File) -> dict[str, str]:
    """A job of each kind, by state."""
    file("a.png")
    file("notes.png", b"just text")
    box.script({"on": "upload", "states": ["processing"] * 9})
    jobs = {"pending": compressor("submit", "-q", "a.png").ids[0]}
    jobs["failed"] = compressor("submit", "-q", "notes.png").ids[0]
    jobs["completed"] = compressor("submit", "-q", "a.png", "-o", "small.png").ids[0]
    return jobs


def test_the_newest_is_first_with_tabs_between(
    compressor: Compressor, box: Box, three: dict[str, str]
) -> None:
    """Id, state, time, source, where the result is; no request is made."""
    box.forget()
    done = compressor("jobs")
    rows = [line.split("\t") for line in done.lines]
    assert [row[0] for row in rows] == list(reversed(three.values()))
    assert [row[1] for row in rows] == list(reversed(three))
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row[2]) for row in rows)
    assert [row[3] for row in rows] == ["a.png", "notes.png", "a.png"]
    assert [row[4].rpartition("/")[2] for row in rows] == ["small.png", "-", "-"]
    assert done.stderr == ""
    assert box.requests == []


@pytest.mark.usefixtures("box")
def test_filter_limit_and_json(compressor: Compressor, three: dict[str, str]) -> None:
    pending = compressor("jobs", "--state", "pending", "--json").record
    assert (pending["id"], pending["status"]) == (three["pending"], "enqueued")
    assert pending["finished_at"] is None
    two = compressor("jobs", "--state", "completed", "--state", "failed", "--json").records
    assert {record["id"] for record in two} == {three["completed"], three["failed"]}
    failed = next(record for record in two if record["state"] == "failed")
    assert set(failed) == {
        "schema", "number", "id", "state", "status", "source", "input", "options", "api_url",
        "message", "saved_to", "submitted_at", "updated_at", "finished_at",
    }  # fmt: skip
    assert compressor("jobs", "--limit", "1").lines == compressor("jobs").lines[:1]
    assert len(compressor("jobs", "--limit", "0").lines) == 3
    assert compressor("jobs", "--limit", "-1").code == 2


@pytest.mark.usefixtures("box", "three")
def test_jobs_of_another_api_are_apart(compressor: Compressor) -> None:
    other = {"COMPRESSOR_API_URL": "http://127.0.0.1:1/1.0"}
    here = compressor("jobs", env=other)
    assert here.whole == "exit 0\n-- stdout\n-- stderr\nno jobs\n"
    assert len(compressor("jobs", "--everywhere", env=other).lines) == 3


@pytest.mark.usefixtures("box", "three")
def test_no_key_is_needed(compressor: Compressor) -> None:
    assert len(compressor("jobs", env={"COMPRESSOR_API_KEY": None}).lines) == 3


@pytest.mark.usefixtures("box")
def test_forget_takes_finished_ones_and_what_is_named(
    compressor: Compressor, three: dict[str, str]
) -> None:
    """A job that may still bring something goes only by its name; an odd request is refused."""
    unsure = compressor("jobs", "forget")
    assert (unsure.code, unsure.stdout) == (2, "")
    assert "--finished, or --older-than" in unsure.stderr
    assert compressor("jobs", "forget", "--older-than", "1h").lines == ["0 forgotten"]
    assert compressor("jobs", "forget", "--older-than", "soon").code == 2
    assert compressor("jobs", "forget", "--finished", "--json").record["forgotten"] == 2
    assert compressor("jobs", "--json").record["id"] == three["pending"]
    assert compressor("jobs", "forget", three["pending"]).lines == ["1 forgotten"]
    assert compressor("jobs").stdout == ""


@pytest.mark.usefixtures("box")
def test_forgetting_a_job_that_is_not_there_is_told(compressor: Compressor) -> None:
    """A slip in the id does not look like success."""
    done = compressor("jobs", "forget", "no-such-job")
    assert (done.code, done.stdout) == (2, "")
    assert "holds no such job" in done.stderr


def test_a_ledger_that_cannot_be_used_is_9(compressor: Compressor, box: Box, file: File) -> None:
    """Nothing is sent that could not be noted down."""
    file("a.png")
    (compressor.home / "state").write_text("a file where the folder should be")
    done = compressor("submit", "a.png")
    assert (done.code, done.stdout) == (9, "")
    assert box.requests == []
    assert compressor("jobs").code == 9
