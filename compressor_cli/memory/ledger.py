"""Which jobs were submitted, and what became of them.

A row is on disk before the upload begins, and every fact as soon as it is known: whatever ends the
process, the next one can go on. The API key is never here, nor are signatures or header values.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Literal

from compressor_cli.api.contract import Job, State
from compressor_cli.errors import OutputProblem
from compressor_cli.memory.database import Database
from compressor_cli.memory.earlier import Earlier
from compressor_cli.memory.entry import FINISHED, Entry, Json
from compressor_cli.memory.redact import redact_options, redact_text
from compressor_cli.memory.rows import (
    delete,
    entry_of,
    insert,
    is_news,
    marks,
    observation,
    packed,
    packed_json,
    update,
)

FILE_NAME = "ledger.sqlite3"
_THIS_JOB = "job_id = ? AND api_url = ?"


class Ledger:
    """The jobs in a state folder. Any number of threads may share one, and processes the folder.

    Every method raises OutputProblem when the file cannot be read or written.
    `now` gives Unix seconds.
    """

    def __init__(self, state_dir: Path, *, now: Callable[[], float] = time.time) -> None:
        """Opens the ledger and makes folder and file when missing.

        Raises UsageProblem when a newer version of compressor wrote it.
        """
        self._database = Database(state_dir / FILE_NAME)
        self._now = now
        self.earlier = Earlier(self._database)

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    def close(self) -> None:
        """Lets go of the file; may be called again."""
        self._database.close()

    def hurry(self) -> None:
        """The command is ending: no longer wait for long while another program is writing."""
        self._database.hurry()

    def begin(
        self,
        *,
        source: str,
        source_path: str | None = None,
        input_sha1: str | None = None,
        input_size: int | None = None,
        options: Mapping[str, object],
        api_url: str,
    ) -> int:
        """Notes a POST that is about to be made, in the state `submitting`; gives its number.

        Options are redacted here, and the source too unless it is a file.
        """
        with self._database.changing() as connection:
            return insert(
                connection,
                now=self._now(),
                source=packed(source if source_path is not None else redact_text(source)),
                source_path=packed(source_path),
                input_sha1=input_sha1,
                input_size=input_size,
                options=packed_json(redact_options(options)) or "{}",
                api_url=packed(api_url),
            )

    def sent(self, number: int, *, input_sha1: str | None, input_size: int | None) -> None:
        """Notes what is sent, before its last byte leaves: from now on nobody knows."""
        self._set(
            number,
            state="unknown",
            message="sent whole, and no answer came",
            input_sha1=input_sha1,
            input_size=input_size,
        )

    def is_of_others(self, api_url: str, job_id: str, *, input_sha1: str) -> bool:
        """Whether the service gave this id to a job of other bytes than these."""
        rows = self._database.rows(
            f"SELECT 1 FROM jobs WHERE {_THIS_JOB} AND input_sha1 != ? LIMIT 1",
            (packed(job_id), packed(api_url), input_sha1),
        )
        return bool(rows)

    def accepted(
        self, number: int, *, job_id: str, state: State, word: str, result: Json | None
    ) -> None:
        """Notes that the service took the job.

        Raises OutputProblem, with the job's id, if the row was forgotten meanwhile.
        """
        found = self._set(
            number,
            job_id=packed(job_id),
            state=state,
            word=packed(word),
            message="",
            result=packed_json(result),
            finished_at=self._now() if state in FINISHED else None,
        )
        if not found:
            raise OutputProblem(
                f"job {job_id} was accepted, but its row {number} is no longer in the ledger",
                hint=f"note the id {job_id}",
                job_id=job_id,
            )

    def ended(
        self, number: int, *, state: Literal["unknown", "not-sent", "failed"], message: str
    ) -> None:
        """Notes that the POST ended without a job that is known to be accepted, and why."""
        finished = self._now() if state in FINISHED else None
        self._set(number, state=state, message=packed(message), finished_at=finished)

    def _set(self, number: int, **values: object) -> int:
        with self._database.changing() as connection:
            return update(connection, "number = ?", (number,), now=self._now(), **values)

    def observed(self, api_url: str, jobs: Sequence[Job]) -> None:
        """Notes what the service says now, in this order; a job that is not ours yet becomes so.

        All is written or nothing, and nothing when nothing is new. A finished job is never taken
        back to pending by an answer that came late; a result that is missing leaves the one before.
        """
        seen = [(job.id, observation(job)) for job in jobs]
        if not any(is_news(self._row(api_url, job_id), changes) for job_id, changes in seen):
            return
        with self._database.changing() as connection:
            for job_id, changes in seen:
                row = self._row(api_url, job_id)
                if is_news(row, changes):
                    self._note(connection, row, (api_url, job_id), changes)

    def _note(
        self,
        connection: sqlite3.Connection,
        row: sqlite3.Row | None,
        job: tuple[str, str],
        changes: dict[str, object],
    ) -> None:
        api_url, job_id = map(packed, job)
        if row is None:
            insert(connection, now=self._now(), api_url=api_url, job_id=job_id)
        if changes["state"] in FINISHED and (row is None or row["state"] != changes["state"]):
            changes = {**changes, "finished_at": self._now()}
        update(connection, _THIS_JOB, (job_id, api_url), now=self._now(), **changes)

    def saved(self, api_url: str, job_id: str, path: str) -> None:
        """Notes where the output was written: so the job is completed, whatever was known of it."""
        with self._database.changing() as connection:
            row = self._row(api_url, job_id)
            changes: dict[str, object] = {"state": "completed", "saved_to": packed(path)}
            self._note(connection, row, (api_url, job_id), changes)

    def _row(self, api_url: str, job_id: str) -> sqlite3.Row | None:
        rows = self._database.rows(
            f"SELECT * FROM jobs WHERE {_THIS_JOB} ORDER BY number DESC LIMIT 1",
            (packed(job_id), packed(api_url)),
        )
        return rows[0] if rows else None

    def find(self, api_url: str, job_id: str) -> Entry | None:
        """The job of that id, or None; the newest row, if the service gave one id twice."""
        row = self._row(api_url, job_id)
        return entry_of(row) if row is not None else None

    def entries(
        self,
        *,
        api_url: str | None = None,
        states: Collection[str] = (),
        id_begins: str | None = None,
        limit: int | None = None,
    ) -> list[Entry]:
        """The jobs of that API, in those states, with such an id (all, if not given), newest first.

        `id_begins`: what their ids begin with; jobs without an id then do not count.
        """
        query, values = "SELECT * FROM jobs WHERE 1", list[object]()
        if api_url is not None:
            query += " AND api_url = ?"
            values.append(packed(api_url))
        if states:
            query += f" AND state IN ({marks(states)})"
            values.extend(states)
        if id_begins is not None:
            query += " AND substr(job_id, 1, length(?)) = ?"
            values.extend([packed(id_begins)] * 2)
        query += " ORDER BY number DESC LIMIT ?"
        values.append(-1 if limit is None else max(limit, 0))
        return [entry_of(row) for row in self._database.rows(query, values)]

    def forget(
        self,
        *,
        job_ids: Collection[str] = (),
        numbers: Collection[int] = (),
        before: float | None = None,
        states: Collection[str] = (),
        everything: bool = False,
    ) -> int:
        """Takes rows out and gives their count.

        Jobs named by id or number go whatever their state. Of the others only finished ones go,
        and never one that may still cost or bring something: all of them with `everything`, else
        those submitted before that time and in those states.
        """
        with self._database.changing() as connection:
            gone = 0
            for job_id in set(job_ids):
                gone += delete(connection, "job_id = ?", [packed(job_id)])
            for number in set(numbers):
                gone += delete(connection, "number = ?", [number])
            if everything or before is not None or states:
                which, values = f"state IN ({marks(FINISHED)})", list[object](FINISHED)
                if before is not None and not everything:
                    which += " AND submitted_at < ?"
                    values.append(before)
                if states and not everything:
                    which += f" AND state IN ({marks(states)})"
                    values.extend(states)
                gone += delete(connection, which, values)
            return gone
