"""When jobs are looked at, and what a look means."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor_cli.api.client import Look
from compressor_cli.api.contract import Job, State
from compressor_cli.engine import backoff
from compressor_cli.engine.crew import Crew, Tick
from compressor_cli.engine.deadline import Deadline
from compressor_cli.engine.gate import Gate
from compressor_cli.engine.polling import (
    AHEAD,
    BAD_ANSWERS,
    GRACE,
    Outcome,
    Poller,
    Schedule,
    Watch,
)
from compressor_cli.errors import (
    BadAnswer,
    KeyProblem,
    NotKnown,
    Refused,
    TemporaryTrouble,
    Throttled,
)

from .clock import Clock


def look(state: State = "pending", retry_after: float | None = None) -> Look:
    return Look(Job("j", state), retry_after)


TROUBLE = [TemporaryTrouble("502"), Throttled("429"), Throttled("503", retry_after=3.0)]


def settled(
    outcomes: list[Outcome],
    *,
    fresh: bool = False,
    once: bool = False,
    chance: float = 0.0,
    timeout: float | None = None,
) -> tuple[list[float], Watch]:
    """The times of the looks that bring these outcomes, from 0 on, until the watch ends."""
    schedule = Schedule(chance=lambda: chance)
    watch = Watch("j", 0.0, fresh=fresh, once=once)
    schedule.add(watch, at=backoff.FIRST_LOOK if fresh else 0.0)
    now, times = 0.0, []
    for outcome in outcomes:
        delay = schedule.delay(now)
        if delay is None:
            break
        now += delay
        assert schedule.take(now) is watch
        times.append(now)
        left = None if timeout is None else max(0.0, timeout - now)
        wait = schedule.settle(watch, outcome, now=now, left=left)
        assert schedule.delay(now) == (None if wait is None else pytest.approx(wait))
    return times, watch


def test_the_jobs_that_are_due_come_in_their_order() -> None:
    schedule = Schedule()
    assert schedule.delay(0.0) is None
    assert schedule.take(0.0) is None
    late, soon, equal = (Watch(name, 0.0) for name in ("late", "soon", "equal"))
    schedule.add(late, at=9.0)
    schedule.add(soon, at=3.0)
    schedule.add(equal, at=3.0)
    assert schedule.delay(1.0) == 2.0
    assert schedule.take(2.9) is None
    assert [schedule.take(3.0), schedule.take(3.0)] == [soon, equal]
    assert schedule.delay(10.0) == 0.0
    assert schedule.take(10.0) is late
    assert schedule.take(10.0) is None


def test_intervals_grow_from_one_second_to_fifteen() -> None:
    """One second and a tenth of the time waited."""
    times, _ = settled([look()] * 60, fresh=True)
    assert times[:3] == pytest.approx([1.0, 2.1, 3.31])
    gaps = [later - sooner for sooner, later in pairwise(times)]
    assert gaps[-1] == pytest.approx(15.0)
    for when, gap in zip(times, gaps, strict=False):
        assert gap == pytest.approx(min(15.0, 1.0 + when / 10))


@pytest.mark.parametrize("state", ["completed", "failed"])
@pytest.mark.parametrize("trouble", TROUBLE)
def test_trouble_never_ends_a_wait(state: State, trouble: TemporaryTrouble) -> None:
    """A failed look is a missed look, however many; the job's own word ends it."""
    times, _ = settled([*[trouble] * 500, look(), trouble, look(state), look()])
    assert len(times) == 503


@pytest.mark.parametrize(
    "refusal", [KeyProblem("401"), Refused("400"), NotKnown("410"), BadAnswer("x", job_id="j")]
)
def test_refusals_end_it(refusal: Any) -> None:
    """At once, but for an answer that cannot be read: that may be a gateway's."""
    tries = BAD_ANSWERS if isinstance(refusal, BadAnswer) else 1
    assert len(settled([refusal] * 9)[0]) == tries
    assert len(settled([look(), *[refusal] * 9])[0]) == tries + 1


def test_bad_answers_count_in_a_row_only() -> None:
    bad = BadAnswer("html")
    assert len(settled([bad, bad, look()] * 20)[0]) == 60
    assert len(settled([bad, bad, TROUBLE[0]] * 20)[0]) == 60


def test_a_job_may_be_unknown_at_first() -> None:
    """Only one that was submitted just now, and for ten seconds."""
    unknown = NotKnown("404")
    times, _ = settled([unknown, unknown, look(), look("completed")], fresh=True)
    assert len(times) == 4
    times, _ = settled([unknown] * 99, fresh=True)
    assert GRACE <= times[-1] < GRACE + 2
    assert settled([unknown] * 99, fresh=False)[0] == [0.0]


