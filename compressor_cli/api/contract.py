"""The service's answers: how every one of them is read, whatever it looks like.

Source of all facts: the public documentation of the Compressor API (October-November 2026). Where
it is silent, every answer is taken: unknown words are a job still running, missing facts are None.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Literal

from compressor_cli.errors import BadAnswer

State = Literal["pending", "completed", "failed"]
"""What a job's answer means to us; `completed` and `failed` are terminal."""

Json = dict[str, object]

MAX_JSON = 8 * 1024 * 1024
"""The longest answer that is read, in bytes; the documented ones are under 1 KiB."""

MAX_SIZE = 2**63 - 1
_ID = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_SHA1 = re.compile(r"[0-9a-fA-F]{40}")


@dataclass(frozen=True, slots=True)
class Artifact:
    """One side of a job, `input` or `output`, as far as the service tells.

    `size` in bytes, `sha1` as 40 lower-case hex digits; None where missing or nonsense.
    """

    name: str | None = None
    type: str | None = None
    format: str | None = None
    mime: str | None = None
    size: int | None = None
    sha1: str | None = None


UNTOLD = Artifact()
"""The side of which nothing is told: one for all, since thousands of jobs may be waited for."""


@dataclass(frozen=True, slots=True)
class Job:
    """One answer about a job. `word` is the service's own state word, "" if it gave none."""

    id: str
    state: State
    word: str = ""
    url: str | None = None
    message: str = ""
    input: Artifact = UNTOLD
    output: Artifact = UNTOLD
    raw: Json = field(default_factory=dict)

    @property
    def shown_state(self) -> str:
        """The state as printed: `completed`, `failed`, or the service's word for between."""
        return self.word or self.state if self.state == "pending" else self.state


def is_job_id(text: str) -> bool:
    """Whether this can be a job id, and so a part of a URL's path."""
    return _ID.fullmatch(text) is not None and text not in {".", ".."}


def read_json(body: bytes) -> Json:
    """The JSON object in an answer's body. UTF-8, with or without BOM, at most MAX_JSON bytes.

    Raises BadAnswer for anything else: other types, NaN, endless numbers, nesting without end.
    """
    try:
        value = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise BadAnswer("the service's answer is nested too deeply") from None
    except ValueError:
        what = "an empty answer" if not body.strip() else "an answer that is not JSON"
        raise BadAnswer(f"the service sent {what}") from None
    if not isinstance(value, dict):
        raise BadAnswer("the service's answer is JSON, but not an object")
    return value


def _refuse(name: str) -> object:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)  # type: ignore[return-value]


def read_job(body: Json, *, asked: str | None = None) -> Job:
    """What a 2xx answer, or one whose status is `failed`, says about a job.

    `success` false or `status` failed: failed; else a `url`: completed; else an id: pending.
    With `asked`, a missing id is taken to be that one and another id is an error.
    Raises BadAnswer when the id is missing, malformed or not the one asked for.
    """
    job_id = body.get("id")
    if job_id is None:
        job_id = asked
    if isinstance(job_id, int) and not isinstance(job_id, bool):
        job_id = str(job_id)
    if body.get("success") is False and job_id is None:
        job_id = ""
    elif not isinstance(job_id, str) or not is_job_id(job_id):
        raise BadAnswer(f"the service gave no usable job id: {str(job_id)[:80]!r}")
    if asked is not None and job_id != asked:
        raise BadAnswer(f"the service answered for another job: {job_id}", job_id=asked)
    word = _text(body, "status") or ""
    url = _text(body, "url")
    return Job(
        id=job_id,
        state=_state(body, word, url),
        word=word,
        url=url,
        message=_text(body, "message") or "",
        input=_artifact(body.get("input")),
        output=_artifact(body.get("output")),
        raw=body,
    )


def _state(body: Json, word: str, url: str | None) -> State:
    if body.get("success") is False or word == "failed":
        return "failed"
    return "completed" if url else "pending"


def _artifact(value: object) -> Artifact:
    if not isinstance(value, dict):
        return UNTOLD
    size = value.get("size")
    sane = isinstance(size, int) and not isinstance(size, bool) and 0 <= size <= MAX_SIZE
    sha1 = _text(value, "sha1")
    return Artifact(
        name=_text(value, "name"),
        type=_text(value, "type"),
        format=_text(value, "format"),
        mime=_text(value, "mime"),
        size=size if sane else None,
        sha1=sha1.lower() if sha1 and _SHA1.fullmatch(sha1) else None,
    )


def _text(body: Json, name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) and value else None
