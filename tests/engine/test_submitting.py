"""Handing a source over exactly once."""

from __future__ import annotations

import hashlib
import io
import tempfile
from pathlib import Path
from typing import Any

import pytest
from conftest import Faults
from raw import Connection, RawServer, closed_port, message, resets, says
from running import Box
from sandbox.pictures import encoded

from compressor_cli.engine import backoff
from compressor_cli.engine.channel import Stopped
from compressor_cli.engine.patience import THROTTLES
from compressor_cli.engine.source import StdinSource, url_source
from compressor_cli.engine.submitting import CHECK_ABOVE, submit
from compressor_cli.engine.updates import Delayed, Item, Sending
from compressor_cli.errors import (
    CompressorError,
    InputProblem,
    JobFailed,
    KeyProblem,
    MaybeAccepted,
    OutputProblem,
    Refused,
    TemporaryTrouble,
)
from compressor_cli.memory.ledger import Ledger

from .desk import Office, item_of, office

ID = "38a8bb5e-0001-4000-8000-000000000000"
ACCEPTED = message(202, {"id": ID, "status": "enqueued"})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    path.write_bytes(encoded("png"))
    return path


def outcome(item: Item, at: Office) -> CompressorError | None:
    try:
        submit(item, at.desk)
    except CompressorError as error:
        return error
    return None


def posts(box: Box) -> list[dict[str, Any]]:
    return [seen for seen in box.requests if seen["route"] in ("upload", "fetch")]


def test_a_file_is_handed_over(box: Box, file: Path, tmp_path: Path) -> None:
    """The job is set and in the ledger, with what was sent."""
    item = item_of(file, options={"image": {"compression": "high"}})
    with office(box.url, tmp_path / "state") as at:
        assert outcome(item, at) is None
        row = at.row
        assert [(u.done, u.whole) for u in at.posted(Sending)] == [(item.size, item.size)]
    assert item.job is not None
    assert item.job.state == "completed"
    assert item.sha1 == hashlib.sha1(file.read_bytes()).hexdigest()
    assert not item.in_doubt
    assert (row.number, row.job_id, row.state) == (item.entry, item.job.id, "completed")
    assert (row.input_sha1, row.input_size) == (item.sha1, file.stat().st_size)
    assert (row.source_path, row.options) == (str(file), {"image": {"compression": "high"}})
    assert row.result is not None
    assert [seen["sha1"] for seen in posts(box)] == [item.sha1]


def test_the_row_is_there_before_the_first_byte(file: Path, tmp_path: Path) -> None:
    """The server looks: whatever ends us then, the upload is known of."""
    states: list[list[str]] = []

    def look() -> None:
        other = Ledger(tmp_path / "state")
        states.append([entry.state for entry in other.entries()])
        other.close()

    def looks(connection: Connection) -> None:
        connection.head()
        look()
        connection.request()
        look()
        connection.send(ACCEPTED)

    with RawServer(looks) as server, office(server.url, tmp_path / "state") as at:
        assert outcome(item_of(file), at) is None
        assert states[0] in (["submitting"], ["unknown"])
        assert states[1] == ["unknown"], "all of it has left"
        assert (at.row.state, at.row.job_id, at.row.word) == ("pending", ID, "enqueued")


@pytest.mark.parametrize(
    ("fault", "waits"),
    [
        ({"status": 429, "headers": {"Retry-After": "2"}}, [2.0]),
        ({"status": 429}, [5.0]),
        ({"status": 429, "times": 3}, [5.0, 10.0, 20.0]),
        ({"status": 503, "headers": {"Retry-After": "3"}}, [3.0]),
        ({"status": 429, "early": True, "headers": {"Retry-After": "0"}}, [0.5]),
    ],
)
def test_a_request_to_pause_is_kept(
    box: Box, file: Path, tmp_path: Path, faults: Faults, fault: dict[str, Any], waits: list[float]
) -> None:
    """Then the same bytes are sent again, and one job is made."""
    faults({"on": "upload", **fault})
    item = item_of(file)
    with office(box.url, tmp_path / "state") as at:
        assert outcome(item, at) is None
        assert at.crew.slept == waits
        assert [update.next_in for update in at.posted(Delayed)] == waits
    assert len(posts(box)) == len(waits) + 1
    assert posts(box)[-1]["sha1"] == item.sha1
    assert box.stats()["accepted"] == 1


