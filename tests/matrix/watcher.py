"""Looks at a folder all the time: what stood under each name that is a final one."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

from .scene import sha1


class Watcher:
    """Watches `folder` until it is stopped."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._over = threading.Event()
        self._seen: set[tuple[Path, str]] = set()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        known: dict[tuple[int, int, int], str] = {}
        while not self._over.wait(0.01):
            for path in self._folder.rglob("*"):
                with suppress(FileNotFoundError):
                    if path.name.startswith(".") or not path.is_file():
                        continue
                    facts = path.stat()
                    key = (facts.st_ino, facts.st_mtime_ns, facts.st_size)
                    if key not in known:
                        known[key] = sha1(path.read_bytes())
                    self._seen.add((path, known[key]))

    def stop(self) -> set[tuple[Path, str]]:
        """Each path and the SHA-1 of what it held at some moment."""
        self._over.set()
        self._thread.join(10)
        return self._seen
