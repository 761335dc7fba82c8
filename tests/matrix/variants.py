"""Variants of a row that take long together, and differ little from those that run always."""

from __future__ import annotations

from typing import Any

import pytest


def slowly(*variants: Any) -> list[Any]:
    """These variants of a parametrized test, marked slow; a tuple is one with several arguments."""
    parts = [each if isinstance(each, tuple) else (each,) for each in variants]
    return [pytest.param(*each, marks=pytest.mark.slow) for each in parts]
