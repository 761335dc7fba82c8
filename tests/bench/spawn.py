"""Runs one command and prints, as JSON, what it took: seconds, CPU seconds, peak bytes, exit code.

A small process of its own, because Linux counts in a program's peak memory that of the process that
started it. Needs nothing but the standard library; Linux only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import termios
import threading
import time

KEPT = 4000
"""Bytes of the command's last words that are handed on."""


def main(kind: str, *words: str) -> None:
    """`kind`: `terminal` gives the command's stderr a terminal, anything else a pipe."""
    on_terminal = kind == "terminal"
    ours, theirs = os.openpty() if on_terminal else os.pipe()
    if on_terminal:
        termios.tcsetwinsize(theirs, (24, 100))
    said = bytearray()
    reader = threading.Thread(target=_read, args=(ours, said), daemon=True)
    begun = time.perf_counter()
    process = subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs
    )
    os.close(theirs)
    reader.start()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    reader.join(1.0)  # a grandchild may hold the pipe open
    took = {
        "seconds": seconds,
        "cpu": used.ru_utime + used.ru_stime,
        "peak": used.ru_maxrss * 1024,
        "code": os.waitstatus_to_exitcode(status),
        "said": said.decode("utf-8", "replace"),
    }
    sys.stdout.write(json.dumps(took))
    sys.stdout.flush()
    os._exit(0)


def _read(handle: int, said: bytearray) -> None:
    try:
        while piece := os.read(handle, 65536):
            said += piece
            del said[:-KEPT]
    except OSError:  # how a terminal says that nobody is at its other end
        return


if __name__ == "__main__":
    main(*sys.argv[1:])
