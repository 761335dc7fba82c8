"""The report of a batch: a row a file and their totals, as a table or as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from compressor_cli.terminal import text

MOST = 50
"""Rows of the table that are shown; failures are shown all."""
QUIET = ("unchanged", "ok")
"""States that are only counted."""
_WIDE = 100


@dataclass(frozen=True, slots=True)
class Row:
    """One file. `before` and `after` in bytes; `detail`: why, or what mends it.

    States of compress: compressed, kept, unchanged, stored, failed, postponed, would-send; of
    check: ok, missing, changed, stale-output, over-budget, failed.
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

    @property
    def saved(self) -> int:
        """Bytes saved, negative when it grew, 0 where unknown."""
        known = self.before is not None and self.after is not None
        return (self.before or 0) - (self.after or 0) if known else 0


@dataclass(frozen=True, slots=True)
class Totals:
    """Of all rows: how many in each state, and bytes of those whose two sizes are known."""

    states: dict[str, int]
    files: int
    before: int
    after: int
    seconds: float


def totals(rows: Sequence[Row], *, seconds: float) -> Totals:
    weighed = [row for row in rows if row.before is not None and row.after is not None]
    return Totals(
        states=dict(sorted(Counter(row.state for row in rows).items())),
        files=len(rows),
        before=sum(row.before or 0 for row in weighed),
        after=sum(row.after or 0 for row in weighed),
        seconds=seconds,
    )


def row_record(row: Row) -> dict[str, object]:
    """One JSON object a file."""
    return {
        "kind": "file",
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
    """The closing JSON object."""
    return {
        "kind": "summary",
        "files": sums.files,
        "states": sums.states,
        "before": sums.before,
        "after": sums.after,
        "saved": sums.before - sums.after,
        "seconds": round(sums.seconds, 3),
    }


def in_order(rows: Sequence[Row]) -> list[Row]:
    """Those worth a line: the largest saving first, what failed at the end."""
    shown = [row for row in rows if row.state not in QUIET]
    return sorted(shown, key=lambda row: (row.exit_code != 0, -row.saved, row.path))


def table(rows: Sequence[Row], sums: Totals, *, width: int, unicode: bool) -> list[str]:
    """Lines for people, at most `width` wide but for details; foreign text is safe."""
    ordered = in_order(rows)
    good = [row for row in ordered if row.exit_code == 0]
    bad = [row for row in ordered if row.exit_code != 0]
    cells = [_cells(row) for row in good[:MOST]]
    lines = _aligned(cells, width=width)
    if len(good) > MOST:
        lines.append(f"and {len(good) - MOST} more")
    lines += list(chain.from_iterable(_failure(row, width=width) for row in bad))
    lines.append(_sum_line(sums))
    return lines if unicode else [_ascii(line) for line in lines]


def _cells(row: Row) -> tuple[str, ...]:
    sizes = row.before is not None and row.after is not None
    return (
        row.path,
        "" if row.before is None else text.size(row.before),
        "" if row.after is None else text.size(row.after),
        text.saving(row.before or 0, row.after or 0) if sizes else "",
        row.state,
        "" if row.seconds is None else text.duration(row.seconds),
    )


def _aligned(cells: Sequence[tuple[str, ...]], *, width: int) -> list[str]:
    """Narrow widths lose the time and the size before; names lose their middle."""
    columns = [0, 1, 2, 3, 4, 5] if width >= _WIDE else [0, 2, 3, 4]
    widths = [max((len(text.safe(row[c])) for row in cells), default=0) for c in columns]
    widths[0] = min(widths[0], max(12, width - sum(widths[1:]) - 2 * (len(columns) - 1)))
    lines = []
    for row in cells:
        name = text.shortened(text.safe(row[0]), widths[0]).ljust(widths[0])
        rest = [
            text.safe(row[c]).ljust(size) if c == 4 else row[c].rjust(size)
            for c, size in zip(columns[1:], widths[1:], strict=True)
        ]
        lines.append("  ".join([name, *rest]).rstrip())
    return lines


def _failure(row: Row, *, width: int) -> list[str]:
    name = text.shortened(text.safe(row.path), max(12, width - len(row.state) - 2))
    return [f"{name}  {row.state}", *([f"    {text.safe(row.detail)}"] if row.detail else [])]


def _sum_line(sums: Totals) -> str:
    counts = ", ".join(f"{count} {state}" for state, count in sums.states.items())
    parts = [f"{sums.files} files" + (f": {counts}" if counts else "")]
    if sums.before:
        saved = text.saving(sums.before, sums.after)
        parts.append(f"{text.size(sums.before)} → {text.size(sums.after)}  {saved}")
    return "  ".join([*parts, f"in {text.duration(sums.seconds)}"])


def _ascii(line: str) -> str:
    return line.replace("→", "->").replace(text.MINUS, "-").replace("…", "...")
