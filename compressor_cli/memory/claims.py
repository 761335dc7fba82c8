"""One process at a time sends the same bytes with the same options to the same API.

Whoever comes second waits, and then finds the job of the first in the ledger. A claim ends with its
process, whatever ends that. Where the system has no such locks, runs are trusted to be alone.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FILE_NAME = "claims.lock"
_EVERY = 0.2
_TAKEN = {errno.EACCES, errno.EAGAIN}


class Claims:
    """Locks on single bytes of an empty file in the state folder; the place says what is claimed.

    A process has one of these at a time, and claims nothing twice at once: such locks are between
    processes, and all end when one handle of the file is closed.
    """

    def __init__(self, state_dir: Path) -> None:
        try:
            self._handle = os.open(state_dir / FILE_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            self._handle = -1  # no lock can be had: see _taken

    def close(self) -> None:
        """Lets all go."""
        with suppress(OSError):
            os.close(self._handle)

    @contextmanager
    def held(self, *what: str, sleep: Callable[[float], None]) -> Iterator[None]:
        """Wait, by `sleep` of seconds, until nobody else holds this; then hold it."""
        digest = hashlib.sha256("\0".join(what).encode("utf-8", "surrogatepass")).digest()
        place = int.from_bytes(digest[:6])
        while not self._taken(place):
            sleep(_EVERY)
        try:
            yield
        finally:
            with suppress(OSError):
                self._lock(place, free=True)

    def _taken(self, place: int) -> bool:
        """Whether it is ours now, or cannot be locked at all."""
        try:
            self._lock(place)
        except OSError as error:
            return error.errno not in _TAKEN
        return True

    def _lock(self, place: int, *, free: bool = False) -> None:
        try:
            import fcntl
        except ImportError:  # Windows
            return
        how = fcntl.LOCK_UN if free else fcntl.LOCK_EX | fcntl.LOCK_NB
        fcntl.lockf(self._handle, how, 1, place)
