"""Whether a file's result is still good: the lock's word, held against the files themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from compressor_cli.errors import InputProblem
from compressor_cli.memory.digests import Digests
from compressor_cli.memory.lockfile import Lock, Locked
from compressor_cli.memory.redact import redact_options

Verdict = Literal["fresh", "missing", "changed", "options", "output"]
"""`missing`: not compressed to there; `changed`: the source has, since; `options`: with others than
now; `output`: the result is gone or is not the one that was made."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was found. `sha1`: the source's; None where the answer did not need it.

    `newer`: the target is fresh, and modified later than its source, as make wants it.
    """

    verdict: Verdict
    locked: Locked | None
    sha1: str | None = None
    newer: bool = False


def look(
    lock: Lock, digests: Digests, *, source: Path, target: Path, options: Mapping[str, object]
) -> Look:
    """Whether `target` holds what `source` with these options was made into.

    In place, the source itself must be the output that was made: so it is not made smaller again.
    Raises InputProblem when the source cannot be read.
    """
    locked = lock.find(source, target)
    if locked is None:
        return Look("missing", None)
    sha1, modified = digests.seen(source)
    in_place = source == target
    if sha1 != (locked.output if in_place else locked.input):
        return Look("changed", locked, sha1)
    if locked.options != redact_options(options):
        return Look("options", locked, sha1)
    if in_place:
        return Look("fresh", locked, sha1)
    output, made = _seen(digests, target)
    if output != locked.output:
        return Look("output", locked, sha1)
    return Look("fresh", locked, sha1, newer=made > modified)


def _seen(digests: Digests, target: Path) -> tuple[str | None, int]:
    try:
        return digests.seen(target)
    except InputProblem:
        return None, 0
