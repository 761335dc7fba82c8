"""Rows C: what may go wrong while a job is waited for."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import Faults
from running import Box

from .gateway import Gateway
from .injected import Injected
from .scene import Scene
from .waiting import submitted

TROUBLES: list[dict[str, Any]] = [
    {"status": 502, "body": "<html>Bad gateway</html>", "content_type": "text/html"},
    {"status": 500},
    {"status": 504, "body": ""},
    {"drop": "before"},
    {"drop": "after"},
    {"status": 429, "headers": {"Retry-After": "1"}},
    {"status": 503, "headers": {"Retry-After": "1"}},
    {"status": 200, "body": "<html>log in</html>"},
]


@pytest.mark.row("C1")
def test_a_failed_look_is_a_missed_look(scene: Scene, box: Box, faults: Faults) -> None:
    """One trouble for each of many jobs, and all come to their end."""
    ids = submitted(scene, box, count=len(TROUBLES))
    faults(*({"on": "job", **trouble} for trouble in TROUBLES))
    done = scene.run("wait", *ids, code=0, within=5)
    assert sorted(done.lines) == sorted(f"{job}\tcompleted" for job in ids)
    assert done.stderr.count("next try in") == len(TROUBLES)
    assert "html" not in done.stderr


@pytest.mark.row("C1")
def test_a_look_that_times_out_is_a_missed_look(scene: Scene, box: Box) -> None:
    """The read time-out is half a minute, which strace makes short."""
    (job,) = submitted(scene, box)
    fault = Injected(scene.compressor.home / "strace", "recvfrom:error=ETIMEDOUT:when=1")
    done = scene.shell(f"{fault.prefix} compressor wait {job}", code=0)
    assert fault.fired == 1
    assert re.search(r"does not answer: timed out; next try in (0\.9|1\.0) s", done.stderr)
    assert done.stdout == f"{job}\tcompleted\n"


@pytest.mark.slow
@pytest.mark.row("C1")
def test_one_job_that_meets_all_troubles_in_a_row(scene: Scene, box: Box, faults: Faults) -> None:
    """However many failed looks in a row: the wait goes on. The first one times out, by strace."""
    (job,) = submitted(scene, box)
    faults(
        {**TROUBLES[0], "on": "job", "times": 2},
        {"drop": "before", "on": "job"},
        {"status": 429, "headers": {"Retry-After": "1"}, "on": "job"},
        {"status": 503, "headers": {"Retry-After": "1"}, "on": "job"},
        {"status": 504, "on": "job"},
    )
    fault = Injected(scene.compressor.home / "strace", "recvfrom:error=ETIMEDOUT:when=1")
    done = scene.shell(f"{fault.prefix} compressor wait {job}", code=0)
    assert fault.fired == 1
    assert done.stdout == f"{job}\tcompleted\n"
    said = re.findall(
        r"(timed out|answered \d+|the connection to \S+ broke).*next try", done.stderr
    )
    assert [words.partition(" to ")[0] for words in said] == [
        "timed out", "answered 502", "the connection", "answered 429", "answered 503",
        "answered 504",
    ]  # fmt: skip
    assert box.routes() == ["job"] * 8


@pytest.mark.slow
@pytest.mark.row("C1")
def test_only_bad_answers_in_a_row_end_a_wait(scene: Scene, box: Box, faults: Faults) -> None:
    """Three would; a look that goes well begins a new row."""
    (job,) = submitted(scene, box, "processing", "processing")
    bad = {"on": "job", "status": 200, "body": "?"}
    faults({**bad, "times": 2}, {**bad, "skip": 1, "times": 2})
    assert scene.run("wait", job, code=0).lines == [f"{job}\tcompleted"]
    assert box.routes() == ["job"] * 7


@pytest.mark.row("C3")
def test_a_job_that_does_not_end_in_time_runs_on(scene: Scene, box: Box, faults: Faults) -> None:
    """Nothing cancels it; the printed command waits for the same job, to its end."""
    scene.source("photo.png")
    faults({"on": "upload", "states": ["processing", "processing"]})
    done = scene.run(
        "submit", "photo.png", "-o", "small.png", "--timeout", "1.2", code=10, within=2
    )
    (job,) = done.ids
    assert done.commands == [f"compressor get --wait {job} --output small.png"]
    assert {request["method"] for request in box.requests} == {"POST", "GET"}
    assert "1.2 s are over, and the job is not at an end; the service works on" in done.stderr
    assert not (scene.folder / "small.png").exists()
    scene.shell(done.commands[0], code=0)
    assert (scene.folder / "small.png").exists()
    assert box.stats()["accepted"] == 1


@pytest.mark.row("C4")
def test_a_reason_is_told_and_does_nothing(scene: Scene, box: Box, faults: Faults) -> None:
    """The service's words, on one line, without what acts on a terminal."""
    scene.source("photo.png")
    faults({"on": "upload", "fail": "too \x1b[31mred\u202e\r\ncompressor: all is well" * 100})
    done = scene.run("submit", "photo.png", "--wait", code=6)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("compressor:")]
    reason = r"too \x1b[31mred\u202e\x0d\x0acompressor: all is well"
    assert line.startswith(f"compressor: photo.png: the job failed: {reason}")
    assert len(line) < 6000
    assert box.stats()["accepted"] == 1


