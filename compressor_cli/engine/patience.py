"""How often one transfer, up or down, is tried again, and when it is given up."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from compressor_cli.engine import backoff
from compressor_cli.engine.crew import Crew
from compressor_cli.engine.gate import Gate
from compressor_cli.errors import TemporaryTrouble, Throttled

THROTTLES = 10
"""So many requests to pause in a row, and the transfer is given up for now."""

Told = Callable[[TemporaryTrouble, float], None]
"""Told what went wrong, and the seconds until the next try."""


class Patience:
    """That of one transfer. `told` is called before each wait."""

    def __init__(self, crew: Crew[Any], gate: Gate, told: Told) -> None:
        self._crew = crew
        self._gate = gate
        self._told = told
        self._failures = 0
        self._throttles = 0

    def headway(self) -> None:
        """The last try came further than those before: its failure is the first of a new row."""
        self._failures = 0

    def after(self, error: TemporaryTrouble) -> None:
        """Wait as long as the error asks for. Raises it, without its details, to give up."""
        if isinstance(error, Throttled):
            self._throttles += 1
            wait = self._gate.hold(error.retry_after)
            if self._throttles >= THROTTLES or self._too_long(wait):
                hint = f"the service asks for a pause of {wait:.0f} s: run it again after that"
                raise TemporaryTrouble(error.message, hint=hint) from None
            self._told(error, wait)
            self._gate.wait(self._crew.sleep)
            return
        self._failures += 1
        hope = self._gate.failed()
        if not hope or self._failures >= backoff.ATTEMPTS:
            hint = error.hint or f"tried {self._failures} times: run it again later"
            raise TemporaryTrouble(error.message, hint=hint) from None
        wait = backoff.retry(self._failures, chance=random.random())
        self._told(error, wait)
        self._crew.sleep(wait)

    def _too_long(self, wait: float) -> bool:
        left = self._crew.deadline.remaining()
        return left is not None and wait > left
