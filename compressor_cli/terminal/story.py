"""The story of a run in plain lines on stderr: a line a change, and a heartbeat."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from compressor_cli.engine.crew import Tick
from compressor_cli.engine.updates import Delayed, Ended, Item, Looked, Remark, Submitted, Update
from compressor_cli.terminal import text
from compressor_cli.terminal.columns import MARK, cut, width_of
from compressor_cli.terminal.output import Output

HEARTBEAT = 30.0
"""Seconds of silence after which a line says that the wait goes on."""
SHORTEST_NAME = 12
"""Columns that are left to a name, however narrow the screen."""


class Story:
    """Tells each change of a job once. `clock`: monotonic seconds.

    `closings`: a job that went well gets a last line; not where it was only looked at. `width`:
    the columns that such a line may take, where it is read on a screen.
    """

    def __init__(
        self,
        output: Output,
        *,
        closings: bool = True,
        width: Callable[[], int] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._output = output
        self._closings = closings
        self._width = width
        self._clock = clock
        self._begun = self._spoke = clock()
        self._told: dict[Item, str] = {}
        self._next_look: dict[Item, float] = {}
        self._remarks: set[str] = set()

    def __enter__(self) -> Story:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def show(self, update: Update | Tick) -> None:
        """Tell what is new in this update."""
        if isinstance(update, Tick):
            self._beat()
        elif isinstance(update, Submitted):
            self._tell(update.item, f"submitted as {_id(update.item)}")
        elif isinstance(update, Looked):
            self._next_look[update.item] = self._clock() + (update.next_in or 0.0)
            if update.item.job is not None and update.next_in is not None:
                self._tell(update.item, update.item.job.shown_state)
        elif isinstance(update, Delayed):
            self._next_look[update.item] = self._clock() + update.next_in
            wait = text.duration(update.next_in)
            self._tell(
                update.item, f"{update.error.message}; next try in {wait}", about=str(update.error)
            )
        elif isinstance(update, Ended):
            self._end(update.item)
        elif isinstance(update, Remark):
            self._remark(update.message)

    def _end(self, item: Item) -> None:
        self._told.pop(item, None)
        self._next_look.pop(item, None)
        went_well = item.error is None and item.job is not None and item.job.state == "completed"
        if went_well and self._closings:
            width = None if self._width is None else self._width()
            seconds = self._clock() - item.since
            self._say(closing(item, seconds=seconds, unicode=speaks_unicode(), width=width))

    def _remark(self, message: str) -> None:
        if message not in self._remarks:
            self._remarks.add(message)
            self._output.warning(message)

    def _tell(self, item: Item, news: str, *, about: str | None = None) -> None:
        if self._told.get(item) != (about or news):
            self._told[item] = about or news
            self._say(f"{item.label}: {news}")

    def _beat(self) -> None:
        now = self._clock()
        if now - self._spoke < HEARTBEAT or not self._next_look:
            return
        count, nearest = len(self._next_look), max(0.0, min(self._next_look.values()) - now)
        jobs = "1 job" if count == 1 else f"{count} jobs"
        so_far, soon = text.duration(now - self._begun), text.duration(nearest)
        self._say(f"waiting for {jobs}, {so_far} so far, next look in {soon}")

    def _say(self, line: str) -> None:
        self._spoke = self._clock()
        self._output.note(line)


def sizes(item: Item) -> tuple[int | None, int | None]:
    """Bytes before and after, of a job that went well."""
    job = item.job
    assert job is not None
    after = job.output.size if item.saved is None else item.saved.size
    return job.input.size or item.size, after


def closing(item: Item, *, seconds: float, unicode: bool = True, width: int | None = None) -> str:
    """The last line of a job that went well: `input.mp4  80.6 MB → 29.8 MB  −63.0 %  in 41 s`.

    Where it would be wider than `width` columns, the middle of a long name is left out.
    """
    before, after = sizes(item)
    parts = [""]
    if before is not None and after is not None:
        arrow = "→" if unicode else "->"
        parts.append(f"{text.size(before)} {arrow} {text.size(after)}")
        parts.append(text.saving(before, after))
    parts.append("already there" if item.skipped else f"in {text.duration(seconds)}")
    figures = "".join(f"  {part}" for part in parts if part)
    name = text.safe(item.label)
    if width is not None:
        room = max(SHORTEST_NAME, width - width_of(figures))
        name = cut(name, room, mark=MARK if unicode else "...")
    return name + (figures if unicode else figures.replace(text.MINUS, "-"))


def speaks_unicode() -> bool:
    """Whether stderr can show more than ASCII."""
    return (getattr(sys.stderr, "encoding", "") or "").lower().replace("-", "") == "utf8"


def _id(item: Item) -> str:
    return item.job.id if item.job is not None else "?"
