"""Rows A: connecting, TLS, proxies, configuration."""

from __future__ import annotations

import pytest
from raw import closed_port
from running import Box

from .proxy import Proxy
from .scene import Scene


@pytest.mark.row("A1")
def test_a_service_that_comes_up_late(scene: Scene, box: Box) -> None:
    """Refused at first; then all goes well, with one accepted POST."""
    scene.source("photo.png")
    with Proxy(box.origin, up=False) as proxy:
        scene.api(proxy.url)
        going = scene.start("submit", "photo.png", "-o", "small.png")
        going.says("next try")
        proxy.open()
        scene.held(going.ended(), code=0)
    assert box.stats()["accepted"] == 1


@pytest.mark.row("A2")
def test_nobody_listens(scene: Scene) -> None:
    """One clear line with host and port, after a few tries."""
    scene.source("photo.png")
    port = closed_port()
    scene.api(f"http://127.0.0.1:{port}")
    done = scene.run("submit", "photo.png", code=5, within=60)
    assert f"127.0.0.1:{port}" in done.stderr
