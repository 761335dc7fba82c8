"""How a job lies in its row of the ledger's table, and how rows are written."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from typing import cast

from compressor_cli.api.contract import Job
from compressor_cli.memory.entry import FINISHED, Entry


def entry_of(row: sqlite3.Row) -> Entry:
    """The entry in a row with all columns of `jobs`."""
    facts = {name: _unpacked(row[name]) for name in row.keys()}  # noqa: SIM118 - a Row is no dict
    options, result = facts.pop("options"), facts.pop("result")
    return Entry(
        options=json.loads(cast("str", options)),
        result=json.loads(cast("str", result)) if result is not None else None,
        **facts,  # type: ignore[arg-type]
    )


def packed(text: str | None) -> str | bytes | None:
    """The text as a value for SQLite, which refuses lone surrogates: those lie there as bytes."""
    if text is None:
        return None
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def _unpacked(value: object) -> object:
    return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value


def packed_json(value: Mapping[str, object] | None) -> str | None:
    """The object as ASCII JSON; None for none, and for what cannot be JSON.

    A strange answer must not keep the rest of the record from being written.
    """
    if value is None:
        return None
    try:
        return json.dumps(value, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        return None


def insert(connection: sqlite3.Connection, *, now: float, **values: object) -> int:
    """Adds a row, with these values and else those of a job of which nothing is known."""
    row: dict[str, object] = {
        "source": "",
        "options": "{}",
        "state": "submitting",
        "word": "",
        "message": "",
        "submitted_at": now,
        "updated_at": now,
        **values,
    }
    query = f"INSERT INTO jobs ({', '.join(row)}) VALUES ({marks(row)})"
    return cast("int", connection.execute(query, tuple(row.values())).lastrowid)


def update(
    connection: sqlite3.Connection,
    where: str,
    which: Sequence[object],
    *,
    now: float,
    **values: object,
) -> int:
    """Sets these values in the rows that `where` and `which` select; gives their count."""
    row = {**values, "updated_at": now}
    query = f"UPDATE jobs SET {', '.join(f'{name} = ?' for name in row)} WHERE {where}"
    return connection.execute(query, (*row.values(), *which)).rowcount


def delete(connection: sqlite3.Connection, where: str, which: Sequence[object]) -> int:
    """Takes out the rows that `where` and `which` select; gives their count."""
    return connection.execute(f"DELETE FROM jobs WHERE {where}", which).rowcount


def marks(values: Collection[object]) -> str:
    """The place holders for so many values."""
    return ", ".join("?" * len(values))


def observation(job: Job) -> dict[str, object]:
    """The values of a row that the service's answer about a job sets."""
    changes: dict[str, object] = {"state": job.state, "word": packed(job.word)}
    if (kept := packed_json(job.raw or None)) is not None:
        changes["result"] = kept
    if job.message or job.state != "failed":
        changes["message"] = packed(job.message)
    return changes


def is_news(row: sqlite3.Row | None, changes: Mapping[str, object]) -> bool:
    """Whether these values would change the row; an end is never taken back."""
    if row is None:
        return True
    if row["state"] in FINISHED and changes["state"] not in FINISHED:
        return False
    return any(row[name] != value for name, value in changes.items())
