"""Text in the columns of a terminal: how wide it is shown, cut in its middle, and aligned."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence

GAP = "  "
MARK = "…"
"""Stands for what was cut out; `...` where only ASCII is shown."""

_WIDE = "WF"  # East Asian wide and full-width: two columns
_NO_WIDTH = {"Mn", "Me"}
_EMOJI_STYLE = "\ufe0f"  # may make the character before it wide


def width_of(shown: str) -> int:
    """The columns that safe text takes, rather one too many than one too few."""
    return sum(_columns(character) for character in shown)


def _columns(character: str) -> int:
    if character.isascii() or character == _EMOJI_STYLE:
        return 1
    if unicodedata.category(character) in _NO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in _WIDE else 1


def cut(shown: str, room: int, *, mark: str = MARK) -> str:
    """Safe text in at most `room` columns; what does not fit is left out of its middle."""
    if width_of(shown) <= room:
        return shown
    left = room - width_of(mark)
    if left < 1:
        return mark[: max(room, 0)]
    head = _first(shown, left // 2)
    return head + mark + _first(shown[::-1], left - width_of(head))[::-1]


def _first(shown: str, room: int) -> str:
    for place, character in enumerate(shown):
        room -= _columns(character)
        if room < 0:
            return shown[:place]
    return shown


def aligned(
    heading: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    width: int,
    dispensable: Sequence[int],
    right: Collection[int],
    mark: str = MARK,
) -> list[str]:
    """A heading and a line for each row of safe cells, at most `width` columns wide; [] for none.

    The first cell is a name and is cut. Empty columns are left out, and before the name gets too
    short others go too, in the order of `dispensable`. `right`: columns whose end is aligned.
    """
    if not rows:
        return []
    grid = [heading, *rows]
    widest = [max(width_of(row[column]) for row in grid) for column in range(len(heading))]
    kept = [column for column in range(1, len(heading)) if any(row[column] for row in rows)]
    wanted = min(widest[0], max(_SHORTEST_NAME, width // 3))
    for column in dispensable:
        if _room(widest, kept, width) >= wanted:
            break
        kept = [other for other in kept if other != column]
    room = min(widest[0], max(1, _room(widest, kept, width)))
    lines = []
    for row in grid:
        cells = [_padded(cut(row[0], room, mark=mark), room, right=False)]
        cells += [_padded(row[c], widest[c], right=c in right) for c in kept]
        lines.append(cut(GAP.join(cells).rstrip(), width, mark=mark))
    return lines


_SHORTEST_NAME = 16


def _room(widest: Sequence[int], kept: Sequence[int], width: int) -> int:
    """What the kept columns leave of `width` for the first."""
    return width - sum(widest[column] + len(GAP) for column in kept)


def _padded(shown: str, room: int, *, right: bool) -> str:
    space = " " * (room - width_of(shown))
    return space + shown if right else shown + space
