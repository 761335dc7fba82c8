"""How the ledger's rows are shown: a line for people, with tabs for programs, or JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from compressor_cli.memory.entry import Entry
from compressor_cli.terminal.text import cell as one_cell
from compressor_cli.terminal.text import saving, size


def entry_record(entry: Entry) -> dict[str, object]:
    """A row of the ledger. Times as ISO 8601 in UTC."""
    return {
        "number": entry.number,
        "id": entry.job_id,
        "state": entry.state,
        "status": entry.word or None,
        "source": entry.source,
        "input": {"size": entry.input_size, "sha1": entry.input_sha1},
        "options": entry.options,
        "api_url": entry.api_url,
        "message": entry.message or None,
        "saved_to": entry.saved_to,
        "submitted_at": _moment(entry.submitted_at),
        "updated_at": _moment(entry.updated_at),
        "finished_at": None if entry.finished_at is None else _moment(entry.finished_at),
    }


def entry_row(entry: Entry, *, people: bool) -> str:
    """A row of the ledger as a line: aligned for people, with tabs for programs."""
    cells = [
        entry.job_id or "-",
        entry.state,
        _moment(entry.submitted_at),
        entry.source or "-",
        entry.saved_to or "-",
    ]
    if not people:
        return "\t".join(map(one_cell, cells))
    widths = (36, 10, 20, 0, 0)
    line = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return line.removesuffix("  -").rstrip()


def _moment(unix: float) -> str:
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def totals(entries: Sequence[Entry]) -> dict[str, object]:
    """How many jobs there were in each state, and what the completed ones saved, in bytes."""
    states = Counter(entry.state for entry in entries)
    before = after = 0
    for entry in entries:
        pair = _sizes(entry)
        if pair is not None:
            before, after = before + pair[0], after + pair[1]
    return {
        "jobs": len(entries),
        "states": dict(sorted(states.items())),
        "before": before,
        "after": after,
        "saved": before - after,
    }


def _sizes(entry: Entry) -> tuple[int, int] | None:
    """A completed job's input and output in bytes, as far as the service told both."""
    if entry.state != "completed" or entry.result is None:
        return None
    sides = [entry.result.get(side) for side in ("input", "output")]
    sizes = [side.get("size") for side in sides if isinstance(side, dict)]
    found = [size for size in sizes if isinstance(size, int)]
    return (found[0], found[1]) if len(found) == 2 else None


def totals_text(sums: dict[str, object]) -> str:
    """The totals as one line."""
    states, before, after = sums["states"], sums["before"], sums["after"]
    assert isinstance(states, dict)
    assert isinstance(before, int)
    assert isinstance(after, int)
    parts = [f"{sums['jobs']} jobs", *(f"{count} {state}" for state, count in states.items())]
    if before:
        parts.append(f"{size(before)} became {size(after)}, {saving(before, after)}")
    return ", ".join(parts)
