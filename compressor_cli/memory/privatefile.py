"""How files that others must not read are made: folders 0700, files 0600, whole or not at all."""

from __future__ import annotations

import contextlib
import glob
import os
from pathlib import Path

from compressor_cli.memory.exclusive import alone_in


def make_folder(folder: Path) -> None:
    """Makes the folder and every missing one above it, each 0700 from its first moment.

    Folders that exist keep their mode. Raises OSError.
    """
    for step in reversed((folder, *folder.parents)):
        step.mkdir(0o700, exist_ok=True)


def create_empty(path: Path) -> None:
    """Makes an empty file, 0600 whatever the umask, unless there is one. Raises OSError."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def replace(path: Path, content: bytes) -> None:
    """Puts a 0600 file with this content in the place of `path`, or of what a symlink there means.

    At every moment there is the old file or the new one, on disk too, and after a failure no other
    file; what killed writers left goes. Raises OSError, also when something is there that is not a
    regular file.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise FileExistsError(f"{target} is not a regular file")
    make_folder(target.parent)
    with alone_in(target.parent):
        _sweep(target)
        _replace(target, content)


def sweep(path: Path) -> None:
    """Removes what writers that were killed left of `path`: it holds what they wrote.

    Raises OSError.
    """
    target = Path(os.path.realpath(path))
    if target.parent.is_dir():
        with alone_in(target.parent):
            _sweep(target)


def _sweep(target: Path) -> None:
    """For who is alone: else it might be what another is about to put in place."""
    for left in target.parent.glob(f".{glob.escape(target.name)}.*.part"):
        left.unlink(missing_ok=True)


def _replace(target: Path, content: bytes) -> None:
    spare = target.with_name(f".{target.name}.{os.urandom(4).hex()}.part")
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0)
    try:
        descriptor = os.open(spare, flags | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        spare.replace(target)
    except BaseException:
        spare.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    # The file is whole without this; only its name could be the old one after a power cut.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
