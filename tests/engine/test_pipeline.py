"""Many jobs on their road at once."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import Faults
from raw import Connection, RawServer, message, says
from running import Box, boxed
from sandbox.pictures import encoded

from compressor_cli.api.contract import Job
from compressor_cli.engine.crew import DeadlinePassed
from compressor_cli.engine.target import Destination
from compressor_cli.engine.updates import (
    Delayed,
    Ended,
    Item,
    Looked,
    Receiving,
    Remark,
    Sending,
    Submitted,
)
from compressor_cli.errors import (
    BadAnswer,
    JobFailed,
    KeyProblem,
    MaybeAccepted,
    NotFinished,
    NotKnown,
    OutputProblem,
    Refused,
    TemporaryTrouble,
    WrongInput,
)
from compressor_cli.memory.ledger import Ledger

from .desk import item_of, travelled
from .test_submitting import Full

ID = "38a8bb5e-0001-4000-8000-000000000000"


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Three pictures."""
    paths = [tmp_path / f"{n}.png" for n in "abc"]
    for seed, path in enumerate(paths):
        path.write_bytes(encoded("png", seed=seed + 1))
    return paths


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def routes(box: Box) -> dict[str, int]:
    seen = box.routes()
    return {route: seen.count(route) for route in sorted(set(seen))}


def test_nothing_to_do(box: Box, tmp_path: Path) -> None:
    with travelled([], api_url=box.url, state=tmp_path / "state") as run:
        assert run.updates == []


def test_several_are_submitted_in_their_order(box: Box, files: list[Path], tmp_path: Path) -> None:
    """One after the other; what is finished at once is never asked for."""
    items = [item_of(path) for path in files]
    with travelled(items, api_url=box.url, state=tmp_path / "state", wait=True) as run:
        assert [update.item for update in run.of(Submitted)] == items
        assert [update.item for update in run.of(Ended)] == items
        assert {update.item for update in run.of(Sending)} == set(items)
        rows = run.ledger.entries()
    assert all(item.error is None and item.fresh for item in items)
    assert [row.job_id for row in reversed(rows)] == [item.job.id for item in items if item.job]
    assert routes(box) == {"upload": 3}


def test_the_whole_road(later: Box, files: list[Path], out: Path, tmp_path: Path) -> None:
    """Submitted, waited for, saved: for three at once, from another port."""
    items = [item_of(path) for path in files]
    with travelled(
        items,
        api_url=later.url,
        state=tmp_path / "state",
        place=Destination(folder=out),
        wait=True,
        uploaders=3,
    ) as run:
        assert len(run.of(Ended)) == 3
        assert {update.item for update in run.of(Looked)} == set(items)
        assert {update.item for update in run.of(Receiving)} == set(items)
        rows = {row.job_id: row for row in run.ledger.entries()}
    assert sorted(path.name for path in out.iterdir()) == ["a.png", "b.png", "c.png"]
    for item in items:
        assert item.error is None
        assert item.job is not None
        assert item.saved is not None
        assert item.saved.path is not None
        assert item.saved.size == item.job.output.size == item.saved.path.stat().st_size
        row = rows[item.job.id]
        assert (row.state, row.saved_to) == ("completed", str(item.saved.path))
    assert later.stats()["accepted"] == 3


def test_a_job_of_an_earlier_run(box: Box, files: list[Path], out: Path, tmp_path: Path) -> None:
    """It is looked at at once, and saved under the name that is known of its source."""
    first = item_of(files[0])
    with travelled([first], api_url=box.url, state=tmp_path / "state"):
        assert first.job is not None
    item = Item("last", job_id=first.job.id, name="holiday.png")
    with travelled(
        [item], api_url=box.url, state=tmp_path / "state", place=Destination(folder=out)
    ) as run:
        assert run.of(Submitted) == []
        assert [update.next_in for update in run.of(Looked)] == [None]
        assert len(run.ledger.entries()) == 1
    assert [path.name for path in out.iterdir()] == ["holiday.png"]
    assert not item.fresh


def test_trouble_while_waiting_ends_nothing(
    box: Box, files: list[Path], tmp_path: Path, faults: Faults
) -> None:
    """Neither 502 nor a reset, nor an unreadable answer or two, nor a word that nobody knows."""
    faults(
        {"on": "upload", "states": ["thawing"]},
        {"on": "job", "status": 502},
        {"on": "job", "body": "<html>"},
    )
    item = item_of(files[0])
    with travelled([item], api_url=box.url, state=tmp_path / "state", wait=True) as run:
        assert [type(update.error) for update in run.of(Delayed)] == [TemporaryTrouble, BadAnswer]
        assert [update.item.job is not None for update in run.of(Looked)] == [True, True]
    assert item.error is None
    assert item.job is not None
    assert item.job.state == "completed"


