"""Which jobs were submitted, and what became of them."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from compressor_cli.api.contract import Job, State
from compressor_cli.errors import OutputProblem, UsageProblem
from compressor_cli.memory.entry import Entry
from compressor_cli.memory.ledger import Ledger

API = "https://api.compressor.app/1.0"
OTHER = "http://127.0.0.1:1/1.0"
DONE: dict[str, object] = {"id": "j", "url": "https://h/x", "output": {"size": 1}}


class Clock:
    """Seconds that pass one by one."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 1.0
        return self.seconds


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "a" / "state", now=Clock())
    yield ledger
    ledger.close()


def begun(ledger: Ledger, source: str = "p.jpg", api_url: str = API) -> int:
    return ledger.begin(source=source, source_path=f"/w/{source}", options={}, api_url=api_url)


def job(ledger: Ledger, job_id: str, state: str = "pending", api_url: str = API) -> int:
    number = begun(ledger, job_id, api_url)
    ledger.accepted(number, job_id=job_id, state=state, word="", result=None)  # type: ignore[arg-type]
    return number


def observed(
    ledger: Ledger,
    api_url: str,
    job_id: str,
    *,
    state: State,
    word: str,
    result: dict[str, object] | None,
    message: str = "",
) -> None:
    """One look is noted."""
    ledger.observed(api_url, [Job(job_id, state, word, message=message, raw=result or {})])


def found(ledger: Ledger, job_id: str = "j", api_url: str = API) -> Entry:
    entry = ledger.find(api_url, job_id)
    assert entry is not None
    return entry


def test_the_road_of_a_job(ledger: Ledger) -> None:
    """Every fact is there once it was noted, with its times."""
    number = ledger.begin(
        source="p.jpg",
        source_path="/w/p.jpg",
        options={"image": {"compression": "high"}},
        api_url=API,
    )
    (entry,) = ledger.entries()
    assert (entry.number, entry.job_id, entry.state, entry.word) == (number, None, "submitting", "")
    assert (entry.input_sha1, entry.result, entry.finished_at) == (None, None, None)
    ledger.sent(number, input_sha1="a" * 40, input_size=9)
    ledger.accepted(number, job_id="j", state="pending", word="enqueued", result={"id": "j"})
    entry = found(ledger)
    assert (entry.state, entry.word, entry.result) == ("pending", "enqueued", {"id": "j"})
    observed(ledger, API, "j", state="completed", word="completed", result=DONE)
    ledger.saved(API, "j", "/w/out.jpg")
    assert found(ledger) == Entry(
        number=number,
        job_id="j",
        source="p.jpg",
        source_path="/w/p.jpg",
        input_sha1="a" * 40,
        input_size=9,
        options={"image": {"compression": "high"}},
        api_url=API,
        state="completed",
        word="completed",
        result=DONE,
        message="",
        saved_to="/w/out.jpg",
        submitted_at=1.0,
        updated_at=6.0,
        finished_at=4.0,
    )


def test_finished_at_once(ledger: Ledger) -> None:
    """An answer that is a result already ends the job."""
    number = begun(ledger)
    ledger.accepted(number, job_id="j", state="completed", word="", result=DONE)
    entry = found(ledger)
    assert (entry.state, entry.finished_at) == ("completed", 2.0)
    ledger.saved(API, "j", "/x")
    assert found(ledger).finished_at == 2.0


@pytest.mark.parametrize(
    ("state", "finished"), [("unknown", False), ("not-sent", True), ("failed", True)]
)
def test_without_a_job(ledger: Ledger, state: str, finished: bool) -> None:
    """How a POST without a job ended, and why."""
    ledger.ended(begun(ledger), state=state, message="cut")  # type: ignore[arg-type]
    (entry,) = ledger.entries()
    assert (entry.state, entry.message, entry.job_id) == (state, "cut", None)
    assert (entry.finished_at is not None) == finished


