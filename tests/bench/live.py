"""Ten thousand jobs waited for by one `compressor wait`: CPU, memory, looks a second, lateness."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from place import Missing, Place
from servers import Api, loopback
from table import MIB, MOST_MEMORY, Line, Target, duration, limit

RATE = 100
"""Looks a second that the service asks for, by its Retry-After."""
MOST_CPU = 20.0  # per cent of one core
MOST_LATE = 0.05  # seconds, for 99 % of the looks
PATIENCE = 900.0
"""Seconds in which the rush of the first looks must be over, and in which all jobs must end."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one wait took over the time in which it was watched."""

    cpu: float  # per cent of one core
    peak: int  # bytes
    rate: float  # looks a second
    report: dict[str, Any]


def measure(place: Place) -> Iterator[Line]:
    if not Path("/proc/self/stat").exists():
        yield Line("10,000 jobs", "", "this needs Linux's /proc")
        return
    jobs = place.rounds(500, 10_000)
    yield from _asked(place, jobs)
    yield from _unasked(place, jobs)


def _asked(place: Place, jobs: int) -> Iterator[Line]:
    """The service asks for pauses, so that there are RATE looks a second."""
    seen = _waited(place, jobs, pause=jobs // RATE, watched=place.rounds(2, 90))
    what = f"{jobs} jobs, one process, {RATE} looks a second asked for"
    shown = f"{seen.rate:.1f}; the first round took {seen.report['first_round']:.1f} s"
    yield limit(
        f"{what}: looks a second", shown, seen.rate, bound=RATE, shown=str(RATE), target=None
    )
    yield from _cost(what, seen, Target(1))
    yield _lateness(f"{what}: lateness", seen.report["late"]["steady"], Target(1))
    yield _lateness(f"{what}: lateness after the first round", seen.report["late"]["rush"], None)


def _unasked(place: Place, jobs: int) -> Iterator[Line]:
    """The service asks for nothing: as fast as the policy has it, which no target speaks of."""
    seen = _waited(place, jobs, pause=0, watched=place.rounds(2, 60), ended=True)
    what = f"{jobs} jobs, one process, no pause asked for"
    shown = f"{seen.rate:.0f}; the first round took {seen.report['first_round']:.1f} s"
    yield limit(
        f"{what}: looks a second", shown, seen.rate, bound=RATE, shown=str(RATE), target=None
    )
    yield from _cost(what, seen, None)


def _lateness(what: str, late: dict[str, float], target: Target | None) -> Line:
    if not late:
        return Line(what, "", "no look was watched", target=target)
    shown = f"99 %: {duration(late['most'])}, half: {duration(late['half'])}"
    return limit(what, shown, late["most"], bound=MOST_LATE, shown="99 %: 50 ms", target=target)


def _cost(what: str, seen: Seen, target: Target | None) -> Iterator[Line]:
    memory, cpu = f"{seen.peak / MIB:.1f} MiB", f"{seen.cpu:.1f} %"
    yield limit(
        f"{what}: memory", memory, seen.peak, bound=MOST_MEMORY, shown="60 MiB", target=target
    )
    yield limit(
        f"{what}: CPU", cpu, seen.cpu, bound=MOST_CPU, shown="20 % of a core", target=target
    )


def _waited(place: Place, jobs: int, *, pause: int, watched: float, ended: bool = False) -> Seen:
    """Start a wait, let the first rush pass, and watch it for a while.

    `ended`: all jobs end then, and the wait must end well; what memory that takes counts.
    """
    chance = random.Random(3)
    ids = [str(uuid.UUID(int=chance.getrandbits(128), version=4)) for _ in range(jobs)]
    # Answers of the rush wait to be taken in, so that the looks after it come late, and of those
    # after them a few: only then is it over.
    rush = 3 if pause and not place.quick else 2
    with loopback(jobs=jobs, pause=pause, rush=rush) as api:
        command = place.ours("wait", "--timeout", "0", *ids, env=place.env(api.url))
        process = subprocess.Popen(
            command.words,
            env=dict(command.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _until_steady(api, process)
            begun, spent, looks = time.perf_counter(), _cpu(process.pid), api.report()["looks"]
            time.sleep(watched)
            report = api.report()
            span = time.perf_counter() - begun
            cpu = 100 * (_cpu(process.pid) - spent) / span
            peak = _peak_at_end(api, process) if ended else _peak(process.pid)
            return Seen(cpu, peak, (report["looks"] - looks) / span, report)
        finally:
            process.kill()
            process.wait()


def _peak_at_end(api: Api, process: subprocess.Popen[bytes]) -> int:
    """Let all jobs end, and the wait with them; its peak memory in bytes."""
    api.end()
    end, peak = time.monotonic() + PATIENCE, 0
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(OSError, StopIteration):  # it ends just now
            peak = _peak(process.pid)
        time.sleep(0.02)
    if process.poll() != 0:
        raise Missing(f"the wait did not end well: {process.poll()}")
    return peak


def _until_steady(api: Api, process: subprocess.Popen[bytes]) -> None:
    """Until the rush of the first looks is over."""
    end = time.monotonic() + PATIENCE
    while not api.report()["steady"]:
        if time.monotonic() > end or process.poll() is not None:
            raise Missing("not all jobs were looked at in time")
        time.sleep(0.1)


def _cpu(pid: int) -> float:
    """CPU seconds so far."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def _peak(pid: int) -> int:
    """The most memory so far, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024