@pytest.mark.parametrize(
    ("status", "error"), [(401, KeyProblem), (404, NotKnown), (410, NotKnown), (400, Refused)]
)
@pytest.mark.parametrize("wait", [False, True])
def test_a_refusal_while_waiting_ends_it(
    box: Box, tmp_path: Path, faults: Faults, status: int, error: type[Exception], wait: bool
) -> None:
    """At once, and with the job's id."""
    faults({"on": "job", "status": status})
    item = Item("x", job_id=ID)
    with travelled([item], api_url=box.url, state=tmp_path / "state", wait=wait) as run:
        assert len(run.of(Ended)) == 1
    assert type(item.error) is error
    assert item.error.job_id == ID


def test_an_answer_for_another_job(box: Box, tmp_path: Path, faults: Faults) -> None:
    """Three times, and it is not believed; nothing is downloaded."""
    faults({"on": "job", "body": {"id": "other", "url": "https://h/x"}, "times": 3})
    item = Item("x", job_id=ID)
    with travelled(
        [item], api_url=box.url, state=tmp_path / "state", place=Destination(folder=tmp_path)
    ):
        assert type(item.error) is BadAnswer
    assert routes(box) == {"job": 3}


def test_an_unknown_job_whose_end_is_known(box: Box, tmp_path: Path) -> None:
    """The service forgot it; what the ledger remembers is good enough, and may still be there."""
    kept = Job(ID, "failed", message="as it was")
    item = Item("x", job_id=ID, kept=kept)
    with travelled([item], api_url=box.url, state=tmp_path / "state") as run:
        assert len(run.of(Ended)) == 1
    assert item.job is kept
    assert type(item.error) is JobFailed
    assert "as it was" in item.error.message


def test_a_kept_result_is_fetched(box: Box, files: list[Path], out: Path, tmp_path: Path) -> None:
    first = item_of(files[0])
    with travelled([first], api_url=box.url, state=tmp_path / "state"):
        assert first.job is not None
    item = Item("x", job_id="forgotten", kept=first.job, name="a.png")
    with travelled(
        [item], api_url=box.url, state=tmp_path / "state", place=Destination(folder=out)
    ):
        assert item.error is None
    assert [path.name for path in out.iterdir()] == ["a.png"]


def test_a_job_whose_end_is_known_is_not_asked_for(
    box: Box, files: list[Path], out: Path, tmp_path: Path
) -> None:
    first = item_of(files[0])
    with travelled([first], api_url=box.url, state=tmp_path / "state"):
        assert first.job is not None
    box.forget()
    item = Item("x", job=first.job, name="a.png")
    with travelled(
        [item], api_url=box.url, state=tmp_path / "state", place=Destination(folder=out)
    ):
        assert item.error is None
    assert routes(box) == {"output": 1}


@pytest.mark.parametrize("states", [[], ["thawing"]])
def test_a_job_that_fails(
    box: Box, files: list[Path], tmp_path: Path, faults: Faults, states: list[str]
) -> None:
    """At once or later; nothing is downloaded."""
    faults({"on": "upload", "fail": "why", "states": states})
    item = item_of(files[0])
    with travelled(
        [item],
        api_url=box.url,
        state=tmp_path / "state",
        place=Destination(folder=tmp_path),
        wait=True,
    ) as run:
        assert run.ledger.entries()[0].state == "failed"
    assert type(item.error) is JobFailed
    assert item.job is not None
    assert item.error.job_id == item.job.id
    assert "output" not in box.routes()


@pytest.mark.parametrize("wrong", [{"size": 5}, {"sha1": "0" * 40}])
def test_an_input_that_arrived_otherwise(
    box: Box, files: list[Path], tmp_path: Path, faults: Faults, wrong: dict[str, Any]
) -> None:
    """The service worked on other bytes than were sent: its result is not fetched."""
    faults({"on": "upload", "merge": {"input": wrong}})
    item = item_of(files[0])
    with travelled(
        [item], api_url=box.url, state=tmp_path / "state", place=Destination(folder=tmp_path)
    ):
        assert type(item.error) is WrongInput
    assert "did not receive what was sent" in item.error.message
    assert routes(box) == {"upload": 1}


def test_an_unfinished_job_has_no_result(
    box: Box, files: list[Path], tmp_path: Path, faults: Faults
) -> None:
    """Asked for without waiting."""
    faults({"on": "upload", "states": ["thawing"]})
    item = item_of(files[0])
    with travelled(
        [item], api_url=box.url, state=tmp_path / "state", place=Destination(folder=tmp_path)
    ) as run:
        assert len(run.of(Submitted)) == 1
    assert type(item.error) is NotFinished
    assert item.error.job_id == item.job.id if item.job else False