def test_late_and_poor_answers(ledger: Ledger) -> None:
    """A finished job stays finished; a result stays when none comes; a failure keeps its reason."""
    job(ledger, "j")
    observed(ledger, API, "j", state="pending", word="processing", result={"id": "j"})
    observed(ledger, API, "j", state="completed", word="completed", result=DONE)
    observed(ledger, API, "j", state="pending", word="processing", result={"late": True})
    observed(ledger, API, "j", state="completed", word="", result=None)
    entry = found(ledger)
    assert (entry.state, entry.word, entry.result) == ("completed", "", DONE)
    observed(ledger, API, "j", state="failed", word="failed", result=None, message="no")
    observed(ledger, API, "j", state="failed", word="failed", result=None)
    entry = found(ledger)
    assert (entry.state, entry.message, entry.result) == ("failed", "no", DONE)
    observed(ledger, API, "j", state="completed", word="", result=DONE)
    assert found(ledger).message == ""


def test_no_news_writes_nothing(ledger: Ledger) -> None:
    """Ten thousand looks at a job that works on cost no write."""
    job(ledger, "j")
    observed(ledger, API, "j", state="pending", word="processing", result={"id": "j"})
    before = found(ledger)
    stamp = ledger.path.stat().st_mtime_ns
    observed(ledger, API, "j", state="pending", word="processing", result={"id": "j"})
    assert found(ledger) == before
    assert ledger.path.stat().st_mtime_ns == stamp


def test_many_are_noted_at_once(ledger: Ledger) -> None:
    """In their order, also of one job; those that are new become ours; an end stays the end."""
    job(ledger, "j")
    jobs = [
        Job("j", "pending", "thawing", raw={"id": "j", "status": "thawing"}),
        Job("k", "completed", "completed", raw={"id": "k"}),
        Job("j", "pending", "processing", raw={"id": "j"}),
        Job("k", "pending", "late", raw={"late": True}),
        Job("l", "failed", "failed", message="why", raw={"id": "l"}),
    ]
    ledger.observed(API, jobs)
    assert [entry.job_id for entry in ledger.entries()] == ["l", "k", "j"]
    j, k, l_ = (found(ledger, one) for one in "jkl")
    assert (j.state, j.word, j.result) == ("pending", "processing", {"id": "j"})
    assert (k.state, k.word, k.result) == ("completed", "completed", {"id": "k"})
    assert k.finished_at is not None
    assert (l_.state, l_.message) == ("failed", "why")
    ledger.observed(API, jobs[2:])
    ledger.observed(API, [])
    assert [found(ledger, one) for one in "jkl"] == [j, k, l_]  # no news: also no newer times


def test_many_are_one_change(ledger: Ledger) -> None:
    """A fault in one takes the others back."""
    with pytest.raises(sqlite3.Error):
        ledger.observed(API, [Job("j", "pending"), Job("k", object())])  # type: ignore[arg-type]
    assert ledger.entries() == []


def test_a_job_of_someone_else(ledger: Ledger) -> None:
    """A look at an unknown job makes it known, once for each API; so does a saved output."""
    for api_url in (API, OTHER, API):
        observed(ledger, api_url, "x", state="pending", word="odd", result={"id": "x"})
    assert [entry.api_url for entry in ledger.entries()] == [OTHER, API]
    entry = found(ledger, "x")
    assert (entry.source, entry.options, entry.submitted_at) == ("", {}, 1.0)
    ledger.saved(API, "y", "/out")
    entry = found(ledger, "y")
    assert (entry.state, entry.saved_to) == ("completed", "/out")
    assert entry.finished_at is not None


def test_one_id_for_two_submits(ledger: Ledger) -> None:
    """A service may know the bytes already: both rows are kept and both learn."""
    first, second = job(ledger, "j"), job(ledger, "j")
    assert found(ledger).number == second
    observed(ledger, API, "j", state="completed", word="", result=DONE)
    assert {(entry.number, entry.state) for entry in ledger.entries()} == {
        (first, "completed"),
        (second, "completed"),
    }


