"""Which files are results, not sources, as the lock knows it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from compressor_cli.errors import InputProblem
from compressor_cli.memory.digests import Digests
from compressor_cli.memory.lockfile import Lock


class Made:
    """What the lock knows as results of `sources`, those of this run. `targets`: where results go
    now. The results of other sources are sources like any file: of a next stage, say."""

    def __init__(
        self,
        lock: Lock | None,
        digests: Digests,
        *,
        sources: Sequence[Path],
        targets: Sequence[Path],
    ) -> None:
        self._lock = lock
        self._digests = digests
        self._sources = sources
        self._targets = targets
        self._outputs: dict[str, dict[str, str]] = {}
        for (source, result), locked in lock.entries.items() if lock is not None else ():
            if source != result:
                self._outputs.setdefault(result, {})[source] = locked.output

    def has(self, path: Path) -> bool:
        """Whether the file is a result. Where results once went, and no longer do, another file
        may lie by now: there its content tells."""
        if self._lock is None or (name := self._lock.key(path)) not in self._outputs:
            return False
        outputs = [output for source, output in self._outputs[name].items() if source in self._here]
        if not outputs or name in self._now:
            return bool(outputs)
        try:
            return self._digests.sha1(path) in outputs
        except InputProblem:
            return False

    @cached_property
    def _here(self) -> set[str]:
        assert self._lock is not None
        return {self._lock.key(source) for source in self._sources}

    @cached_property
    def _now(self) -> set[str]:
        assert self._lock is not None
        return {self._lock.key(target) for target in self._targets}