def test_one_look_is_enough() -> None:
    """`once`: any answer is the last; trouble is borne for a few tries only."""
    assert settled([look(), look()], once=True)[0] == [0.0]
    times, _ = settled([TROUBLE[0]] * 99, once=True)
    assert len(times) == backoff.ATTEMPTS
    assert len(settled([TROUBLE[0], look(), look()], once=True)[0]) == 2


@pytest.mark.parametrize("asked", [0.0, 0.5, 3.0, 40.0, 1e9])
@pytest.mark.parametrize("kind", [look, Throttled])
def test_what_the_service_asks_for_is_a_floor(asked: float, kind: Any) -> None:
    outcome = kind("x", retry_after=asked) if kind is Throttled else look(retry_after=asked)
    times, _ = settled([outcome, look()], fresh=True)
    assert times[1] - times[0] == pytest.approx(max(1.1, asked))


@pytest.mark.parametrize("timeout", [3.0, 10.0, 47.3, 100.0, 1000.0])
def test_there_is_a_last_look_before_the_deadline(timeout: float) -> None:
    """Within the last second or so, and no two looks closer than half a second."""
    times, _ = settled([look()] * 200, timeout=timeout, chance=0.7)
    before = [when for when in times if when < timeout]
    assert timeout - 1.01 <= before[-1]
    assert min(later - sooner for sooner, later in pairwise(before)) >= backoff.FLOOR


def test_the_last_look_does_not_come_sooner_than_asked() -> None:
    asked = look(retry_after=4.0)
    times, _ = settled([asked] * 9, timeout=9.0)
    assert all(later - sooner >= 3.99 for sooner, later in pairwise(times))
    times, _ = settled([look(retry_after=100.0), look()], timeout=9.0)
    assert times == [0.0, 100.0]


OUTCOMES = st.one_of(
    st.builds(look, retry_after=st.none() | st.floats(0, 100)),
    st.sampled_from(TROUBLE),
    st.just(BadAnswer("x")),
    st.just(NotKnown("404")),
)


@given(
    st.lists(OUTCOMES, max_size=30),
    st.booleans(),
    st.booleans(),
    st.floats(0, 1, exclude_max=True),
    st.none() | st.floats(1, 300),
)
def test_no_look_follows_another_too_soon(
    outcomes: list[Outcome], fresh: bool, once: bool, chance: float, timeout: float | None
) -> None:
    """Half a second at least, whatever comes and whenever the deadline is."""
    times, _ = settled(outcomes, fresh=fresh, once=once, chance=chance, timeout=timeout)
    assert all(later - sooner >= backoff.FLOOR - 1e-6 for sooner, later in pairwise(times))


class Service:
    """Answers looks from a script, and remembers when each came."""

    def __init__(self, script: dict[str, list[Outcome]], clock: Clock) -> None:
        self._script = script
        self._clock = clock
        self._lock = threading.Lock()
        self.asked: list[tuple[str, float]] = []

    def __call__(self, job_id: str) -> Look:
        with self._lock:
            self.asked.append((job_id, self._clock.now))
            outcome = self._script[job_id].pop(0)
        if isinstance(outcome, Look):
            return outcome
        raise outcome


def polled(
    script: dict[str, list[Outcome]], gate: Gate, clock: Clock, crew: Crew[Any]
) -> tuple[list[tuple[str, Outcome, float | None]], Service]:
    """Watch all jobs of the script until each has ended."""
    service = Service(script, clock)
    told: list[tuple[str, Outcome, float | None]] = []

    def tell(watch: Watch, outcome: Outcome, wait: float | None) -> None:
        told.append((watch.job_id, outcome, wait))
        if wait is not None:
            clock.now += wait  # the dispatcher finds it due at once
        crew.post(wait)

    poller = Poller(crew, look=service, told=tell, gate=gate, clock=clock)
    open_jobs = len(script)
    with crew:
        for job_id in list(script):
            poller.watch(job_id)
        for event in crew.events():
            open_jobs -= event is None
            if not open_jobs:
                break
    return told, service


def test_jobs_are_looked_at_until_they_end() -> None:
    clock = Clock()
    script: dict[str, list[Outcome]] = {
        "a": [look(), TROUBLE[0], look("completed")],
        "b": [look("failed")],
        "c": [KeyProblem("401")],
    }
    told, service = polled(script, Gate(clock=clock), clock, Crew(Deadline(20)))
    assert sorted(job for job, _ in service.asked) == ["a", "a", "a", "b", "c"]
    assert {job for job, _, wait in told if wait is None} == {"a", "b", "c"}
    assert not any(script.values())


