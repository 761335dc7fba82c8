"""What every command line shares: help, version, usage errors, the exit codes' list, bugs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from running import Compressor

from compressor_cli import __version__

COMMANDS = [
    ["submit"], ["status"], ["wait"], ["get"], ["jobs"], ["jobs", "forget"],
    ["auth"], ["auth", "login"], ["auth", "status"], ["auth", "logout"],
    ["config"], ["config", "path"], ["config", "list"], ["config", "get"], ["config", "set"],
    ["config", "unset"], ["sandbox"], ["sandbox", "start"], ["sandbox", "exec"],
]  # fmt: skip


def test_the_version_is_printed(compressor: Compressor) -> None:
    assert compressor("--version").whole == (
        f"exit 0\n-- stdout\ncompressor {__version__}\n-- stderr\n"
    )


def test_the_module_is_the_same_command(compressor: Compressor) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "compressor_cli", "--version"],
        env=compressor.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, f"compressor {__version__}\n")


def test_the_help_names_every_exit_code(compressor: Compressor) -> None:
    """One line each, not run together, and readable at 80 columns."""
    done = compressor("--help")
    assert done.code == 0
    assert done.stderr == ""
    listed = done.stdout.partition("Exit codes:\n")[2].splitlines()
    codes = [re.match(r" +(\d+(?:, \d+)*)  ?", line) for line in listed]
    assert [match[1] for match in codes if match] == [
        *map(str, range(12)), "129, 130, 143", "141",
    ]  # fmt: skip
    assert max(map(len, done.lines)) <= 80


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_each_command_has_help(compressor: Compressor, words: list[str]) -> None:
    """Without a key, a network or a home."""
    done = compressor(*words, "-h", env={"HOME": None, "COMPRESSOR_API_KEY": None})
    assert done.code == 0
    assert done.lines[0].startswith(f"Usage: compressor {' '.join(words)}")
    assert done.stderr == ""
    if len(words) == 2 or words[0] in ("submit", "status", "wait", "get"):
        assert "Example: " in done.stdout


def test_alone_it_shows_what_most_people_want(compressor: Compressor) -> None:
    """On stderr: a script that lost its arguments gets no results and the code of a usage error."""
    done = compressor()
    assert (done.code, done.stdout) == (2, "")
    assert re.findall(r"^  compressor (\w+)", done.stderr, re.MULTILINE) == [
        *("submit", "compress", "sandbox")
    ]
    assert done.stderr.endswith("All commands: compressor --help\n")
    assert max(map(len, done.stderr.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sumbit"], "compressor: No such command 'sumbit'."),
        (["submit"], "compressor: Missing argument 'SOURCE...'."),
        (["submit", "--colour"], "compressor: No such option: --colour"),
        (["auth"], "compressor: Missing command."),
        (["submit", "x", "--compression", "best"], "compressor: Invalid value for '--compression'"),
        (["jobs", "--state", "done"], "compressor: Invalid value for '--state'"),
        (["status", "--timeout", "soon", "x"], "compressor: not a length of time: 'soon'"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_usage_errors_are_one_line_and_where_to_read_on(
    compressor: Compressor, words: list[str], said: str
) -> None:
    done = compressor(*words)
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.startswith(said)
    assert len(done.stderr.splitlines()) == 2


def test_a_file_in_the_place_of_a_command_is_to_be_submitted(compressor: Compressor) -> None:
    (compressor.folder / "a b.png").touch()
    done = compressor("a b.png", "-o", "small.png")
    assert done.code == 2
    assert "to compress it: compressor submit 'a b.png' -o small.png\n" in done.stderr
    assert compressor("x" * 5000).stderr.endswith("see: compressor --help\n")


def test_hostile_arguments_are_shown_escaped(compressor: Compressor) -> None:
    done = compressor("x\x1b]0;title\x07\u202e[red]")
    assert done.code == 2
    assert r"x\x1b]0;title\x07\u202e[red]" in done.stderr


@pytest.mark.parametrize("words", [[], ["-v"]])
def test_a_bug_is_confessed_without_values(compressor: Compressor, words: list[str]) -> None:
    """One line and how to report it; with -v where it happened; never what was in a variable."""
    script = (
        "import compressor_cli.app as a\n"
        "def boom(verbose: bool = a.typer.Option(False, '-v')):\n"
        "    key = 'a-secret' * 2\n"
        "    raise RuntimeError(key)\n"
        "a.app.command()(boom)\n"
        "a.main()\n"
    )
    path = compressor.folder / "run.py"
    path.write_text(script)
    done = subprocess.run(
        [sys.executable, str(path), "boom", *words],
        env=compressor.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("compressor: unexpected RuntimeError; this is a bug\n")
    assert "a-secreta-secret" not in done.stderr
    assert ("run it again with -v" in done.stderr) == (not words)
    assert ('run.py", line 4, in boom' in done.stderr) == bool(words)
    with Path("/dev/full").open("w") as full:
        unheard = subprocess.run(
            [sys.executable, str(path), "boom", *words],
            env=compressor.environment(), stdout=subprocess.DEVNULL, stderr=full, check=False,
        )  # fmt: skip
    assert unheard.returncode == 1


def test_nothing_of_the_network_or_the_sandbox_is_imported_for_help(
    compressor: Compressor, tmp_path: Path
) -> None:
    """Start-up stays short: what a command does not need is not loaded."""
    script = (
        "import sys, compressor_cli.commands.config, compressor_cli.memory.settings\n"
        "print([m for m in ('aiohttp', 'PIL', 'tomlkit', 'pydantic')"
        " if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=compressor.environment(), cwd=tmp_path,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "[]\n"
