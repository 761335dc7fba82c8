"""Notes of looks: gathered while the disk is slow, and none left out at the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from compressor_cli.api.contract import Job
from compressor_cli.engine.crew import Crew, Tick
from compressor_cli.engine.deadline import Deadline
from compressor_cli.engine.notebook import MOST_AT_ONCE, Notebook, Scribe
from compressor_cli.errors import OutputProblem
from compressor_cli.memory.ledger import Ledger

API = "http://127.0.0.1:1/1.0"
SOON = 20.0


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path)
    yield ledger
    ledger.close()


def scribe(crew: Crew[Any], journal: Any) -> Scribe:
    return Scribe(crew, Notebook(journal, api_url=API, remark=crew.post))


def until(crew: Crew[Any], last: str) -> list[Any]:
    """What was posted, up to this."""
    told: list[Any] = []
    events = crew.events()
    while told[-1:] != [last]:
        event = next(events)
        told += [] if isinstance(event, Tick) else [event]
    return told


class Held:
    """A ledger that takes nothing before it is let go, and counts what it then takes at once."""

    def __init__(self) -> None:
        self.go, self.reached = threading.Event(), threading.Event()
        self.counts: list[int] = []
        self.ids: list[str] = []

    def observed(self, _api_url: str, jobs: Sequence[Job]) -> None:
        self.reached.set()
        assert self.go.wait(SOON)
        self.counts.append(len(jobs))
        self.ids += [job.id for job in jobs]


def test_notes_gather_while_one_is_written() -> None:
    """Nobody waits for it but what shall go on from there, in its order."""
    held = Held()
    jobs = [Job(f"j{n}", "completed") for n in range(MOST_AT_ONCE + 3)]
    with Crew[Any](Deadline(SOON)) as crew:
        notes = scribe(crew, held)
        notes.observed(jobs[0], lambda: crew.post(held.counts[:]))
        assert held.reached.wait(SOON)
        for job in jobs[1:]:
            notes.observed(job)
        notes.observed(jobs[0], lambda: crew.post("end"))
        held.go.set()
        assert until(crew, "end") == [[1], "end"]
    assert held.counts == [1, MOST_AT_ONCE, 3]
    assert held.ids == [*(job.id for job in jobs), "j0"]


def test_all_notes_are_there_after_an_early_end(ledger: Ledger) -> None:
    """Also what another worker still tells when it is asked to end itself."""
    begun = threading.Event()
    with Crew[Any]() as crew:
        notes = scribe(crew, ledger)

        def work() -> None:
            for number in range(2000):
                notes.observed(Job(f"j{number}", "pending", "thawing"))
            begun.set()
            try:
                crew.sleep(3600.0)
            finally:
                notes.observed(Job("last", "completed", "done", url="http://h/x"))

        crew.work(work, name="w")
        assert begun.wait(SOON)
    entries = ledger.entries()
    expected = [*(f"j{n}" for n in range(2000)), "last"]
    assert [entry.job_id for entry in reversed(entries)] == expected
    assert entries[0].state == "completed"


def test_a_note_that_cannot_be_written_is_a_remark() -> None:
    """What shall go on after it goes on."""

    class Full:
        def observed(self, *_: object) -> None:
            raise OutputProblem("no room")

    with Crew[Any](Deadline(SOON)) as crew:
        scribe(crew, Full()).observed(Job("j", "completed"), lambda: crew.post("on"))
        assert until(crew, "on") == ["no room", "on"]