@pytest.mark.parametrize(
    ("fault", "accepted"),
    [
        ({"status": 500}, 0),
        ({"status": 502, "body": "<html>", "content_type": "text/html"}, 0),
        ({"status": 503}, 0),
        ({"status": 504, "after_work": True}, 1),
        ({"status": 408}, 0),
        ({"drop": "after"}, 1),
        ({"after_work": True, "status": 201, "body": "<html>"}, 1),
        ({"after_work": True, "body": ""}, 1),
        ({"after_work": True, "body": []}, 1),
        ({"merge": {"id": None}}, 1),
        ({"merge": {"id": "../../x"}}, 1),
    ],
)
def test_what_may_have_been_accepted_is_never_sent_again(
    box: Box, file: Path, tmp_path: Path, faults: Faults, fault: dict[str, Any], accepted: int
) -> None:
    """One POST, at most one job, and a row that says that nobody knows."""
    faults({"on": "upload", **fault})
    item = item_of(file)
    with office(box.url, tmp_path / "state") as at:
        error = outcome(item, at)
        assert type(error) is MaybeAccepted
        assert (at.row.state, at.row.message, at.row.job_id) == ("unknown", error.message, None)
        assert at.crew.slept == []
    assert item.job is None
    assert item.in_doubt
    assert len(posts(box)) == 1
    assert box.stats()["accepted"] == accepted


@pytest.mark.parametrize(
    ("status", "error"), [(400, Refused), (401, KeyProblem), (413, Refused), (415, Refused)]
)
def test_a_refusal_is_not_sent_again(
    box: Box, file: Path, tmp_path: Path, faults: Faults, status: int, error: type[Exception]
) -> None:
    faults({"on": "upload", "status": status})
    with office(box.url, tmp_path / "state") as at:
        assert type(outcome(item_of(file), at)) is error
        assert at.row.state == "not-sent"
    assert len(posts(box)) == 1


def test_nobody_listens(file: Path, tmp_path: Path) -> None:
    """Five tries with growing waits, then it is given up; nothing was accepted."""
    with office(f"http://127.0.0.1:{closed_port()}", tmp_path / "state") as at:
        error = outcome(item_of(file), at)
        assert type(error) is TemporaryTrouble
        assert "Connection refused" in error.message
        assert "tried 5 times" in error.hint
        assert len(at.crew.slept) == len(at.posted(Delayed)) == backoff.ATTEMPTS - 1
        assert at.row.state == "not-sent"


def test_an_upload_that_is_cut_half_way_is_sent_again(tmp_path: Path) -> None:
    """As often as it may be; the body that is whole in the end is the file's."""
    path = tmp_path / "a.bin"
    with path.open("wb") as sparse:
        sparse.truncate(40_000_000)
    sums: list[tuple[int, str]] = []

    def takes(connection: Connection) -> None:
        connection.sock.settimeout(20)
        head = connection.head().partition(b"Content-Length: ")[2]
        left, digest = int(head.split(b"\r\n")[0]), hashlib.sha1()
        size = left
        while left and (piece := connection.sock.recv(min(left, 1 << 20))):
            left -= len(piece)
            digest.update(piece)
        sums.append((size - left, digest.hexdigest()))
        connection.send(ACCEPTED)

    account = says(message(200, {}))
    scripts = (account, resets(0), resets(100_000), resets(5_000_000), takes)
    item = item_of(path)
    with RawServer(*scripts) as server, office(server.url, tmp_path / "state") as at:
        assert outcome(item, at) is None
        assert len(server.received) == len(scripts)
        assert len(at.crew.slept) == 3
    assert item.job is not None
    assert item.sha1 == hashlib.sha1(bytes(40_000_000)).hexdigest()
    assert len(sums) == 1
    assert sums[0][0] > 40_000_000


