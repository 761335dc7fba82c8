"""Foreign text is made harmless, and numbers are said as people say them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor_cli.terminal.text import LONGEST, cell, duration, safe, saving, size

ANYTHING = st.text(alphabet=st.characters(codec=None, exclude_categories=[]), max_size=300)
FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(ANYTHING | st.text(alphabet="\x1b:#[\n \u202ea", max_size=60))
def test_nothing_that_acts_on_a_terminal_is_left(text: str) -> None:
    """No forbidden code point, one line, no runner's command; and the same when done again."""
    shown = safe(text)
    assert not {unicodedata.category(c) for c in shown} & FORBIDDEN
    assert len(shown.splitlines()) <= 1
    assert not shown.lstrip().startswith("::")
    assert "##[" not in shown
    assert safe(shown) == shown


@given(ANYTHING)
def test_harmless_text_stays_as_it_is(text: str) -> None:
    kept = "".join(c for c in text if unicodedata.category(c) not in FORBIDDEN and c not in ":#")
    assert safe(kept) == kept


@pytest.mark.parametrize("mark", ["x", "\x1b", "\U000e0001", "é"])
@pytest.mark.parametrize("more", [-1, 0, 1, 5000])
def test_it_is_never_longer_than_the_limit(mark: str, more: int) -> None:
    """Escapes count as what is shown; a cut is marked; twice is as once."""
    shown = safe(mark * (LONGEST + more))
    assert len(shown) <= LONGEST
    assert shown.endswith("…") == (more > 0 or mark in "\x1b\U000e0001")
    assert safe(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", r"\x1b[31m"),
        ("\x9b2J\x7f", r"\x9b2J\x7f"),
        ("a\tb\r\nc", r"a\x09b\x0d\x0ac"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\ud800\u2028", r"\ud800\u2028"),
        ("\U000e0041", r"\U000e0041"),
        ("[red]:smile:[/] 😀 é", "[red]:smile:[/] 😀 é"),
        ("  ::set-env::", r"  \x3a:set-env::"),
        ("a::b", "a::b"),
        ("##[error]##[x", r"\x23#[error]\x23#[x"),
    ],
)
def test_escapes_are_readable(text: str, shown: str) -> None:
    assert safe(text) == shown


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_949, "999.9 kB"), (999_950, "1.0 MB"),
     (80_600_000, "80.6 MB"), (5 * 10**9, "5.0 GB"), (10**16, "10000.0 TB")],
)  # fmt: skip
def test_sizes(count: int, said: str) -> None:
    assert size(count) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (41, "41 s"), (59.4, "59 s"),
     (59.6, "1 min 00 s"), (125, "2 min 05 s"), (3599.6, "1 h 00 min"), (3720, "1 h 02 min")],
)  # fmt: skip
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [(100, 37, "−63.0 %"), (100, 104, "+4.0 %"), (100, 100, "0.0 %"), (0, 5, ""),
     (3, 0, "−100.0 %")],
)  # fmt: skip
def test_savings(before: int, after: int, said: str) -> None:
    assert saving(before, after) == said


def test_a_cell_ends_only_where_it_ends() -> None:
    """For programs: whole, with every character that is none of control."""
    name = "a\tb\nc\x1b\u2028" + "\u200dé" * 2000
    assert cell(name) == r"a\x09b\x0ac\x1b\u2028" + "\u200dé" * 2000
