"""Rows B: many sources at once, some of which fail, or are the same file."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from conftest import Faults
from raw import closed_port
from running import Box

from .scene import Scene

FAILURES: list[dict[str, Any]] = [
    {"on": "upload", "status": 422, "times": 8, "skip": 4},
    {"on": "upload", "status": 500, "times": 8},
    {"on": "upload", "fail": "out of luck", "times": 7},
    {"on": "upload", "drop": "after", "times": 7},
]
"""Thirty of a hundred uploads: refused, in doubt, a failed job, and an answer that is lost."""

COUNT = 100


@pytest.mark.row("B17")
def test_a_hundred_files_of_which_thirty_fail(scene: Scene, box: Box, faults: Faults) -> None:
    """Each success is kept, each file has its line, and each job its id, also where it failed."""
    for number in range(COUNT):
        scene.source(f"in/{number}.png", width=24, height=18, seed=number)
    faults(*FAILURES)
    done = scene.run("compress", "in", "-o", "out", "--json", code=1)
    *rows, summary = done.records
    assert {row["path"] for row in rows} == {f"in/{number}.png" for number in range(COUNT)}
    good = [row for row in rows if row["exit_code"] == 0]
    bad = [row for row in rows if row["exit_code"] != 0]
    assert {row["target"] for row in good} == {
        str(path.relative_to(scene.folder)) for path in (scene.folder / "out").iterdir()
    }
    assert Counter(row["exit_code"] for row in bad) == {6: 8 + 7, 7: 8 + 7}
    assert all(row["detail"] for row in bad)
    failed_jobs = [row for row in bad if "the job failed: out of luck" in row["detail"]]
    assert len({row["id"] for row in [*good, *failed_jobs]}) == 70 + 7
    assert summary["files"] == COUNT
    assert sum(summary["states"].values()) == COUNT
    assert summary["states"]["failed"] == 30
    for row in bad:
        assert f"compressor: {row['path']}: {row['detail']}" in done.stderr
    assert box.stats()["accepted"] == COUNT - 8 - 8


@pytest.mark.row("B17")
def test_tries_are_a_budget_of_all_files_together(scene: Scene) -> None:
    """A door that is closed is not knocked at five times for each file."""
    for number in range(COUNT):
        scene.source(f"in/{number}.png", width=24, height=18, seed=number)
    scene.api(f"http://127.0.0.1:{closed_port()}")
    done = scene.run("compress", "in", "-o", "out", "-j", "40", "--json", code=5)
    tries = re.findall(r"tried (\d) times: run it again later", done.stderr)
    assert len(tries) == COUNT
    assert sum(map(int, tries)) <= 40 + COUNT
    assert done.records[-1]["states"] == {"failed": COUNT}


@pytest.mark.row("B18")
def test_one_file_by_many_names_is_sent_once(scene: Scene, box: Box) -> None:
    """Also by links, which is told."""
    source = scene.source("a.png")
    (scene.folder / "hard.png").hardlink_to(source)
    (scene.folder / "soft.png").symlink_to(source)
    done = scene.run("submit", "a.png", "a.png", "./a.png", "hard.png", "soft.png", code=0)
    assert len(done.ids) == 1
    notes = [line for line in done.stderr.splitlines() if line.endswith("sent once")]
    assert notes == [
        f"{name} is the same file as a.png: sent once"
        for name in ("./a.png", "hard.png", "soft.png")
    ]
    assert box.routes() == ["upload"]


@pytest.mark.row("B18")
@pytest.mark.parametrize("service", ["box", "later"])
def test_a_batch_pays_once_for_the_same_bytes(
    scene: Scene, request: pytest.FixtureRequest, service: str
) -> None:
    """Hard links and copies get a result each, of one job."""
    box: Box = request.getfixturevalue(service)
    scene.api(box)
    source = scene.source("in/a.png")
    (scene.folder / "in/hard.png").hardlink_to(source)
    (scene.folder / "in/soft.png").symlink_to(source)
    scene.source("in/copy.png", source.read_bytes())
    done = scene.run("compress", "in", "in/a.png", "in/*.png", "-o", "out", "--json", code=0)
    *rows, summary = done.records
    results = {path.name: path.read_bytes() for path in (scene.folder / "out").iterdir()}
    assert results.keys() == {"a.png", "hard.png", "copy.png"}
    assert len(set(results.values())) == 1
    assert len({row["id"] for row in rows}) == 1
    assert summary["states"] == {"compressed": 3}
    assert box.stats()["accepted"] == 1


@pytest.mark.row("B18")
@pytest.mark.parametrize("trouble", [{"status": 422}, {"drop": "after"}], ids=["refused", "doubt"])
def test_what_fails_for_one_of_the_same_bytes(
    scene: Scene, box: Box, faults: Faults, trouble: dict[str, Any]
) -> None:
    """In doubt, all are. If surely nothing was accepted, the next is sent in its place."""
    content = scene.source("in/a.png").read_bytes()
    for name in ("in/copy.png", "in/twin.png"):
        scene.source(name, content)
    faults({"on": "upload", **trouble})
    in_doubt = "drop" in trouble
    done = scene.run("compress", "in", "-o", "out", "--json", code=7 if in_doubt else 6)
    *rows, summary = done.records
    assert {row["path"] for row in rows} == {"in/a.png", "in/copy.png", "in/twin.png"}
    assert box.stats()["accepted"] == 1
    if in_doubt:
        assert summary["states"] == {"failed": 3}
        assert len({row["detail"] for row in rows}) == 1
        assert box.routes() == ["upload"]
    else:
        assert summary["states"] == {"failed": 1, "compressed": 2}


@pytest.mark.row("B18")
@pytest.mark.parametrize(
    "where", [["--name", "{dir}/{stem}.min{ext}"], ["-o", "in/small"], ["--in-place"]]
)
def test_results_of_an_earlier_run_are_no_sources(scene: Scene, box: Box, where: list[str]) -> None:
    """Though the glob matches them."""
    for number in range(3):
        scene.source(f"in/{number}.png", seed=number)
    scene.run("compress", "in/**/*.png", *where, code=0)
    box.forget()
    again = scene.run("compress", "in/**/*.png", *where, code=0)
    assert again.stdout.startswith("3 files: 3 unchanged")
    assert box.requests == []


@pytest.mark.row("B18")
def test_two_sources_for_one_result_are_refused(scene: Scene, box: Box) -> None:
    """Before anything is sent."""
    scene.source("a/x.png")
    scene.source("b/x.png", seed=2)
    done = scene.run("submit", "a/x.png", "b/x.png", "-o", "out/", code=2)
    assert "several sources are called x.png, and their results would be too" in done.stderr
    assert box.requests == []