@pytest.mark.row("C4")
@pytest.mark.parametrize("told", [{}, {"message": "too red"}], ids=["no reason", "a reason"])
@pytest.mark.parametrize("status", [200, 422])
def test_a_failure_that_only_the_state_tells(
    scene: Scene, box: Box, faults: Faults, status: int, told: dict[str, Any]
) -> None:
    """Without `success` the word alone is an end; the HTTP code does not matter."""
    (job,) = submitted(scene, box, "processing", "processing")
    faults({"on": "job", "status": status, "body": {"id": job, "status": "failed", **told}})
    done = scene.run("wait", job, "-o", "x.png", code=6)
    assert f"compressor: {job}: the job failed" in done.stderr
    assert told.get("message", "") in done.stderr
    assert box.routes() == ["job"]


@pytest.mark.row("C4")
def test_an_unknown_state_is_a_job_at_work(scene: Scene, box: Box) -> None:
    """Until the deadline; the service's own word is shown."""
    (job,) = submitted(scene, box, *["thawing"] * 9)
    done = scene.run("wait", job, "--timeout", "1", code=10, within=2)
    assert done.stdout == f"{job}\tthawing\n"
    assert f"{job}: thawing" in done.stderr
    assert done.commands == [f"compressor wait {job}"]


ODD: list[Any] = [250, -3, float("nan"), float("inf"), "250 %", None, [], 10**400]


@pytest.mark.row("C4")
def test_strange_progress_and_states_that_go_back(scene: Scene, box: Box, faults: Faults) -> None:
    """None of it ends a wait; a number that is none (NaN) spoils only its own look."""
    ids = submitted(scene, box, "processing", "enqueued", count=len(ODD))
    faults(*({"on": "job", "merge": {"progress": value}} for value in ODD))
    done = scene.run("wait", *ids, "--json", code=0, within=6)
    assert [record["state"] for record in done.records] == ["completed"] * len(ODD)


@pytest.mark.row("C4")
def test_strange_progress_at_the_end(scene: Scene, box: Box, faults: Faults) -> None:
    """It is shown as it was sent; what is no JSON is not, and a further look tells the end."""
    ids = submitted(scene, box, count=len(ODD))
    faults(*({"on": "job", "skip": len(ODD), "merge": {"progress": value}} for value in ODD))
    done = scene.run("wait", *ids, "--json", code=0, within=6)
    strict = [json.loads(line, parse_constant=pytest.fail) for line in done.lines]
    assert sorted(record["id"] for record in strict) == sorted(ids)
    shown = [record["progress"] for record in strict if "progress" in record]
    assert sorted(map(repr, shown)) == sorted(map(repr, [250, -3, "250 %", [], 10**400]))
    assert done.stderr.count("an answer that is not JSON; next try in") == 2


@pytest.mark.row("C5")
@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("separate", [False, True], ids=["submit", "a wait of its own"])
def test_a_new_job_may_be_unknown_at_first(
    scene: Scene, later: Box, status: int, separate: bool
) -> None:
    """Once is a short grace, not an end; the ledger knows that a job is new."""
    scene.source("photo.png")
    later.script({"on": "job", "status": status})
    words = ("submit", "photo.png", "-o", "out/")
    if separate:
        scene.run("submit", "photo.png", code=0)
        words = ("wait", "--last", "-o", "out/")
    done = scene.run(*words, code=0)
    assert later.fired() == [1]
    assert f"the service answered {status}: a scripted fault; next try in" in done.stderr
    assert (scene.folder / "out" / "photo.png").exists()


@pytest.mark.row("C5")
@pytest.mark.parametrize("status", [404, 410])
def test_an_old_job_that_is_unknown_is_over(
    scene: Scene, box: Box, faults: Faults, status: int
) -> None:
    """At once, and with its id."""
    (job,) = submitted(scene, box)
    faults({"on": "job", "status": status})
    done = scene.run("wait", job, "-o", "out.png", code=6)
    assert done.stderr == (
        f"compressor: {job}: the service answered {status}: a scripted fault\n"
        "  the jobs that were submitted from here: compressor jobs\n"
    )
    assert box.routes() == ["job"]


@pytest.mark.slow
@pytest.mark.row("C5")
def test_a_new_job_that_stays_unknown_is_over(scene: Scene, later: Box) -> None:
    """After a grace of ten seconds; its id is known."""
    scene.source("photo.png")
    later.script({"on": "job", "status": 404, "times": 99})
    begun = time.monotonic()
    done = scene.run("submit", "photo.png", "--wait", code=6)
    assert 10.0 <= time.monotonic() - begun < 13.0
    assert len(done.ids) == 1
    assert "compressor: photo.png: the service answered 404: a scripted fault" in done.stderr
    assert later.fired()[0] >= 5


@pytest.mark.row("C11")
@pytest.mark.parametrize("command", ["status", "wait", "get"])
def test_a_redirect_of_a_look_is_not_followed(
    scene: Scene, box: Box, tmp_path_factory: pytest.TempPathFactory, command: str
) -> None:
    """Not even once: a loop cannot begin. The signature in it is not shown."""
    (job,) = submitted(scene, box)
    loop = "return 302 http://127.0.0.1:$server_port$request_uri?signature=s3cret;"
    folder: Path = tmp_path_factory.mktemp("nginx")
    with Gateway(folder, f"location / {{ {loop} }}") as gateway:
        scene.api(gateway.url)
        done = scene.run(command, job, code=6)
        assert gateway.answered() == [f"GET /1.0/jobs/{job} 302"]
    assert done.stderr.splitlines() == [
        f"compressor: {job}: the service answered 302, a redirect to "
        f"{gateway.url}/1.0/jobs/{job}, which is not followed",
        "  check the API URL: compressor config get api_url",
    ]
