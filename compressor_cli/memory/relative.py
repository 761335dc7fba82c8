"""The name of a file relative to a folder, with `/`, for many files of few folders."""

from __future__ import annotations

import os
from pathlib import Path


class Relative:
    """Names below, or beside, `root`. Of each folder the way is found out once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders: dict[str, str] = {}

    def name(self, file: Path) -> str:
        """The file's name as seen from the root; absolute where that is on another drive."""
        text = str(file)
        cut = text.rfind(os.sep) + 1
        folder, last = text[:cut], text[cut:]
        if last in ("", os.curdir, os.pardir) or ":" in last:  # a colon may end a drive's name
            return self._found(text)
        before = self._folders.get(folder)
        if before is None:
            before = self._folders[folder] = self._before(folder or os.curdir)
        return before + last

    def _before(self, folder: str) -> str:
        """What stands before the names of a folder's files."""
        found = self._found(folder)
        if found == os.curdir:
            return ""
        return found if found.endswith("/") else f"{found}/"

    def _found(self, path: str) -> str:
        try:
            return Path(os.path.relpath(path, self._root)).as_posix()
        except ValueError:  # on another drive
            return Path(path).absolute().as_posix()
