"""What was compressed from what: `compressor.lock`, committed or cached, read by `check`.

One JSON object a line, sorted when a run ends, so that a change is one line of diff. While a run
goes on a line is appended for each file that is done; of two lines for the same source and target
the later counts. Paths are relative to the lock's folder, with `/`.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import threading
from collections.abc import Mapping
from pathlib import Path

from compressor_cli.errors import InputProblem, OutputProblem
from compressor_cli.memory import lockline
from compressor_cli.memory.exclusive import PATIENCE, exclusive
from compressor_cli.memory.lockline import Locked
from compressor_cli.memory.relative import Relative

__all__ = ["FILE_NAME", "FORMAT", "Lock", "Locked"]

FILE_NAME = "compressor.lock"
FORMAT = 1
_HEADER = {FILE_NAME: FORMAT}
_HEADER_LINE = json.dumps(_HEADER)
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


Names = tuple[str, str]
"""Of a source and of its result, as the lock has them."""


class Lock:
    """The lock at `path`, read once; missing is empty; for many threads. Raises InputProblem when
    it is damaged, OutputProblem when it cannot be read or written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._turn = threading.Lock()  # where `exclusive` has no lock, threads still take turns
        self._relative = Relative(path.parent)
        self.entries, self._is_tidy = _read(_text(path), path)

    def key(self, file: Path) -> str:
        """The name of a file in the lock."""
        return self._relative.name(file)

    def find(self, file: Path, target: Path) -> Locked | None:
        """What is noted of this source and this result of it: it may have several."""
        return self.entries.get((self.key(file), self.key(target)))

    def check_writable(self) -> None:
        """Raises OutputProblem if nothing can be noted: better known before anything is paid for.

        Makes no file.
        """
        try:
            os.close(os.open(self.path, os.O_RDWR))
        except FileNotFoundError:
            folder = self.path.resolve().parent
            if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK):
                denied = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
                raise _unwritable(self.path, denied) from None
        except OSError as error:
            raise _unwritable(self.path, error) from None

    def add(self, file: Path, locked: Locked) -> None:
        """Note that a file is done: one line at the end, on the disk before this returns."""
        name = self.key(file)
        try:
            with self._turn, exclusive(self.path) as handle:
                self._is_tidy = False
                end, before = _end(handle)
                os.ftruncate(handle, end)
                os.lseek(handle, end, os.SEEK_SET)
                _write(handle, before + lockline.line(name, locked))
                self.entries[name, locked.target] = locked
        except OSError as error:
            raise _unwritable(self.path, error) from None

    def tidy(self, *, patience: float = PATIENCE) -> None:
        """Sort the lock, with what other runs added meanwhile; files that are gone stay in it.

        `patience`: seconds to wait for another program, and for a thread that waits for it.

        A lock that is sorted is not touched, and may be in a folder that cannot be written. One
        that was so when it was read is left to those who added to it since, as long as we did not.
        """
        if not self._turn.acquire(timeout=patience):
            raise _unwritable(self.path, BlockingIOError(errno.EAGAIN, "another program holds it"))
        try:
            self._sort(patience)
        except OSError as error:
            raise _unwritable(self.path, error) from None
        finally:
            self._turn.release()

    def _sort(self, patience: float) -> None:
        if self._is_tidy:
            return
        text = _text(self.path)
        self.entries, _ = _read(text, self.path)
        if text in ("", _sorted(self.entries)):
            return
        with exclusive(self.path, patience=patience):
            self.entries, _ = _read(_text(self.path), self.path)
            if os.name != "nt":
                _replace(self.path, _sorted(self.entries))
        if os.name == "nt":  # where an open file cannot be replaced
            _replace(self.path, _sorted(self.entries))


