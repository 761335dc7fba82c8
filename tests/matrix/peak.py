"""How much memory a command takes at most."""

from __future__ import annotations

import sys
from pathlib import Path

BOUND = 100_000_000
"""Bytes that the command may take, whatever it is given to read or to send."""

_MEASURE = """\
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
with open(sys.argv[1], "w") as file:
    file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024))
sys.exit(code)
"""


class Peak:
    """A prefix for a shell script: the command after it is measured. `bytes` once it has ended."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "peak"
        measure = folder / "measure.py"
        measure.write_text(_MEASURE)
        self.prefix = f"'{sys.executable}' '{measure}' '{self._file}'"

    @property
    def bytes(self) -> int:
        return int(self._file.read_text())
