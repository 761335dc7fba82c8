"""Row C2: what the service says about when to look again."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Any

import pytest
from conftest import Faults
from running import Box, until

from .scene import Scene
from .waiting import submitted

FOREVER = ["processing"] * 99
HOUR = 3600.0

NO_PAUSE: list[str | list[str]] = [
    *("0", "-1", "nan", "inf", "１２", "1_0", "1e9", "+50", "50.0", "0x50", "9" * 10, "9" * 20),
    *("", "soon", formatdate(0.0), formatdate(0.0, usegmt=True)),
    "Fri, 31 Dec 99999 23:59:59 GMT",
    "Tue, 24 Nov 2026 99:99:99 -0000",
    ["1000", "2000"],
]
"""Retry-After that asks for nothing, or cannot be understood; two of them contradict each other."""


@pytest.mark.row("C2")
def test_a_retry_after_that_says_nothing_pauses_nothing(
    scene: Scene, box: Box, faults: Faults
) -> None:
    """Each for one of many jobs: the next look comes a second later, not sooner and not never."""
    ids = submitted(scene, box, count=len(NO_PAUSE))
    faults(*({"on": "job", "headers": {"Retry-After": value}} for value in NO_PAUSE))
    begun = time.monotonic()
    done = scene.run("wait", *ids, code=0, within=4)
    assert time.monotonic() - begun >= 1.0
    assert len(done.lines) == len(NO_PAUSE)
    assert box.routes() == ["job"] * 2 * len(NO_PAUSE)


@pytest.mark.row("C2")
@pytest.mark.parametrize("skew", [None, 5 * HOUR, -5 * HOUR], ids=["seconds", "ahead", "behind"])
def test_a_retry_after_is_kept(scene: Scene, box: Box, faults: Faults, skew: float | None) -> None:
    """A date is held against the service's clock, whatever ours says."""
    (job,) = submitted(scene, box)
    headers = {"Retry-After": "2"}
    if skew is not None:
        now = time.time() + skew
        headers = {"Date": formatdate(now, usegmt=True), "Retry-After": formatdate(now + 2)}
    faults({"on": "job", "headers": headers})
    begun = time.monotonic()
    scene.run("wait", job, code=0, within=4)
    assert time.monotonic() - begun >= 2.0
    assert box.routes() == ["job"] * 2


@pytest.mark.row("C2")
@pytest.mark.parametrize(
    ("status", "value"),
    [(None, "999999999"), (None, "Fri, 31 Dec 9999 23:59:59 GMT"), (429, "3600"), (503, "86400")],
)
def test_a_pause_beyond_the_deadline_ends_the_wait(
    scene: Scene, box: Box, faults: Faults, status: int | None, value: str
) -> None:
    """At once, with the command that goes on: the job runs."""
    (job,) = submitted(scene, box)
    fault: dict[str, Any] = {"on": "job", "headers": {"Retry-After": value}}
    faults(fault if status is None else {**fault, "status": status})
    done = scene.run("wait", job, "--timeout", "20", code=10, within=2)
    assert "the job is still running, and the service asks to wait " in done.stderr
    assert "longer than the time that is left" in done.stderr
    assert done.commands == [f"compressor wait {job}"]
    assert box.routes() == ["job"]


@pytest.mark.row("C2")
def test_the_id_is_there_before_a_long_sleep(scene: Scene, box: Box, faults: Faults) -> None:
    """Without a deadline a pause of an hour is slept, and can be left."""
    scene.source("photo.png")
    faults({"on": "upload", "states": FOREVER}, {"on": "job", "headers": {"Retry-After": "3600"}})
    going = scene.start("submit", "photo.png", "--wait", "--timeout", "0")
    until(lambda: box.fired() == [1, 1])
    (job,) = until(going.stdout.split)
    done = scene.held(going.signalled(), code=130)
    assert done.ids == [job]
    assert done.commands == [f"compressor wait {job}"]
