"""Rows B: what may go wrong while a file is handed over."""

from __future__ import annotations

import pytest
from running import Box

from .proxy import FINE, Proxy, Way, Weather
from .scene import Scene

LARGE = {"width": 2400, "height": 1200}
"""As BMP more than the buffers of the system hold, so that an upload can be caught half-way."""


@pytest.mark.row("B4")
@pytest.mark.parametrize(
    ("name", "size", "weather", "code"),
    [
        ("photo.bmp", LARGE, Weather(reset_before_server=True), 0),
        ("photo.bmp", LARGE, Weather(up=Way(reset_at=2_000_000)), 0),
        ("photo.png", {}, Weather(down=Way(reset_at=0)), 7),
    ],
    ids=["before any byte", "half-way", "after the last byte"],
)
def test_a_reset_is_tried_again_only_before_the_last_byte(
    scene: Scene, box: Box, name: str, size: dict[str, int], weather: Weather, code: int
) -> None:
    """At most one complete body reaches the server. A large file's key is asked about first."""
    scene.source(name, **size)
    with Proxy(box.origin, weather, weather, FINE) as proxy:
        scene.api(proxy.url)
        done = scene.run("submit", name, "-o", "out/", code=code)
        assert proxy.fired >= 1
    assert ("whether it was accepted is unknown" in done.stderr) == (code == 7)
    assert box.stats()["accepted"] == 1
