"""A result's bytes, from the network to their place: resumed when cut, verified, all or nothing."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compressor_cli.api.contract import Job
from compressor_cli.api.headers import content_length, range_start, strong_validator
from compressor_cli.api.http import Answer
from compressor_cli.api.outputs import Expired, OutputClient
from compressor_cli.engine.body import PIECE
from compressor_cli.engine.crew import Crew
from compressor_cli.engine.gate import Gate
from compressor_cli.engine.landing import put_in_place, temporary
from compressor_cli.engine.likeness import LOOKED_AT, may_be, misfit, page, page_type
from compressor_cli.engine.part import BINARY, PRIVATE, Part
from compressor_cli.engine.patience import Patience, Told
from compressor_cli.engine.target import Target
from compressor_cli.errors import (
    BadResult,
    OutputProblem,
    ReaderGone,
    Refused,
    TemporaryTrouble,
)

_TOLD_EVERY = 0.2
"""Seconds after which it is told how far a slow download came, before a piece of it is full."""
FRESH_URLS = 3
"""So many times a job is asked for a fresh URL of its output before we give up."""

Received = Callable[[int, int | None], None]
"""Told the bytes so far and the whole size, None if unknown."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a download works with. `fresh` asks the job for its present answer."""

    crew: Crew[Any]
    outputs: OutputClient
    gate: Gate
    fresh: Callable[[str], Job]
    stdout: Callable[[], int]  # a file descriptor to write a result to


@dataclass(frozen=True, slots=True)
class Saved:
    """A result that lies where it was wanted. `path` None: it went to stdout. `size` in bytes."""

    path: Path | None
    size: int


def save(
    job: Job,
    goal: Target,
    *,
    means: Means,
    received: Received,
    delayed: Told,
    worth: Callable[[int, str], bool] = lambda _size, _sha1: True,
) -> Saved | None:
    """Download the output of a completed job and put it in its place.

    None: the place is a file, and the verified result was not `worth` it by its size and SHA-1.
    Raises BadResult when the bytes are not as promised, OutputProblem, TemporaryTrouble, NotKnown
    (the job is gone), Refused.
    """
    if goal.path is None or goal.special:
        return _pour(job, goal, means=means, received=received, delayed=delayed)
    path = temporary(goal.path)
    with Part(path, means.crew, mode=goal.mode) as part:
        _fill(part, job, means=means, received=received, delayed=delayed)
        part.close()
        if not worth(part.size, part.sha1()):
            return None
        return Saved(put_in_place(path, goal), part.size)


def _pour(job: Job, goal: Target, *, means: Means, received: Received, delayed: Told) -> Saved:
    """Into a private file first: nothing unverified reaches stdout or a device."""
    path = temporary(Path(tempfile.gettempdir()) / "compressor-result")
    with Part(path, means.crew, mode=PRIVATE) as part:
        _fill(part, job, means=means, received=received, delayed=delayed)
        try:
            if goal.path is None:
                part.copy_to(means.stdout())
            else:
                handle = os.open(goal.path, os.O_WRONLY | BINARY)
                try:
                    part.copy_to(handle)
                finally:
                    os.close(handle)
        except OSError as error:
            if goal.path is None and isinstance(error, BrokenPipeError):
                raise ReaderGone("the reader of the output went away") from None
            name = goal.path or "stdout"
            raise OutputProblem(f"{name} cannot be written: {error.strerror}") from None
        return Saved(goal.path, part.size)


def _fill(part: Part, job: Job, *, means: Means, received: Received, delayed: Told) -> None:
    """Download until the part is whole and verified; go on where the network cut it."""
    fresh_urls = 0
    download = _Download(part, received, means.crew)
    patience = Patience(means.crew, means.gate, delayed)
    while True:
        before = part.furthest
        try:
            download.attempt(job, means.outputs)
            return
        except Expired as error:
            fresh_urls += 1
            if fresh_urls > FRESH_URLS:
                raise Refused(  # not NotKnown: the job is there, and is not to be paid again
                    error.message,
                    hint="each link that the job named was refused; if that stays so: submit the "
                    "file again (compress: with --force)",
                ) from None
            job = means.fresh(job.id)
        except TemporaryTrouble as error:
            if part.furthest > before:
                patience.headway()
            patience.after(error)


