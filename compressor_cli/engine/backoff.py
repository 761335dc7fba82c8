"""Whether and how long to wait: pure arithmetic, seconds in and seconds out.

`chance` is a random number in [0, 1) from the caller, so that a schedule can be replayed.
"""

from __future__ import annotations

FIRST_LOOK = 1.0
"""Seconds from submit to the first look at a job."""
SHORTEST = 1.0
LONGEST = 15.0
SHARE = 0.1
"""The interval between looks is SHORTEST and this share of the time already waited."""
JITTER = 0.1
"""Each interval is up to this share shorter, so that many clients do not march in step."""
FLOOR = 0.5
"""No look follows another sooner than this, whatever the service asks for."""

UNASKED_PAUSE = 5.0
"""The pause of all jobs after a 429 or 503 without Retry-After; doubled while they go on."""
LONGEST_PAUSE = 60.0

ATTEMPTS = 5
"""How often a submit, or a download that makes no headway, is tried before it is given up."""


def next_look(waited: float, *, chance: float, retry_after: float | None = None) -> float:
    """Seconds until the next look at a job already waited for, `waited` seconds.

    So that completion is noticed within 1 s and a tenth of the job's duration, and at most 15 s
    late, whatever that duration is. No schedule that holds this needs fewer looks: each comes as
    late as the bound allows, but for the jitter. `retry_after` is a floor, never a reason to look
    sooner.
    """
    interval = min(LONGEST, SHORTEST + waited * SHARE) * (1.0 - JITTER * chance)
    return max(interval, FLOOR, retry_after or 0.0)


def pause(failures: int, *, chance: float, retry_after: float | None = None) -> float:
    """Seconds that all jobs pause after the `failures`-th 429 or 503 in a row (1 is the first)."""
    if retry_after is not None:
        return max(FLOOR, retry_after) + chance
    return _doubling(UNASKED_PAUSE, failures, LONGEST_PAUSE) * (1.0 + JITTER * chance)


def retry(failures: int, *, chance: float) -> float:
    """Seconds before a submit or download is tried again after its `failures`-th failure."""
    return _doubling(FLOOR, failures, LONGEST) * (0.5 + chance)


def _doubling(first: float, failures: int, longest: float) -> float:
    exponent = min(max(failures, 1) - 1, 16)
    return float(min(longest, first * 2.0**exponent))
