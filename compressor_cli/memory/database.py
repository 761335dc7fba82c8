"""The ledger's file: SQLite, opened, kept up to date in its form, changed by one writer at a time.

Journal mode TRUNCATE with synchronous FULL: a commit is on disk when it returns, and the file is
always a single file beside a short-lived journal. WAL would be some three times faster and is not
used: it needs memory shared between all processes, which network file systems do not give, and
a thousand commits a second are far more than jobs come to.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from compressor_cli.errors import CompressorError, OutputProblem, UsageProblem
from compressor_cli.memory import privatefile

BUSY_SECONDS = 30.0
"""How long one waits for another program that is writing."""
LAST_BUSY_SECONDS = 1.0
"""The same where the command is ending."""
_PAUSE = 0.01
_ATTEMPT = 0.1  # seconds that one attempt waits: signals get through, and `hurry`, between them

_MIGRATIONS: Sequence[Sequence[str]] = (
    (
        """
        CREATE TABLE jobs (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            job_id TEXT,
            source TEXT NOT NULL,
            source_path TEXT,
            input_sha1 TEXT,
            input_size INTEGER,
            options TEXT NOT NULL,
            api_url TEXT NOT NULL,
            state TEXT NOT NULL,
            word TEXT NOT NULL,
            result TEXT,
            message TEXT NOT NULL,
            saved_to TEXT,
            submitted_at REAL NOT NULL,
            updated_at REAL NOT NULL,
            finished_at REAL
        )
        """,
        # Not unique: a service may answer two submits of the same bytes with one job.
        "CREATE INDEX jobs_by_id ON jobs (job_id, api_url)",
    ),
    ("CREATE INDEX jobs_by_input ON jobs (input_sha1, api_url)",),
    ("CREATE INDEX jobs_by_place ON jobs (saved_to)",),
)
"""The steps from each version of the form to the next; user_version counts those that were made."""

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


class Database:
    """One connection, to be used from any thread; any number of processes may have their own.

    Every method raises OutputProblem when the file cannot be read or written, UsageProblem when it
    is of a newer form. A damaged file is left as it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._patience = BUSY_SECONDS
        with self._translated():
            privatefile.make_folder(path.parent)
            if not path.exists():
                privatefile.create_empty(path)
            self._connection = sqlite3.connect(
                path, timeout=_ATTEMPT, isolation_level=None, check_same_thread=False
            )
        try:
            with self._translated():
                self._prepare()
        except CompressorError:
            self.close()
            raise

    def _prepare(self) -> None:
        self._connection.row_factory = sqlite3.Row
        for pragma in ("journal_mode = TRUNCATE", "synchronous = FULL", "fullfsync = ON"):
            self._patiently(f"PRAGMA {pragma}")
        if self._version() < len(_MIGRATIONS):
            with self.changing() as connection:
                for step in _MIGRATIONS[self._version() :]:
                    for statement in step:
                        connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")
        if self._version() > len(_MIGRATIONS):
            raise UsageProblem(
                f"the ledger {self.path} was written by a newer version of compressor",
                hint="update compressor, or set COMPRESSOR_STATE_DIR to another folder",
            )

    def _version(self) -> int:
        version: int = self._patiently("PRAGMA user_version").fetchone()[0]
        return version

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """All that is done inside is on disk at the end, or nothing of it."""
        with self._lock, self._translated():
            self._patiently("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._patiently("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def rows(self, query: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        """The rows that a SELECT finds now."""
        with self._lock, self._translated():
            return self._patiently(query, values).fetchall()

    def hurry(self) -> None:
        """Wait for other programs only a moment from now on, also where that has begun already."""
        self._patience = LAST_BUSY_SECONDS

    def _patiently(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        begun = time.monotonic()
        while True:
            try:
                return self._connection.execute(statement, values)
            except sqlite3.OperationalError as error:
                waited = time.monotonic() - begun
                if _code(error) not in _BUSY or waited >= self._patience:
                    raise
            time.sleep(_PAUSE)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:
            raise  # ours to mend, not the user's
        except sqlite3.Error as error:
            raise self._problem(error) from error
        except OSError as error:
            raise OutputProblem(
                f"cannot make the ledger {self.path}: {error.strerror}",
                hint="set COMPRESSOR_STATE_DIR to a folder that can be written",
            ) from error

    def _problem(self, error: sqlite3.Error) -> OutputProblem:
        code = _code(error)
        if code in _DAMAGE:
            return OutputProblem(
                f"the ledger {self.path} is damaged: {error}",
                hint=f"move it aside and start a new one: mv '{self.path}' '{self.path}.damaged'",
            )
        if code in _BUSY:
            return OutputProblem(
                f"the ledger {self.path} was in use by another program for {self._patience:g} s",
                hint="run the command again",
            )
        return OutputProblem(
            f"cannot use the ledger {self.path}: {error}",
            hint="make room, or set COMPRESSOR_STATE_DIR to a folder that can be written",
        )


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest says more than we need
