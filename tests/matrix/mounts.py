"""Mounts that only the command sees: a small disk, a read-only one, devices or names of its own."""

from __future__ import annotations

import functools
import shlex
import subprocess

import pytest

from .tools import needs


def with_mounts(*steps: str, then: str) -> str:
    """A shell script: do the steps in a mount namespace of its own, and there run `then`.

    Skips where this user may not do that.
    """
    needs_mounts()
    return shlex.join(["unshare", "-m", "sh", "-c", " && ".join([*steps, then])])


def needs_mounts() -> None:
    """Skip where this user may not mount anything."""
    needs("unshare", "mount")
    if not _may_mount():
        pytest.skip("this user may not mount anything")


@functools.cache
def _may_mount() -> bool:
    words = ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0
