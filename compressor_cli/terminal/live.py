"""The live region at the foot of a real terminal: a bar or spinner for each job at work.

The only file that draws with rich. The story's lines scroll above it; the region itself is redrawn
by the main thread, at most ten times a second, and leaves nothing behind. The cursor is not hidden,
so there is nothing to put right when the program is killed.
"""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from compressor_cli.engine.crew import Tick
from compressor_cli.engine.updates import (
    Delayed,
    Ended,
    Item,
    Looked,
    Receiving,
    Remark,
    Sending,
    Submitted,
    Update,
)
from compressor_cli.terminal import text
from compressor_cli.terminal.columns import MARK, cut
from compressor_cli.terminal.output import Output
from compressor_cli.terminal.story import SHORTEST_NAME, Story, speaks_unicode
from compressor_cli.terminal.tally import Tally

_OfItem = Sending | Submitted | Looked | Delayed | Receiving | Ended
REDRAW = 0.1
"""Seconds between two drawings, at least."""
ROWS = 8
"""Jobs that are drawn at once; the rest is counted."""
_AROUND = 5  # lines of the screen that the rows leave free
_NARROW = 70
_FIGURES = 42  # columns that they take, with the gaps
_UP, _CLEAR = "\x1b[1A", "\x1b[2K"


@dataclass(slots=True)
class _Row:
    """What is drawn of one job. Times in monotonic seconds; `whole` None: no bar, a spinner."""

    label: str
    action: str
    since: float
    done: int = 0
    whole: int | None = None
    began: float = 0.0
    next_look: float | None = None