def test_newest_and_listing(ledger: Ledger) -> None:
    """The newest first, by API, by state, so many."""
    assert ledger.earlier.newest(API) is None
    assert ledger.find(API, "a") is None
    job(ledger, "a")
    job(ledger, "b", "completed")
    job(ledger, "c", "pending", OTHER)
    begun(ledger, "d")
    newest = ledger.earlier.newest(API)
    assert newest is not None
    assert newest.job_id == "b"
    assert [entry.source for entry in ledger.entries()] == ["d", "c", "b", "a"]
    assert [entry.source for entry in ledger.entries(api_url=API, limit=2)] == ["d", "b"]
    assert [entry.source for entry in ledger.entries(states=["pending"])] == ["c", "a"]
    assert [entry.source for entry in ledger.entries(id_begins="b")] == ["b"]
    assert [entry.job_id for entry in ledger.entries(id_begins="")] == ["c", "b", "a"]
    assert ledger.entries(limit=0) == ledger.entries(limit=-1) == []


def test_forgetting(ledger: Ledger) -> None:
    """What may still cost or bring something goes only when it is named."""
    job(ledger, "old", "completed")
    job(ledger, "bad", "failed")
    job(ledger, "new", "completed")
    job(ledger, "open")
    number = begun(ledger, "dead")
    ledger.ended(begun(ledger, "maybe"), state="unknown", message="")
    assert ledger.forget() == 0
    assert ledger.forget(states=["pending", "submitting", "unknown"]) == 0
    assert ledger.forget(before=2.0, states=["failed"]) == 0
    assert ledger.forget(states=["failed"]) == 1
    assert ledger.forget(before=2.0) == 1
    assert ledger.forget(everything=True) == 1
    assert [entry.source for entry in ledger.entries()] == ["maybe", "dead", "open"]
    assert ledger.forget(job_ids=["open", "open", "none"], numbers=[number]) == 2
    assert [entry.source for entry in ledger.entries()] == ["maybe"]


def test_forgotten_while_it_was_sent(ledger: Ledger) -> None:
    """The id of an accepted job still reaches the user; numbers are not used twice."""
    number = begun(ledger)
    assert ledger.forget(numbers=[number]) == 1
    ledger.sent(number, input_sha1="", input_size=0)
    ledger.ended(number, state="unknown", message="")
    with pytest.raises(OutputProblem, match="j-1") as caught:
        ledger.accepted(number, job_id="j-1", state="pending", word="", result=None)
    assert caught.value.job_id == "j-1"
    assert begun(ledger) > number


def test_nothing_secret_is_in_the_file(ledger: Ledger) -> None:
    """No key, password, signature or header value is in the raw bytes, journal included."""
    number = ledger.begin(
        source="https://u:hunter2@h/p.jpg?sig=hunter2#hunter2",
        options={
            "headers": {"Authorization": "Bearer hunter2"},
            "webhook": {"url": "https://u:hunter2@h/w?hunter2"},
        },
        api_url=API,
    )
    ledger.accepted(number, job_id="j", state="pending", word="", result=None)
    for file in ledger.path.parent.iterdir():
        assert b"hunter2" not in file.read_bytes()
    entry = found(ledger)
    assert entry.source == "https://h/p.jpg"
    assert entry.options == {"headers": {"Authorization": "…"}, "webhook": {"url": "https://h/w"}}


def test_a_path_is_no_url(ledger: Ledger) -> None:
    """A file may be called anything and keeps its name."""
    number = ledger.begin(
        source="a://b?c", source_path="/w/a://b?c", options={}, api_url=API, input_size=1
    )
    assert [(entry.number, entry.source) for entry in ledger.entries()] == [(number, "a://b?c")]


