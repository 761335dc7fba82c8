"""What each start imports, by name: time is measured in tests/bench, never here."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from conftest import File
from running import Box, Compressor

NETWORK = {"httpx", "httpcore", "h11", "ssl", "anyio", "certifi"}
HEAVY = {"rich", "tomlkit", "asyncio", "aiohttp", "PIL", "pikepdf", "pydantic", "pygments", "click"}
COMMANDS = re.compile(r"compressor_cli\.commands\.(\w+)")


def imported(compressor: Compressor, *words: str, **env: str) -> set[str]:
    """The modules that a run imports, but for a command itself, which importlib brings unseen."""
    unmeasured = {n: value for n, value in compressor.environment().items() if n[:3] != "COV"}
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "compressor_cli", *words],
        env={**unmeasured, **env}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    names = set(re.findall(r"^import time:.*\| +(\S+)$", done.stderr, re.MULTILINE))
    assert "compressor_cli.app" in names, done.stderr
    return names


def commands(names: set[str]) -> set[str]:
    return {found[1] for name in names if (found := COMMANDS.fullmatch(name))}


COLLECTING = """
import gc, sys
import compressor_cli.app, compressor_cli.__main__
compressor_cli.app._leave = lambda code: print(gc.isenabled(), gc.get_freeze_count() > 10_000)
sys.argv = ["compressor", "--version"]
compressor_cli.__main__.run()
"""


def test_garbage_is_collected_once_all_is_loaded() -> None:
    """Not while modules are loaded, which then stay to the end."""
    done = subprocess.run([sys.executable, "-c", COLLECTING], capture_output=True, check=False)
    assert done.stdout.splitlines()[1:] == [b"True True"], done.stderr


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["sumbit"]])
def test_no_command_is_imported_that_was_not_asked_for(
    compressor: Compressor, words: list[str]
) -> None:
    """Version, help and a wrong word: no command, no network, no ledger."""
    names = imported(compressor, *words)
    assert commands(names) == {"roster"}
    assert names.isdisjoint(NETWORK | HEAVY | {"sqlite3", "tomllib", "email", "platformdirs"})


def test_completion_imports_the_command_that_is_completed_only(compressor: Compressor) -> None:
    env = {
        "_COMPRESSOR_COMPLETE": "complete_bash",
        "COMP_WORDS": "compressor get --",
        "COMP_CWORD": "2",
    }
    names = imported(compressor, **env)
    assert "compressor_cli.engine.target" in names, "what the options of `get` stand on"
    assert commands(names).isdisjoint({"submit", "compress", "check", "sandbox", "auth", "road"})
    assert names.isdisjoint(NETWORK | HEAVY)
    first = imported(compressor, **{**env, "COMP_WORDS": "compressor su", "COMP_CWORD": "1"})
    assert commands(first) == {"roster", "completions"}


def test_a_piped_status_imports_what_a_look_needs(compressor: Compressor, box: Box) -> None:
    """HTTP and the ledger, but nothing that draws, downloads, or speaks TLS to nobody."""
    job = "38a8bb5e-17a1-4b0b-8c49-3c2d1f0f6a10"
    names = imported(compressor, "status", job)
    assert box.routes() == ["job"]
    assert {"httpx", "sqlite3"} <= names
    assert names.isdisjoint(HEAVY - {"click", "rich", "pygments"})  # httpx brings these if it can
    assert "compressor_cli.terminal.live" not in names
    assert "compressor_cli.engine.saving" not in names
    assert "compressor_cli.engine.delivery" not in names
    assert commands(names).isdisjoint({"submit", "get", "compress", "check", "sandbox", "batch"})


def test_a_check_that_finds_something_imports_nothing_that_sends(
    compressor: Compressor, file: File
) -> None:
    """It only names the command that would."""
    words = ["check", str(file("a.png")), "-o", str(compressor.folder / "small")]
    assert compressor(*words).code == 11
    names = imported(compressor, *words)
    assert names.isdisjoint(NETWORK | {"sqlite3"})
    assert commands(names).isdisjoint({"road", "trip", "submit"})
