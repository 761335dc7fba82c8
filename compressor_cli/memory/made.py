"""Which files are results, not sources, as the lock knows it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from compressor_cli.errors import InputProblem
from compressor_cli.memory.digests import Digests
from compressor_cli.memory.lockfile import Lock


class Made:
    """What the lock knows as results. `targets`: where results go now."""

    def __init__(self, lock: Lock | None, digests: Digests, targets: Sequence[Path]) -> None:
        self._lock = lock
        self._digests = digests
        self._targets = targets
        self._outputs: dict[str, set[str]] = {}
        for (source, result), locked in lock.entries.items() if lock is not None else ():
            if source != result:
                self._outputs.setdefault(result, set()).add(locked.output)

    def has(self, path: Path) -> bool:
        """Whether the file is a result. Where results once went, and no longer do, another file
        may lie by now: there its content tells."""
        if self._lock is None or (name := self._lock.key(path)) not in self._outputs:
            return False
        if name in self._names:
            return True
        try:
            return self._digests.sha1(path) in self._outputs[name]
        except InputProblem:
            return False

    @cached_property
    def _names(self) -> set[str]:
        assert self._lock is not None
        return {self._lock.key(target) for target in self._targets}
