"""How signals end the command: the first in order, its echo not at all, the next one at once."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

ECHO = 0.25
"""Seconds in which another signal is no second one: timeout(1) sends each twice, systemd TERM and
HUP, and a key that is held down repeats."""
LATEST = 6.0
"""Seconds after the first signal in which it ends, whatever the main thread is waiting for."""

SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class Ending:
    """Hears INT, TERM and HUP, but for those that the parent ignores (nohup, background jobs).

    `first` is called with the first signal, in the main thread; `tidy` before the process is left
    at once, in any.
    """

    def __init__(
        self,
        first: Callable[[int], object],
        *,
        tidy: Callable[[], object] = lambda: None,
        latest: float = LATEST,
    ) -> None:
        self._first = first
        self._tidy = tidy
        self._latest = latest
        self._heard_at: float | None = None
        self._before: dict[int, Any] = {}

    def listen(self) -> None:
        """From now on; in the main thread only."""
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._hear)

    def rest(self) -> None:
        """Let the handlers from before do it again; once a signal came, this one does to the end.

        They would take its echo for a first signal, in the midst of what is still to be told.
        """
        if self._heard_at is None:
            for number, handler in self._before.items():
                signal.signal(number, handler)

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._heard_at is None:
            self._heard_at = now
            self._watch(number)
            self._first(number)
        elif now - self._heard_at >= ECHO:
            self._leave(number)

    def _watch(self, number: int) -> None:
        """The main thread may wait for what never comes, as for a reader that does not read."""
        timer = threading.Timer(self._latest, self._leave, [number])
        timer.daemon = True
        with contextlib.suppress(RuntimeError):  # no more threads
            timer.start()

    def _leave(self, number: int) -> None:
        try:
            self._tidy()
        finally:
            os._exit(128 + number)
