"""Waiting for many jobs on one schedule: when each is looked at, and what a look means.

One thread owns the schedule and takes no lock; a few others do the asking. A failed look is a
missed look: it never ends the wait. Only the service's own final word, a refusal, or the same
nonsense several times in a row does.
"""

from __future__ import annotations

import heapq
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from compressor_cli.api.client import Look
from compressor_cli.engine import backoff
from compressor_cli.engine.channel import Channel
from compressor_cli.engine.crew import Crew
from compressor_cli.engine.gate import Gate
from compressor_cli.errors import BadAnswer, CompressorError, NotKnown, TemporaryTrouble, Throttled

WORKERS = 16
AHEAD = 2 * WORKERS
"""So many looks are handed out and not yet answered, at most: one that is due waits for no more."""
BAD_ANSWERS = 3
"""So many unreadable answers in a row end the wait for a job."""
LAST_LOOK = 1.0
"""Seconds before the deadline for a last look."""
GRACE = 10.0
"""Seconds after its submit in which a job may still be unknown to the service."""

Outcome = Look | CompressorError


@dataclass(slots=True)
class Watch:
    """A job that is waited for. Times on the poller's clock.

    `fresh`: it was only just made. `once`: the first answer is the last, and trouble is not borne
    for longer than a few tries.
    """

    job_id: str
    since: float
    fresh: bool = False
    once: bool = False
    bad_answers: int = 0
    failures: int = 0


class Schedule:
    """Which job is due when: a heap of due times. Pure: the caller brings time and chance.

    First looks that nobody expects at a certain time take turns with those that are due.
    """

    def __init__(self, *, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._heap: list[tuple[float, int, Watch]] = []
        self._count = 0
        self._new: deque[Watch] = deque()
        self._new_is_next = True

    def add_new(self, watch: Watch) -> None:
        """Look at this job for the first time, as soon as there is room for it."""
        self._new.append(watch)

    def add(self, watch: Watch, *, at: float) -> None:
        """Look at this job at the time `at`."""
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, watch))

    def delay(self, now: float) -> float | None:
        """Seconds until the next job is due; None when there is none."""
        if self._new:
            return 0.0
        return max(0.0, self._heap[0][0] - now) if self._heap else None

    def take(self, now: float) -> Watch | None:
        """The job that is due longest, or a new one, off the schedule; None when none is due."""
        is_due = bool(self._heap) and self._heap[0][0] <= now
        if self._new and (self._new_is_next or not is_due):
            self._new_is_next = False
            return self._new.popleft()
        self._new_is_next = True
        return heapq.heappop(self._heap)[2] if is_due else None

    def settle(
        self, watch: Watch, outcome: Outcome, *, now: float, left: float | None = None
    ) -> float | None:
        """Put the job back for its next look and return the seconds until then, or None at its end.

        The end is a terminal job, or an error that waiting cannot mend. `left`: seconds to the
        deadline; there is a last look shortly before it, unless the service asked for longer.
        """
        if self._is_final(watch, outcome, now=now):
            return None
        watch.bad_answers = watch.bad_answers + 1 if isinstance(outcome, BadAnswer) else 0
        watch.failures = 0 if isinstance(outcome, Look) else watch.failures + 1
        asked = outcome.retry_after if isinstance(outcome, Look | Throttled) else None
        wait = backoff.next_look(now - watch.since, chance=self._chance(), retry_after=asked)
        if left is not None and (asked or 0.0) < left <= wait + LAST_LOOK:
            wait = max(backoff.FLOOR, asked or 0.0, left - LAST_LOOK)
        self.add(watch, at=now + wait)
        return wait

    def _is_final(self, watch: Watch, outcome: Outcome, *, now: float) -> bool:
        if isinstance(outcome, Look):
            return watch.once or outcome.job.state != "pending"
        if isinstance(outcome, TemporaryTrouble):
            return watch.once and watch.failures + 1 >= backoff.ATTEMPTS
        if isinstance(outcome, NotKnown):
            return not (watch.fresh and now - watch.since < GRACE)
        return not isinstance(outcome, BadAnswer) or watch.bad_answers + 1 >= BAD_ANSWERS


Told = Callable[[Watch, Outcome, float | None], None]
"""Called with each outcome and the seconds until the next look; None: this was the last."""


class Poller:
    """Looks at jobs until each has ended, telling `told` in the dispatcher's thread."""

    def __init__(
        self,
        crew: Crew[Any],
        *,
        look: Callable[[str], Look],
        told: Told,
        gate: Gate,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._crew = crew
        self._look = look
        self._told = told
        self._gate = gate
        self._clock = clock
        self._schedule = Schedule()
        self._inbox: Channel[Watch | tuple[Watch, Outcome]] = crew.channel()
        self._due: Channel[Watch] = crew.channel()
        self._lock = threading.Lock()
        self._workers = self._watched = 0

    def start(self) -> None:
        """Start the first threads, unless there are. Raises TemporaryTrouble if there can be none.

        `watch` does so, too, and starts others.
        """
        with self._lock:
            if not self._workers:
                self._crew.work(self._dispatch, name="schedule")
                self._crew.work(self._ask, name="poll-1")
                self._workers = 1

    def watch(self, job_id: str, *, fresh: bool = False, once: bool = False) -> None:
        """Wait for this job from now on, or look at it `once`; `fresh`: submitted just now."""
        self.start()
        with self._lock:
            self._watched += 1
            if self._workers < min(WORKERS, self._watched):
                with suppress(TemporaryTrouble):  # no more threads: so fewer ask
                    self._crew.work(self._ask, name=f"poll-{self._workers + 1}")
                    self._workers += 1
        self._inbox.put(Watch(job_id, self._clock(), fresh=fresh, once=once))

    def _dispatch(self) -> None:
        out = 0  # looks that are handed out and not yet answered
        while True:
            delay = self._schedule.delay(self._clock()) if out < AHEAD else None
            message = self._inbox.get(timeout=delay)
            now = self._clock()
            if isinstance(message, Watch):
                if message.fresh and not message.once:
                    self._schedule.add(message, at=now + backoff.FIRST_LOOK)
                else:
                    self._schedule.add_new(message)
            elif message is not None:
                out -= 1
                watch, outcome = message
                left = self._crew.deadline.remaining()
                wait = self._schedule.settle(watch, outcome, now=now, left=left)
                self._told(watch, outcome, wait)
            while out < AHEAD and (due := self._schedule.take(now)) is not None:
                out += 1
                self._due.put(due)

    def _ask(self) -> None:
        while (watch := self._due.get()) is not None:
            outcome: Outcome
            self._gate.wait(self._crew.sleep)
            try:
                outcome = self._look(watch.job_id)
                self._gate.passed()
            except Throttled as error:
                self._gate.hold(error.retry_after)
                outcome = error
            except CompressorError as error:
                outcome = error
            self._inbox.put((watch, outcome))
