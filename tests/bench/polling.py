"""How often a job is looked at and how late its end is noticed: the real policy, a fake clock."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from measuring import Ratio
from place import Place
from table import Line, Target, duration

from compressor_cli.api.client import Look
from compressor_cli.api.contract import Job
from compressor_cli.engine import backoff
from compressor_cli.engine.polling import Schedule, Watch

SHORTEST, LONGEST = 0.5, 7200.0
"""Seconds that jobs take."""
MOST_LATE = 15.0
FEWEST = "the fewest looks that keep the limit"
"""No policy without foreknowledge looks less often and is never later than `_allowed`."""

Policy = Callable[[float], float]
"""Gives the next look's time after that of the last one, 0 at first."""


@dataclass(frozen=True, slots=True)
class Noticed:
    """How one job went. `late`: seconds from its end to the look that saw it."""

    duration: float
    looks: int
    late: float


def measure(place: Place) -> Iterator[Line]:
    number = place.rounds(200, 4000)
    for name, draw in TRACES.items():
        chance = random.Random(11)
        trace = [min(LONGEST, max(SHORTEST, draw(chance))) for _ in range(number)]
        ours = [_real(length, chance) for length in trace]
        for title, policy in POLICIES.items():
            yield _compared(name, ours, title, [_simple(length, policy) for length in trace])
        yield _worst(name, ours)
        longer = [each for each in ours if each.duration > 60]
        if longer:
            yield from _third(name, longer)


def _real(length: float, chance: random.Random) -> Noticed:
    """Wait for one job with the schedule as shipped; an answer takes no time."""
    schedule = Schedule(chance=chance.random)
    schedule.add(Watch("job", 0.0, fresh=True), at=backoff.FIRST_LOOK)
    now, looks = 0.0, 0
    while (delay := schedule.delay(now)) is not None:
        now += delay
        watch = schedule.take(now)
        if watch is None:  # a rounding error before it is due
            now = math.nextafter(now, math.inf)
            continue
        looks += 1
        state = Job("job", "completed" if now >= length else "pending")
        schedule.settle(watch, Look(state), now=now)
    return Noticed(length, looks, now - length)


def _simple(length: float, policy: Policy) -> Noticed:
    now, looks = 0.0, 0
    while now < length:
        now, looks = policy(now), looks + 1
    return Noticed(length, looks, now - length)


def _compared(trace: str, ours: Sequence[Noticed], policy: str, theirs: Sequence[Noticed]) -> Line:
    mean = [statistics.fmean(each.looks for each in some) for some in (ours, theirs)]
    each = [a.looks / b.looks for a, b in zip(ours, theirs, strict=True)]
    ratio = Ratio(mean[0] / mean[1], min(each), max(each))
    what = f"looks a job, {trace}, beside {policy}"
    return Line(what, _told(ours), _told(theirs), ratio)


def _told(some: Sequence[Noticed]) -> str:
    late = sorted(each.late for each in some)
    looks = statistics.fmean(each.looks for each in some)
    typical, rare = statistics.fmean(late), late[int(len(late) * 0.99)]
    return f"{looks:.1f} looks, late {duration(typical)} (99 %: {duration(rare)})"


def _worst(trace: str, ours: Sequence[Noticed]) -> Line:
    shares = sorted(each.late / _allowed(each.duration) for each in ours)
    over = sum(share > 1 for share in shares)
    ratio = Ratio(shares[-1], shares[0], shares[-1])
    return Line(
        f"lateness, {trace}, worst job",
        f"{over} of {len(ours)} jobs over the limit",
        "the limit, 1 s + 10 % of the job, at most 15 s",
        ratio,
        Target(1),
    )


def _third(trace: str, ours: Sequence[Noticed]) -> Iterator[Line]:
    """Looks at jobs over a minute, beside a look every 2 s: ours, and what the limit allows."""
    theirs = [_simple(each.duration, POLICIES["every 2 s"]) for each in ours]
    line = _compared(f"{trace}, jobs over a minute", ours, "every 2 s", theirs)
    yield replace(line, target=Target(1 / 3))
    fewest = [_simple(each.duration, POLICIES[FEWEST]) for each in ours]
    line = _compared(f"{trace}, jobs over a minute", fewest, "every 2 s", theirs)
    yield replace(line, what=f"{line.what}: {FEWEST}")


def _allowed(length: float) -> float:
    return min(MOST_LATE, 1.0 + 0.1 * length)


def _every(interval: float) -> Policy:
    return lambda now: now + interval


POLICIES: dict[str, Policy] = {
    "every 1 s": _every(1.0),
    "every 2 s": _every(2.0),
    "every 3 s": _every(3.0),
    "every 5 s": _every(5.0),
    "doubling from 1 s to 60 s": lambda now: now + min(60.0, now + 1),
    FEWEST: lambda now: now + _allowed(now),
}

TRACES: dict[str, Callable[[random.Random], float]] = {
    "images (median 3 s)": lambda chance: chance.lognormvariate(math.log(3), 0.6),
    "documents (median 40 s)": lambda chance: chance.lognormvariate(math.log(40), 0.8),
    "videos (median 10 min)": lambda chance: chance.lognormvariate(math.log(600), 1.0),
    "any length (0.5 s to 2 h, logarithmic)": lambda chance: math.exp(
        chance.uniform(math.log(SHORTEST), math.log(LONGEST))
    ),
    "any length (0.5 s to 2 h, even)": lambda chance: chance.uniform(SHORTEST, LONGEST),
}
