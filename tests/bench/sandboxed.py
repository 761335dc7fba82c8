"""A sandbox in a process of its own that tells how long its workers were at work.

`sandboxed.py SETTINGS` prints the API's URL. For each line of its standard input it prints, as
JSON, how many jobs have ended since the last one and how many seconds of work they took; it ends
when the input does.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any

from compressor_cli.sandbox.options import SandboxOptions
from compressor_cli.sandbox.running import running


class Work:
    """Adds up the time from each job's taking up to its end, as the sandbox tells of both."""

    def __init__(self) -> None:
        self._begun: dict[str, float] = {}
        self._lock = threading.Lock()
        self._clear()

    def _clear(self) -> None:
        self._jobs, self._seconds = 0, 0.0

    def told(self, line: str) -> None:
        """One line of the sandbox's journal, as it is written."""
        now, words = time.perf_counter(), line.split()
        if words[0] != "job":
            return
        with self._lock:
            if words[2] == "processing":
                self._begun[words[1]] = now
            elif words[1] in self._begun:
                self._jobs += words[2] == "completed"
                self._seconds += now - self._begun.pop(words[1])

    def taken(self) -> dict[str, Any]:
        """What was done since the last time."""
        with self._lock:
            done = {"jobs": self._jobs, "seconds": self._seconds}
            self._clear()
        return done


def main() -> None:
    work = Work()
    options = SandboxOptions(**json.loads(sys.argv[1]))
    with running(options, on_request=work.told) as box:
        _say(box.api_url)
        for _ in sys.stdin:
            _say(json.dumps(work.taken()))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