class _Download:
    """Attempts to fill one part."""

    def __init__(self, part: Part, received: Received, crew: Crew[Any]) -> None:
        self._part = part
        self._received = received
        self._crew = crew
        self._validator: str | None = None
        self._begin = b""  # the first bytes of the part, which tell a page from a picture

    def attempt(self, job: Job, outputs: OutputClient) -> None:
        """One request, from where the part ends if the server can resume, else from the start."""
        assert job.url is not None
        part, headers = self._part, {}
        if part.size and self._validator:
            headers = {"Range": f"bytes={part.size}-", "If-Range": self._validator}
        with outputs.open(job.url, headers=headers) as answer:
            if not self._continues(answer):
                part.start_over()
                self._validator = None
                if answer.status != 200:
                    raise TemporaryTrouble("the output cannot be resumed where it was cut")
            self._validator = strong_validator(answer.headers) or self._validator
            whole = self._expected(job, answer)
            if whole is not None:
                part.need(whole - part.size)
            self._receive(answer, whole)
            self._verify(job, answer, whole)
        part.sync()

    def _continues(self, answer: Answer) -> bool:
        """Whether this answer is the rest of the very bytes that are here."""
        start = range_start(answer.headers.get("content-range"))
        same = strong_validator(answer.headers) in (None, self._validator)
        return (
            answer.status == 206 and start is not None and start[0] == self._part.size > 0 and same
        )

    def _expected(self, job: Job, answer: Answer) -> int | None:
        """The whole size, from the job or else the answer. Raises BadResult where they differ."""
        declared = content_length(answer.headers.get("content-length"))
        if declared is not None:
            declared += self._part.size
        promised = job.output.size
        kind = page_type(answer.headers.get("content-type", ""))
        if promised is not None and declared is not None and promised != declared:
            what = " (a web page)" if kind == "HTML" else ""
            raise BadResult(f"the output has {declared} bytes{what}, {promised} were promised")
        _refuse_page(job, kind)
        return promised if promised is not None else declared

    def _receive(self, answer: Answer, whole: int | None) -> None:
        chunks: list[bytes] = []  # joined, not grown: a buffer that grows costs a fault a page
        ahead, told = 0, time.monotonic()
        try:
            for chunk in answer.pieces():
                self._crew.check()
                chunks.append(chunk)
                ahead += len(chunk)
                if whole is not None and self._part.size + ahead > whole:
                    raise BadResult(f"the output is longer than the promised {whole} bytes")
                if ahead >= PIECE:
                    self._keep(chunks, whole)
                    ahead = 0
                elif (now := time.monotonic()) - told >= _TOLD_EVERY:
                    told = now
                    self._received(self._part.size + ahead, whole)
        finally:  # what came before a cut counts: the next attempt goes on from there
            self._keep(chunks, whole)

    def _keep(self, chunks: list[bytes], whole: int | None) -> None:
        piece = b"".join(chunks)
        chunks.clear()
        if self._part.size < LOOKED_AT:
            self._begin = (self._begin[: self._part.size] + piece)[:LOOKED_AT]
        if whole is None:
            self._part.spare()
        self._part.write(piece)
        self._received(self._part.size, whole)

    def _verify(self, job: Job, answer: Answer, whole: int | None) -> None:
        sha1 = job.output.sha1
        if "content-encoding" in answer.headers and sha1 != self._part.sha1():
            raise BadResult("the output came encoded, which was not asked for; discarded")
        if whole is not None and self._part.size < whole:
            raise TemporaryTrouble(f"the output was cut at {self._part.size} of {whole} bytes")
        if sha1 is not None and self._part.sha1() != sha1:
            raise BadResult("the output's SHA-1 is not the promised one; discarded")
        _refuse_page(job, page(self._begin))
        if sha1 is None and not self._part.size:
            raise BadResult("the output is empty; discarded")
        if sha1 is None and (wanted := misfit(job.output, self._begin)):
            raise BadResult(f"the output does not begin as a {wanted} file does; discarded")
        if sha1 is None and whole is None and "transfer-encoding" not in answer.headers:
            raise BadResult("nothing tells whether the output is whole, no size and no SHA-1")


def _refuse_page(job: Job, kind: str | None) -> None:
    """Raises BadResult where that is a kind of page, which the output is not; a SHA-1 will tell."""
    if kind is not None and job.output.sha1 is None and not may_be(job.output, kind):
        what = "a web page" if kind == "HTML" else f"an answer in {kind}"
        raise BadResult(f"the output's server sent {what} instead")