def test_a_large_file_is_not_sent_with_a_bad_key(box: Box, tmp_path: Path, faults: Faults) -> None:
    """A small request finds that out; nothing is in the ledger, since nothing was begun."""
    faults({"on": "account", "status": 401})
    path = tmp_path / "a.bin"
    with path.open("wb") as sparse:
        sparse.truncate(CHECK_ABOVE + 1)
    with office(box.url, tmp_path / "state") as at:
        assert type(outcome(item_of(path), at)) is KeyProblem
        assert at.ledger.entries() == []
    assert posts(box) == []


def test_trouble_with_that_small_request_is_none(box: Box, tmp_path: Path, faults: Faults) -> None:
    faults({"on": "account", "status": 502}, {"on": "upload", "status": 413})
    path = tmp_path / "a.bin"
    with path.open("wb") as sparse:
        sparse.truncate(CHECK_ABOVE + 1)
    with office(box.url, tmp_path / "state") as at:
        assert type(outcome(item_of(path), at)) is Refused
    assert len(posts(box)) == 1


def test_pauses_without_end(box: Box, file: Path, tmp_path: Path, faults: Faults) -> None:
    """After ten in a row it is given up for now, and the pause is told."""
    faults({"on": "upload", "status": 429, "headers": {"Retry-After": "9"}, "times": THROTTLES})
    with office(box.url, tmp_path / "state") as at:
        error = outcome(item_of(file), at)
        assert type(error) is TemporaryTrouble
        assert "pause of 9 s" in error.hint
        assert len(at.crew.slept) == THROTTLES - 1


def test_a_pause_beyond_the_deadline(box: Box, file: Path, tmp_path: Path, faults: Faults) -> None:
    """It is not begun."""
    faults({"on": "upload", "status": 429, "headers": {"Retry-After": "500"}})
    with office(box.url, tmp_path / "state", deadline=60.0) as at:
        error = outcome(item_of(file), at)
        assert type(error) is TemporaryTrouble
        assert "pause of 500 s" in error.hint
        assert at.crew.slept == []


@pytest.mark.parametrize(
    "answer",
    [
        message(200, {"success": False, "message": "no \x1b"}),
        message(422, {"success": False, "status": "failed", "message": "no \x1b"}),
    ],
)
def test_a_job_that_never_was(answer: bytes, file: Path, tmp_path: Path) -> None:
    with RawServer(says(answer)) as server, office(server.url, tmp_path / "state") as at:
        error = outcome(item_of(file), at)
        assert type(error) is JobFailed
        assert error.message == "the job failed: no \x1b"
        assert error.job_id is None
        assert (at.row.state, at.row.message) == ("failed", "no \x1b")
        assert len(server.received) == 1


def test_a_job_that_failed_at_once(box: Box, file: Path, tmp_path: Path, faults: Faults) -> None:
    """It was accepted, and its id is kept."""
    faults({"on": "upload", "fail": "why"})
    item = item_of(file)
    with office(box.url, tmp_path / "state") as at:
        assert outcome(item, at) is None
        assert item.job is not None
        assert (at.row.job_id, at.row.state) == (item.job.id, "failed")


def test_a_url_is_fetched(box: Box, tmp_path: Path, faults: Faults) -> None:
    """Its credentials are sent, and are not in the ledger."""
    faults({"on": "fetch", "status": 429, "headers": {"Retry-After": "1"}})
    url = "http://u:hunter2@127.0.0.1:1/a.png?sig=1"
    source = url_source(url, headers={"X-Token": "hunter2"})
    item = Item(source.label, source=source, name=source.name, options={"webhook": {"url": "x"}})
    with office(box.url, tmp_path / "state") as at:
        assert outcome(item, at) is None
        assert at.row.source == "http://127.0.0.1:1/a.png"
        assert at.row.source_path is None
        assert at.row.input_sha1 is None
        at.ledger.close()
        assert b"hunter2" not in at.ledger.path.read_bytes()
    assert item.job is not None
    assert (item.job.state, item.sha1, item.size) == ("pending", None, None)
    assert [seen["route"] for seen in posts(box)] == ["fetch", "fetch"]


def spools() -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob("compressor-*.spool"))


