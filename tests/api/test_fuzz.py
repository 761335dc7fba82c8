"""Fuzzing of all that reads what a server says, for a bounded time. Slow: for CI."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from compressor_cli.api.contract import is_job_id, read_job, read_json
from compressor_cli.api.headers import content_length, range_start, retry_after, strong_validator
from compressor_cli.errors import BadAnswer
from compressor_cli.terminal.text import safe

pytestmark = pytest.mark.slow

ID = "38a8bb5e-17a1-4b0b-8c49-3c2d1f0f6a10"
ARTIFACT = {"name": "image.jpg", "type": "image", "size": 588603, "sha1": "a" * 40}
ANSWERS = [
    json.dumps(answer).encode()
    for answer in (
        {"id": ID, "url": "https://api.compressor.app/1/x/a.jpg", "input": ARTIFACT},
        {"id": ID, "url": "https://a/b", "status": "completed", "output": ARTIFACT},
        {"id": ID, "status": "enqueued"},
        {"success": False, "id": ID, "status": "failed", "message": "no"},
    )
]
TOKENS = [
    *(b"{", b"}", b"[", b"]", b'"', b":", b",", b"null", b"true", b"false", b"NaN", b"1e999"),
    *(b"-0", b"\\ud800", b"\\u0000", b"\xff", b"\xef\xbb\xbf", b"\x00", b"9" * 5000, b"[" * 5000),
    *(b'"id"', b'"status"', b'"url"', b'"size"', b'"output"', b'"success"', b"../..", b"\x1b]0;x"),
]
edits = st.lists(
    st.tuples(st.integers(0, 200), st.integers(0, 30), st.sampled_from(TOKENS) | st.binary()),
    max_size=6,
)
DIGITS = '0123456789-+_,;="/* \t.einfaGMTMonWedJanSep:１２٣bytesW'
values = st.none() | st.text(alphabet=DIGITS, max_size=40) | st.text(max_size=40)
BUDGET = settings(max_examples=15_000, phases=[Phase.generate, Phase.shrink])


@BUDGET
@given(st.sampled_from(ANSWERS), edits)
def test_a_damaged_answer_is_a_job_or_a_bad_answer(body: bytes, changes: list[object]) -> None:
    """Nothing else comes out, and what comes out is believable."""
    for at, length, token in changes:  # type: ignore[misc]
        body = body[:at] + token + body[at + length :]
    try:
        job = read_job(read_json(body), asked=ID)
    except BadAnswer as error:
        assert safe(error.message).isprintable()  # noqa: PT017 - either is right
        return
    assert job.id == ID or not job.id
    assert is_job_id(job.id) or job.state == "failed"
    assert job.state in ("pending", "completed", "failed")
    assert job.output.size is None or 0 <= job.output.size < 1 << 63


@BUDGET
@given(values, values, values)
def test_headers_are_read_or_ignored(
    value: str | None, date: str | None, other: str | None
) -> None:
    """Never an error, never a negative or endless wait, never a negative length."""
    now = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    pause = retry_after(value, date=date, now=now)
    assert pause is None or (math.isfinite(pause) and pause >= 0)
    length = content_length(value)
    assert length is None or length >= 0
    start = range_start(value)
    assert start is None or start[0] >= 0
    headers = {"etag": value, "last-modified": other, "date": date}
    strong_validator({name: text for name, text in headers.items() if text is not None})
