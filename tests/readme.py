"""The README in pieces: its sections, the rows of their tables, and its blocks of code."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text("utf-8")


def section(title: str) -> str:
    """What stands under a heading, down to the next one of its rank."""
    (found,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    return str(found)


def rows(text: str) -> list[list[str]]:
    """The cells of the one table in `text`, a list a row, without the heading."""
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def words(cell: str) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`]+)`", cell)


def blocks(language: str) -> list[str]:
    """The blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def languages() -> set[str]:
    """In which languages there are blocks."""
    return set(re.findall(r"^```(\w+)$", TEXT, re.MULTILINE))


def block(language: str, sign: str) -> str:
    """The one block of a language in which `sign` stands."""
    (found,) = [each for each in blocks(language) if sign in each]
    return found
