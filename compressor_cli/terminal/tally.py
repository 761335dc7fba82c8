"""What has become of all the items so far: counted below those that are drawn one by one."""

from __future__ import annotations

from collections.abc import Sequence

from compressor_cli.engine.updates import Item
from compressor_cli.terminal import text
from compressor_cli.terminal.story import sizes


class Tally:
    """Counts of the `expected` items. `ended` of `whole` so far; sizes in bytes."""

    def __init__(self, expected: Sequence[Item]) -> None:
        self.whole = len(expected)
        self.ended = 0
        self._failed = 0
        known = [item.size for item in expected if item.size is not None]
        self._all_bytes = sum(known) if len(known) == self.whole else None
        self._bytes = 0
        self._saved = 0

    def add(self, item: Item) -> None:
        """One of them has ended."""
        self.ended += 1
        self._failed += item.error is not None
        self._bytes += item.size or 0
        if item.saved is not None:
            before, after = sizes(item)
            self._saved += max(0, (before or 0) - (after or 0))

    def words(self, *, room: int) -> str:
        """`12 of 200 done, 1 failed, 8.1 MB of 40 MB, 4.2 MB saved`; what has no room is left."""
        said = [f"{self.ended} of {self.whole} done"]
        if self._failed:
            said.append(f"{self._failed} failed")
        saved = [f"{text.size(self._saved)} saved"] if self._saved else []
        if self._all_bytes is not None:
            through = f"{text.size(self._bytes)} of {text.size(self._all_bytes)}"
            if len(line := ", ".join([*said, through, *saved])) <= room:
                return line
        return ", ".join([*said, *saved])
