"""How the ledger's rows are shown: a line for people, with tabs for programs, or JSON."""

from __future__ import annotations

from datetime import UTC, datetime

from compressor_cli.memory.entry import Entry


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
        return "\t".join(cells)
    widths = (36, 10, 20, 0, 0)
    line = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return line.removesuffix("  -").rstrip()


def _moment(unix: float) -> str:
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
