"""Which files a batch is about: arguments, lists, folders and globs become assets, in stable order.

Folders are walked in the order of names. Left out without a word: hidden files and folders, folders
that were walked already (links in a circle), and what `exclude` names. Files of a kind that the
service does not take are counted. A file that is named itself is always taken, also by a glob with
its extension; else a glob chooses as the folder does where its first `*`, `?` or `[` stands.
"""

from __future__ import annotations

import glob as globbing
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

from compressor_cli.api.kinds import kind_of
from compressor_cli.engine.globs import matches
from compressor_cli.engine.inside import Inside
from compressor_cli.engine.source import file_source, unreadable
from compressor_cli.errors import InputProblem


@dataclass(frozen=True, slots=True)
class Asset:
    """A file to be compressed. `path` as it was reached; `within`: its path below the argument
    that named it, with `/`, which a mirrored tree repeats; `size` in bytes; `identity`: its device
    and inode, where the system has them."""

    path: Path
    within: str
    size: int
    identity: tuple[int, int] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which files of folders are taken: `include`, or else the known kinds; less `exclude`."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def excludes(self, within: str) -> bool:
        return any(matches(within, glob) for glob in self.exclude)

    def takes(self, within: str, *, named: str = "") -> bool:
        """`named`: the extension that a glob asked for."""
        if self.include:
            return any(matches(within, glob) for glob in self.include)
        return kind_of(within) is not None or (named != "" and Path(within).suffix == named)


@dataclass(slots=True)
class Gathered:
    """What was found. `other`: files in folders that were not taken; `problems`: by argument."""

    assets: list[Asset] = field(default_factory=list)
    other: list[Path] = field(default_factory=list)
    problems: list[tuple[str, InputProblem]] = field(default_factory=list)


def gather(arguments: Sequence[str], choice: Choice, *, stay: Inside | None = None) -> Gathered:
    """The assets that the arguments name, each file once, and what was wrong with the others.

    Raises UsageProblem for a glob that makes no sense, and for a link that leads out of `stay`.
    """
    search = _Search(choice, stay)
    for argument in arguments:
        search.argument(argument)
    return search.found


class _Search:
    def __init__(self, choice: Choice, stay: Inside | None) -> None:
        self.found = Gathered()
        self._choice = choice
        self._stay = stay
        # of each file, by device and inode
        self._names: dict[tuple[int, int], tuple[Path, ...]] = {}
        self._others: set[str] = set()

    def argument(self, text: str) -> None:
        path = Path(text)
        if not text:
            self._problem(text, InputProblem("a source is named by an empty text"))
        elif not os.path.lexists(path) and globbing.has_magic(text):
            self._glob(text)  # quoted, or on Windows
        elif os.path.isdir(path):  # noqa: PTH112 - never raises
            self._folder(str(path), "")
        else:
            self._add(str(path), path.name)

    def _glob(self, text: str) -> None:
        """What a glob matches, by its path below the folder before the first component of it."""
        parts = Path(text).parts
        fixed = Path(*takewhile(lambda part: not globbing.has_magic(part), parts))
        head = Path(*takewhile(lambda part: part != "**", parts))
        rest = "/".join(parts[len(head.parts) :])
        named, matched = Path(text).suffix, False
        for path in map(Path, sorted(globbing.glob(str(head)))):  # noqa: PTH207 - of any root
            within = "" if path == fixed else path.relative_to(fixed).as_posix()
            if os.path.isdir(path):  # noqa: PTH112 - never raises
                prefix = f"{within}/" if within else ""
                matched |= self._folder(str(path), prefix, rest=rest, named=named) or not rest
            elif not rest:
                matched = True
                self._consider(str(path), within, named)
        if not matched:
            self._problem(text, InputProblem(f"{text} matches no file"))

    def _folder(self, top: str, prefix: str, *, rest: str = "", named: str = "") -> bool:
        """Whether there are files in it that fit the glob `rest`, if there is one."""
        matched = False
        for file, below in self._walk(top, prefix):
            if not rest or matches(below, f"/{rest}"):
                matched = True
                self._consider(file, prefix + below, named)
        return matched

    def _consider(self, file: str, within: str, named: str) -> None:
        if self._choice.excludes(within):
            return
        if self._choice.takes(within, named=named):
            self._add(file, within)
        elif file not in self._others:
            self._others.add(file)
            self.found.other.append(Path(file))

    def _add(self, file: str, within: str) -> None:
        """Take a file, unless it was taken by another name: whether it can be read shows later."""
        if self._stay is not None:
            self._stay.check(file)
        try:
            status = os.stat(file)  # noqa: PTH116 - quick, for many
            if not stat.S_ISREG(status.st_mode) or not status.st_size:
                file_source(file)  # which says what is wrong
        except OSError as error:
            self._problem(file, unreadable(file, error))
        except ValueError:
            self._problem(file, InputProblem(f"{file!r} is not a possible path"))
        except InputProblem as error:
            self._problem(file, error)
        else:
            path, inode = Path(file), (status.st_dev, status.st_ino)
            names = self._names.get(inode, ())
            if not names or path.resolve() not in {name.resolve() for name in names}:
                self._names[inode] = (*names, path)
                identity = inode if status.st_ino else None
                self.found.assets.append(Asset(path, within, status.st_size, identity))

    def _problem(self, label: str, error: InputProblem) -> None:
        self.found.problems.append((label, error))

    def _walk(self, top: str, prefix: str) -> Iterator[tuple[str, str]]:
        """Every file below `top` that is not hidden, with its path below it; each real folder once.

        `prefix` stands before that path where it is held against `exclude`.
        """
        walked: set[tuple[int, int]] = set()
        todo = [(top, "", True)]
        while todo:
            path, below, is_folder = todo.pop()
            if not is_folder:
                yield path, below
                continue
            if self._stay is not None:
                self._stay.check(path)
            try:
                status = os.stat(path)  # noqa: PTH116
                entries = [] if (status.st_dev, status.st_ino) in walked else _entries(path)
            except OSError as error:
                self._problem(path, unreadable(path, error))
                continue
            walked.add((status.st_dev, status.st_ino))
            inside = "" if path == os.curdir else os.path.join(path, "")  # noqa: PTH118
            before = f"{below}/" if below else ""
            for name, inner in reversed(entries):
                within = before + name
                if not inner or not self._choice.excludes(prefix + within):
                    todo.append((inside + name, within, inner))


def _entries(folder: str) -> list[tuple[str, bool]]:
    """The names in a folder that are not hidden, sorted, and which of them are folders."""
    with os.scandir(folder) as entries:
        return sorted(
            (entry.name, _is_folder(entry)) for entry in entries if not entry.name.startswith(".")
        )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, or to where nobody may look
        return False
