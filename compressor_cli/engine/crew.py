"""The supervisor: daemon threads do the work, the main thread alone decides when it ends.

Ending is crash-only. At a signal or the deadline the workers get a second, the temporary files that
they registered are removed, and the main thread goes on to leave, whatever a socket is doing.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Generic, TypeVar

from compressor_cli.engine.channel import Channel, Stopped
from compressor_cli.engine.deadline import Deadline
from compressor_cli.engine.ending import Ending
from compressor_cli.errors import Interrupted, TemporaryTrouble

E = TypeVar("E")
T = TypeVar("T")
GRACE = 1.0
"""Seconds that workers have to come to an end by themselves."""
LATE_GRACE = 0.5
"""The least of them that is left to the late ones, if the others took all."""


class DeadlinePassed(Exception):
    """The time for the whole command is over. The command turns it into what the user is told."""


@dataclass(frozen=True, slots=True)
class _Signalled:
    number: int


@dataclass(frozen=True, slots=True)
class _Crashed:
    error: BaseException


class Tick:
    """Posted when nothing else happened for a while, so that a view can show that time passes."""


class Crew(Generic[E]):
    """Runs workers and hands their events to the main thread, until one of them says it is over.

    Use as a context manager in the main thread; leaving it stops every worker.
    """

    def __init__(
        self,
        deadline: Deadline | None = None,
        *,
        tick: float = 0.25,
        signals: bool = True,
    ) -> None:
        """`tick`: seconds between ticks. `signals`: INT, TERM and HUP end it (main thread only)."""
        self.deadline = deadline or Deadline()
        self._tick = tick
        self._signals = signals
        self._channels: dict[bool, list[Channel[object]]] = {False: [], True: []}  # by `late`
        self._events: queue.SimpleQueue[E | _Signalled | _Crashed] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._workers: dict[bool, list[threading.Thread]] = {False: [], True: []}
        self._litter: set[Path] = set()
        self._lock = threading.Lock()
        # To put is the one thing that is safe in a handler.
        self._ending = Ending(lambda number: self._events.put(_Signalled(number)), tidy=self._tidy)

    def __enter__(self) -> Crew[E]:
        if self._signals and threading.current_thread() is threading.main_thread():
            self._ending.listen()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.dismiss()
        self._ending.rest()

    def channel(self, *, late: bool = False) -> Channel[T]:
        """A new queue for this crew's workers, or for the late ones."""
        channel: Channel[T] = Channel()
        self._channels[late].append(channel)  # type: ignore[arg-type]
        return channel

    def work(self, task: Callable[[], object], *, name: str, late: bool = False) -> None:
        """Start a daemon thread that runs `task`. An error it does not handle ends the command.

        `late`: its channel ends after the other workers, and so it still gets what they leave.
        Raises TemporaryTrouble where the system allows no more threads.
        """

        def run() -> None:
            try:
                task()
            except Stopped:
                pass
            except BaseException as error:  # noqa: BLE001 - handed to the main thread, whole
                self._events.put(_Crashed(error))

        thread = threading.Thread(target=run, name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            raise TemporaryTrouble(
                "this system lets no more threads be started",
                hint="run it again with fewer jobs at once, or when less runs here; see: ulimit -a",
            ) from None
        self._workers[late].append(thread)

    def team(self, *parts: tuple[Callable[[], object], int, str]) -> None:
        """Start so many workers for each part; fewer, but one each, where no more may be.

        Raises TemporaryTrouble where the system does not allow that. A part: task, count, name.
        """
        for number in range(max(count for _, count, _ in parts)):
            for task, count, name in parts:
                try:
                    if number < count:
                        self.work(task, name=f"{name}-{number}")
                except TemporaryTrouble:
                    if not number:
                        raise
                    return

    def post(self, event: E) -> None:
        """Hand an event to the main thread."""
        self._events.put(event)

    def events(self) -> Iterator[E | Tick]:
        """What the workers post, in order, with ticks between; the caller leaves off.

        Raises Interrupted at a signal, DeadlinePassed at the deadline, and what a worker died of.
        """
        left: int | None = None  # how many were there when the deadline came: they still count
        while True:
            if left is None and self.deadline.remaining() == 0.0:
                left = self._events.qsize()
            if left == 0:
                raise DeadlinePassed
            try:
                event = self._events.get(timeout=self.deadline.clipped(self._tick))
            except queue.Empty:
                yield Tick()
                continue
            left = None if left is None else left - 1
            if isinstance(event, _Signalled):
                raise Interrupted(event.number)
            if isinstance(event, _Crashed):
                raise event.error
            yield event

    def rest(self) -> Iterator[E]:
        """What workers posted that `events` did not come to, once they have been dismissed."""
        while not self._events.empty():
            event = self._events.get()
            if not isinstance(event, _Signalled | _Crashed):
                yield event

    def check(self) -> None:
        """Called by workers at each step. Raises Stopped when the command ends."""
        if self._stop.is_set():
            raise Stopped

    def sleep(self, seconds: float) -> None:
        """Called by workers instead of time.sleep. Raises Stopped when the command ends."""
        if self._stop.wait(seconds):
            raise Stopped

    def register(self, path: Path) -> None:
        """A temporary file that must not survive an early end."""
        with self._lock:
            self._litter.add(path)

    def release(self, path: Path) -> None:
        """This file has been removed, or has got its final name."""
        with self._lock:
            self._litter.discard(path)

    def dismiss(self) -> None:
        """Stop all workers, wait for them a moment, and remove the temporary files they left."""
        self._stop.set()
        until = time.monotonic() + GRACE
        for late in (False, True):
            for channel in self._channels[late]:
                channel.end()
            if late:
                until = max(until, time.monotonic() + LATE_GRACE)
            for thread in self._workers[late]:
                thread.join(max(0.0, until - time.monotonic()))
        self._tidy()

    def _tidy(self) -> None:
        for path in list(self._litter):
            with contextlib.suppress(OSError):
                path.unlink()
            self._litter.discard(path)
