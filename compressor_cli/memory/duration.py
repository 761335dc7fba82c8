"""How a length of time is written: `90`, `90s`, `1.5m`, `1h30m`, `1d`."""

from __future__ import annotations

import re

from compressor_cli.errors import UsageProblem

LONGEST = 36_500 * 86_400.0
"""The longest time that is taken, in seconds: a hundred years; more is a slip of the finger."""

_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_PLAIN = re.compile(_NUMBER)
_PARTS = re.compile("".join(rf"(?:({_NUMBER}){unit})?" for unit in "dhms"))
_SECONDS = (86_400, 3_600, 60, 1)


def seconds(text: str) -> float:
    """The seconds that `text` stands for: a plain number, or numbers with d, h, m, s in that order.

    Raises UsageProblem for anything else, and for more than LONGEST.
    """
    bare = text.strip()
    if _PLAIN.fullmatch(bare):
        total = float(bare)
    else:
        match = _PARTS.fullmatch(bare)
        if not bare or match is None:
            raise UsageProblem(
                f"not a length of time: {text[:40]!r}", hint="for example: 90s, 5m, 1h30m"
            )
        total = sum(
            float(number) * unit
            for number, unit in zip(match.groups(), _SECONDS, strict=True)
            if number is not None
        )
    if total > LONGEST:
        raise UsageProblem(f"too long a time: {text[:40]!r}", hint="for example: 90s, 5m, 1h30m")
    return total


def spelled(length: float) -> str:
    """The shortest text of a length in seconds that `seconds` reads back: 5400 is `1h30m`."""
    if length != int(length):
        return f"{length:f}s"
    rest, text = int(length), ""
    for unit, size in zip("dhms", _SECONDS, strict=True):
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text or "0"
