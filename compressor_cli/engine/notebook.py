"""What the engine writes down: through a journal that it is given, the ledger.

What must be durable (that a POST begins, that it was accepted) raises when it cannot be written.
What only saves a question later does not: the service knows it too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

from compressor_cli.api.contract import Job, Json, State
from compressor_cli.engine.channel import Channel
from compressor_cli.engine.crew import Crew
from compressor_cli.errors import OutputProblem

Unaccepted = Literal["unknown", "not-sent", "failed"]
"""How a POST ends that brought no job: nobody knows, surely nothing accepted, refused."""

MOST_AT_ONCE = 500
"""So many looks are noted in one go: longer nobody else is kept from the ledger."""


class Journal(Protocol):
    """The ledger. Each call is durable when it returns, or raises OutputProblem."""

    def begin(
        self,
        *,
        source: str,
        source_path: str | None,
        input_sha1: str | None,
        input_size: int | None,
        options: Mapping[str, object],
        api_url: str,
    ) -> int: ...

    def sent(self, number: int, *, input_sha1: str | None, input_size: int | None) -> None: ...

    def is_of_others(self, api_url: str, job_id: str, *, input_sha1: str) -> bool: ...

    def accepted(
        self, number: int, *, job_id: str, state: State, word: str, result: Json | None
    ) -> None: ...

    def ended(self, number: int, *, state: Unaccepted, message: str) -> None: ...

    def observed(self, api_url: str, jobs: Sequence[Job]) -> None: ...

    def saved(self, api_url: str, job_id: str, path: str) -> None: ...


class Notebook:
    """Notes of no consequence if lost. `remark` is told when one cannot be written."""

    def __init__(self, journal: Journal, *, api_url: str, remark: Callable[[str], None]) -> None:
        self._journal = journal
        self._api_url = api_url
        self._remark = remark

    def observed(self, *jobs: Job) -> None:
        """What looks at jobs told, in their order; many cost little more than one."""
        try:
            self._journal.observed(self._api_url, jobs)
        except OutputProblem as error:
            self._remark(error.message)

    def saved(self, job: Job, path: str) -> None:
        """Where the job's output was written."""
        try:
            self._journal.saved(self._api_url, job.id, path)
        except OutputProblem as error:
            self._remark(error.message)


class Scribe:
    """Notes what looks told in a thread of its own, so that no look waits for the disk.

    While one note is written others gather, and these are then written together.
    """

    def __init__(self, crew: Crew[Any], notes: Notebook) -> None:
        self._crew = crew
        self._notes = notes
        self._seen: Channel[tuple[Job, Callable[[], None] | None]] = crew.channel(late=True)
        self._begun = False

    def start(self) -> None:
        """Start the thread, unless there is one. Raises TemporaryTrouble if there can be none."""
        if not self._begun:
            self._crew.work(self._write, name="notes", late=True)
            self._begun = True

    def observed(self, job: Job, then: Callable[[], None] | None = None) -> None:
        """Note what a look told, for one caller at a time; `then` goes on, once that is done."""
        self.start()
        self._seen.put((job, then))

    def _write(self) -> None:
        while True:
            seen = self._seen.gather(MOST_AT_ONCE)
            self._notes.observed(*(job for job, _ in seen))
            for _, then in seen:
                if then is not None:
                    then()
