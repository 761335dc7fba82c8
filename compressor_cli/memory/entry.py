"""One job as the ledger knows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

EntryState = Literal["submitting", "unknown", "pending", "completed", "failed", "not-sent"]
"""`submitting`: the POST is under way, or its process died before the last byte left. `unknown`:
all of it left, and it may have been accepted. `not-sent`: it surely was not. The others are the
service's."""

Json = dict[str, object]

FINISHED = ("completed", "failed", "not-sent")
"""The states after which nothing more will happen."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One submitted job. Times in Unix seconds; texts are as given and may hold lone surrogates.

    `number` is ours and never used twice; `job_id` is None as long as the service gave none.
    `source` is for people, `source_path` absolute and only for files. `options` are redacted.
    `word` is the service's own state, `result` its last whole answer, `saved_to` the output's path.
    """

    number: int
    job_id: str | None
    source: str
    source_path: str | None
    input_sha1: str | None
    input_size: int | None
    options: Json
    api_url: str
    state: EntryState
    word: str
    result: Json | None
    message: str
    saved_to: str | None
    submitted_at: float
    updated_at: float
    finished_at: float | None
