"""Results on a stdout that may fail: no work ends for that, what was wrong is told at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from compressor_cli.engine.updates import Item
from compressor_cli.errors import CompressorError, OutputProblem, ReaderGone


class Results(Protocol):
    """What a command prints on stdout, and when."""

    def submitted(self, item: Item) -> None: ...

    def ended(self, item: Item) -> None: ...

    def left(self, item: Item) -> None: ...


class Stdout:
    """Does what writes to stdout, until that fails for the first time."""

    def __init__(self) -> None:
        self._problem: CompressorError | None = None

    def attempt(self, write: Callable[[], None]) -> None:
        if self._problem is None:
            try:
                write()
            except (OutputProblem, ReaderGone) as problem:
                self._problem = problem

    def check(self, jobs: Iterable[tuple[str, str]] = ()) -> None:
        """Raises OutputProblem or ReaderGone if stdout did not take everything.

        `jobs`: what each was made of, and its id, which may have been lost with stdout.
        """
        if self._problem is not None:
            self._problem.hint = "\n".join(f"{label}: job {job_id}" for label, job_id in jobs)
            raise self._problem


class Shown(Stdout):
    """The results of a run on such a stdout."""

    def __init__(self, results: Results) -> None:
        super().__init__()
        self._results = results

    def submitted(self, item: Item) -> None:
        self.attempt(lambda: self._results.submitted(item))

    def ended(self, item: Item) -> None:
        self.attempt(lambda: self._results.ended(item))

    def left(self, item: Item) -> None:
        self.attempt(lambda: self._results.left(item))
