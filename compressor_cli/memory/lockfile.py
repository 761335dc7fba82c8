"""What was compressed from what: `compressor.lock`, committed or cached, read by `check`.

One JSON object a line, sorted by path when a run ends, so that a change is one line of diff. While
a run goes on a line is appended for each file that is done; of two lines for a path the later
counts. Paths are relative to the lock's folder, with `/`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from compressor_cli.errors import InputProblem, OutputProblem
from compressor_cli.memory.exclusive import exclusive

T = TypeVar("T")

FILE_NAME = "compressor.lock"
FORMAT = 1
_HEADER = {FILE_NAME: FORMAT}
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_SHA1 = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Locked:
    """One file that was compressed. Digests are SHA-1 as 40 hex digits, sizes in bytes.

    `target` is relative to the lock's folder too. `kept`: the result was not smaller, so the
    source's own bytes are the target.
    """

    input: str
    input_size: int
    options: Mapping[str, object]
    target: str
    output: str
    output_size: int
    kept: bool = False


class Lock:
    """The lock at `path`, read once; missing is empty; for many threads. Raises InputProblem when
    it is damaged, OutputProblem when it cannot be read or written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._turn = threading.Lock()  # where `exclusive` has no lock, threads still take turns
        self.entries: dict[str, Locked] = _entries(_text(path), path)

    def key(self, file: Path) -> str:
        """The name of a file in the lock."""
        try:
            return Path(os.path.relpath(file, self.path.parent)).as_posix()
        except ValueError:  # on another drive
            return file.absolute().as_posix()

    def find(self, file: Path) -> Locked | None:
        return self.entries.get(self.key(file))

    def add(self, file: Path, locked: Locked) -> None:
        """Note that a file is done: one line at the end, on the disk before this returns."""
        name = self.key(file)
        try:
            with self._turn, exclusive(self.path) as handle:
                end, before = _end(handle)
                os.ftruncate(handle, end)
                os.lseek(handle, end, os.SEEK_SET)
                _write(handle, before + _entry_line(name, locked))
                self.entries[name] = locked
        except OSError as error:
            raise _unwritable(self.path, error) from None

    def tidy(self) -> None:
        """Sort the lock, with what other runs added meanwhile; files that are gone stay in it.

        A lock that is sorted is not touched, and may be in a folder that cannot be written.
        """
        with self._turn:
            text = _text(self.path)
            self.entries = _entries(text, self.path)
            if text in ("", _sorted(self.entries)):
                return
            try:
                with exclusive(self.path):
                    self.entries = _entries(_text(self.path), self.path)
                    if os.name != "nt":
                        _replace(self.path, _sorted(self.entries))
                if os.name == "nt":  # where an open file cannot be replaced
                    _replace(self.path, _sorted(self.entries))
            except OSError as error:
                raise _unwritable(self.path, error) from None


def _end(handle: int) -> tuple[int, str]:
    """Where the next line goes, and what has to stand before it.

    A last line without an end was cut when its writer died, unless an editor took the end away.
    """
    size = os.fstat(handle).st_size
    if not size:
        return 0, _line(_HEADER)
    os.lseek(handle, size - 1, os.SEEK_SET)
    if os.read(handle, 1) == b"\n":
        return size, ""
    os.lseek(handle, 0, os.SEEK_SET)
    with os.fdopen(os.dup(handle), "rb") as file:
        content = file.read()
    end = content.rfind(b"\n") + 1
    if _is_whole(content[end:].decode("utf-8", "replace")):
        return size, "\n"
    return end, "" if end else _line(_HEADER)


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


def _entries(text: str, path: Path) -> dict[str, Locked]:
    *lines, last = text.split("\n")
    if _is_whole(last):  # else it was cut off, or there is none
        lines.append(last)
    entries: dict[str, Locked] = {}
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            if number == 1 or (isinstance(record, dict) and FILE_NAME in record):
                _check_header(record, path)  # there are several where new locks were merged
            else:
                entries[_checked(record["path"], str)] = _entry(record)
        except (ValueError, KeyError, TypeError, RecursionError):
            raise _damaged(path, number) from None
    return entries


def _check_header(record: object, path: Path) -> None:
    if not isinstance(record, dict):
        raise ValueError
    if _checked(record[FILE_NAME], int) > FORMAT:
        raise InputProblem(f"{path} was written by a newer compressor", hint="install that version")
    if record != _HEADER:
        raise ValueError


def _entry(record: Mapping[str, object]) -> Locked:
    digests = [_checked(record[name], str) for name in ("input", "output")]
    sizes = [_checked(record[name], int) for name in ("input_size", "output_size")]
    if not all(_SHA1.fullmatch(digest) for digest in digests) or min(sizes) < 0:
        raise ValueError
    return Locked(
        input=digests[0],
        input_size=sizes[0],
        options=_checked(record["options"], dict),
        target=_checked(record["target"], str),
        output=digests[1],
        output_size=sizes[1],
        kept=_checked(record.get("kept", False), bool),
    )


def _checked(value: object, kind: type[T]) -> T:
    """Not a subclass: true is no number. Raises TypeError."""
    if type(value) is not kind:
        raise TypeError
    return value


def _sorted(entries: Mapping[str, Locked]) -> str:
    lines = (_entry_line(name, entries[name]) for name in sorted(entries))
    return "".join((_line(_HEADER), *lines))


def _entry_line(name: str, locked: Locked) -> str:
    record = {field: getattr(locked, field) for field in Locked.__slots__}
    record["options"] = json.loads(json.dumps(locked.options, sort_keys=True))
    if not locked.kept:
        del record["kept"]
    return _line({"path": name, **record})


def _line(record: Mapping[str, object]) -> str:
    return json.dumps(record, ensure_ascii=True) + "\n"


def _damaged(path: Path, line: int) -> InputProblem:
    return InputProblem(
        f"{path} is damaged in line {line}",
        hint="restore it from version control, or move it aside and compress anew",
    )


def _unwritable(path: Path, error: OSError) -> OutputProblem:
    return OutputProblem(
        f"{path} cannot be written: {error.strerror}", hint="or run with --no-lock"
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
