"""System calls of the command that fail as strace makes them fail: faults without the wait."""

from __future__ import annotations

from pathlib import Path

from .tools import needs


class Injected:
    """A prefix for a shell script under which system calls go wrong, and what came of it.

    `what`: as strace takes it, `recvfrom:error=ETIMEDOUT:when=1`. An ETIMEDOUT is what a time-out
    is to the command, so none has to be waited for. `log` lies where the key is looked for too.
    """

    def __init__(self, log: Path, what: str) -> None:
        needs("strace")
        self._log = log
        call = what.partition(":")[0]
        self.prefix = f"strace -f --seccomp-bpf -o '{log}' -e trace={call} -e inject={what} --"

    @property
    def fired(self) -> int:
        """How many calls were made to go wrong."""
        return self._log.read_bytes().count(b"(INJECTED)")
