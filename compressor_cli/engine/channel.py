"""How threads hand work to each other, and learn that the command ends."""

from __future__ import annotations

import queue
from typing import Generic, TypeVar

T = TypeVar("T")


class Stopped(BaseException):
    """Raised in a worker that is asked to end; no worker catches it but to tidy up."""


class _End:
    """Told to the readers of a channel: nothing more will come."""


class Channel(Generic[T]):
    """A queue between threads whose waiting readers are woken when the command ends."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[T | _End] = queue.SimpleQueue()

    def put(self, value: T) -> None:
        self._queue.put(value)

    def get(self, timeout: float | None = None) -> T | None:
        """The next value, or None after `timeout` seconds. Raises Stopped when the command ends."""
        try:
            value = self._queue.get(timeout=timeout)
        except queue.Empty:
            return None
        if isinstance(value, _End):
            self._queue.put(value)  # for the next reader
            raise Stopped
        return value

    def gather(self, most: int) -> list[T]:
        """The next value once it is there, and those that wait behind it, so many at most.

        Raises Stopped when the command ends and none is left.
        """
        values = [self._queue.get()]
        while not isinstance(values[-1], _End) and len(values) < most:
            try:
                values.append(self._queue.get_nowait())
            except queue.Empty:
                break
        found = [value for value in values if not isinstance(value, _End)]
        if len(found) < len(values):
            self.end()  # for the next time
        if not found:
            raise Stopped
        return found

    def end(self) -> None:
        self._queue.put(_End())
