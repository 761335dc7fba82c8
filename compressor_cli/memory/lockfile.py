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
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compressor_cli.errors import InputProblem, OutputProblem
from compressor_cli.memory.exclusive import exclusive

FILE_NAME = "compressor.lock"
FORMAT = 1
_HEADER = {"compressor.lock": FORMAT}
_LONGEST_LINE = 1024 * 1024
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
    """The lock at `path`, read once; missing is empty. Raises InputProblem when it is damaged,
    OutputProblem when it cannot be read or written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: dict[str, Locked] = _read(path)

    def key(self, file: Path) -> str:
        """The name of a file in the lock."""
        return Path(os.path.relpath(file, self.path.parent)).as_posix()

    def find(self, file: Path) -> Locked | None:
        return self.entries.get(self.key(file))

    def add(self, file: Path, locked: Locked) -> None:
        """Note that a file is done: one line at the end, on the disk before this returns."""
        name = self.key(file)
        self.entries[name] = locked
        try:
            with exclusive(self.path) as handle:
                end = _whole_lines(handle)
                os.ftruncate(handle, end)
                os.lseek(handle, end, os.SEEK_SET)
                header = "" if end else _line(_HEADER)
                _write(handle, header + _entry_line(name, locked))
        except OSError as error:
            raise _unwritable(self.path, error) from None

    def tidy(self) -> None:
        """Sort the lock, with what other runs added meanwhile, and leave out what is gone."""
        if not self.path.exists():
            return
        try:
            with exclusive(self.path):
                self.entries = _read(self.path)
                text = _line(_HEADER) + "".join(
                    _entry_line(name, self.entries[name]) for name in sorted(self.entries)
                )
                if self.path.read_text("utf-8") != text:
                    _replace(self.path, text)
        except OSError as error:
            raise _unwritable(self.path, error) from None


def _whole_lines(handle: int) -> int:
    """The length of the file without a last line that was cut when its writer died."""
    size = os.fstat(handle).st_size
    os.lseek(handle, max(0, size - _LONGEST_LINE), os.SEEK_SET)
    tail = os.read(handle, _LONGEST_LINE)
    return size if tail.endswith(b"\n") or not tail else size - len(tail) + tail.rfind(b"\n") + 1


def _read(path: Path) -> dict[str, Locked]:
    try:
        text = path.read_text("utf-8")
        lines = text[: text.rfind("\n") + 1].splitlines()  # the last may have been cut off
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        raise _damaged(path, 1) from None
    except OSError as error:
        raise OutputProblem(f"{path} cannot be read: {error.strerror}") from None
    entries: dict[str, Locked] = {}
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            if number == 1:
                _check_header(record, path)
            elif record != _HEADER:  # two new locks were merged
                entries[str(record["path"])] = _entry(record)
        except (ValueError, KeyError, TypeError, RecursionError):
            raise _damaged(path, number) from None
    return entries


def _check_header(record: object, path: Path) -> None:
    if not isinstance(record, dict) or "compressor.lock" not in record:
        raise ValueError
    if record["compressor.lock"] != FORMAT:
        raise InputProblem(f"{path} was written by a newer compressor", hint="install that version")


def _entry(record: dict[str, object]) -> Locked:
    locked = Locked(**{name: record[name] for name in Locked.__slots__ if name in record})  # type: ignore[arg-type]
    sound = (
        isinstance(locked.target, str)
        and isinstance(locked.options, dict)
        and all(isinstance(size, int) for size in (locked.input_size, locked.output_size))
        and _SHA1.fullmatch(locked.input)
        and _SHA1.fullmatch(locked.output)
    )
    if not sound:
        raise ValueError
    return locked


def _entry_line(name: str, locked: Locked) -> str:
    record = {field: getattr(locked, field) for field in Locked.__slots__}
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
    """Whole or not at all; the mode stays."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
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
