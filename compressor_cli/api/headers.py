"""The response headers that steer us, read so that no value a server sends can hurt."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

LONGEST_PAUSE = 999_999_999.0
"""Seconds; what a server asks for beyond that is cut, since no timer takes it."""

_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)
_RANGE = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19}|\*)", re.ASCII)
_LENGTH = re.compile(r"[0-9]{1,19}", re.ASCII)


def retry_after(value: str | None, *, date: str | None, now: float) -> float | None:
    """How long the server asks us to wait, in seconds (finite, never negative), or None.

    `value` is the Retry-After header: seconds in ASCII digits, or an HTTP date, which is held
    against the answer's own `date` header, since our clock may be wrong; `now` (Unix seconds)
    serves only where that is missing. Anything else counts as not sent. RFC 9110, 10.2.3.
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    then = _http_date(text)
    if then is None:
        return None
    sent = _http_date(date or "")
    return min(LONGEST_PAUSE, max(0.0, then - (now if sent is None else sent)))


def asked_pause(headers: Mapping[str, str]) -> float | None:
    """`retry_after` of a whole answer, its header names in lower case."""
    value, date = headers.get("retry-after"), headers.get("date")
    return retry_after(value, date=date, now=time.time())


def clock_skew(headers: Mapping[str, str]) -> float | None:
    """Seconds that our clock is ahead of the server's, to the second; None without its date."""
    sent = _http_date(headers.get("date", ""))
    return None if sent is None else time.time() - sent


def _http_date(text: str) -> float | None:
    if not text or len(text) > 64:
        return None
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def content_length(value: str | None) -> int | None:
    """The declared length of a body in bytes, or None where missing or malformed."""
    return int(value) if value is not None and _LENGTH.fullmatch(value) else None


def range_start(value: str | None) -> tuple[int, int | None] | None:
    """First byte and whole size (None if `*`) of a Content-Range header, or None."""
    match = _RANGE.fullmatch(value or "")
    if match is None or int(match[2]) < int(match[1]):
        return None
    return int(match[1]), None if match[3] == "*" else int(match[3])


def strong_validator(headers: Mapping[str, str]) -> str | None:
    """What If-Range may carry to resume this body: a strong ETag, or a Last-Modified that is
    old enough to be strong (RFC 9110, 8.8.2.2); None if there is neither."""
    etag = headers.get("etag", "")
    if etag.startswith('"') and etag.endswith('"') and len(etag) > 2:
        return etag
    modified, sent = headers.get("last-modified", ""), headers.get("date", "")
    then, now = _http_date(modified), _http_date(sent)
    return modified if then is not None and now is not None and now - then >= 60 else None
