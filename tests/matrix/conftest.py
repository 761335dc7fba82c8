"""What the rows need: a scene, and tools that may be missing on a machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from running import Box, Compressor

from .scene import Scene


@pytest.fixture
def scene(compressor: Compressor, request: pytest.FixtureRequest) -> Iterator[Scene]:
    """The stage of one row. It watches `box` or `later`, whichever the test asks for."""
    stage = Scene(compressor)
    for name in ("box", "later"):
        if name in request.fixturenames:
            box: Box = request.getfixturevalue(name)
            stage.watch(box)
    yield stage
    stage.close()
