"""Changing the configuration file."""

from __future__ import annotations

import errno
import os
import stat
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor_cli.errors import CompressorError, KeyProblem, OutputProblem, UsageProblem
from compressor_cli.memory.configedit import check_settable, login_changes, save
from compressor_cli.memory.configfile import check_config
from compressor_cli.memory.settings import load


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "deep" / "config.toml"


@pytest.fixture
def no_umask() -> Iterator[None]:
    old = os.umask(0)
    yield
    os.umask(old)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("no_umask")
def test_new_file_is_private(config: Path) -> None:
    """File 0600 in folders 0700, whatever the umask; nothing else is left there."""
    save(config, {"api_key": " k\n"})
    assert (mode(config), mode(config.parent), mode(config.parent.parent)) == (0o600, 0o700, 0o700)
    assert config.read_text() == 'api_key = "k"\n'
    assert list(config.parent.iterdir()) == [config]


def test_comments_and_order_stay(config: Path) -> None:
    """Only what changes changes; an exposed file is narrowed."""
    config.parent.mkdir(parents=True)
    config.write_text('# mine\nauth = "basic" # why\n\n[profiles.a]\n# here\napi_key = "1"\n')
    config.chmod(0o644)
    save(config, {"timeout": "90s"})
    save(config, {"api_key": "2", "api_url": "http://127.0.0.1:1/1.0"}, profile="b")
    save(config, {"api_key": None}, profile="a")
    save(config, {"auth": "bearer"}, profile="default")
    assert config.read_text() == (
        '# mine\nauth = "bearer" # why\ntimeout = "90s"\n\n[profiles.a]\n# here\n'
        '\n[profiles.b]\napi_key = "2"\napi_url = "http://127.0.0.1:1/1.0"\n'
    )
    assert mode(config) == 0o600


def test_nothing_to_take_out(config: Path) -> None:
    """Taking out what is not there makes no file and no table."""
    save(config, {"api_key": None})
    save(config, {"api_key": None}, profile="a")
    assert not config.exists()
    save(config, {"timeout": "1h"})
    save(config, {"api_key": None}, profile="a")
    assert config.read_text() == 'timeout = "1h"\n'


def test_symlink_stays(config: Path, tmp_path: Path) -> None:
    """The file that a symlink means is replaced, also one that is not there yet."""
    link = tmp_path / "link"
    link.symlink_to(config)
    save(link, {"timeout": "1h"})
    save(link, {"timeout": "2h"})
    assert link.is_symlink()
    assert config.read_text() == 'timeout = "2h"\n'


@pytest.mark.parametrize(
    ("changes", "profile"),
    [
        ({"timeout": "soon"}, None),
        ({"auth": "x"}, None),
        ({"api_url": "http://h"}, None),
        ({"profile": "none"}, None),
        ({"profile": "work"}, "work"),
        ({"nonsense": "x"}, None),
        ({"api_key": "k"}, "a b"),
        ({"api_key": "hunter2 x"}, None),
    ],
)
def test_bad_values_are_not_saved(
    config: Path, changes: dict[str, str | None], profile: str | None
) -> None:
    """What could not be read afterwards is not written."""
    save(config, {"timeout": "1h"}, profile="work")
    before = config.read_bytes()
    with pytest.raises((UsageProblem, KeyProblem)) as caught:
        save(config, changes, profile=profile)
    assert "hunter2" not in caught.value.message
    assert config.read_bytes() == before


@pytest.mark.parametrize(
    "text",
    [
        "api_key = 'x",
        "profiles = 3",
        "profiles.a = 3",
        "[profiles.a]\nauth = 'basic'\n\n[profiles]\n",  # tomlkit loses the new table
        "profiles.a.auth = 'basic'\ntimeout = '1h'\n",  # or sets it twice
        "unknown = 1",
    ],
)
def test_what_cannot_be_changed_safely_stays(config: Path, text: str) -> None:
    """A broken file, or one that would be broken, is refused as it is."""
    config.parent.mkdir(parents=True)
    config.write_text(text)
    with pytest.raises(UsageProblem, match=str(config)):
        save(config, {"api_key": "k", "timeout": "2h"}, profile="w")
    assert config.read_text() == text


def test_a_wrong_value_can_be_mended(config: Path) -> None:
    """A file that only holds a wrong value can be set right."""
    config.parent.mkdir(parents=True)
    config.write_text("timeout = 'soon'\nprofile = 'gone'\n")
    save(config, {"timeout": "1h", "profile": None})
    assert config.read_text() == 'timeout = "1h"\n'


