"""What goes to stdout and what to stderr, in each of the modes: human, json, quiet, verbose.

stdout carries results and nothing else; everything said to people goes to stderr. Writes are plain:
no library comes between a result and the pipe that reads it.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TextIO

from compressor_cli.errors import CompressorError, OutputProblem, ReaderGone
from compressor_cli.terminal.text import LONGEST, safe, shortened

SCHEMA = 1
"""The version of the JSON objects on stdout. Fields may be added; a change of meaning raises it."""

_NARROWEST = 20
_WIDEST = 10  # characters of an escape: \\U0001f600


@dataclass(frozen=True, slots=True)
class Modes:
    """What the user asked of the output."""

    json: bool = False
    quiet: bool = False
    verbose: bool = False
    color: bool = True


class Output:
    """The two streams. `aside` is replaced by a live view, which makes room for a plain line."""

    def __init__(self, modes: Modes) -> None:
        self.modes = modes
        self.aside: Callable[[], AbstractContextManager[object]] = nullcontext

    def result(self, text: str, record: Mapping[str, object]) -> None:
        """One result: `text` for people and pipes, or with --json the object `record`."""
        if self.modes.json:
            line = as_json({"schema": SCHEMA, **record})
        else:
            line = _shown(text) if sys.stdout.isatty() else text
        with self.aside():
            _write(sys.stdout, line + "\n")

    def table(self, lines: list[str]) -> None:
        """Several lines of text for people, already safe."""
        with self.aside():
            _write(sys.stdout, "".join(f"{line}\n" for line in lines))

    def note(self, text: str) -> None:
        """Something that is good to know; not with --quiet."""
        if not self.modes.quiet:
            self._say(safe(text))

    def detail(self, text: str) -> None:
        """Something for --verbose."""
        if self.modes.verbose:
            self._say(safe(text))

    def error(self, error: CompressorError, *, label: str = "") -> None:
        """What went wrong, with which source or job, and what to do; also with --quiet."""
        about = shortened(label or error.job_id or "")
        prefix = f"{safe(about)}: " if about else ""
        message = shortened(error.message, LONGEST)  # the reason comes after the name
        self._say(_folded(f"compressor: {prefix}{safe(message)}"))
        for line in error.hint.splitlines():  # whole: it may be the command that goes on
            self._say(f"  {safe(line, longest=len(line) * _WIDEST)}")

    def warning(self, text: str) -> None:
        """Something that should be mended; also with --quiet."""
        self._say(f"compressor: warning: {safe(text)}")

    def command(self, line: str) -> None:
        """A command to the runner of a CI service, as it stands: it is built to be one."""
        self._say(line)

    def _say(self, line: str) -> None:
        with self.aside():
            try:
                sys.stderr.write(line + "\n")
                sys.stderr.flush()
            except (OSError, ValueError):  # nobody listens; results and exit code still stand
                return


def _folded(line: str) -> str:
    """Safe text, on a terminal broken between words where each of them fits a line."""
    if not sys.stderr.isatty():
        return line
    import textwrap

    columns = _columns()
    lines = textwrap.wrap(
        line, columns, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines) if max(map(len, lines)) <= columns else line


def _columns() -> int:
    """Of the terminal that stderr is, or as the environment says."""
    told = os.environ.get("COLUMNS", "")
    try:
        found = int(told) if told.isdecimal() else 0
        found = found or os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError):
        found = 0
    return max(_NARROWEST, found or 80)


def as_json(record: Mapping[str, object]) -> str:
    """One line of pure ASCII, the same in every locale, that no terminal acts on."""
    return json.dumps(record, allow_nan=False)


def _shown(text: str) -> str:
    """A line of columns for people; the tabs between them are ours."""
    return "\t".join(map(safe, text.split("\t")))


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        raise stdout_problem(error) from None


def stdout_problem(error: OSError) -> CompressorError:
    """What a failed write to stdout means."""
    if error.errno in {errno.EPIPE, errno.EINVAL}:
        return ReaderGone("the reader of stdout went away")
    return OutputProblem(f"stdout cannot be written: {error.strerror}")
