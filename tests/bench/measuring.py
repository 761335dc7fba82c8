"""Runs commands in turn, round after round, and compares what they took.

Machines are noisy: two commands are compared within each round, and the median of these ratios
counts, with the lowest and highest beside it.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SPAWN = Path(__file__).with_name("spawn.py")
LONGEST = 3600.0
"""Seconds after which a command is given up."""


class Failed(Exception):
    """A command that is measured did not do what it was to do."""


@dataclass(frozen=True, slots=True)
class Command:
    """What is run. `terminal`: its stderr is one. `before`: called each time, unmeasured."""

    words: Sequence[str]
    env: Mapping[str, str]
    folder: Path
    terminal: bool = False
    before: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Run:
    """What one run took. `cpu` in seconds, `peak` (memory) in bytes; `said` on stderr."""

    seconds: float
    cpu: float
    peak: int
    said: str


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of the ratios of all rounds, and the lowest and highest."""

    middle: float
    low: float
    high: float

    def inverse(self) -> Ratio:
        """Of rates where this is of times."""
        return Ratio(1 / self.middle, 1 / self.high, 1 / self.low)


def run(command: Command) -> Run:
    """Run it once, in a process that measures it. Raises Failed."""
    command.before()
    kind = "terminal" if command.terminal else "pipe"
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(SPAWN), kind, *command.words],
        env=dict(command.env),
        cwd=command.folder,
        capture_output=True,
        timeout=LONGEST,
        check=False,
    )
    if done.returncode:
        raise Failed(f"{command.words[0]} could not be run: {done.stderr.decode()[-2000:]}")
    took = json.loads(done.stdout)
    if took["code"]:
        words = " ".join(command.words)[:200]
        raise Failed(f"exit code {took['code']} of: {words}\n{took['said'][-2000:]}")
    return Run(took["seconds"], took["cpu"], took["peak"], took["said"])


def alternating(
    commands: Mapping[str, Command], *, rounds: int, warm: bool = True
) -> dict[str, list[Run]]:
    """Run all commands in each round, beginning with another each time.

    `warm`: after one unmeasured round, which fills caches of files and of bytecode for all alike.
    """
    names = list(commands)
    for name in names if warm else ():
        run(commands[name])
    runs: dict[str, list[Run]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            runs[name].append(run(commands[name]))
    return runs


def seconds(runs: Sequence[Run]) -> float:
    """The median time."""
    return statistics.median(each.seconds for each in runs)


def slower(ours: Sequence[Run], beside: Sequence[Run]) -> Ratio:
    """How many times as long as `beside` ours takes, round by round."""
    return ratio([each.seconds for each in ours], [each.seconds for each in beside])


def ratio(ours: Sequence[float], beside: Sequence[float]) -> Ratio:
    """Ours over `beside`, round by round."""
    each = sorted(a / b for a, b in zip(ours, beside, strict=True))
    return Ratio(statistics.median(each), each[0], each[-1])
