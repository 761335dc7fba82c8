"""One process at a time on a file that is appended to and replaced.

The lock is on the file itself; afterwards it is looked at whether the name still leads to it, since
whoever replaced it meanwhile had the lock. Where the system has no such lock, writers are trusted
to be alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def exclusive(path: Path) -> Iterator[int]:
    """The file, made if missing, open for reading and writing, and nobody else's meanwhile.

    Yields its descriptor. Raises OSError.
    """
    handle = _locked(path)
    try:
        yield handle
    finally:
        os.close(handle)  # which lets go of the lock


def _locked(path: Path) -> int:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        try:
            with suppress(OSError, ImportError):  # a file system without locks; Windows
                import fcntl

                fcntl.flock(handle, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), path.stat()):
                    return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
