"""A finished temporary file gets its final name: at once, for good, and never over another's."""

from __future__ import annotations

import errno
import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path

from compressor_cli.engine.names import split
from compressor_cli.engine.target import Target
from compressor_cli.errors import OutputProblem

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EXDEV, errno.EMLINK}


def temporary(final: Path) -> Path:
    """A new name beside `final`, for the bytes until they are verified."""
    name = os.fsencode(final.name)[:200].decode(sys.getfilesystemencoding(), "ignore")
    return final.with_name(f".{name}.{secrets.token_hex(4)}.part")


def put_in_place(part: Path, goal: Target) -> Path:
    """Give the verified file `part` its final name, durably. Returns the name it got.

    Raises OutputProblem; if someone else made the target meanwhile, of other content, the result is
    kept under a spare name that the message tells.
    """
    final = goal.path
    assert final is not None
    try:
        if goal.replace:
            part.replace(final)
        else:
            _link_new(part, final)
    except FileExistsError:
        if not _same(part, final):
            raise _taken(part, final) from None
    except OSError as error:
        raise OutputProblem(f"{final} cannot be written: {error.strerror}") from None
    _sync_folder(final.parent)
    return final


def _link_new(part: Path, final: Path) -> None:
    """Rename that never replaces: a second link fails if the name is taken."""
    try:
        final.hardlink_to(part)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _reserve(part, final)
    else:
        with suppress(OSError):  # it goes when the download ends
            part.unlink()


def _reserve(part: Path, final: Path) -> None:
    """The same where there are no links: the name is taken by an empty file, then replaced."""
    os.close(os.open(final, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        part.replace(final)
    except OSError:
        with suppress(OSError):
            final.unlink()
        raise


def _same(part: Path, final: Path) -> bool:
    """Whether what is there is the very result, as another run put it there; `part` then goes."""
    import filecmp

    with suppress(OSError):
        if filecmp.cmp(part, final, shallow=False):
            part.unlink()
            return True
    return False


def _taken(part: Path, final: Path) -> OutputProblem:
    stem, extension = split(final.name)
    spare = final.with_name(f"{stem}.{secrets.token_hex(4)}{extension}")
    try:
        part.replace(spare)
    except OSError:
        return OutputProblem(f"{final} was made by someone else meanwhile, and stays theirs")
    return OutputProblem(f"{final} was made by someone else meanwhile; the result is in {spare}")


def _sync_folder(folder: Path) -> None:
    """Make the new name survive a power cut, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
