"""The moment at which a whole command ends, on a clock that only runs forward."""

from __future__ import annotations

import time
from collections.abc import Callable


class Deadline:
    """`seconds` from now; None or 0 for no deadline."""

    def __init__(
        self, seconds: float | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self.seconds = seconds or None
        self._at = clock() + seconds if seconds else None

    def remaining(self) -> float | None:
        """Seconds left, never negative; None without a deadline."""
        return None if self._at is None else max(0.0, self._at - self._clock())

    def clipped(self, seconds: float) -> float:
        """`seconds`, or what is left when that is less."""
        left = self.remaining()
        return seconds if left is None else min(seconds, left)
