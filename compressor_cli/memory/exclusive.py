"""One process at a time on a file that is appended to and replaced, or in a folder.

The lock is on the file itself; afterwards it is looked at whether the name still leads to it, since
whoever replaced it meanwhile had the lock. Where the system has no such lock, writers are trusted
to be alone.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE = 10.0
"""Seconds that one waits for another program, which has a file for moments only."""
_PAUSE = 0.02


@contextmanager
def exclusive(path: Path, *, patience: float = PATIENCE) -> Iterator[int]:
    """The file, made if missing, open for reading and writing, and nobody else's meanwhile.

    Yields its descriptor. Raises OSError, BlockingIOError if another program keeps it for so long.
    """
    handle = _locked(path, time.monotonic() + patience)
    try:
        yield handle
    finally:
        os.close(handle)  # which lets go of the lock


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Of those that ask so, nobody else is in the folder meanwhile. Raises OSError as above."""
    handle = None
    with suppress(OSError):  # Windows opens no folders
        handle = os.open(folder, os.O_RDONLY)
    try:
        if handle is not None:
            _take(handle, time.monotonic() + PATIENCE)
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _locked(path: Path, until: float) -> int:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        try:
            _take(handle, until)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), path.stat()):
                    return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _take(handle: int, until: float) -> None:
    """Asked for again and again, not waited for: so a signal gets through, and it has an end."""
    with suppress(ImportError):  # Windows
        import fcntl

        while True:
            try:
                return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise BlockingIOError(errno.EAGAIN, "another program holds it") from None
            except OSError:  # a file system without locks
                return None
            time.sleep(_PAUSE)
