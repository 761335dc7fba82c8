"""The report of a batch: a row a file and their totals, as a table or as JSON."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from compressor_cli.terminal import text
from compressor_cli.terminal.columns import MARK, aligned

MOST = 50
"""Rows of the table that are shown; failures are shown all."""
QUIET = ("unchanged", "ok")
"""States that are only counted."""

_HEADING = ("file", "before", "after", "saved", "", "state", "time")
_BEFORE, _AFTER, _SAVED, _SHARE, _TIME = 1, 2, 3, 4, 6
_DISPENSABLE = (_TIME, _BEFORE, _SAVED, _AFTER, _SHARE)
_RIGHT = frozenset(_DISPENSABLE)


@dataclass(frozen=True, slots=True)
class Row:
    """One file. `before` and `after` in bytes; `exit_code` not 0: it failed, or was found.

    `path` is the source as the user knows it, `target` where the result lies here and `url` where
    it lies in a storage; `detail` says in one sentence why, or what mends it. All of them foreign.
    `of_all`: this is about all files together, and `path` is none.
    States of compress: compressed, kept, unchanged, stored, failed, postponed, would-send, and
    after an early end pending, unknown, not-sent; of check: ok, missing, changed, stale-output,
    over-budget, failed.
    """

    path: str
    state: str
    before: int | None = None
    after: int | None = None
    seconds: float | None = None
    target: str | None = None
    url: str | None = None
    job_id: str | None = None
    detail: str = ""
    exit_code: int = 0
    of_all: bool = False

    @property
    def saved(self) -> int | None:
        """Bytes saved, negative when it grew; None unless both sizes are known."""
        return None if self.before is None or self.after is None else self.before - self.after

    @property
    def remark(self) -> str:
        """What is said of it beside its state: why, or where a stored result lies."""
        return self.detail or (self.url or "" if self.state == "stored" else "")


@dataclass(frozen=True, slots=True)
class Totals:
    """Of all rows: how many are in each state, and the bytes of those with both sizes known.

    `to_send`: bytes that a dry run would send.
    """

    states: dict[str, int]
    files: int
    before: int
    after: int
    seconds: float
    to_send: int = 0

    @property
    def saved(self) -> int:
        """Bytes saved by all together, negative when they grew."""
        return self.before - self.after


def totals(rows: Sequence[Row], *, seconds: float) -> Totals:
    """Add up the rows of a run that took `seconds`."""
    weighed = [row for row in rows if row.saved is not None]
    return Totals(
        states=dict(sorted(Counter(row.state for row in rows).items())),
        files=sum(not row.of_all for row in rows),
        before=sum(row.before or 0 for row in weighed),
        after=sum(row.after or 0 for row in weighed),
        seconds=seconds,
        to_send=sum(row.before or 0 for row in rows if row.state == "would-send"),
    )


def row_record(row: Row) -> dict[str, object]:
    """One JSON object a file. Sizes in bytes; null is unknown or not so."""
    return {
        "kind": "all" if row.of_all else "file",
        "path": row.path,
        "state": row.state,
        "before": row.before,
        "after": row.after,
        "saved": row.saved,
        "seconds": None if row.seconds is None else round(row.seconds, 3),
        "target": row.target,
        "url": row.url,
        "id": row.job_id,
        "detail": row.detail or None,
        "exit_code": row.exit_code,
    }


def totals_record(sums: Totals) -> dict[str, object]:
    """The closing JSON object. Sizes in bytes."""
    return {
        "kind": "summary",
        "files": sums.files,
        "states": sums.states,
        "before": sums.before,
        "after": sums.after,
        "saved": sums.saved,
        "to_send": sums.to_send,
        "seconds": round(sums.seconds, 3),
    }


def in_order(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """The rows worth a line, the largest saving first: those that went well, those that did not."""
    shown = [row for row in rows if row.state not in QUIET or row.exit_code]
    shown.sort(key=lambda row: (-(row.saved or 0), row.path))
    return [row for row in shown if not row.exit_code], [row for row in shown if row.exit_code]


def table(rows: Sequence[Row], sums: Totals, *, width: int, unicode: bool) -> list[str]:
    """Lines for people in which foreign text is safe, at most `width` columns wide.

    Only the indented line under a failure or a stored result is as long as it must be: it may hold
    a command or a URL, and a terminal folds it without breaking what is copied.
    """
    good, bad = in_order(rows)
    shown = [*good[:MOST], *bad]
    cells = [_cells(row, unicode=unicode) for row in shown]
    if sums.before:
        cells.append(_total_cells(sums))
    mark = MARK if unicode else "..."
    drawn = aligned(_HEADING, cells, width=width, dispensable=_DISPENSABLE, right=_RIGHT, mark=mark)
    lines, body = drawn[:1], drawn[1:]
    for number, row in enumerate(shown):
        lines.append(body[number])
        if row.remark and (row.exit_code or row.state == "stored"):
            lines.append("    " + _said(row.remark, unicode=unicode))
        if number == MOST - 1 and len(good) > MOST:
            lines.append(f"and {len(good) - MOST} more")
    lines += body[len(shown) :]
    lines += _folded(counts(sums), width)
    return lines if unicode else [line.replace(text.MINUS, "-") for line in lines]


def counts(sums: Totals) -> str:
    """`14 files: 3 compressed, 1 failed, 10 unchanged, in 41 s`."""
    files = "1 file" if sums.files == 1 else f"{sums.files} files"
    parts = [f"{count} {text.safe(state)}" for state, count in sums.states.items()]
    if sums.to_send:
        parts.append(f"{text.size(sums.to_send)} to send")
    return f"{files}: " + ", ".join([*parts, f"in {text.duration(sums.seconds)}"])


def _folded(line: str, width: int) -> list[str]:
    """Lines of at most `width` columns, broken at commas where that is enough."""
    tied = line.replace(" ", "\N{NO-BREAK SPACE}").replace(",\N{NO-BREAK SPACE}", ", ")
    folded = textwrap.wrap(tied, width, subsequent_indent="  ", break_on_hyphens=False)
    return [part.replace("\N{NO-BREAK SPACE}", " ") for part in folded]


def saved_cells(before: int | None, after: int | None) -> tuple[str, str, str, str]:
    """Before, after, saved and its share as people say them; "" for what is unknown."""
    sizes = ["" if count is None else text.size(count) for count in (before, after)]
    if before is None or after is None:
        return sizes[0], sizes[1], "", ""
    saved = before - after
    sign = text.MINUS if saved < 0 else ""
    return sizes[0], sizes[1], sign + text.size(abs(saved)), text.saving(before, after)


def _cells(row: Row, *, unicode: bool) -> tuple[str, ...]:
    name, state = (_said(said, unicode=unicode) for said in (row.path, row.state))
    time = "" if row.seconds is None else text.duration(row.seconds)
    return (name, *saved_cells(row.before, row.after), state, time)


def _total_cells(sums: Totals) -> tuple[str, ...]:
    return ("total", *saved_cells(sums.before, sums.after), "", "")


def _said(foreign: str, *, unicode: bool) -> str:
    shown = text.safe(foreign)
    return shown if unicode else shown.encode("ascii", "backslashreplace").decode("ascii")
