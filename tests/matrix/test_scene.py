"""The one checker: that it sees what must not be, so that a green row means something."""

from __future__ import annotations

import pytest
from raw import RawServer, message, says
from running import Box, Compressor

from .scene import Scene


@pytest.mark.usefixtures("box")
def test_a_result_over_its_source_is_seen(scene: Scene) -> None:
    scene.source("a.png")
    with pytest.raises(AssertionError, match=r"\(ii\) changed: .*a\.png"):
        scene.shell("compressor submit a.png -o x.png && cp x.png a.png", code=0)
    scene.run("submit", "a.png", "-o", "y.png", code=0)


@pytest.mark.usefixtures("box")
def test_a_result_of_another_run_is_seen(scene: Scene) -> None:
    """It is verified, but it does not belong there."""
    scene.source("a.png", seed=5)
    scene.run("submit", "a.png", "-o", "a.small.png", code=0)
    scene.source("b.png", seed=6)
    with pytest.raises(AssertionError, match=r"nor this run's: .*b\.small\.png"):
        scene.shell("cp a.small.png b.small.png; compressor submit b.png -o x.png", code=0)


def test_a_body_sent_twice_is_seen(scene: Scene) -> None:
    """Also where no sandbox counts: by the bodies that came whole and were not refused."""
    scene.source("photo.png")
    refusal, lost = says(message(422, {"message": "no"})), says(message(201, b"{"))
    with RawServer(refusal, lost, refusal, lost) as server:
        scene.api(server)
        scene.run("submit", "photo.png", code=6)
        scene.run("submit", "photo.png", code=7)
        scene.run("submit", "photo.png", code=6)
        with pytest.raises(AssertionError, match=r"\(v\) sent whole more than once"):
            scene.run("submit", "photo.png", code=7)


def test_a_late_end_is_seen(scene: Scene, box: Box) -> None:
    """Of a command that was started, too."""
    scene.source("a.png")
    box.script({"on": "upload", "stall": 1.8})
    going = scene.start("submit", "a.png")
    with pytest.raises(AssertionError, match=r"\(vi\) ended"):
        scene.held(going.ended(), 0, within=0.1)
    scene.run("jobs", code=0)


@pytest.mark.parametrize(
    "script",
    [
        "echo 'compressor: unexpected KeyError; this is a bug' >&2; exit 1",
        "printf half",
        "printf '\\033[1m\\n'",
        "echo {} --json",
        "echo x > a.png.part",
    ],
)
def test_a_script_is_looked_at_like_a_command(compressor: Compressor, script: str) -> None:
    with pytest.raises((AssertionError, ValueError)):
        compressor.shell(script)
