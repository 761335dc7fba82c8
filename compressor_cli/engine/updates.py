"""What happens on a job's road, as told to whoever watches: one class an event."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from compressor_cli.api.contract import Job, Json
from compressor_cli.errors import CompressorError

if TYPE_CHECKING:  # a look at a job needs neither
    from compressor_cli.engine.saving import Saved
    from compressor_cli.engine.source import Source


@dataclass(slots=True, eq=False)
class Item:
    """One job's road. Owned by one thread at a time; the main thread reads it after an update.

    Begins with a `source`, or with a `job_id` that is asked for (`kept` is the end that the ledger
    remembers of it), or with both: an earlier job of this source, to be taken up if there is one;
    `gone` is one that the service has forgotten.
    `label` is as the user named it; `name` and `path` of the source, as far as known, name the
    result; `entry` is the ledger's number; `sha1` and `size` are the input's. `fresh`: it was
    submitted just now; `in_doubt`: all of it has left, and no answer came yet. At the end `error`
    is set or not; `saved` is where the result lies, if it was asked for; `skipped`: what was there
    already was left. `since`: monotonic seconds.
    """

    label: str
    source: Source | None = None
    job_id: str | None = None
    kept: Job | None = None
    gone: str | None = None
    name: str | None = None
    path: Path | None = None
    options: Json = field(default_factory=dict)
    entry: int | None = None
    job: Job | None = None
    sha1: str | None = None
    size: int | None = None
    fresh: bool = False
    in_doubt: bool = False
    saved: Saved | None = None
    skipped: bool = False
    error: CompressorError | None = None
    since: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Sending:
    """Bytes of the source handed over so far; `whole` is all of them, None for a URL."""

    item: Item
    done: int
    whole: int | None


@dataclass(frozen=True, slots=True)
class Submitted:
    """The job was accepted, and is in the ledger."""

    item: Item


@dataclass(frozen=True, slots=True)
class Looked:
    """A look at a job: its `item.job` is new; the next look is in `next_in` seconds."""

    item: Item
    next_in: float | None


@dataclass(frozen=True, slots=True)
class Delayed:
    """Something failed that is tried again in `next_in` seconds."""

    item: Item
    error: CompressorError
    next_in: float


@dataclass(frozen=True, slots=True)
class Receiving:
    """Bytes of the result received so far; `whole` is all of them, None if unknown."""

    item: Item
    done: int
    whole: int | None


@dataclass(frozen=True, slots=True)
class Ended:
    """The item's road is over, with `item.error` or without."""

    item: Item


@dataclass(frozen=True, slots=True)
class Remark:
    """Something of no consequence for any job, that the user should know."""

    message: str


Update = Sending | Submitted | Looked | Delayed | Receiving | Ended | Remark
