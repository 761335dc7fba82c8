"""When and on what a table was measured: the machine and the versions."""

from __future__ import annotations

import datetime
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from environments import peers
from place import SEARCHED, Missing

_NUMBER = re.compile(r"\d+(?:\.\d+)+")


def described(programs: Path) -> str:
    """Lines of Markdown. `programs`: where our command and its Python lie."""
    facts = {
        "date": datetime.datetime.now(tz=datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{_processor()}, {os.cpu_count()} cores, {_memory()}",
        "kernel": f"{platform.system()} {platform.release()}",
        "installed": _installed(programs),
        "load": f"{os.getloadavg()[0]:.2f} at the start",
        "versions": ", ".join(f"{name} {number}" for name, number in _versions(programs).items()),
    }
    return "".join(f"- {name}: {fact}\n" for name, fact in facts.items())


def _installed(programs: Path) -> str:
    if programs == Path(sys.executable).parent:
        return "among all else in this Python's environment, which may slow its start"
    return "in an environment of its own"


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
    return found[1] if found else platform.machine()


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    except (ValueError, OSError):
        return "unknown memory"


def _versions(programs: Path) -> dict[str, str]:
    python = str(programs / "python")
    found = {"Python": _said(python, ["--version"])}
    for package in ("compressor-cli", "httpx", "typer", "rich"):
        asked = f"from importlib.metadata import version; print(version({package!r}))"
        found[package] = _said(python, ["-c", asked])
    for name, words in {
        "curl": ["--version"],
        "nginx": ["-v"],
        "git": ["--version"],
    }.items():
        found[name] = _said(shutil.which(name, path=SEARCHED), words)
    try:
        there = peers()
    except Missing:
        return found | dict.fromkeys(("httpie", "twine", "hf"), "missing")
    for name, program, words in (
        ("httpie", "http", ["--version"]),
        ("twine", "twine", ["--version"]),
        ("hf", "hf", ["version"]),
    ):
        found[name] = _said(str(there / program), words)
    return found


def _said(program: str | None, words: list[str]) -> str:
    """The first version number that the program says."""
    if program is None:
        return "missing"
    try:
        done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    except OSError:
        return "missing"
    number = _NUMBER.search(done.stdout + done.stderr)
    return number[0] if number else "unknown"