@pytest.fixture
def _own_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.mark.usefixtures("_own_tmp")
@pytest.mark.parametrize("status", [None, 400])
def test_standard_input_is_handed_over(box: Box, tmp_path: Path, status: int | None) -> None:
    """By way of a file that is gone afterwards, however it ends."""
    if status is not None:
        box.script({"on": "upload", "status": status})
    content = encoded("png")
    item = Item("-", source=StdinSource(io.BytesIO(content)), name="stdin")
    with office(box.url, tmp_path / "state") as at:
        assert type(outcome(item, at)) is (Refused if status else type(None))
        assert at.row.source == "-"
        assert at.row.source_path is None
    assert item.size == len(content)
    assert posts(box)[0]["sha1"] == hashlib.sha1(content).hexdigest()
    assert spools() == []


@pytest.mark.usefixtures("_own_tmp")
def test_empty_standard_input(box: Box, tmp_path: Path) -> None:
    with office(box.url, tmp_path / "state") as at:
        assert type(outcome(Item("-", source=StdinSource(io.BytesIO())), at)) is InputProblem
        assert at.ledger.entries() == []
    assert spools() == []
    assert posts(box) == []


def test_a_file_that_is_gone_meanwhile(box: Box, file: Path, tmp_path: Path) -> None:
    item = item_of(file)
    file.unlink()
    with office(box.url, tmp_path / "state") as at:
        assert type(outcome(item, at)) is InputProblem
        assert at.row.state == "not-sent"
    assert posts(box) == []


def test_a_file_that_changed_before_it_was_sent(box: Box, file: Path, tmp_path: Path) -> None:
    """What is sent counts: it is what the ledger and the service's answer are held against."""
    item = item_of(file)
    content = encoded("png", seed=2, width=100)
    file.write_bytes(content)
    with office(box.url, tmp_path / "state") as at:
        assert outcome(item, at) is None
        assert (at.row.input_size, at.row.input_sha1) == (
            len(content),
            hashlib.sha1(content).hexdigest(),
        )
    assert item.job is not None
    assert item.size == item.job.input.size == len(content)


class Full:
    """A ledger on a disk that is full from a certain call on."""

    def __init__(self, ledger: Ledger, *calls: str) -> None:
        self._ledger = ledger
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        if name in self._calls:
            return self._refuse
        return getattr(self._ledger, name)

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise OutputProblem("the ledger cannot be written")


@pytest.mark.parametrize(("call", "sent"), [("begin", 0), ("accepted", 1)])
def test_a_ledger_that_cannot_be_written(
    box: Box, file: Path, tmp_path: Path, call: str, sent: int
) -> None:
    """Before anything is sent that is the end; afterwards the job is told all the same."""
    item = item_of(file)
    ledger = Ledger(tmp_path / "other")
    with office(box.url, tmp_path / "state", journal=Full(ledger, call)) as at:
        assert type(outcome(item, at)) is OutputProblem
    ledger.close()
    assert len(posts(box)) == sent
    assert (item.job is not None) is bool(sent)


def test_the_end_of_the_command(tmp_path: Path) -> None:
    """In the middle of a file: it stops there, nothing can have been accepted, the row stays."""
    path = tmp_path / "big"
    with path.open("wb") as sparse:
        sparse.truncate(CHECK_ABOVE)

    def ends(connection: Connection) -> None:
        connection.read(1_000_000)
        at.crew.dismiss()
        connection.drain()

    item = item_of(path)
    with RawServer(ends) as server, office(server.url, tmp_path / "state") as at:
        with pytest.raises(Stopped):
            submit(item, at.desk)
        assert at.row.state == "submitting"
        with pytest.raises(Stopped):
            submit(item, at.desk)
        assert len(server.received) == 1
    assert item.job is None
    assert not item.in_doubt


def test_an_item_is_in_doubt_once_all_of_it_left(file: Path, tmp_path: Path) -> None:
    seen: list[bool] = []
    item = item_of(file)

    def looks(connection: Connection) -> None:
        connection.request()
        seen.append(item.in_doubt)
        connection.send(ACCEPTED)

    with RawServer(looks) as server, office(server.url, tmp_path / "state") as at:
        assert outcome(item, at) is None
    assert seen == [True]
    assert not item.in_doubt
