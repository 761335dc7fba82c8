"""What a sandbox has seen: requests, accepted submissions and webhooks, for tests to read back."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

REQUESTS_KEPT = 10_000
_LINE_LIMIT = 300
_UNITS = ("B", "kB", "MB", "GB", "TB")


class Journal:
    """Counts and remembers; `say` gets one plain line for each thing that happens."""

    def __init__(self, say: Callable[[str], None] | None) -> None:
        self._say = say
        self.clear()

    def clear(self) -> None:
        self._requests: deque[dict[str, Any]] = deque(maxlen=REQUESTS_KEPT)
        self._webhooks: deque[dict[str, Any]] = deque(maxlen=REQUESTS_KEPT)
        self._sums: Counter[str] = Counter()
        self._accepted = 0

    def line(self, text: str) -> None:
        if self._say is not None:
            self._say(printable(text))

    def request(self, **facts: Any) -> None:
        """`at`: seconds on a clock of its own, to measure the time between two."""
        self._requests.append({**facts, "at": time.monotonic()})

    def accepted(self, sha1: str) -> None:
        """Count a submission that became a job; `sha1` is empty if its bytes are not here yet."""
        self._accepted += 1
        if sha1:
            self._sums[sha1] += 1

    def webhook(self, **facts: Any) -> None:
        self._webhooks.append(facts)

    def report(
        self, *, jobs: int, outputs: list[str], results: list[dict[str, str]]
    ) -> dict[str, Any]:
        """All that was seen. `outputs`: SHA-1 of each output; `results`: which job made it."""
        return {
            "requests": list(self._requests),
            "accepted": self._accepted,
            "accepted_by_sha1": dict(self._sums),
            "jobs": jobs,
            "outputs": outputs,
            "results": results,
            "webhooks": list(self._webhooks),
        }


def printable(text: str) -> str:
    """`text` with everything but printable ASCII as `?`: a terminal may show it."""
    shown = "".join(mark if " " <= mark <= "~" else "?" for mark in text[: _LINE_LIMIT + 1])
    return shown if len(shown) <= _LINE_LIMIT else shown[: _LINE_LIMIT - 3] + "..."


def amount(size: float) -> str:
    """A number of bytes for people: `1.2 MB`."""
    unit = 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size /= 1000
        unit += 1
    return f"{size:.1f} {_UNITS[unit]}" if unit else f"{size:.0f} B"
