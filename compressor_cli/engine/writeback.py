"""A growing file is written to the disk while the rest still comes, so that the last sync is short.

A system tells of a write that failed once, to the first sync after it: who syncs early keeps that.
"""

from __future__ import annotations

import os
import queue
import threading

STEP = 16 * 1024 * 1024
"""Bytes after which the next write to the disk is asked for; smaller files need no thread."""

_sync = getattr(os, "fdatasync", None)  # not everywhere


class WriteBack:
    """Syncs an open file now and then, in a thread of its own."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._asked = 0
        self._wake: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._error: OSError | None = None

    def grown(self, size: int) -> None:
        """It holds so many bytes by now. Raises OSError that an earlier sync met."""
        if self._error is not None:
            raise self._error
        if size - self._asked < STEP or _sync is None:
            return
        self._asked = size
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="write-back", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the system allows no more: the last sync does it all
                return
            self._thread = thread
        self._wake.put(True)

    def settle(self) -> None:
        """Wait for the thread's end; it may grow anew. Raises OSError that a sync met."""
        if self._thread is not None:
            self._wake.put(False)
            self._thread.join()
            self._thread = None
        self._asked = 0
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        assert _sync is not None
        while self._error is None and self._wake.get():
            try:
                _sync(self._file)
            except OSError as error:
                self._error = error
