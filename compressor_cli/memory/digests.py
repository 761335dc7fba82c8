"""Digests of files, remembered by size, times and inode, so that an unchanged file is not read.

git's rule for racy timestamps holds: a digest is remembered only if the file had been at rest for a
while when it was read, since a later change within the clock's grain would not be seen.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from compressor_cli.engine.source import file_sha1, unreadable
from compressor_cli.memory import privatefile

FILE_NAME = "digests.json"
AT_REST = 2.0
"""Seconds since the last change after which a digest may be remembered (FAT's grain)."""
MOST = 50_000
"""Entries that are kept, the ones that were read last."""

_Facts = list[int]
_Entry = list[Any]  # the facts and the SHA-1, as they stand in the file
_SHA1 = re.compile(r"[0-9a-f]{40}")


class Digests:
    """A cache in the state folder. Losing it costs time only, so trouble with it is no error."""

    def __init__(self, state_dir: Path, *, now: Callable[[], float] = time.time) -> None:
        self._path = state_dir / FILE_NAME
        self._now = now
        self._here = str(Path.cwd())
        self._known = _remembered(self._path)
        self._changed = False

    def sha1(self, path: Path, *, check: Callable[[], None] = lambda: None) -> str:
        """The file's SHA-1 as 40 hex digits. `check` is called at each piece.

        Raises InputProblem when the file cannot be read.
        """
        return self.seen(path, check=check)[0]

    def seen(self, path: Path, *, check: Callable[[], None] = lambda: None) -> tuple[str, int]:
        """Its SHA-1, and when it was modified, in nanoseconds. As `sha1` else."""
        name = os.path.join(self._here, path)  # noqa: PTH118 - quick, for many
        try:
            status = os.stat(path)  # noqa: PTH116
        except OSError as error:
            raise unreadable(str(path), error) from None
        facts = _facts(status)
        known = self._known.get(name)
        if known is not None and known[0] == facts:
            return known[1], status.st_mtime_ns
        digest = file_sha1(path, label=str(path), check=check)
        if self._now() - max(status.st_mtime, status.st_ctime) >= AT_REST:
            self._known.pop(name, None)  # so that it comes last
            self._known[name] = [facts, digest]
            self._changed = True
        return digest, status.st_mtime_ns

    def keep(self) -> None:
        """Write the cache, whole or not at all."""
        if not self._changed:
            return
        known = dict(list(self._known.items())[-MOST:])
        with suppress(OSError):
            privatefile.replace(self._path, json.dumps(known).encode())
            self._changed = False


def _remembered(path: Path) -> dict[str, _Entry]:
    """What is in the cache; nothing where it is missing or damaged."""
    try:
        found: dict[str, _Entry] = json.loads(path.read_bytes())
        return found if all(_SHA1.fullmatch(sha1) for _, sha1 in found.values()) else {}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def _facts(status: os.stat_result) -> _Facts:
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
