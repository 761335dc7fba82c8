"""The temporary file in which a result grows: hashed while written, gone unless renamed."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from compressor_cli.engine.body import PIECE, Digest
from compressor_cli.engine.crew import Crew
from compressor_cli.engine.writeback import WriteBack
from compressor_cli.errors import OutputProblem

PRIVATE = 0o600
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
BINARY = getattr(os, "O_BINARY", 0)  # Windows would write line ends of its own
_CLOSED = -1
SPARED = 64 * 1024 * 1024
_SPARED_SHARE = 20
"""What a result of unknown size leaves free: SPARED bytes, of a small disk a 20th part of it."""


class Part:
    """A new file at `path`, registered with the crew while it exists. A context manager.

    `mode`: its permission bits, None for what the umask leaves. `size`: bytes in it; `furthest`:
    the most that were ever in it. Every method raises OutputProblem when the disk will not.
    """

    def __init__(self, path: Path, crew: Crew[Any], *, mode: int | None) -> None:
        self._path = path
        self._crew = crew
        self._mode = mode
        self._digest = Digest()
        self.size = 0
        self.furthest = 0

    def __enter__(self) -> Part:
        self._crew.check()
        self._crew.register(self._path)
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | _NO_FOLLOW | BINARY
        # 0666 and the umask, as for any new file; never more than the mode it shall have
        mode = 0o666 if self._mode is None else self._mode & 0o666 | PRIVATE
        try:
            self._file = os.open(self._path, flags, mode)
        except OSError as error:
            self._crew.release(self._path)
            raise self._problem(error) from None
        self._writeback = WriteBack(self._file)
        if self._mode is not None and hasattr(os, "fchmod"):
            with suppress(OSError):  # a file system without modes
                os.fchmod(self._file, self._mode)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # what it ends with was found out by `close`, or is of no use
            self._shut()
        self._digest.settle()
        with suppress(OSError):
            self._path.unlink()
        self._crew.release(self._path)

    def _problem(self, error: OSError) -> OutputProblem:
        folder = self._path.parent
        return OutputProblem(f"the result cannot be written in {folder}: {error.strerror}")

    def write(self, piece: bytes) -> None:
        """Append a piece."""
        if not piece:
            return
        self._digest.update(piece)
        try:
            write_all(self._file, piece)
            self._writeback.grown(self.size + len(piece))
        except OSError as error:
            raise self._problem(error) from None
        self.size += len(piece)
        self.furthest = max(self.furthest, self.size)

    def start_over(self) -> None:
        """Empty it."""
        self._digest.settle()
        self._digest = Digest()
        self.size = 0
        try:
            self._writeback.settle()
            os.lseek(self._file, 0, os.SEEK_SET)
            os.ftruncate(self._file, 0)
        except OSError as error:
            raise self._problem(error) from None

    def sha1(self) -> str:
        """The digest of what is in it, as 40 hex digits."""
        return self._digest.hex()

    def sync(self) -> None:
        """Have it on the disk, so that it survives a power cut once it is renamed."""
        try:
            self._writeback.settle()
            os.fsync(self._file)
        except OSError as error:
            raise self._problem(error) from None

    def close(self) -> None:
        """The last of it: some file systems tell only now that they had no space."""
        try:
            self._shut()
        except OSError as error:
            raise self._problem(error) from None

    def _shut(self) -> None:
        handle, self._file = self._file, _CLOSED
        if handle != _CLOSED:
            try:
                self._writeback.settle()
            finally:
                os.close(handle)

    def need(self, count: int) -> None:
        """Raises OutputProblem when there is no space for so many bytes more."""
        with suppress(OSError):
            free = shutil.disk_usage(self._path.parent).free
            if count > free:
                raise OutputProblem(
                    f"no space in {self._path.parent}: {count} bytes are needed, {free} are free"
                )

    def spare(self) -> None:
        """Raises OutputProblem when the disk is as full as a result of unknown size may make it."""
        with suppress(OSError):
            disk = shutil.disk_usage(self._path.parent)
            if disk.free < min(SPARED, disk.total // _SPARED_SHARE):
                raise OutputProblem(
                    f"the output has no known end, and {self._path.parent} is nearly full: after "
                    f"{self.size} bytes of it {disk.free} are free"
                )

    def copy_to(self, handle: int) -> None:
        """Write all of it to an open file descriptor. Raises OSError when that does not take it."""
        os.lseek(self._file, 0, os.SEEK_SET)
        while piece := os.read(self._file, PIECE):
            self._crew.check()
            write_all(handle, piece)


def write_all(handle: int, piece: bytes) -> None:
    """Write a piece whole, in as many writes as it takes."""
    view = memoryview(piece)
    while view:
        view = view[os.write(handle, view) :]
