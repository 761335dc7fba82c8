"""Time and chance for the tests."""

from __future__ import annotations

from compressor_cli.engine.crew import Crew, E
from compressor_cli.engine.deadline import Deadline


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Hasty(Crew[E]):
    """A crew whose sleep only moves the clock on, and notes how long it would have been."""

    def __init__(self, clock: Clock | None = None, deadline: Deadline | None = None) -> None:
        super().__init__(deadline)
        self.clock = clock or Clock()
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.check()
        self.clock.now += seconds
        if seconds:
            self.slept.append(seconds)
