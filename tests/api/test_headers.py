"""The response headers that steer us."""

from __future__ import annotations

import math
from email.utils import format_datetime, formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor_cli.api.headers import (
    LONGEST_PAUSE,
    asked_pause,
    content_length,
    range_start,
    retry_after,
    strong_validator,
)

NOW = 1_800_000_000.0
DATE = formatdate(NOW, usegmt=True)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("  ", None),
        ("0", 0.0),
        ("1", 1.0),
        (" 7 ", 7.0),
        ("007", 7.0),
        ("999999999", 999_999_999.0),
        ("1000000000", None),
        ("1e9", None),
        ("1.5", None),
        ("+5", None),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("１２", None),
        ("1_0", None),
        ("0x10", None),
        ("9" * 20, None),
        ("1, 5", None),
        ("5 seconds", None),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), 0.0),
        (formatdate(NOW + 90).replace("+0000", "-0000"), 90.0),
        ("Sun, 06 Nov 99999 08:49:37 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_PAUSE),
        ("Sun, 99 Nov 2094 99:99:99 GMT", None),
        ("tomorrow", None),
        ("x" * 10_000, None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    """Seconds in ASCII digits or a date; anything else counts as not sent."""
    assert retry_after(value, date=DATE, now=0.0) == seconds


def test_retry_after_is_held_against_the_servers_clock() -> None:
    """Ours may be wrong; it serves where the server tells no time, or nonsense."""
    value = formatdate(NOW + 60, usegmt=True)
    assert retry_after(value, date=formatdate(NOW + 50, usegmt=True), now=NOW) == 10.0
    for date in (None, "", "soon"):
        assert retry_after(value, date=date, now=NOW) == 60.0


def test_the_pause_that_an_answer_asks_for() -> None:
    assert asked_pause({}) is None
    assert asked_pause({"retry-after": "3"}) == 3.0
    later = formatdate(NOW + 25, usegmt=True)
    assert asked_pause({"retry-after": later, "date": DATE}) == 25.0


TEXT = (
    st.text(max_size=40)
    | st.text(alphabet="0123456789 :,+-GMTadyunJeFb()", max_size=40)
    | st.datetimes().map(format_datetime)
)


@given(TEXT, st.none() | TEXT, st.floats(0, 1e11))
def test_retry_after_is_total(value: str, date: str | None, now: float) -> None:
    """Any text gives None, or seconds that one can wait: finite, never negative, never endless."""
    seconds = retry_after(value, date=date, now=now)
    assert seconds is None or (math.isfinite(seconds) and 0 <= seconds <= LONGEST_PAUSE)


@pytest.mark.parametrize(
    ("value", "length"),
    [
        ("0", 0),
        ("12", 12),
        (None, None),
        ("", None),
        ("-1", None),
        ("+1", None),
        ("1, 1", None),
        ("１", None),
        ("1_0", None),
        ("9" * 19, int("9" * 19)),
        ("9" * 20, None),
    ],
)
def test_content_length(value: str | None, length: int | None) -> None:
    assert content_length(value) == length


@pytest.mark.parametrize(
    ("value", "start"),
    [
        ("bytes 5-9/10", (5, 10)),
        ("bytes 0-0/*", (0, None)),
        (None, None),
        ("", None),
        ("bytes */10", None),
        ("bytes 9-5/10", None),
        ("bytes 5-/10", None),
        ("bytes=5-9/10", None),
        ("items 5-9/10", None),
        ("bytes ５-９/10", None),
        ("bytes -5-9/10", None),
    ],
)
def test_content_range(value: str | None, start: tuple[int, int | None] | None) -> None:
    assert range_start(value) == start


OLD = formatdate(NOW - 60, usegmt=True)
YOUNG = formatdate(NOW - 59, usegmt=True)


@pytest.mark.parametrize(
    ("headers", "validator"),
    [
        ({"etag": '"a"'}, '"a"'),
        ({"etag": '"a"', "last-modified": OLD, "date": DATE}, '"a"'),
        ({"etag": 'W/"a"', "last-modified": OLD, "date": DATE}, OLD),
        ({"etag": 'W/"a"'}, None),
        ({"etag": '""'}, None),
        ({"etag": '"'}, None),
        ({"etag": "a"}, None),
        ({}, None),
        ({"last-modified": OLD, "date": DATE}, OLD),
        ({"last-modified": YOUNG, "date": DATE}, None),
        ({"last-modified": OLD}, None),
        ({"last-modified": "long ago", "date": DATE}, None),
    ],
)
def test_strong_validators(headers: dict[str, str], validator: str | None) -> None:
    """What proves that two answers are of the same bytes: nothing weak, nothing too young."""
    assert strong_validator(headers) == validator
