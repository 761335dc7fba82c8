"""Whether and how long to wait, on a clock of our own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor_cli.engine import backoff
from compressor_cli.engine.deadline import Deadline
from compressor_cli.engine.gate import RETRY_BUDGET, Gate
from compressor_cli.engine.patience import Patience
from compressor_cli.errors import TemporaryTrouble

from .clock import Clock, Hasty

WAITED = st.floats(0, 1e9)
CHANCE = st.floats(0, 1, exclude_max=True)
ASKED = st.none() | st.floats(0, 1e9)


@pytest.mark.parametrize(
    ("waited", "seconds"),
    [(0, 1), (5, 1.5), (10, 2), (20, 3), (100, 11), (140, 15), (200, 15), (86400, 15)],
)
def test_looks_come_a_second_and_a_tenth_of_the_time_waited_apart(
    waited: float, seconds: float
) -> None:
    """Between one second and fifteen; chance takes off up to a tenth."""
    assert backoff.next_look(waited, chance=0.0) == pytest.approx(seconds)
    assert backoff.next_look(waited, chance=1.0) == pytest.approx(seconds * 0.9)


@given(WAITED, CHANCE, ASKED)
def test_an_interval_has_bounds(waited: float, chance: float, asked: float | None) -> None:
    """What the service asks for is a floor, never a reason to look sooner."""
    plain = backoff.next_look(waited, chance=chance)
    assert 0.9 <= plain <= 15.0
    wait = backoff.next_look(waited, chance=chance, retry_after=asked)
    assert wait == max(plain, asked or 0.0)
    assert wait >= backoff.FLOOR


@given(st.floats(0.01, 7200), CHANCE)
def test_a_job_is_noticed_within_a_second_and_a_tenth_of_its_duration(
    duration: float, chance: float
) -> None:
    """And at most fifteen seconds late, whatever the duration."""
    waited = backoff.FIRST_LOOK
    while waited < duration:
        waited += backoff.next_look(waited, chance=chance)
    assert waited - duration <= min(15.0, 1.0 + duration * 0.1) + 1e-6


def test_a_pause_doubles_up_to_a_minute() -> None:
    pauses = [backoff.pause(failures, chance=0.0) for failures in range(8)]
    assert pauses == [5, 5, 10, 20, 40, 60, 60, 60]
    assert backoff.pause(1, chance=1.0) == pytest.approx(5.5)
    assert backoff.pause(10**9, chance=0.0) == 60


@given(st.integers(0, 10**6), CHANCE, st.floats(0, 1e9))
def test_a_pause_that_is_asked_for(failures: int, chance: float, asked: float) -> None:
    """At least as long, at most a second longer, never below the floor."""
    wait = backoff.pause(failures, chance=chance, retry_after=asked)
    assert max(asked, backoff.FLOOR) <= wait <= max(asked, backoff.FLOOR) + 1


def test_tries_come_after_growing_waits() -> None:
    """Half a second first, doubling up to 15 s; chance makes it half to one and a half of that."""
    waits = [backoff.retry(failures, chance=0.5) for failures in range(1, 8)]
    assert waits == [0.5, 1, 2, 4, 8, 15, 15]
    assert backoff.retry(2, chance=0.0) == 0.5
    assert backoff.retry(10**9, chance=0.0) == 7.5


def test_a_gate_is_open_until_it_is_held() -> None:
    clock = Clock(0.0)
    gate = Gate(clock=clock, chance=lambda: 0.5)
    assert gate.remaining() == 0.0
    assert gate.hold(10.0) == 10.5
    clock.now = 4.0
    assert gate.remaining() == 6.5
    clock.now = 99.0
    assert gate.remaining() == 0.0


def test_refusals_together_are_one_and_in_a_row_are_more() -> None:
    """Sixteen requests that are refused at once do not double the pause sixteen times."""
    clock = Clock()
    gate = Gate(clock=clock, chance=lambda: 0.0)
    assert [gate.hold(None) for _ in range(16)] == [5.0] * 16
    for pause in (10.0, 20.0, 40.0, 60.0):
        clock.now += gate.remaining()
        assert gate.hold(None) == pause
    gate.passed()
    clock.now += gate.remaining()
    assert gate.hold(None) == 5.0


def test_the_longest_pause_counts() -> None:
    gate = Gate(clock=Clock(), chance=lambda: 0.0)
    assert gate.hold(30.0) == 30.0
    assert gate.hold(1.0) == 30.0
    assert gate.hold(40.0) == 40.0


def test_waiting_at_the_gate() -> None:
    """One who waits does not slip through when the pause became longer meanwhile."""
    clock = Clock()
    gate = Gate(clock=clock, chance=lambda: 0.0)
    gate.hold(2.0)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.now += seconds
        if len(slept) == 1:
            gate.hold(7.0)

    gate.wait(sleep)
    assert slept == [2.0, 7.0]
    assert gate.remaining() == 0.0


def test_an_open_gate_still_notices_the_end() -> None:
    """Who passes it is asked to end where the command ends."""
    slept: list[float] = []
    Gate(clock=Clock()).wait(slept.append)
    assert slept == [0.0]
    crew: Hasty[object] = Hasty()
    Gate(clock=crew.clock).wait(crew.sleep)
    assert crew.slept == []


def test_a_deadline() -> None:
    clock = Clock()
    deadline = Deadline(10.0, clock=clock)
    assert (deadline.seconds, deadline.remaining()) == (10.0, 10.0)
    clock.now += 9.5
    assert (deadline.clipped(2.0), deadline.clipped(0.2)) == (0.5, 0.2)
    clock.now += 100
    assert (deadline.remaining(), deadline.clipped(2.0)) == (0.0, 0.0)


@pytest.mark.parametrize("seconds", [None, 0, 0.0])
def test_no_deadline(seconds: float | None) -> None:
    deadline = Deadline(seconds)
    assert (deadline.seconds, deadline.remaining(), deadline.clipped(7.0)) == (None, None, 7.0)


def test_many_transfers_share_one_budget_of_failures() -> None:
    """What is served between fills it up again."""
    gate = Gate(clock=Clock())
    assert all(gate.failed() for _ in range(RETRY_BUDGET - 1))
    assert not gate.failed()
    gate.passed()
    assert gate.failed()


def test_a_transfer_gives_up_at_once_when_the_budget_is_spent() -> None:
    """Thousands of files do not knock five times each at a door that is closed."""
    crew: Hasty[object] = Hasty()
    gate = Gate(clock=crew.clock)
    while gate.failed():
        pass
    patience = Patience(crew, gate, lambda _error, _wait: None)
    with pytest.raises(TemporaryTrouble, match="refused"):
        patience.after(TemporaryTrouble("refused"))
    assert crew.slept == []