def test_no_room_to_save(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At any step: exit 9, the old file, no spare file, and the way without a file."""
    (tmp_path / "plain").touch()
    for path in (tmp_path / "plain" / "x" / "config.toml", Path("/proc/nope/config.toml")):
        with pytest.raises(CompressorError) as caught:
            save(path, {"timeout": "1h"})
        assert caught.value.exit_code in (2, 9)
    with pytest.raises(OutputProblem) as problem:
        save(Path(os.devnull), {"timeout": "1h"})
    assert "COMPRESSOR_API_KEY" in problem.value.hint
    assert Path(os.devnull).is_char_device()
    save(config, {"timeout": "1h"})

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for step in ("os.fsync", "pathlib.Path.replace"):
        with monkeypatch.context() as patch:
            patch.setattr(step, full)
            with pytest.raises(OutputProblem, match="No space left"):
                save(config, {"timeout": "2h"})
        assert list(config.parent.iterdir()) == [config]
        assert config.read_text() == 'timeout = "1h"\n'


def test_interrupted_while_saving(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C leaves the old file and nothing else."""
    save(config, {"api_key": "old"})

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            save(config, {"api_key": "new"})
    assert list(config.parent.iterdir()) == [config]
    assert config.read_text() == 'api_key = "old"\n'


def test_two_writers(config: Path) -> None:
    """Whoever comes last wins; a reader sees whole files only."""
    save(config, {"api_key": "0"})

    def write(number: int) -> None:
        for turn in range(20):
            save(config, {"api_key": f"{number}-{turn}"})

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert load({"COMPRESSOR_CONFIG": str(config)}).key().value
    assert config.read_text().endswith('-19"\n')
    assert list(config.parent.iterdir()) == [config]


NAMES = st.sampled_from(["a", "b", "c-d"])
VALUES = {
    "api_key": st.sampled_from(["k", "q\"u\\o'te", "#"]),
    "api_url": st.sampled_from(["https://h", "http://[::1]:1/x"]),
    "auth": st.sampled_from(["bearer", "basic"]),
    "timeout": st.sampled_from(["1h", "0"]),
}
CHANGES = st.fixed_dictionaries(
    {}, optional={name: st.none() | value for name, value in VALUES.items()}
)


@given(st.lists(st.tuples(st.none() | NAMES, CHANGES), max_size=8))
def test_any_changes_in_any_order(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[str | None, dict[str, str | None]]],
) -> None:
    """The file always holds exactly what was set and not taken out."""
    path = tmp_path_factory.mktemp("c") / "config.toml"
    wanted: dict[str | None, dict[str, str]] = {}
    for profile, changes in steps:
        save(path, changes, profile=profile)
        table = wanted.setdefault(profile, {})
        for name, value in changes.items():
            if value is None:
                table.pop(name, None)
            else:
                table[name] = value
    found = tomllib.loads(path.read_text()) if path.exists() else {}
    check_config(found, path)
    profiles = found.pop("profiles", {})
    assert found == wanted.pop(None, {})
    assert {k: v for k, v in profiles.items() if v} == {k: v for k, v in wanted.items() if v}


def test_settable_names() -> None:
    """The key has its own command; a slip is told."""
    good = {"api_url": "https://x.example/1", "auth": "basic", "timeout": "5m", "profile": "x"}
    for name, value in good.items():
        check_settable(name, value)
        check_settable(name, None)
    for name in ("api_url", "auth", "timeout"):
        with pytest.raises(UsageProblem):
            check_settable(name, "soon")
    for name, hint in (("api_key", "auth login"), ("time-out", "timeout"), ("xxx", "known are")):
        with pytest.raises(UsageProblem) as caught:
            check_settable(name, "1h")
        assert hint in caught.value.hint


def test_login_keeps_key_and_url_together(config: Path) -> None:
    """A key that was checked with one API is read back for that API only."""
    env = {"COMPRESSOR_CONFIG": str(config)}
    save(config, login_changes("k", load(env, api_url="http://127.0.0.1:1/1.0")))
    assert load(env).key().value == "k"
    assert load(env).api_url.value == "http://127.0.0.1:1/1.0"
    save(config, login_changes("k2", load(env, api_url="https://api.compressor.app/1.0")))
    assert config.read_text() == 'api_key = "k2"\n'
