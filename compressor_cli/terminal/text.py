"""Foreign text made safe to show, and numbers made easy to read."""

from __future__ import annotations

import unicodedata

LONGEST = 2000
"""Characters of one foreign text that are shown at most."""

_BAD_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_ENDS = {"Cc", "Zl", "Zp"}
_UNITS = ("B", "kB", "MB", "GB", "TB")
MINUS = "−"


def safe(text: str, *, longest: int = LONGEST) -> str:
    """One line of `text` in which nothing can act on a terminal.

    Control, format (bidi, zero-width), surrogate, private and unassigned characters and line breaks
    become visible escapes, as \\x1b; so does what would make the line a workflow command of a CI
    runner (`::` at its begin, `##[`). Idempotent. At most `longest` characters.
    """
    shown = "".join(_visible(c) for c in text[: longest + 1]).replace("##[", "\\x23#[")
    if shown.lstrip().startswith("::"):
        shown = shown.replace("::", "\\x3a:", 1)
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def cell(text: str) -> str:
    """`text` for a program that reads columns: whole, but no control character ends the cell."""
    return "".join(_visible(c) if unicodedata.category(c) in _ENDS else c for c in text)


def _visible(character: str) -> str:
    if unicodedata.category(character) not in _BAD_CATEGORIES:
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shortened(text: str, longest: int = 80) -> str:
    """A name with its middle left out where it is long, so that what follows it is seen."""
    half = (longest - 1) // 2
    return text if len(text) <= longest else f"{text[:half]}…{text[-half:]}"


def size(count: int) -> str:
    """Bytes as people say them, decimal units: `950 B`, `1.2 kB`, `80.6 MB`."""
    value, unit = float(count), 0
    while value >= 999.95 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{count} B" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


def duration(seconds: float) -> str:
    """A time span as people say it: `0.4 s`, `41 s`, `2 min 05 s`, `1 h 02 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def saving(before: int, after: int) -> str:
    """How much smaller `after` is, as `−63.0 %` or `+4.0 %`; "" when `before` is 0."""
    if before <= 0:
        return ""
    change = (after - before) / before * 100
    shown = f"{abs(change):.1f} %"
    if shown == "0.0 %":
        return shown
    return (MINUS if change < 0 else "+") + shown
