"""Fuzzing of all that reads what a server says, for a bounded time. Slow: for CI."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TypeVar

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from raw import RawServer, message, says
from running import KEY

from compressor_cli.api.client import Account, ApiClient, Look
from compressor_cli.api.contract import is_job_id, read_job, read_json
from compressor_cli.api.headers import content_length, range_start, retry_after, strong_validator
from compressor_cli.errors import BadAnswer, CompressorError, MaybeAccepted
from compressor_cli.terminal.text import safe

from .bodies import Form

pytestmark = pytest.mark.slow

T = TypeVar("T")
Edits = list[tuple[int, int, bytes]]

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
ASKED = settings(max_examples=3_000, phases=[Phase.generate, Phase.shrink])  # over a real port
LONGEST = 5.0  # seconds that one answer may take to be read, on a busy machine
REFUSALS = [
    *(b'{"message": "no"}', b'{"success": false, "message": "Bearer %s"}' % KEY.encode()),
    *(b"<html>%s</html>" % KEY.encode(), b"no \x1b]0;x\x07 \xff\xfe", b"", b"m" * 2000),
    *(b'{"id": "%s", "status": "failed", "message": "no"}' % ID.encode(), b'{"message": [1]}'),
]
KINDS = ("application/json", "text/html; charset=x", "text/plain", "image/png", "nonsense")
STATUSES = (
    300,
    302,
    400,
    401,
    403,
    404,
    408,
    409,
    410,
    413,
    422,
    429,
    451,
    499,
    500,
    502,
    503,
    599,
)


def damaged(body: bytes, changes: Edits) -> bytes:
    for at, length, token in changes:
        body = body[:at] + token + body[at + length :]
    return body


class Speaker:
    """A service whose next answer is whatever it is given, and our client of it."""

    def __init__(self, server: RawServer, answer: list[bytes]) -> None:
        self._answer = answer
        self.client = ApiClient(api_url=f"{server.url}/1.0", key=KEY)

    def told(self, answer: bytes, ask: Callable[[ApiClient], T]) -> T | CompressorError:
        """What the client makes of it, in time; nothing but one of our own errors comes out."""
        self._answer[:] = [answer]
        begun = time.monotonic()
        try:
            return ask(self.client)
        except CompressorError as error:
            check_message(error, longest=800)
            return error
        finally:
            assert time.monotonic() - begun < LONGEST


def check_message(error: CompressorError, *, longest: int) -> None:
    assert safe(error.message).isprintable()
    assert len(error.message) < longest
    assert KEY not in error.message + error.hint


@pytest.fixture(scope="module")
def speaker() -> Iterator[Speaker]:
    answer: list[bytes] = [b""]
    with RawServer(lambda connection: says(answer[0])(connection)) as server:
        speaker = Speaker(server, answer)
        yield speaker
        speaker.client.close()


ASKS: dict[str, Callable[[ApiClient], object]] = {
    "a look": lambda client: client.job(ID),
    "an account": lambda client: client.account(),
    "an upload": lambda client: client.upload(Form(b"x")),
    "a fetch": lambda client: client.fetch("https://example.com/a", headers={}, options={}),
}


@ASKED
@given(
    st.sampled_from(sorted(ASKS)),
    st.sampled_from(STATUSES),
    st.sampled_from(KINDS),
    st.sampled_from(REFUSALS),
    edits,
)
def test_a_refusal_is_one_of_our_errors(
    speaker: Speaker, ask: str, status: int, kind: str, body: bytes, changes: Edits
) -> None:
    """Or a failed job, where it tells of one; whatever its body holds, the key is not repeated."""
    answer = message(status, damaged(body, changes), {"Content-Type": kind})
    found = speaker.told(answer, ASKS[ask])
    if not isinstance(found, CompressorError):
        assert isinstance(found, Look)
        assert found.job.state == "failed"
        assert KEY not in found.job.message


@ASKED
@given(st.sampled_from([*ANSWERS, *REFUSALS]), edits)
def test_an_account_is_text(speaker: Speaker, body: bytes, changes: Edits) -> None:
    """Whatever the bytes are."""
    found = speaker.told(message(200, damaged(body, changes)), lambda client: client.account())
    assert isinstance(found, Account)
    assert KEY not in found.text


@ASKED
@given(st.sampled_from(ANSWERS), edits, st.sampled_from([200, 201, 202, 299]))
def test_a_submit_is_a_job_or_unknown(
    speaker: Speaker, body: bytes, changes: Edits, status: int
) -> None:
    """Accepted, as the code says: never an error after which it would be sent again."""
    answer = message(status, damaged(body, changes))
    found = speaker.told(answer, lambda client: client.upload(Form(b"x")))
    if isinstance(found, Look):
        assert is_job_id(found.job.id) or (found.job.id == "" and found.job.state == "failed")
    else:
        assert isinstance(found, MaybeAccepted)


@BUDGET
@given(st.sampled_from(ANSWERS), edits)
def test_a_damaged_answer_to_a_submit(body: bytes, changes: Edits) -> None:
    """Nobody knows the id beforehand: it is one that can be asked for, or there is none."""
    try:
        job = read_job(read_json(damaged(body, changes)))
    except BadAnswer as error:
        check_message(error, longest=200)
        return
    assert is_job_id(job.id) or (job.id == "" and job.state == "failed")


@BUDGET
@given(st.sampled_from(ANSWERS), edits)
def test_a_damaged_answer_is_a_job_or_a_bad_answer(body: bytes, changes: Edits) -> None:
    """Nothing else comes out, and what comes out is believable."""
    try:
        job = read_job(read_json(damaged(body, changes)), asked=ID)
    except BadAnswer as error:
        check_message(error, longest=200)
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