def test_one_look_at_an_unfinished_job(
    box: Box, files: list[Path], tmp_path: Path, faults: Faults
) -> None:
    """Not waited for, it ends without an error."""
    faults({"on": "upload", "states": ["thawing"]})
    first = item_of(files[0])
    with travelled([first], api_url=box.url, state=tmp_path / "state"):
        assert first.job is not None
    item = Item("x", job_id=first.job.id)
    with travelled([item], api_url=box.url, state=tmp_path / "state"):
        assert item.error is None
    assert item.job is not None
    assert item.job.word == "thawing"


def test_each_ends_in_its_own_way(box: Box, tmp_path: Path, out: Path, faults: Faults) -> None:
    """Some fail, in different ways; the others are saved, and each job's id is kept."""
    paths = [tmp_path / f"{n}.png" for n in range(8)]
    for seed, path in enumerate(paths):
        path.write_bytes(encoded("png", seed=seed, width=40, height=30))
    faults(
        {"on": "upload", "skip": 1, "status": 415},
        {"on": "upload", "skip": 2, "status": 500},
        {"on": "upload", "skip": 3, "fail": "why"},
    )
    items = [item_of(path) for path in paths]
    with travelled(
        items, api_url=box.url, state=tmp_path / "state", place=Destination(folder=out)
    ) as run:
        ended = [update.item for update in run.of(Ended)]
        states = [row.state for row in run.ledger.entries()]
    assert sorted(map(id, ended)) == sorted(map(id, items))
    failed = [type(item.error) for item in items if item.error]
    assert sorted(kind.__name__ for kind in failed) == ["JobFailed", "MaybeAccepted", "Refused"]
    assert MaybeAccepted in failed
    assert sorted(states) == [*["completed"] * 5, "failed", "not-sent", "unknown"]
    assert len(list(out.iterdir())) == 5


def test_the_first_that_ends_may_be_enough(
    box: Box, files: list[Path], tmp_path: Path, faults: Faults
) -> None:
    """A refusal is no end of a job."""
    faults(
        {"on": "upload", "status": 415},
        {"on": "upload", "states": ["thawing"] * 99},
    )
    items = [item_of(path) for path in files]
    with travelled(
        items, api_url=box.url, state=tmp_path / "state", wait=True, any_one=True
    ) as run:
        assert [update.item for update in run.of(Ended)] == [items[0], items[2]]
    assert items[1].job is not None


def test_one_job_asked_for_twice(box: Box, files: list[Path], tmp_path: Path) -> None:
    """Both end."""
    first = item_of(files[0])
    with travelled([first], api_url=box.url, state=tmp_path / "state"):
        assert first.job is not None
    items = [Item(label, job_id=first.job.id) for label in "xy"]
    with travelled(items, api_url=box.url, state=tmp_path / "state") as run:
        assert len(run.of(Ended)) == 2
    assert all(item.error is None for item in items)


def test_the_deadline(box: Box, files: list[Path], tmp_path: Path, faults: Faults) -> None:
    """The job is left running, and is in the ledger."""
    faults({"on": "upload", "states": ["thawing"] * 99})
    item = item_of(files[0])
    with (
        pytest.raises(DeadlinePassed),
        travelled([item], api_url=box.url, state=tmp_path / "state", wait=True, timeout=0.5),
    ):
        pytest.fail("it came to an end")
    assert item.job is not None
    assert item.job.state == "pending"


@pytest.mark.parametrize("status", [200, 429])
def test_a_pause_beyond_the_deadline(status: int, tmp_path: Path) -> None:
    """It is not waited for, whether a look is answered so or refused."""
    answer = message(status, {"id": ID, "status": "processing"}, {"Retry-After": "900"})
    item = Item("x", job_id=ID)
    with (
        RawServer(says(answer)) as server,
        travelled(
            [item], api_url=server.url, state=tmp_path / "state", wait=True, timeout=60
        ) as run,
    ):
        assert len(run.of(Ended)) == 1
        assert len(server.received) == 1
    assert type(item.error) is NotFinished
    assert "asks to wait 900 s" in item.error.message
    assert item.error.job_id == ID


