"""How signals end a process: in order, not by an echo, and at the latest after some seconds."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

STUCK = """
import os, signal, sys
from compressor_cli.engine.ending import Ending

Ending(lambda number: None, tidy=lambda: os.write(1, b"tidy"), latest=0.3).listen()
out, into = os.pipe()
os.kill(os.getpid(), int(sys.argv[1]))
os.read(out, 1)
"""

CLEANING = """
import os, signal, sys, time
from compressor_cli.engine.ending import Ending

def first(number):
    raise SystemExit(128 + number)

Ending(first).listen()
try:
    os.kill(os.getpid(), int(sys.argv[1]))
finally:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(os.getpid(), number)
    os.write(1, b"clean")
"""


def run(script: str, number: int) -> tuple[int, bytes, bytes]:
    done = subprocess.run(
        [sys.executable, "-c", script, str(int(number))],
        capture_output=True,
        timeout=20,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_ends_whatever_the_main_thread_waits_for(number: int) -> None:
    """As where it writes to a pipe whose reader does not read; what is half done is removed."""
    begun = time.monotonic()
    assert run(STUCK, number) == (128 + number, b"tidy", b"")
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_that_follow_at_once_do_not_disturb_the_cleaning(number: int) -> None:
    assert run(CLEANING, number) == (128 + number, b"clean", b"")
