"""What a compression's process may not do: reach a network, or outlive the sandbox."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from matrix.tools import needs_own_network

from .conftest import until

ROOT = Path(__file__).parents[2]
_CALL = """
import socket, sys
from compressor_cli.sandbox.limits import isolate
if "apart" in sys.argv: isolate()
socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
"""
_PARENT = """
import subprocess, sys
child = ("from compressor_cli.sandbox.limits import end_with_parent; import time;"
         "end_with_parent(); print('ready', flush=True); time.sleep(60)")
child = subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE, text=True)
child.stdout.readline()
print(child.pid, flush=True)
input()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process do this")
def test_a_codec_has_no_network() -> None:
    """Not even that of its own machine; without the call it would have."""
    needs_own_network()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        for words, refused in (([port], False), ([port, "apart"], True)):
            done = subprocess.run(
                [sys.executable, "-c", _CALL, *words],
                cwd=ROOT, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert (done.returncode != 0) == refused
            assert ("Network is unreachable" in done.stderr) == refused


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process do this")
def test_a_codec_ends_with_the_sandbox() -> None:
    """Also when that was killed."""
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert parent.stdin is not None
    assert parent.stdout is not None
    with parent.stdin, parent.stdout:
        child = Path("/proc") / parent.stdout.readline().strip()
        assert child.exists()
        parent.kill()
        parent.wait(10)
        until(lambda: not child.exists() or "Z" in (child / "stat").read_text().split()[2])
