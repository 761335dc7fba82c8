"""Whether a path stays in a folder when its links are followed, and which link leads out of it.

For the paths that a project file names: whoever runs it in a clone need not have made the links.
"""

from __future__ import annotations

import os
from pathlib import Path

from compressor_cli.errors import UsageProblem


class Inside:
    """`root` with all that really lies in it. Folders are looked at once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._real = _real(root)
        self._below = os.path.join(self._real, "")  # noqa: PTH118
        self._folders: set[str] = set()

    def holds(self, path: str | Path) -> bool:
        """Whether the path, which need not be there, is the root or really below it."""
        folder, name = os.path.split(path)
        if folder in self._folders and name not in ("", os.curdir, os.pardir):
            if not os.path.islink(path):  # noqa: PTH114 - quick, for many
                return True
        elif self._has(_real(folder)):
            self._folders.add(folder)
        return self._has(_real(path))

    def check(self, path: str | Path) -> None:
        """Raises UsageProblem, with the link and where it leads, unless the path stays inside."""
        if not self.holds(path):
            link = self._leading_out(Path(path))
            raise UsageProblem(
                f"{link} is a link out of the project's folder, to {os.path.realpath(link)}",
                hint=f"paths of the project file stay inside {self._root}; name what lies outside "
                "on the command line",
            )

    def _leading_out(self, path: Path) -> Path:
        """The first link on the way whose end is outside, while it lies inside itself."""
        for part in (*reversed(path.parents), path):
            if part.is_symlink() and self._has(_real(part.parent)) and not self._has(_real(part)):
                return part
        return path

    def _has(self, real: str) -> bool:
        return real == self._real or real.startswith(self._below)


def _real(path: str | Path) -> str:
    return os.path.normcase(os.path.realpath(path))