TEXT = st.text(max_size=20) | st.text(alphabet="\ud800\udcff\x00é", max_size=5)
# In JSON a high surrogate before a low one is one character; file names have only low ones.
JSON_TEXT = st.text(max_size=20) | st.text(alphabet="\udcff\x00é", max_size=5)
OBJECT = st.dictionaries(
    JSON_TEXT,
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | JSON_TEXT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(JSON_TEXT, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(path=TEXT, word=TEXT, message=TEXT, size=st.integers(0, 2**63 - 1), result=OBJECT)
def test_round_trip(
    ledger: Ledger, path: str, word: str, message: str, size: int, result: dict[str, object]
) -> None:
    """Whatever text comes, lone surrogates and NUL too, the same comes back."""
    number = ledger.begin(source=path, source_path=path, options={}, api_url=API)
    ledger.sent(number, input_sha1="a", input_size=size)
    job_id = f"j{number}"
    ledger.accepted(number, job_id=job_id, state="failed", word=word, result=result)
    observed(ledger, API, job_id, state="failed", word=word, result=None, message=message)
    observed(ledger, API, path, state="pending", word=word, result=None)
    entry = found(ledger, job_id)
    assert (entry.source, entry.source_path, entry.word) == (path, path, word)
    assert (entry.message, entry.input_size, entry.result) == (message, size, result)
    assert found(ledger, path).job_id == path


def test_an_answer_that_cannot_be_kept(ledger: Ledger) -> None:
    """Nesting without end does not stop the state from being noted."""
    deep: dict[str, object] = {}
    for _ in range(100_000):
        deep = {"a": deep}
    number = begun(ledger)
    ledger.accepted(number, job_id="j", state="pending", word="", result=deep)
    observed(ledger, API, "j", state="completed", word="", result={"not JSON": object()})
    entry = found(ledger)
    assert (entry.state, entry.result) == ("completed", None)
    while deep:  # unwound by hand: freeing it in one go is deep as well
        deep = deep.pop("a")  # type: ignore[assignment]


def test_private_whatever_the_umask(tmp_path: Path) -> None:
    """File 0600 in folders 0700, and the journal of a change under way too."""
    old = os.umask(0)
    try:
        ledger = Ledger(tmp_path / "a" / "b")
        begun(ledger)
        with ledger._database.changing() as connection:
            connection.execute("UPDATE jobs SET word = 'x'")
            modes = {
                path.name: stat.S_IMODE(path.stat().st_mode)
                for path in (tmp_path / "a" / "b").iterdir()
            }
        ledger.close()
    finally:
        os.umask(old)
    assert modes == {"ledger.sqlite3": 0o600, "ledger.sqlite3-journal": 0o600}
    assert {stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "a", tmp_path / "a" / "b")} == {
        0o700
    }


def test_a_change_is_whole_or_not_at_all(ledger: Ledger) -> None:
    """What is raised in mid-change undoes it and leaves the ledger usable."""
    begun(ledger)
    with (  # noqa: PT012 - a change that is interrupted has two steps
        pytest.raises(KeyboardInterrupt),
        ledger._database.changing() as connection,
    ):
        connection.execute("DELETE FROM jobs")
        raise KeyboardInterrupt
    assert len(ledger.entries()) == 1
    begun(ledger)


def test_threads(ledger: Ledger) -> None:
    """One ledger serves many threads at once and loses nothing."""

    def work(name: int) -> None:
        for turn in range(20):
            job(ledger, f"{name}-{turn}")
            observed(ledger, API, f"{name}-{turn}", state="completed", word="", result=DONE)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = {entry.job_id for entry in ledger.entries(states=["completed"])}
    assert len(ids) == len(ledger.entries()) == 160


WRITER = """
import sys
from pathlib import Path
from compressor_cli.memory.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]))
for turn in range(int(sys.argv[2])):
    number = ledger.begin(source=f"{sys.argv[3]}-{turn}", options={}, api_url="https://h")
    print(number, flush=True)
"""


def writer(folder: Path, turns: int, name: str = "w") -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WRITER, str(folder), str(turns), name]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def test_eight_processes_at_once(tmp_path: Path) -> None:
    """A ledger that none of them finds made, 50 rows each: nothing is lost or doubled."""
    writers = [writer(tmp_path / "s", 50, str(name)) for name in range(8)]
    for process in writers:
        process.communicate()
    assert [process.returncode for process in writers] == [0] * 8
    ledger = Ledger(tmp_path / "s")
    sources = [entry.source for entry in ledger.entries()]
    ledger.close()
    assert len(sources) == len(set(sources)) == 400