def test_two_results_of_one_name(box: Box, files: list[Path], out: Path, tmp_path: Path) -> None:
    """The second is told and not saved over the first, nor skipped as if it were there before."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.png").write_bytes(files[1].read_bytes())
    for place in (
        Destination(folder=out, force=True),
        Destination(folder=out, skip_existing=True),
        Destination(folder=out),
    ):
        items = [item_of(files[0]), item_of(other / "a.png")]
        with travelled(items, api_url=box.url, state=tmp_path / "state", place=place):
            pass
        errors = [item.error for item in items if item.error]
        assert len(errors) == 1
        assert "two results of this run" in errors[0].message
        (out / "a.png").unlink()


def test_what_is_there_may_stay(box: Box, files: list[Path], out: Path, tmp_path: Path) -> None:
    (out / "a.png").write_bytes(b"old")
    item = item_of(files[0])
    place = Destination(folder=out, skip_existing=True)
    with travelled([item], api_url=box.url, state=tmp_path / "state", place=place):
        assert item.skipped
    assert item.error is None
    assert (out / "a.png").read_bytes() == b"old"
    assert "output" not in box.routes()
    item = item_of(files[0])
    place = Destination(folder=out)
    with travelled([item], api_url=box.url, state=tmp_path / "state", place=place):
        assert type(item.error) is OutputProblem
    assert (out / "a.png").read_bytes() == b"old"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"body": {"success": False, "id": None, "status": "failed"}}, JobFailed),
        ({"merge": {"url": None, "status": "processing"}}, NotFinished),
        ({"status": 410}, NotKnown),
    ],
)
def test_an_ended_link_of_a_job_that_has_no_other(
    box: Box, files: list[Path], tmp_path: Path, faults: Faults, fault: dict[str, Any], error: Any
) -> None:
    """The job is asked for a fresh one, and what it says then is the end."""
    faults({"on": "output", "status": 403}, {"on": "job", **fault})
    item = item_of(files[0])
    with travelled(
        [item], api_url=box.url, state=tmp_path / "state", place=Destination(folder=tmp_path / "")
    ):
        assert type(item.error) is error
    assert not list(tmp_path.glob("*.min.png"))


def test_a_real_link_that_has_ended(files: list[Path], out: Path, tmp_path: Path) -> None:
    """One that the service made too short; a fresh one is asked for as often as it may be."""
    with boxed(link_seconds=0.0) as box:
        item = item_of(files[0])
        with travelled(
            [item], api_url=box.url, state=tmp_path / "state", place=Destination(folder=out)
        ):
            assert type(item.error) is Refused
        assert box.routes().count("job") == 3
    assert list(out.iterdir()) == []


def test_notes_of_no_consequence(box: Box, files: list[Path], out: Path, tmp_path: Path) -> None:
    """A ledger that is full after the submit costs no result: it is a remark."""
    first = item_of(files[0])
    with travelled([first], api_url=box.url, state=tmp_path / "state"):
        assert first.job is not None
    item = Item("x", job_id=first.job.id, name="a.png")
    with travelled(
        [item],
        api_url=box.url,
        state=tmp_path / "state",
        place=Destination(folder=out),
        journal=lambda ledger: Full(ledger, "observed", "saved"),
    ) as run:
        assert [update.message for update in run.of(Remark)] == ["the ledger cannot be written"] * 2
    assert item.error is None
    assert item.saved is not None


def test_a_submit_that_cannot_be_noted_is_told(box: Box, files: list[Path], tmp_path: Path) -> None:
    """Its id comes first, then the trouble."""
    item = item_of(files[0])
    with travelled(
        [item],
        api_url=box.url,
        state=tmp_path / "state",
        journal=lambda ledger: Full(ledger, "accepted"),
    ) as run:
        assert [type(update) for update in run.updates][-2:] == [Submitted, Ended]
    assert type(item.error) is OutputProblem
    assert item.job is not None
    assert item.error.job_id == item.job.id


class Slow:
    """A ledger on a disk that takes no look's note before it is let go."""

    def __init__(self, ledger: Ledger, go: threading.Event) -> None:
        self._ledger = ledger
        self._go = go
        self.in_time = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def observed(self, api_url: str, jobs: Sequence[Job]) -> None:
        self.in_time = self._go.wait(5.0) and self.in_time
        self._ledger.observed(api_url, jobs)


def test_a_slow_ledger_makes_no_look_late(tmp_path: Path) -> None:
    """Looks go on while a note is written; an end is told when its note is in the ledger."""
    go = threading.Event()
    looks: list[bytes] = []

    def script(connection: Connection) -> None:
        looks.append(connection.request())
        more = {"url": "https://h/x"} if len(looks) == 2 else {"status": "thawing"}
        if len(looks) == 2:
            go.set()
        connection.send(message(200, {"id": ID, **more}))

    slow: list[Slow] = []

    def journal(ledger: Ledger) -> Slow:
        slow.append(Slow(ledger, go))
        return slow[-1]

    with (
        RawServer(script) as server,
        travelled(
            [Item("x", job_id=ID)],
            api_url=server.url,
            state=tmp_path / "state",
            journal=journal,
            wait=True,
        ) as run,
    ):
        assert [update.next_in is None for update in run.of(Looked)] == [False, True]
        (row,) = run.ledger.entries()
    assert row.state == "completed"
    assert all(one.in_time for one in slow)
