"""One file of a batch on its way, when its result is worth it, and that it is newer for make."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from compressor_cli.engine.updates import Item

_A_MOMENT = 1_000_000
"""Nanoseconds by which a target is made newer than its source."""


@dataclass(slots=True, eq=False)
class Work(Item):
    """An item of a batch: its `target`, which is its own `path` in place; `within`: its path below
    the argument that named it; `taken`: there was something at the target before, which the
    result replaces. Afterwards `not_worth`: the result was not smaller enough; `output`:
    SHA-1 and size in bytes of what the target holds."""

    target: Path | None = None
    within: str = ""
    taken: bool = False
    not_worth: bool = False
    output: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """When a result is worth it: smaller by `min_savings` (a share, 0 to 1), or always."""

    min_savings: float = 0.0
    allow_larger: bool = False

    def worth(self, before: int, after: int) -> bool:
        return self.allow_larger or (after < before and after <= before * (1.0 - self.min_savings))


def make_newer(target: Path, source: Path) -> None:
    """Let `target` not be older than its source, however odd the clocks of the two are."""
    with suppress(OSError):
        ours, theirs = target.stat().st_mtime_ns, source.stat().st_mtime_ns
        if ours <= theirs:
            os.utime(target, ns=(theirs + _A_MOMENT, theirs + _A_MOMENT))
