"""Lengths of time in text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor_cli.errors import UsageProblem
from compressor_cli.memory.duration import LONGEST, seconds, spelled


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("0s", 0),
        ("90", 90),
        (" 90s ", 90),
        ("1.5m", 90),
        ("2h", 7200),
        ("1h30m", 5400),
        ("1d", 86400),
        ("1d1h1m1.5s", 90061.5),
        ("0.25", 0.25),
    ],
)
def test_read(text: str, value: float) -> None:
    """Plain numbers are seconds; units add up."""
    assert seconds(text) == value


LONGER = ["١", "1H", "s1", "9" * 400, "9" * 400 + "d", "36501d", "1h\x00"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "-1",
        "+1",
        "1x",
        "m",
        "1m1h",
        "1h1h",
        "1 h",
        "1.",
        ".5",
        "1e3",
        "nan",
        "inf",
        *LONGER,
    ],
)
def test_refused(text: str) -> None:
    """Negative, endless, unknown or unordered ones are refused."""
    with pytest.raises(UsageProblem):
        seconds(text)


@given(st.integers(0, int(LONGEST)) | st.floats(0, LONGEST).map(lambda value: round(value, 3)))
def test_round_trip(value: float) -> None:
    """What is spelled reads back."""
    assert seconds(spelled(value)) == pytest.approx(value, abs=1e-6)


def test_spelled() -> None:
    """The usual ones look usual."""
    assert [spelled(value) for value in (0, 90, 3600, 5400, 90000)] == [
        "0",
        "1m30s",
        "1h",
        "1h30m",
        "1d1h",
    ]
