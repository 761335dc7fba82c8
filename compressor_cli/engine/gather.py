"""Which files a batch is about: arguments, lists, folders and globs become assets, in stable order.

Folders are walked in the order of names. Left out without a word: hidden files and folders, folders
that were walked already (links in a circle), and what `exclude` names. Files of a kind that the
service does not take are counted. A file that is named itself is always taken.
"""

from __future__ import annotations

import glob as globbing
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from compressor_cli.api.kinds import kind_of
from compressor_cli.engine.globs import matches
from compressor_cli.engine.source import file_source, unreadable
from compressor_cli.errors import InputProblem

_Seen = dict[tuple[int, int], list[Path]]
"""The names by which each file was taken, by device and inode."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file to be compressed. `path` as it was reached; `within`: its path below the argument
    that named it, with `/`, which a mirrored tree repeats; `size` in bytes."""

    path: Path
    within: str
    size: int


@dataclass(frozen=True, slots=True)
class Choice:
    """Which files of folders are taken: `include`, or else the known kinds; less `exclude`."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def excludes(self, within: str) -> bool:
        return any(matches(within, glob) for glob in self.exclude)

    def takes(self, within: str) -> bool:
        if self.include:
            return any(matches(within, glob) for glob in self.include)
        return kind_of(within) is not None


@dataclass(slots=True)
class Gathered:
    """What was found. `other`: files in folders that were not taken; `problems`: by argument."""

    assets: list[Asset] = field(default_factory=list)
    other: list[Path] = field(default_factory=list)
    problems: list[tuple[str, InputProblem]] = field(default_factory=list)


def gather(arguments: Sequence[str], choice: Choice) -> Gathered:
    """The assets that the arguments name, each file once, and what was wrong with the others."""
    found = Gathered()
    seen: _Seen = {}
    for argument in arguments:
        for path in _expanded(argument):
            try:
                _take(path, choice, found, seen)
            except InputProblem as error:
                found.problems.append((str(path), error))
    return found


def _expanded(argument: str) -> Iterator[Path]:
    """The argument itself, or what it matches where the shell did not look (quoted, Windows)."""
    path = Path(argument)
    if os.path.lexists(path) or not globbing.has_magic(argument):
        yield path
        return
    matched = sorted(globbing.glob(argument, recursive=True))  # noqa: PTH207 - of any root
    if not matched:
        yield path  # as it stands: a missing file, which is said
    yield from map(Path, matched)


def _take(path: Path, choice: Choice, found: Gathered, seen: _Seen) -> None:
    if not path.is_dir():
        _add(path, path.name, found, seen)
        return
    for file, within in _walk(path):
        if choice.excludes(within):
            continue
        if choice.takes(within):
            try:
                _add(file, within, found, seen)
            except InputProblem as error:
                found.problems.append((str(file), error))
        else:
            found.other.append(file)


def _add(path: Path, within: str, found: Gathered, seen: _Seen) -> None:
    """Take a file, unless it was taken by another name: whether it can be read shows later."""
    try:
        status = path.stat()
    except OSError as error:
        raise unreadable(str(path), error) from None
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        file_source(str(path))  # which says what is wrong
    names = seen.setdefault((status.st_dev, status.st_ino), [])
    if names and path.resolve() in {name.resolve() for name in names}:
        return
    names.append(path)
    found.assets.append(Asset(path, within, status.st_size))


def _walk(top: Path) -> Iterator[tuple[Path, str]]:
    """Every file below `top` that is not hidden, with its path below it; each real folder once."""
    walked: set[tuple[int, int]] = set()

    def below(folder: Path, prefix: str) -> Iterator[tuple[Path, str]]:
        status = folder.stat()
        if (status.st_dev, status.st_ino) in walked:
            return
        walked.add((status.st_dev, status.st_ino))
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            raise InputProblem(f"{folder} cannot be read: {error.strerror}") from None
        for entry in entries:
            if entry.name.startswith("."):
                continue
            path, within = folder / entry.name, f"{prefix}{entry.name}"
            if entry.is_dir():
                yield from below(path, f"{within}/")
            else:
                yield path, within

    return below(top, "")
