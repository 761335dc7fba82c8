"""Real tools for faults that cannot be scripted, and what stands in the way of using them here."""

from __future__ import annotations

import functools
import shutil
import subprocess
from pathlib import Path

import pytest
from running import PROGRAM


def needs(*tools: str) -> None:
    """Skip, with the reason, where a tool is missing. CI installs all and takes no skip."""
    missing = [tool for tool in tools if not shutil.which(tool, path=SEARCHED)]
    if missing:
        pytest.skip(f"not on this machine: {', '.join(missing)}")


SEARCHED = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def needs_own_network() -> None:
    """Skip where this user may not make a network namespace of its own."""
    needs("unshare", "ip")
    if not _may_unshare():
        pytest.skip("this user may not make a network namespace")


@functools.cache
def _may_unshare() -> bool:
    tried = subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False)
    return tried.returncode == 0


def traced(calls: str, fault: str, log: Path) -> list[str]:
    """The arguments for strace, which does `fault` to these system calls of the command after it.

    For `scene.start(*traced(…), "get", …, executable=shutil.which("strace"))`: strace looks on from
    aside (-D), so the process that was started is the command itself. The log shows no contents.
    """
    return [
        *("-D", "-f", "-q", "-s0", "-o", str(log)),
        *(f"-etrace={calls}", f"-einject={calls}:{fault}", str(PROGRAM)),
    ]
