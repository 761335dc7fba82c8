"""A user of whom the system knows nothing: no name, no home, and none of root's rights."""

from __future__ import annotations

import functools
import shlex
import subprocess

import pytest

from .tools import needs

_BECOME = ["unshare", "-U", "--map-user=54321"]


def as_nobody(*words: str) -> str:
    """A shell script that runs this as such a user, who owns what this user owns.

    Skips where this user may not make a user namespace.
    """
    needs("unshare")
    if not _may_become():
        pytest.skip("this user may not make a user namespace")
    return shlex.join([*_BECOME, *words])


@functools.cache
def _may_become() -> bool:
    return subprocess.run([*_BECOME, "true"], capture_output=True, check=False).returncode == 0
