"""The benchmark runs from end to end, and its table has every line; never how large a number is."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest
from matrix.tools import needs

RUN = Path(__file__).with_name("run.py")
LINES = {
    "startup": [
        "--version, beside python -c pass",
        "--help, beside python -c pass",
        "status ID, over loopback, beside python -c pass",
        "status ID, over loopback, beside curl",
        "status ID, over loopback, beside http GET",
        "status ID, over loopback, beside twine",
        "status ID, over loopback, beside hf",
        "TAB at a command, warm",
        "TAB at an option, warm",
        "TAB at a job id, warm",
    ],
    "upload": [
        f"upload, {way}, {what}"
        for way in ("plain", "TLS")
        for what in ("as shipped", "the engine", "peak memory", "CPU time", "live display")
    ],
    "download": [
        f"download, {way}, {what}"
        for way in ("plain", "TLS")
        for what in (
            "verified and synced, beside curl -o",
            "verified and synced, beside curl -o && sync",
            "verified and synced, beside http --download",
            "peak memory",
            "CPU time",
            "live display",
        )
    ],
    "polling": [
        f"{what}, {trace}"
        for what in ("looks a job", "lateness")
        for trace in ("images", "documents", "videos", "any length")
    ],
    "live": [
        f"500 jobs, one process, {how}: {what}"
        for how, whats in (
            ("100 looks a second asked for", ("looks a second", "memory", "CPU", "lateness")),
            ("no pause asked for", ("looks a second", "memory", "CPU")),
        )
        for what in whats
    ],
    "batch": [
        "batch, 100 images of 50 kB, answered at once, -j 8",
        "batch, 100 images of 50 kB, answered later, -j 8",
        "batch, 100 images of 50 kB, answered later, -j 16",
    ],
    "unchanged": [
        "second run, 1000 files, in place, beside git status",
        "second run, 1000 files, in place: files read",
        "second run, 1000 files, with -o, results too, beside git status",
        "second run, 1000 files, with -o, results too: files read",
    ],
}


def _rows(table: str) -> dict[str, list[tuple[str, str, str]]]:
    """By section: what each line compares, what stands beside, and the ratio."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    section = ""
    for line in table.splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif line.startswith("| ") and not line.startswith(("| what", "| ---")):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            found.setdefault(section, []).append((cells[0], cells[2], cells[3]))
    return found


@pytest.mark.slow
def test_every_line_of_the_table_is_measured(tmp_path: Path) -> None:
    """One command measures all sections and writes the table that it prints."""
    needs("curl", "nginx", "git", "strace")
    results = tmp_path / "RESULTS.md"
    done = subprocess.run(
        [sys.executable, str(RUN), "--quick", "--output", str(results)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    table = results.read_text("utf-8")
    assert table == done.stdout
    for word in ("date", "machine", "kernel", "Python", "compressor-cli", "httpx", "curl", "git"):
        assert word in table.partition("## ")[0]
    rows = _rows(table)
    assert list(rows) == list(LINES)
    for section, starts in LINES.items():
        for what, beside, ratio in rows[section]:
            if "cannot be installed" in beside:
                pytest.skip(beside)
            assert math.isfinite(float(ratio)), (what, beside)
        for start in starts:
            assert [what for what, _, _ in rows[section] if what.startswith(start)], start


def test_a_section_that_does_not_exist_is_refused() -> None:
    """The sections are named."""
    done = subprocess.run(
        [sys.executable, str(RUN), "nonsense"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "no such section: nonsense" in done.stderr
