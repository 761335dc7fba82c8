"""How far the road of a pipeline goes, and who does what on it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from compressor_cli.engine.updates import Item

DELIVERERS = 4
"""Results that are fetched at once."""

Deliver = Callable[[Item], None]
"""Brings a completed item's result to its place, in a worker's thread, or raises."""

Claim = Callable[[Item], AbstractContextManager[object]]
"""Around a submit: nobody else sends the same meanwhile. When it begins the item may get a
`job_id`, of a job that somebody made of the same bytes, or be `skipped`: then it is not sent."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How far the road goes: `wait` until jobs end, then `deliver`, None: results stay there.

    `any_one`: the first job that ends is enough. `uploaders`: submits at once; 1 keeps their order.
    `in_flight`: so many submitted items at most are on their road at once, None for any number.
    `fail_fast`: after the first error nothing more is submitted.
    """

    wait: bool = False
    deliver: Deliver | None = None
    any_one: bool = False
    uploaders: int = 1
    in_flight: int | None = None
    fail_fast: bool = False
    claim: Claim = nullcontext
