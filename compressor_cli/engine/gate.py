"""The pause that one 429 or 503 puts on all requests of this process."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

from compressor_cli.engine import backoff

RETRY_BUDGET = 40
"""Failures in a row, of all transfers together, that are borne."""


class Gate:
    """Closed until a moment on the clock; shared by all threads that ask the service something."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._lock = threading.Lock()
        self._until = 0.0
        self._failures = 0
        self._in_vain = 0

    def hold(self, retry_after: float | None) -> float:
        """Close it as the service asks, or longer each time. Returns seconds until it opens."""
        with self._lock:
            now = self._clock()
            if self._until <= now:  # many requests refused together are one refusal
                self._failures += 1
            wait = backoff.pause(self._failures, chance=self._chance(), retry_after=retry_after)
            self._until = max(self._until, now + wait)
            return self._until - now

    def wait(self, sleep: Callable[[float], None]) -> None:
        """Sleep until it is open, also where the pause becomes longer meanwhile."""
        sleep(self.remaining())
        while (left := self.remaining()) > 0.0:
            sleep(left)

    def passed(self) -> None:
        """A request was served: the next refusal begins with a short pause again."""
        with self._lock:
            self._failures = self._in_vain = 0

    def failed(self) -> bool:
        """A transfer failed; whether more tries still make sense for anyone in this process.

        RETRY_BUDGET failures of all transfers together, and nothing served between, say no: a
        batch of thousands shall not knock five times for each file at a door that is closed.
        """
        with self._lock:
            self._in_vain += 1
            return self._in_vain < RETRY_BUDGET

    def remaining(self) -> float:
        """Seconds until it opens; 0 when it is open."""
        return max(0.0, self._until - self._clock())
