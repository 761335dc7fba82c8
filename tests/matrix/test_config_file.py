"""Row A13: a configuration file that is broken, exposed or not there to read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from running import KEY, Box

from .nobody import as_nobody
from .scene import Scene

SECRET = "hunter2"
GOOD = f'api_key = "{KEY}"\n'


@pytest.fixture
def config(scene: Scene) -> Path:
    """Where the file is looked for; the environment gives no key."""
    del scene.compressor.env["COMPRESSOR_API_KEY"]
    scene.compressor.config.parent.mkdir(0o700)
    return scene.compressor.config


def write(config: Path, content: str | bytes, mode: int = 0o600) -> None:
    config.write_bytes(content.encode() if isinstance(content, str) else content)
    config.chmod(mode)


@pytest.mark.row("A13")
@pytest.mark.parametrize(
    ("mode", "warned"),
    [(0o600, ""), (0o400, ""), (0o644, "read"), (0o640, "read"), (0o622, "changed")],
    ids=["0600", "0400", "0644", "0640", "0622"],
)
def test_a_file_that_others_can_reach_is_warned_of(
    scene: Scene, box: Box, config: Path, mode: int, warned: str
) -> None:
    """In one line, with the command that mends it; the run goes on."""
    write(config, f'{GOOD}api_url = "{box.url}"\n', mode)
    scene.source("photo.png")
    done = scene.run("submit", "-q", "photo.png", code=0)
    warning = (
        f"compressor: warning: the configuration file {config} can be {warned} by others: "
        f"chmod 600 {config}\n"
    )
    assert done.stderr == (warning if warned else "")
    assert len(done.ids) == 1


@pytest.mark.row("A13")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"# caf\xe9\n" + GOOD.encode(), "{} is not UTF-8 (line 1)"),
        (GOOD.encode("utf-16"), "{} is not UTF-8 (line 1)"),
        (f'auth = "basic"\napi_key = "{KEY}\n', "{} is not valid TOML (line 2)"),
        (f"api_key = {KEY}\n", "{} is not valid TOML (line 1)"),
        (f"{GOOD}{GOOD}", "{} is not valid TOML (line 2)"),
        (f"{GOOD}x = {'[' * 5000}", "{} is nested too deeply"),
        (GOOD + "#" * 1024 * 1024, "{} is larger than 1 MiB"),
        (f'api_key = ["{KEY}"]\n', "api_key in {} must be text in quotes"),
        ("api_key = 20240101\n", "api_key in {} must be text in quotes"),
        (f'{GOOD}api_url = {{ x = "{SECRET}" }}\n', "api_url in {} must be text in quotes"),
        (f'{GOOD}auth = "{SECRET}"\n', 'auth in {} must be "bearer" or "basic"'),
        (f'{GOOD}timeout = "{SECRET}"\n', "timeout in {} must be a length of time"),
        (f"{GOOD}timeout = true\n", "timeout in {} must be a length of time"),
        (f'profiles = ["{SECRET}"]\n', "profiles in {} must be a table of tables"),
        (f'[profiles]\nwork = "{SECRET}"\n', "profiles.work in {} must be a table"),
        (f'api_kee = "{KEY}"\n', "unknown setting 'api_kee' in {}"),
        (f'profile = "{SECRET}"\n', "there is no profile of the name that profile in {} gives"),
    ],
    ids=[
        "latin-1",
        "utf-16",
        "no-end",
        "no-quotes",
        "twice",
        "nested",
        "large",
        "list",
        "date",
        "table",
        "auth",
        "timeout",
        "true",
        "no-tables",
        "no-table",
        "misspelt",
        "no-profile",
    ],
)
def test_a_file_that_cannot_be_understood(
    scene: Scene, box: Box, config: Path, content: str | bytes, said: str
) -> None:
    """One line with the path and the place, and no value; nothing is sent."""
    write(config, content)
    scene.source("photo.png")
    done = scene.run("submit", "photo.png", code=2, within=3)
    first, *hints = done.stderr.splitlines()
    assert first == "compressor: " + said.format(f"the configuration file {config}")
    assert len(hints) <= 1
    assert SECRET not in done.stdout + done.stderr
    assert box.requests == []


def directory(config: Path) -> None:
    config.mkdir()


def loop(config: Path) -> None:
    config.symlink_to(config)


def unreadable(config: Path) -> None:
    write(config, GOOD, 0o000)


def in_a_closed_folder(config: Path) -> None:
    write(config, GOOD)
    config.parent.chmod(0o000)


@pytest.mark.row("A13")
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (directory, "the configuration file {} is not a regular file"),
        (loop, "cannot read the configuration file {}: Too many levels of symbolic links"),
        (unreadable, "cannot read the configuration file {}: Permission denied"),
        (in_a_closed_folder, "cannot read the configuration file {}: Permission denied"),
    ],
    ids=["directory", "loop", "unreadable", "in a closed folder"],
)
def test_a_file_that_cannot_be_read(
    scene: Scene, box: Box, config: Path, spoil: Callable[[Path], None], said: str
) -> None:
    """One line with the path and the reason, also where the key would be in the environment."""
    scene.source("photo.png")
    spoil(config)
    env = {"COMPRESSOR_API_KEY": KEY}
    script = as_nobody("compressor", "submit", "photo.png")
    done = scene.shell(script, code=2, within=3, env=env)
    config.parent.chmod(0o700)
    first, *hints = done.stderr.splitlines()
    assert first == "compressor: " + said.format(config)
    assert all("COMPRESSOR_CONFIG" in hint for hint in hints)
    assert box.requests == []
    scene.run("submit", "photo.png", code=0, env={**env, "COMPRESSOR_CONFIG": "/dev/null"})