class Pausing(Crew[Any]):
    """Its workers' sleep lets the clock go on."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(Deadline(20))
        self._clock = clock

    def sleep(self, seconds: float) -> None:
        self.check()
        self._clock.now += seconds


def test_one_refusal_pauses_all() -> None:
    """After a 429 nobody asks until the time that was asked for is over; a success resets it."""
    clock = Clock()
    gate = Gate(clock=clock, chance=lambda: 0.0)
    script: dict[str, list[Outcome]] = {
        "a": [Throttled("429", retry_after=30.0), look("completed")],
    }
    _, service = polled(script, gate, clock, Pausing(clock))
    assert [when for _, when in service.asked][1] >= 1030.0
    gate.hold(50.0)
    held = clock.now
    _, service = polled({"b": [look("completed")]}, gate, clock, Pausing(clock))
    assert service.asked == [("b", held + 50.0)]


def test_the_pause_of_one_job_is_that_of_the_others() -> None:
    """A job that is due in the meantime is not asked for."""
    clock = Clock()
    script: dict[str, list[Outcome]] = {
        "a": [Throttled("429", retry_after=30.0), look("completed")],
        "b": [look("completed")],
    }
    service = Service(script, clock)
    crew = Pausing(clock)

    def tell(watch: Watch, *_: object) -> None:
        crew.post(watch.job_id)

    gate = Gate(clock=clock, chance=lambda: 0.0)
    poller = Poller(crew, look=service, told=tell, gate=gate, clock=clock)
    with crew:
        for job_id in "ab":
            poller.watch(job_id)
            assert job_id in crew.events()
    assert ("b", 1030.0) in service.asked
    assert [when for _, when in service.asked if when < 1030.0] == [1000.0]


def test_a_look_that_is_due_waits_for_no_first_looks() -> None:
    """However many other jobs were not looked at yet, it is among the next few."""
    clock = Clock()
    script: dict[str, list[Outcome]] = {f"j{n}": [look("completed")] for n in range(300)}
    script["j0"] = [look(), look("completed")]
    service, others = Service(script, clock), itertools.count()
    all_there, told, again = (threading.Event() for _ in range(3))
    crew: Crew[Any] = Crew(Deadline(20))

    def tell(watch: Watch, _outcome: Outcome, wait: float | None) -> None:
        clock.now += wait or 0.0
        if watch.job_id == "j0":
            told.set()
        crew.post(wait)

    def held(job_id: str) -> Look:
        if job_id == "j0":
            assert all_there.wait(5)
            if told.is_set():
                again.set()
        else:
            assert told.wait(5)
            assert next(others) < 3 * AHEAD or again.wait(5)
        return service(job_id)

    poller = Poller(crew, look=held, told=tell, gate=Gate(clock=clock), clock=clock)
    with crew:
        for job_id in script:
            poller.watch(job_id)
        all_there.set()
        assert sum(wait is None for wait in itertools.islice(outcomes(crew), 301)) == 300


def outcomes(crew: Crew[Any]) -> Iterator[float | None]:
    """What `tell` posted."""
    return (event for event in crew.events() if not isinstance(event, Tick))


def test_first_looks_and_those_that_are_due_take_turns() -> None:
    """Neither keeps the other waiting for long."""
    schedule = Schedule()
    for name in "abc":
        schedule.add_new(Watch(name, 0.0))
        schedule.add(Watch(name.upper(), 0.0), at=5.0)
    assert schedule.delay(4.0) == 0.0
    taken = [watch.job_id for _ in range(6) if (watch := schedule.take(5.0))]
    assert "".join(taken) in {"aAbBcC", "AaBbCc"}
    assert schedule.take(9.0) is None
    assert schedule.delay(9.0) is None


def test_a_bug_in_a_look_reaches_the_main_thread() -> None:
    """It is not taken for trouble of the network."""
    crew: Crew[Any] = Crew(Deadline(20))

    def broken(_: str) -> Look:
        raise ZeroDivisionError

    poller = Poller(crew, look=broken, told=lambda *_: None, gate=Gate())
    with crew:
        poller.watch("j")
        with pytest.raises(ZeroDivisionError):
            list(crew.events())


def test_many_jobs_share_a_few_threads() -> None:
    """Two hundred jobs are looked at by sixteen askers and one who keeps the schedule."""
    clock = Clock()
    names: set[str] = set()
    script: dict[str, list[Outcome]] = {f"j{n}": [look("completed")] for n in range(200)}

    class Counting(Crew[Any]):
        def work(self, task: Callable[[], None], *, name: str) -> None:
            names.add(name)
            super().work(task, name=name)

    _, service = polled(script, Gate(clock=clock), clock, Counting(Deadline(20)))
    assert len(service.asked) == 200
    assert len(names) == 17