def _end(handle: int) -> tuple[int, str]:
    """Where the next line goes, and what has to stand before it.

    A last line without an end was cut when its writer died, unless an editor took the end away.
    """
    size = os.fstat(handle).st_size
    if not size:
        return 0, f"{_HEADER_LINE}\n"
    os.lseek(handle, size - 1, os.SEEK_SET)
    if os.read(handle, 1) == b"\n":
        return size, ""
    os.lseek(handle, 0, os.SEEK_SET)
    with os.fdopen(os.dup(handle), "rb") as file:
        content = file.read()
    end = content.rfind(b"\n") + 1
    if _is_whole(content[end:].decode("utf-8", "replace")):
        return size, "\n"
    return end, "" if end else f"{_HEADER_LINE}\n"


def _is_whole(line: str) -> bool:
    """A cut line is never JSON: its closing brace is missing."""
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _text(path: Path) -> str:
    """What is in the lock, nothing where there is none; with `\\n` whatever git made of it."""
    try:
        if path.exists() and not path.is_file():
            raise OutputProblem(f"{path} is not a regular file")
        return path.read_text("utf-8").removeprefix("\ufeff")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise _damaged(path, error.object.count(b"\n", 0, error.start) + 1) from None
    except OSError as error:
        raise OutputProblem(f"{path} cannot be read: {error.strerror}") from None


def _read(text: str, path: Path) -> tuple[dict[Names, Locked], bool]:
    """The entries, and whether the text is surely as `_sorted` writes it. Raises InputProblem."""
    *lines, last = text.split("\n")
    tidy = not last and lines[:1] == [_HEADER_LINE]
    if _is_whole(last):  # else it was cut off, or there is none
        lines.append(last)
    reader = lockline.Reader()
    entries: dict[Names, Locked] = {}
    before: Names = ("", "")
    for number, line in enumerate(lines, 1):
        found = reader.entry(line) if number > 1 else None
        as_written = found is not None or number == 1
        if found is None:
            found = _entry(line, number, path)
        if found is not None:
            names = (found[0], found[1].target)
            as_written = as_written and before < names
            before, entries[names] = names, found[1]
        tidy = tidy and as_written
    return entries, tidy


def _entry(line: str, number: int, path: Path) -> tuple[str, Locked] | None:
    """The entry in any line, None for a header: there are several where new locks were merged."""
    try:
        record = json.loads(line)
        if number == 1 or (isinstance(record, dict) and FILE_NAME in record):
            _check_header(record, path)
            return None
        return lockline.entry(record)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _damaged(path, number) from None


def _check_header(record: object, path: Path) -> None:
    if not isinstance(record, dict):
        raise ValueError
    if lockline.checked(record[FILE_NAME], int) > FORMAT:
        raise InputProblem(f"{path} was written by a newer compressor", hint="install that version")
    if record != _HEADER:
        raise ValueError


def _sorted(entries: Mapping[Names, Locked]) -> str:
    lines = (lockline.line(names[0], entries[names]) for names in sorted(entries))
    return "".join((f"{_HEADER_LINE}\n", *lines))


def _damaged(path: Path, line: int) -> InputProblem:
    return InputProblem(
        f"{path} is damaged in line {line}",
        hint="restore it from version control, or move it aside and compress anew",
    )


def _unwritable(path: Path, error: OSError) -> OutputProblem:
    held = isinstance(error, BlockingIOError)
    return OutputProblem(
        f"{path} cannot be written: {error.strerror}",
        hint="run it again when that has ended, or with --no-lock"
        if held
        else "or run with --no-lock",
    )


def _write(handle: int, text: str) -> None:
    view = memoryview(text.encode())
    while view:
        view = view[os.write(handle, view) :]
    os.fsync(handle)


def _replace(path: Path, text: str) -> None:
    """Whole or not at all, in the place of what a symlink there means; the mode stays."""
    path = path.resolve()
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        handle = os.open(part, _NEW_FILE, 0o666)
        try:
            _write(handle, text)
        finally:
            os.close(handle)
        part.chmod(path.stat().st_mode & 0o777)
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
