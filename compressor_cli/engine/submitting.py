"""Handing a source over exactly once: what is tried again, what never, what is on disk before.

Tried again: what cannot have been accepted (no connection, or the last byte never left; 429, and
503 with Retry-After). Never again: anything after the whole request was sent.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from compressor_cli.api.client import ApiClient, Look
from compressor_cli.api.contract import Job
from compressor_cli.engine.crew import Crew
from compressor_cli.engine.gate import Gate
from compressor_cli.engine.notebook import Journal
from compressor_cli.engine.patience import Patience
from compressor_cli.engine.source import (
    FileSource,
    Source,
    StdinSource,
    UrlSource,
    send,
    spool_file,
    spooled,
)
from compressor_cli.engine.updates import Delayed, Item, Sending
from compressor_cli.errors import (
    CompressorError,
    InputProblem,
    JobFailed,
    KeyProblem,
    MaybeAccepted,
    TemporaryTrouble,
    WrongInput,
)

CHECK_ABOVE = 8 * 1024 * 1024
"""Before so many bytes are sent, the key is tried with a small request: a refusal in the middle of
a large body is often lost with the connection, and looks like trouble that is worth another try."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What submitting works with."""

    crew: Crew[Any]
    api: ApiClient
    journal: Journal
    gate: Gate


def submit(item: Item, desk: Desk) -> None:
    """Hand over `item.source`; afterwards `item.job` is set, and durable in the ledger.

    Raises TemporaryTrouble (nothing accepted), MaybeAccepted (never sent again), JobFailed, and
    what the source or the service refuses.
    """
    with _spooled(item.source, desk.crew) as source:
        _record_and_send(item, source, desk)


@contextmanager
def _spooled(source: Source | None, crew: Crew[Any]) -> Iterator[FileSource | UrlSource]:
    """The source, with standard input as a file that is gone afterwards."""
    assert source is not None
    if not isinstance(source, StdinSource):
        yield source
        return
    path = spool_file()
    crew.register(path)
    try:
        yield spooled(source, path, check=crew.check)
    finally:
        path.unlink(missing_ok=True)
        crew.release(path)


def _record_and_send(item: Item, source: FileSource | UrlSource, desk: Desk) -> None:
    item.since = time.monotonic()
    if isinstance(source, FileSource):
        item.size = source.size
        if source.size > CHECK_ABOVE:
            _try_key(desk)
    item.entry = desk.journal.begin(
        source=item.label,
        source_path=None if item.path is None else str(item.path),
        input_sha1=item.sha1,
        input_size=item.size,
        options=item.options,
        api_url=desk.api.api_url,
    )
    try:
        look = _accepted(item, source, desk, planned=item.sha1)
    except MaybeAccepted as error:
        desk.journal.ended(item.entry, state="unknown", message=error.message)
        raise
    except CompressorError as error:
        desk.journal.ended(item.entry, state="not-sent", message=error.message)
        raise
    _remember(item, look.job, desk)


def _try_key(desk: Desk) -> None:
    """Raises KeyProblem when the service refuses the key; other trouble will show by itself."""
    try:
        desk.api.account()
    except KeyProblem:
        raise
    except CompressorError:
        return


def _accepted(
    item: Item, source: FileSource | UrlSource, desk: Desk, *, planned: str | None
) -> Look:
    patience = Patience(
        desk.crew, desk.gate, lambda error, wait: desk.crew.post(Delayed(item, error, wait))
    )
    desk.gate.wait(desk.crew.sleep)
    while True:
        try:
            return _attempt(item, source, desk, planned=planned)
        except TemporaryTrouble as error:
            patience.after(error)


def _attempt(
    item: Item, source: FileSource | UrlSource, desk: Desk, *, planned: str | None
) -> Look:
    def sent(done: int, whole: int) -> None:
        desk.crew.check()
        desk.crew.post(Sending(item, done, whole))

    def sealed(sha1: str | None, size: int | None) -> None:
        if planned not in (None, sha1):
            raise InputProblem(
                f"{item.label} changed before it was sent; nothing was accepted",
                hint="run it again",
            )
        if sha1 is not None:
            item.sha1, item.size = sha1, size
        _doubt(item, desk)

    if isinstance(source, UrlSource):
        desk.crew.post(Sending(item, 0, None))
    try:
        look = send(source, desk.api, item.options, sent=sent, sealed=sealed)
    except CompressorError as error:
        item.in_doubt = isinstance(error, MaybeAccepted)
        raise
    desk.gate.passed()
    return look


def _doubt(item: Item, desk: Desk) -> None:
    """The last byte is about to leave: from now on, and after a crash, nobody knows."""
    assert item.entry is not None
    item.in_doubt = True
    desk.journal.sent(item.entry, input_sha1=item.sha1, input_size=item.size)


def _remember(item: Item, job: Job, desk: Desk) -> None:
    assert item.entry is not None
    if not job.id:
        desk.journal.ended(item.entry, state="failed", message=job.message)
        raise failure(job)
    if item.sha1 is not None and desk.journal.is_of_others(
        desk.api.api_url, job.id, input_sha1=item.sha1
    ):
        raise MaybeAccepted(
            f"the service answered with the id {job.id}, which named the job of other bytes before",
            hint="look in the dashboard of the service whose job it is",
        )
    item.job = job
    item.in_doubt = False
    desk.journal.accepted(item.entry, job_id=job.id, state=job.state, word=job.word, result=job.raw)


def failure(job: Job) -> JobFailed:
    """The error that a failed job is."""
    said = f": {job.message}" if job.message else ", and the service does not say why"
    return JobFailed(f"the job failed{said}", job_id=job.id or None)


def check_input(item: Item) -> None:
    """Raises WrongInput when the service worked on other bytes than were sent."""
    job = item.job
    assert job is not None
    pairs = ((item.sha1, job.input.sha1, "SHA-1"), (item.size, job.input.size, "size"))
    for ours, theirs, what in pairs:
        if ours is not None and theirs is not None and ours != theirs:
            raise WrongInput(
                f"the service did not receive what was sent: its input's {what} is {theirs}, "
                f"ours {ours}",
                hint="submit it again (compress: with --force)",
                job_id=job.id,
            )
