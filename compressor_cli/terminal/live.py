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
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass

from rich.console import Console, RenderableType
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
from compressor_cli.terminal.output import Output
from compressor_cli.terminal.story import Story, speaks_unicode

_OfItem = Sending | Submitted | Looked | Delayed | Receiving | Ended
REDRAW = 0.1
"""Seconds between two drawings, at least."""
ROWS = 8
"""Jobs that are drawn at once; the rest is counted."""
_NARROW = 70
_UP_AND_CLEAR = "\x1b[1A\x1b[2K"


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
    """Shows updates as they come. A context manager; `output` writes above the region."""

    def __init__(
        self,
        output: Output,
        *,
        closings: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._output = output
        self._clock = clock
        self._story = Story(output, closings=closings, clock=clock)
        self._rows: dict[Item, _Row] = {}
        self._drawn = 0.0
        self._spinner = Spinner("dots" if speaks_unicode() else "line")
        self._console = _console(color=output.modes.color)
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
        """Put `region`, whole lines, in the place of the one before."""
        if region or self._height:
            with suppress(OSError):  # the terminal may be gone; the work goes on
                sys.stderr.write("\r" + _UP_AND_CLEAR * self._height + region)
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
                self._console.print(self._region(), end="")
            self._draw(drawn.get() if self._rows else "")

    def _hides_the_id(self, update: Update | Tick) -> bool:
        """Whether this is a new job whose id stdout does not show on the terminal."""
        to_terminal = sys.stdout.isatty() and not self._output.modes.json
        return isinstance(update, Submitted) and not to_terminal

    def _take(self, update: _OfItem) -> None:
        now = self._clock()
        if isinstance(update, Ended):
            self._rows.pop(update.item, None)
            return
        row = self._rows.get(update.item)
        if row is None:
            row = self._rows[update.item] = _Row(text.safe(update.item.label), "", now)
        if isinstance(update, Sending | Receiving):
            _transfer(row, update, now)
        else:
            _waiting(row, update, now)

    def _region(self) -> RenderableType:
        now, width = self._clock(), self._console.width
        grid = Table.grid(padding=(0, 1), expand=False)
        grid.add_column(no_wrap=True, overflow="ellipsis", max_width=max(12, width // 3))
        for _ in range(2):
            grid.add_column(no_wrap=True, overflow="ellipsis")
        for row in list(self._rows.values())[:ROWS]:
            grid.add_row(Text(row.label), self._gauge(row, width), Text(_figures(row, now, width)))
        hidden = len(self._rows) - ROWS
        if hidden > 0:
            grid.add_row(Text(f"and {hidden} more"), Text(""), Text(""))
        return grid

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
        parts.append(f"next look in {max(0, row.next_look - now):.0f} s")
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
