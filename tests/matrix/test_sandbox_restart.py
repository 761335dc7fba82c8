"""Row G8: a sandbox that is killed in the middle of a job, and started again."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from raw import closed_port

from .scene import Scene
from .serving import Served


@pytest.mark.row("G8")
def test_killed_in_mid_job_and_restarted(scene: Scene, tmp_path: Path) -> None:
    """The waiting command tells that nobody answers, goes on, and gets its output."""
    scene.source("photo.png")
    with Served(tmp_path / "server", closed_port()) as served:
        first = served.start("--answers", "later", "--work-seconds", "60")
        scene.api(served.box)
        going = scene.start("submit", "photo.png", "-o", "small.png")
        going.says("processing")
        assert served.box.stats()["accepted"] == 1
        first.process.kill()
        assert first.ended().code == -signal.SIGKILL
        going.says("next try")
        served.start()
        scene.held(going.ended(), code=0)
        assert served.box.stats()["accepted"] == 0  # counted anew since: nothing was sent again
        assert "upload" not in served.box.routes()


@pytest.mark.row("G8")
@pytest.mark.slow
def test_restarted_without_its_jobs(scene: Scene, tmp_path: Path) -> None:
    """The job is gone for good: told so with its id, after a short grace."""
    scene.source("photo.png")
    with Served(tmp_path / "server", closed_port()) as served:
        first = served.start("--answers", "later", "--work-seconds", "60")
        scene.api(served.box)
        job = scene.run("submit", "photo.png", code=0).stdout.strip()
        first.process.kill()
        first.ended()
        served.state = tmp_path / "server" / "fresh"
        served.start()
        gone = scene.run("wait", job, code=6)
        assert served.box.stats()["accepted"] == 0
        assert gone.stdout == f"{job}\terror\n"
        assert gone.stderr.endswith(
            "compressor: photo.png: the service answered 404: no job with this id\n"
            "  the jobs that were submitted from here: compressor jobs\n"
        )
