"""Row A15: no home, a home that cannot be written to, and root with no mask."""

from __future__ import annotations

import shlex
import stat
from pathlib import Path

import pytest
from running import KEY, Box

from .mounts import with_mounts
from .nobody import as_nobody
from .scene import Scene

NO_PLACES: dict[str, str | None] = {"COMPRESSOR_CONFIG": None, "COMPRESSOR_STATE_DIR": None}
NO_HOME: dict[str, str | None] = {**NO_PLACES, "HOME": None}
WITHOUT_A_FILE = "  COMPRESSOR_API_KEY and COMPRESSOR_API_URL work without a file\n"


@pytest.fixture
def home(scene: Scene) -> Path:
    """Where all places are when none is named."""
    return Path(scene.compressor.env["HOME"])


def modes(home: Path) -> dict[str, str]:
    """Every file and folder below, by its path."""
    return {
        str(path.relative_to(home)): oct(stat.S_IMODE(path.stat().st_mode))
        for path in sorted(home.rglob("*"))
    }


@pytest.mark.row("A15")
def test_without_a_home_the_environment_is_enough(scene: Scene, box: Box) -> None:
    """For a user that the system does not know. A job needs a ledger, whose place may be named."""
    scene.source("photo.png")
    status = scene.shell(as_nobody("compressor", "auth", "status"), code=0, env=NO_HOME)
    assert status.stdout.startswith("the key from environment COMPRESSOR_API_KEY is accepted")
    submit = as_nobody("compressor", "submit", "photo.png", "-o", "small.png")
    done = scene.shell(submit, code=2, env=NO_HOME)
    assert done.stderr == (
        "compressor: this user has no home folder that could be found\n"
        "  set COMPRESSOR_STATE_DIR to a path\n"
    )
    assert box.stats()["accepted"] == 0
    state = str(scene.compressor.home / "ledger")
    scene.shell(submit, code=0, env={**NO_HOME, "COMPRESSOR_STATE_DIR": state})
    assert box.stats()["accepted"] == 1


@pytest.mark.row("A15")
def test_without_a_home_login_says_why_it_cannot_save(scene: Scene, box: Box) -> None:
    scene.api(box)
    login = as_nobody("compressor", "auth", "login")
    done = scene.shell(login, code=2, env=NO_HOME, stdin=KEY.encode())
    assert done.stderr == (
        "compressor: this user has no home folder that could be found\n"
        "  set COMPRESSOR_CONFIG to a path\n"
    )


@pytest.mark.row("A15")
def test_a_home_that_may_not_be_written_to(scene: Scene, box: Box, home: Path) -> None:
    """The environment is enough; what must be saved is told with its path and the reason."""
    scene.source("photo.png")
    home.chmod(0o500)
    scene.shell(as_nobody("compressor", "auth", "status"), code=0, env=NO_PLACES)
    login = as_nobody("compressor", "auth", "login")
    done = scene.shell(login, code=9, env=NO_PLACES, stdin=KEY.encode())
    config = home / ".config" / "compressor" / "config.toml"
    assert done.stderr == (
        f"compressor: cannot save to the configuration file {config}: Permission denied\n"
        + WITHOUT_A_FILE
    )
    submit = as_nobody("compressor", "submit", "photo.png", "-o", "small.png")
    done = scene.shell(submit, code=9, env=NO_PLACES)
    assert str(home / ".local" / "state" / "compressor") in done.stderr
    assert "COMPRESSOR_STATE_DIR" in done.stderr
    assert box.stats()["accepted"] == 0
    scene.shell(submit, code=0, env={"COMPRESSOR_CONFIG": None})
    assert modes(home) == {}


@pytest.mark.row("A15")
def test_a_home_on_a_read_only_disk(scene: Scene, box: Box, home: Path) -> None:
    """Root, too, is told so; the file that is there stays as it is."""
    scene.api(box)
    config = home / "config.toml"
    config.write_text('timeout = "5m"\n')
    config.chmod(0o600)
    there = shlex.quote(str(home))
    script = with_mounts(
        f"mount --bind {there} {there}",
        f"mount -o remount,bind,ro {there}",
        then="compressor auth login",
    )
    env = {"COMPRESSOR_CONFIG": str(config)}
    done = scene.shell(script, code=9, env=env, stdin=KEY.encode())
    assert done.stderr == (
        f"compressor: cannot save to the configuration file {config}: Read-only file system\n"
        + WITHOUT_A_FILE
    )
    assert config.read_text() == 'timeout = "5m"\n'


@pytest.mark.row("A15")
@pytest.mark.parametrize("umask", ["000", "077"])
def test_what_is_saved_is_private_whatever_the_mask(
    scene: Scene, box: Box, home: Path, umask: str
) -> None:
    """0600 in 0700, the key as well as the ledger, and also where a file was open to all."""
    scene.source("photo.png")
    key = {"COMPRESSOR_API_KEY": None}
    config = home / ".config" / "compressor" / "config.toml"
    scene.compressor.config = config  # the one file that may hold the key
    login = f"umask {umask}; compressor auth login"
    scene.shell(login, code=0, env={**NO_PLACES, **key}, stdin=KEY.encode())
    submit = f"umask {umask}; compressor submit photo.png -o small.png"
    scene.shell(submit, code=0, env={**NO_PLACES, **key})
    assert KEY in config.read_text()
    found = modes(home)
    assert {found[path] for path in found if (home / path).is_dir()} == {"0o700"}
    assert {found[path] for path in found if (home / path).is_file()} == {"0o600"}
    config.chmod(0o666)
    scene.shell(login, code=0, env={**NO_PLACES, **key}, stdin=KEY.encode())
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert box.stats()["accepted"] == 1
