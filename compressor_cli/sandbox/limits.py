"""What one compression may use, how it is held to that, and how it says that it cannot be done."""

from __future__ import annotations

import ctypes
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

_NEW_NETWORK = 0x40000000  # CLONE_NEWNET
_NEW_USER = 0x10000000  # CLONE_NEWUSER
_END_WITH_PARENT = 1  # PR_SET_PDEATHSIG


class CannotCompress(Exception):
    """The file or its options are not fit for use; the text is meant for the user."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one compression may use: pixels over all frames, seconds of CPU, bytes.

    `file_size` is the most that may be written, and that packed content may unpack to.
    """

    pixels: int
    cpu_seconds: int
    memory: int
    file_size: int


def restrain(limits: Limits) -> None:
    """Let the system end this process when it uses more than `limits`, where systems can."""
    try:
        import resource
    except ImportError:  # not on Windows: the wall limit of the parent remains
        return
    for what, amount in (
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_FSIZE, limits.file_size),
    ):
        _, most = resource.getrlimit(what)
        soft = amount if most == resource.RLIM_INFINITY else min(amount, most)
        with suppress(ValueError, OSError):  # macOS refuses some of them
            resource.setrlimit(what, (soft, most))


def isolate() -> None:
    """Take the network from this process and its children, where the system lets it.

    No codec needs one; this holds even where a file finds a way to name an address.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    with suppress(AttributeError):
        if libc.unshare(_NEW_NETWORK) != 0:  # only root may do that alone
            libc.unshare(_NEW_USER | _NEW_NETWORK)


def end_with_parent() -> None:
    """Let this process be killed when the one that started it ends, where the system can."""
    if sys.platform == "linux":
        with suppress(AttributeError):
            ctypes.CDLL(None).prctl(_END_WITH_PARENT, signal.SIGKILL)


@contextmanager
def writing() -> Iterator[None]:
    """Around whatever writes the output. Raises CannotCompress if that fails."""
    try:
        yield
    except OSError as error:
        raise CannotCompress(f"the output cannot be written: {error.strerror}") from None
