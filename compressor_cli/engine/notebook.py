"""What the engine writes down: through a journal that it is given, the ledger.

What must be durable (that a POST begins, that it was accepted) raises when it cannot be written.
What only saves a question later does not: the service knows it too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, Protocol

from compressor_cli.api.contract import Job, Json, State
from compressor_cli.errors import OutputProblem

Unaccepted = Literal["unknown", "not-sent", "failed"]
"""How a POST ends that brought no job: nobody knows, surely nothing accepted, refused."""


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

    def digest(self, number: int, *, input_sha1: str, input_size: int) -> None: ...

    def accepted(
        self, number: int, *, job_id: str, state: State, word: str, result: Json | None
    ) -> None: ...

    def ended(self, number: int, *, state: Unaccepted, message: str) -> None: ...

    def observed(
        self,
        api_url: str,
        job_id: str,
        *,
        state: State,
        word: str,
        result: Json | None,
        message: str,
    ) -> None: ...

    def saved(self, api_url: str, job_id: str, path: str) -> None: ...


class Notebook:
    """Notes of no consequence if lost. `remark` is told when one cannot be written."""

    def __init__(self, journal: Journal, *, api_url: str, remark: Callable[[str], None]) -> None:
        self._journal = journal
        self._api_url = api_url
        self._remark = remark

    def observed(self, job: Job) -> None:
        """What a look at a job told."""
        try:
            self._journal.observed(
                self._api_url,
                job.id,
                state=job.state,
                word=job.word,
                result=job.raw,
                message=job.message,
            )
        except OutputProblem as error:
            self._remark(error.message)

    def saved(self, job: Job, path: str) -> None:
        """Where the job's output was written."""
        try:
            self._journal.saved(self._api_url, job.id, path)
        except OutputProblem as error:
            self._remark(error.message)
