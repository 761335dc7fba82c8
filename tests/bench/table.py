"""The table: what a line of it says, and how it is written in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from measuring import Ratio, Run, ratio, seconds, slower

MIB = 1024 * 1024
MOST_MEMORY = 60 * MIB
"""The target for a transfer of any size, and for ten thousand jobs."""

HEAD = ("what", "ours", "beside", "ratio", "spread", "target", "met")


@dataclass(frozen=True, slots=True)
class Target:
    """What a ratio is to be: at most `bound`, or at least that."""

    bound: float
    at_least: bool = False

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:.3g}"

    def met(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound


@dataclass(frozen=True, slots=True)
class Line:
    """One comparison. Without a `ratio` it could not be made, and `beside` says why."""

    what: str
    ours: str
    beside: str
    ratio: Ratio | None = None
    target: Target | None = None

    def cells(self) -> tuple[str, ...]:
        if self.ratio is None:
            return (self.what, self.ours or "–", self.beside, "–", "–", _text(self.target), "–")
        met = "" if self.target is None else _verdict(self.target, self.ratio.middle)
        spread = f"{_number(self.ratio.low)}–{_number(self.ratio.high)}"
        middle = _number(self.ratio.middle)
        return (self.what, self.ours, self.beside, middle, spread, _text(self.target), met)


def times(
    what: str, ours: Sequence[Run], beside: tuple[str, Sequence[Run]], target: Target | None = None
) -> Line:
    """Times compared: the ratio is ours over theirs."""
    name, runs = beside
    shown = f"{name} {duration(seconds(runs))}"
    return Line(what, duration(seconds(ours)), shown, slower(ours, runs), target)


def rates(
    what: str,
    ours: Sequence[Run],
    beside: tuple[str, Sequence[Run]],
    *,
    size: int,
    target: Target | None = None,
) -> Line:
    """Rates of a transfer of `size` bytes compared: the ratio is ours over theirs."""
    name, runs = beside
    shown = f"{name} {rate(size / seconds(runs))}"
    return Line(what, rate(size / seconds(ours)), shown, slower(ours, runs).inverse(), target)


def memory(what: str, ours: Sequence[Run], beside: Sequence[Run] = ()) -> Line:
    """Peak memory compared with what it may be. `beside` is only shown."""
    peaks = [float(each.peak) for each in ours]
    shown = f"the limit, {amount(MOST_MEMORY)}"
    if beside:
        shown += f" (curl: {amount(max(each.peak for each in beside))})"
    compared = ratio(peaks, [float(MOST_MEMORY)] * len(peaks))
    return Line(what, amount(max(peaks)), shown, compared, Target(1))


def limit(
    what: str,
    ours: str,
    value: float,
    *,
    bound: float,
    shown: str,
    target: Target | None = Target(1),
) -> Line:
    """One measured number beside what it may be at most."""
    share = value / bound
    return Line(what, ours, f"the limit, {shown}", Ratio(share, share, share), target)


def markdown(lines: Iterable[Line]) -> str:
    """The lines as a table."""
    rows = [HEAD, ("---",) * len(HEAD), *(line.cells() for line in lines)]
    return "".join("| " + " | ".join(_safe(cell) for cell in row) + " |\n" for row in rows)


def duration(value: float) -> str:
    return f"{value * 1000:.1f} ms" if value < 1 else f"{value:.2f} s"


def rate(value: float) -> str:
    """Bytes a second."""
    return f"{value / MIB:.0f} MiB/s"


def amount(value: float) -> str:
    """Bytes."""
    return f"{value / MIB:.1f} MiB"


def _number(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def _text(target: Target | None) -> str:
    return "" if target is None else str(target)


def _verdict(target: Target, value: float) -> str:
    return "yes" if target.met(value) else "**no**"


def _safe(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")
