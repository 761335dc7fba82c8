"""Shortens the numbers in a drawing's coordinates and paths."""

from __future__ import annotations

import math
import re
from itertools import pairwise

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_SEGMENT = re.compile(r"([MmZzLlHhVvCcSsQqTtAa])([^MmZzLlHhVvCcSsQqTtAa]*)")
_BETWEEN = " ,\t\r\n"


def path(text: str, digits: int) -> str:
    """The `d` of a path with at most `digits` a number; as it is if it cannot be understood."""
    segments = _SEGMENT.findall(text)
    if "".join(letter + rest for letter, rest in segments) != text.strip():
        return text
    # The flags of an arc may stand without spaces, and read as numbers they would be others.
    return "".join(
        letter + (" ".join(rest.split()) if letter in "Aa" else coordinates(rest, digits))
        for letter, rest in segments
    )


def coordinates(text: str, digits: int) -> str:
    """A list of numbers with at most `digits` each; as it is if anything else is in it."""
    if _NUMBER.sub("", text).strip(_BETWEEN):
        return text
    numbers = [_short(number, digits) for number in _NUMBER.findall(text)]
    parts = numbers[:1]
    for before, number in pairwise(numbers):
        apart = number.startswith("-") or (number.startswith(".") and "." in before)
        parts.append(number if apart else f" {number}")
    return "".join(parts)


def _short(text: str, digits: int) -> str:
    """The number with at most `digits` that count; those before the point are all kept."""
    value = float(text)
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else text
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    short = f"{value:.{places}f}"
    if "." in short:
        short = short.rstrip("0").rstrip(".")
    short = short.replace("0.", ".", 1) if short.startswith(("0.", "-0.")) else short
    return short if len(short) < len(text) else text
