"""Standard input, as a source that is named `-`."""

from __future__ import annotations

import sys

from compressor_cli.engine.source import StdinSource
from compressor_cli.errors import InputProblem

STDIN = "-"


def stdin_source() -> StdinSource:
    """Standard input. Raises InputProblem where nothing can be expected to come."""
    if sys.stdin is None:
        raise InputProblem("there is no standard input, it is closed")
    if sys.stdin.isatty():
        raise InputProblem("standard input is the terminal", hint="pipe a file into it")
    return StdinSource(sys.stdin.buffer)