def test_killed_while_writing(tmp_path: Path) -> None:
    """After kill -9 every row that was reported is there, and the next one can write."""
    for _ in range(3):
        process = writer(tmp_path, 100_000)
        assert process.stdout is not None
        reported = [int(process.stdout.readline()) for _ in range(20)]
        process.send_signal(signal.SIGKILL)
        reported += [int(line) for line in process.communicate()[0].splitlines()]
        ledger = Ledger(tmp_path)
        assert {entry.number for entry in ledger.entries()} >= set(reported)
        begun(ledger)
        ledger.close()


def test_a_newer_form_is_left_alone(tmp_path: Path) -> None:
    """What a newer version wrote is not touched."""
    Ledger(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "ledger.sqlite3")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(UsageProblem, match="newer"):
        Ledger(tmp_path)


@pytest.mark.parametrize("damage", ["other", "torn"])
def test_damage(tmp_path: Path, damage: str) -> None:
    """A damaged file is named, with what to do, and left as it is."""
    ledger = Ledger(tmp_path)
    for _ in range(200):
        begun(ledger)
    ledger.close()
    file = tmp_path / "ledger.sqlite3"
    content = file.read_bytes()
    file.write_bytes(b"x" * 9000 if damage == "other" else content[:4096] + b"\xff" * 8192)
    before = file.read_bytes()
    with pytest.raises(OutputProblem, match="is damaged") as caught:  # noqa: PT012
        ledger = Ledger(tmp_path)
        try:
            ledger.entries()
        finally:
            ledger.close()
    assert str(file) in caught.value.message
    assert "mv " in caught.value.hint
    assert file.read_bytes() == before


def test_no_place_for_it(tmp_path: Path) -> None:
    """A folder that cannot be one, a file that is a folder: exit 9 with the way out."""
    (tmp_path / "plain").touch()
    (tmp_path / "s" / "ledger.sqlite3").mkdir(parents=True)
    for folder in (tmp_path / "plain", tmp_path / "plain" / "x", tmp_path / "s", Path("/proc/x")):
        with pytest.raises(OutputProblem) as caught:
            Ledger(folder)
        assert "COMPRESSOR_STATE_DIR" in caught.value.hint


def test_no_room(ledger: Ledger) -> None:
    """A full disk is exit 9 and leaves what was there."""
    begun(ledger)
    ledger._database._connection.execute("PRAGMA max_page_count = 4")
    with pytest.raises(OutputProblem, match="full"):
        ledger.begin(source="x" * 100_000, options={}, api_url=API)
    assert len(ledger.entries()) == 1


def test_in_use(ledger: Ledger) -> None:
    """Someone who does not let go is told after a while, which is short where one is ending."""
    ledger.hurry()
    other = sqlite3.connect(ledger.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(OutputProblem, match="in use"):
            begun(ledger)
    finally:
        other.close()
    begun(ledger)


def test_closed(ledger: Ledger) -> None:
    """Closing twice is fine; using it afterwards is our mistake, not the user's."""
    ledger.close()
    ledger.close()
    with pytest.raises(sqlite3.ProgrammingError):
        ledger.entries()