class LiveView:
    """Shows updates as they come. A context manager; `output` writes above the region.

    `expected`: all the items; of several, a line below tells how far they are as a whole.
    """

    def __init__(
        self,
        output: Output,
        *,
        expected: Sequence[Item] = (),
        closings: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._output = output
        self._clock = clock
        self._console = _console(color=output.modes.color)
        self._story = Story(
            output, closings=closings, width=lambda: self._console.width, clock=clock
        )
        self._rows: dict[Item, _Row] = {}
        self._tally = Tally(expected)
        self._drawn = 0.0
        self._spinner = Spinner("dots" if speaks_unicode() else "line")
        self._mark = MARK if speaks_unicode() else "..."
        self._height = 0

    def __enter__(self) -> LiveView:
        self._output.aside = self._aside
        return self

    def __exit__(self, *_: object) -> None:
        self._rows.clear()
        self._draw("")
        self._output.aside = nullcontext

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """Take the region away while a plain line is written to either stream."""
        self._draw("")
        self._drawn = 0.0
        yield

    def _draw(self, region: str) -> None:
        """Put `region`, whole lines, in the place of the one before.

        Lines, as wide as the screen, are written over the old ones; only what is left of those is
        cleared: nothing flickers.
        """
        if region or self._height:
            left = max(0, self._height - region.count("\n"))
            clearing = f"{_CLEAR}\n" * left + _UP * left
            with suppress(OSError):  # the terminal may be gone; the work goes on
                sys.stderr.write("\r" + _UP * self._height + region + clearing)
                sys.stderr.flush()
        self._height = region.count("\n")

    def show(self, update: Update | Tick) -> None:
        """Take in one update, and draw if it is time."""
        if not isinstance(update, Tick | Remark):
            self._take(update)
        if isinstance(update, Ended | Delayed | Remark) or self._hides_the_id(update):
            self._story.show(update)
        now = self._clock()
        if now - self._drawn >= REDRAW:
            self._drawn = now
            with self._console.capture() as drawn:
                room = max(1, self._console.width - 1)  # in the last column lines would wrap
                self._console.print(Padding(self._region(), 0), end="", width=room)
            self._draw(drawn.get() if self._rows or self._is_between() else "")

    def _is_between(self) -> bool:
        """Whether some have ended and others are still to come."""
        return 0 < self._tally.ended < self._tally.whole

    def _hides_the_id(self, update: Update | Tick) -> bool:
        """Whether this is a new job whose id stdout does not show on the terminal."""
        to_terminal = sys.stdout.isatty() and not self._output.modes.json
        return isinstance(update, Submitted) and not to_terminal

    def _take(self, update: _OfItem) -> None:
        now = self._clock()
        if isinstance(update, Ended):
            self._rows.pop(update.item, None)
            self._tally.add(update.item)
            return
        row = self._rows.get(update.item)
        if row is None:
            row = self._rows[update.item] = _Row(text.safe(update.item.label), "", now)
        if isinstance(update, Sending | Receiving):
            _transfer(row, update, now)
        else:
            _waiting(row, update, now)

    def _region(self) -> RenderableType:
        now, (width, height) = self._clock(), self._console.size
        most = max(1, min(ROWS, height - _AROUND))
        room = max(SHORTEST_NAME, width // 3, width - width // 5 - _FIGURES)
        grid = Table.grid(padding=(0, 1), expand=False)
        for _ in range(3):
            grid.add_column(no_wrap=True, overflow="crop")
        for row in list(self._rows.values())[:most]:
            label = Text(cut(row.label, room, mark=self._mark))
            grid.add_row(label, self._gauge(row, width), Text(_figures(row, now, width)))
        hidden = len(self._rows) - most
        parts: list[RenderableType] = [grid] if self._rows else []
        if hidden > 0:
            parts.append(Text(f"and {hidden} more"))
        if self._tally.whole > 1:
            parts.append(self._overall(width))
        return Group(*parts)

    def _overall(self, width: int) -> RenderableType:
        bar_width = max(8, width // 5)
        bar = ProgressBar(total=self._tally.whole, completed=self._tally.ended, width=bar_width)
        line = Table.grid(padding=(0, 1), expand=False)
        for _ in range(2):
            line.add_column(no_wrap=True, overflow="crop")
        line.add_row(bar, Text(self._tally.words(room=width - bar_width - 2)))
        return line

    def _gauge(self, row: _Row, width: int) -> RenderableType:
        if row.whole:
            return ProgressBar(total=row.whole, completed=row.done, width=max(8, width // 5))
        return self._spinner


def _transfer(row: _Row, update: Sending | Receiving, now: float) -> None:
    action = "sending" if isinstance(update, Sending) else "receiving"
    if row.action != action:
        row.action, row.began = action, now
    row.done, row.whole, row.next_look = update.done, update.whole, None
    if isinstance(update, Sending) and update.done == update.whole:
        row.action, row.whole = "sent, waiting for the answer", None


def _waiting(row: _Row, update: Submitted | Looked | Delayed | Ended, now: float) -> None:
    row.whole = None
    if isinstance(update, Delayed):
        row.action = "trying again"
    elif update.item.job is not None:
        row.action = text.safe(update.item.job.shown_state)
    next_in = getattr(update, "next_in", None)
    row.next_look = None if next_in is None else now + next_in


def _figures(row: _Row, now: float, width: int) -> str:
    if row.whole:
        share = f"{row.done / row.whole:4.0%}  {text.size(row.done)} of {text.size(row.whole)}"
        span = now - row.began
        rate = f"  {text.size(int(row.done / span))}/s" if span > 0.5 and width >= _NARROW else ""
        return share + rate
    parts = [row.action, text.duration(now - row.since)]
    if row.next_look is not None and width >= _NARROW:
        left = round(row.next_look - now)
        parts.append(f"next look in {left} s" if left > 0 else "looking")
    return "  ".join(part for part in parts if part)


def _console(*, color: bool) -> Console:
    """A console as wide as the terminal, whose every text is taken as it is.

    It only draws to a string: rich ends the program when a write to its own file fails.
    """
    width = None if os.environ.get("COLUMNS", "1").strip("0") else 80
    return Console(
        file=io.TextIOWrapper(io.BytesIO(), encoding=sys.stderr.encoding),
        width=width,
        markup=False,
        emoji=False,
        highlight=False,
        no_color=not color,
        color_system="auto" if color else None,
        force_terminal=True,
        force_interactive=True,
        safe_box=True,
    )
