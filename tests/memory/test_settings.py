"""What is configured, and where each value came from."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

import pytest

from compressor_cli.errors import CompressorError, KeyProblem, UsageProblem
from compressor_cli.memory.settings import DEFAULT_API_URL, Settings, describe, get, load

SECRET = "hunter2"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def loaded(config: Path, text: str = "", /, **env: str) -> Settings:
    """The settings with this file and these variables."""
    if text:
        config.write_text(text)
        config.chmod(0o600)
    return load({"COMPRESSOR_CONFIG": str(config), **env})


def test_defaults(config: Path) -> None:
    """Without anything there are defaults and no key, and the hint says how to get one."""
    settings = loaded(config)
    assert (settings.profile.value, settings.api_url.value) == (None, DEFAULT_API_URL)
    assert (settings.auth.value, settings.timeout.value) == ("bearer", 3600.0)
    assert {settings.auth.source, settings.timeout.source, settings.profile.source} == {"default"}
    assert settings.warnings == ()
    assert settings.key_source() is None
    with pytest.raises(KeyProblem) as caught:
        settings.key()
    for way in ("compressor auth login", "COMPRESSOR_API_KEY", "compressor sandbox exec -- "):
        assert way in caught.value.hint


def test_precedence_of_the_url(config: Path) -> None:
    """Option over environment over file over default; each source is named."""
    text = 'api_url = "https://file.example/"'
    env = {"COMPRESSOR_CONFIG": str(config), "COMPRESSOR_API_URL": "https://env.example"}
    assert loaded(config).api_url.source == "default"
    file = loaded(config, text).api_url
    assert (file.value, file.source) == ("https://file.example", f"configuration file {config}")
    found = load(env).api_url
    assert (found.value, found.source) == (
        "https://env.example",
        "environment COMPRESSOR_API_URL",
    )
    found = load(env, api_url="https://option.example").api_url
    assert (found.value, found.source) == ("https://option.example", "option --api-url")


def test_empty_variables_are_not_set(config: Path) -> None:
    """An empty variable counts as absent."""
    names = ("API_KEY", "API_KEY_FILE", "API_URL", "PROFILE", "STATE_DIR")
    settings = loaded(config, 'api_key = "k"', **{f"COMPRESSOR_{name}": "" for name in names})
    assert settings.key().value == "k"
    assert settings.api_url.value == DEFAULT_API_URL
    assert settings.state_dir.name == "compressor"


def test_an_empty_option_is_an_error(config: Path) -> None:
    """An option that was given counts, whatever it holds."""
    with pytest.raises(UsageProblem, match="option --api-url"):
        load({"COMPRESSOR_CONFIG": str(config)}, api_url="")
    with pytest.raises(UsageProblem, match="option --profile"):
        load({"COMPRESSOR_CONFIG": str(config)}, profile="")


PROFILES = """
api_key = "top"
auth = "basic"
timeout = 90
profile = "work"
[profiles.work]
api_key = "work"
timeout = "2h"
[profiles.bare]
[profiles.local]
api_url = "http://127.0.0.1:1/1.0"
api_key = "local"
"""


def test_profiles(config: Path) -> None:
    """The file's profile, the variable's, the option's; `default` names the top of the file."""
    settings = loaded(config, PROFILES)
    assert (settings.profile.value, settings.key().value) == ("work", "work")
    assert settings.profile.source == f"configuration file {config}"
    assert settings.key().source == f"profile work in {config}"
    assert (settings.timeout.value, settings.auth.value) == (7200.0, "basic")
    assert settings.timeout.source == f"profile work in {config}"
    assert settings.auth.source == f"configuration file {config}"
    settings = loaded(config, COMPRESSOR_PROFILE="local")
    assert settings.api_url.value == "http://127.0.0.1:1/1.0"
    assert settings.profile.source == "environment COMPRESSOR_PROFILE"
    env = {"COMPRESSOR_CONFIG": str(config), "COMPRESSOR_PROFILE": "local"}
    settings = load(env, profile="default")
    assert (settings.profile.value, settings.profile.source) == (None, "option --profile")
    assert (settings.key().value, settings.timeout.value) == ("top", 90.0)


def test_a_profile_never_takes_the_key_of_the_top(config: Path) -> None:
    """A named profile has its own key or none."""
    settings = loaded(config, PROFILES, COMPRESSOR_PROFILE="bare")
    assert settings.auth.value == "basic"
    with pytest.raises(KeyProblem, match="no API key"):
        settings.key()


@pytest.mark.parametrize(
    ("profile", "url", "goes"),
    [
        ("default", "https://api.compressor.app/2.0", True),
        ("default", "https://api.compressor.app:444/1.0", False),
        ("default", "http://127.0.0.1:1/1.0", False),
        ("local", "http://127.0.0.1:1/other", True),
        ("local", DEFAULT_API_URL, False),
        ("work", "https://evil.example/x", False),
    ],
)
@pytest.mark.parametrize("way", ["option", "environment"])
def test_a_saved_key_goes_only_where_it_belongs(
    config: Path, profile: str, url: str, goes: bool, way: str
) -> None:
    """Another host named for one run does not get the file's key; the message says why."""
    config.write_text(PROFILES)
    config.chmod(0o600)
    env = {"COMPRESSOR_CONFIG": str(config)} | (
        {"COMPRESSOR_API_URL": url} if way == "environment" else {}
    )
    settings = load(env, profile=profile, api_url=url if way == "option" else None)
    assert (settings.key_source() is not None) == goes
    if goes:
        assert settings.key().value in ("top", "local")
        return
    with pytest.raises(KeyProblem) as caught:
        settings.key()
    assert url in caught.value.message
    assert way in caught.value.message
    assert "COMPRESSOR_API_KEY" in caught.value.hint
    own = load({**env, "COMPRESSOR_API_KEY": "own"}, profile=profile, api_url=url)
    assert own.key().value == "own"


def test_key_in_the_environment(config: Path, tmp_path: Path) -> None:
    """The variable wins over the file it names, and both over the configuration."""
    file = tmp_path / "k"
    file.write_text("from-file\n")
    env = {"COMPRESSOR_API_KEY": " v\n", "COMPRESSOR_API_KEY_FILE": str(file)}
    settings = loaded(config, 'api_key = "c"', **env)
    assert (settings.key().value, settings.key().source) == ("v", "environment COMPRESSOR_API_KEY")
    del env["COMPRESSOR_API_KEY"]
    settings = loaded(config, **env)
    assert settings.key().value == "from-file"
    assert settings.key_source() == f"environment COMPRESSOR_API_KEY_FILE ({file})"
    file.unlink()
    with pytest.raises(KeyProblem, match=str(file)):
        settings.key()


def test_basic_refuses_a_colon(config: Path) -> None:
    """A key with a colon is good for Bearer only."""
    assert loaded(config, 'api_key = "a:b"').key().value == "a:b"
    with pytest.raises(KeyProblem, match="colon"):
        loaded(config, 'api_key = "a:b"\nauth = "basic"').key()


@pytest.mark.parametrize(
    ("text", "value"), [('"90s"', 90), ('"0"', None), ("0", None), ("1.5", 1.5), ("90", 90)]
)
def test_timeout(config: Path, text: str, value: float | None) -> None:
    """Text with a unit or a number of seconds; 0 is no limit."""
    assert loaded(config, f"timeout = {text}").timeout.value == value


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("api_kye = 'hunter2'", ("'api_kye'", "did you mean api_key?")),
        ("colour = 'hunter2'", ("'colour'", "known are: api_key")),
        ("[profiles.w]\nprofile = 'hunter2'", ("[profiles.w]", "'profile'")),
        ("api_key = 1", ("api_key in",)),
        ("api_url = 1", ("api_url in",)),
        ("api_url = 'https://u:hunter2@h'", ("api_url in", "password")),
        ("auth = 'hunter2'", ("auth in",)),
        ("auth = ['hunter2']", ("auth in",)),
        ("timeout = 'hunter2'", ("timeout in",)),
        ("timeout = true", ("timeout in",)),
        ("timeout = -1", ("timeout in",)),
        ("timeout = nan", ("timeout in",)),
        ("timeout = inf", ("timeout in",)),
        ("timeout = ['hunter2']", ("timeout in",)),
        ("timeout = 1" + "0" * 400, ("timeout in",)),
        ("profile = 1", ("profile in",)),
        ("profile = 'hunter2'\n[profiles.w]", ("profile in", "there are: default, w")),
        ("profiles = 'hunter2'", ("profiles in",)),
        ("profiles.w = 'hunter2'", ("profiles.w in",)),
        ("[profiles.default]", ("[profiles.default]",)),
        ("api_key = 'hunter2'\napi_key = 'x'", ("not valid TOML", "line 2")),
        ("api_key = 'hunter2", ("not valid TOML", "line 1")),
        ("x = " + "[" * 5000, ("",)),
        ("x = 1" + "1" * 5000, ("not valid TOML",)),
    ],
)
def test_broken_files(config: Path, text: str, told: tuple[str, ...]) -> None:
    """File and key are named, a value never is, in no part of what a traceback would hold."""
    with pytest.raises(UsageProblem) as caught:
        loaded(config, text)
    message = caught.value.message + caught.value.hint
    assert str(config) in message
    assert all(word in message for word in told)
    assert SECRET not in "".join(traceback.format_exception_only(caught.value)) + message


def test_unreadable_files(config: Path, tmp_path: Path) -> None:
    """A folder, a loop, a pipe, no UTF-8, too large, not a path: one line naming the file."""
    loop, pipe, large, latin = (tmp_path / name for name in ("loop", "pipe", "large", "latin"))
    loop.symlink_to(loop)
    os.mkfifo(pipe)
    large.write_bytes(b"#" * (1024 * 1024 + 1))
    latin.write_bytes(b"# a\n# \xe9\n")
    for path in (tmp_path, loop, pipe, large, latin, config / "under", "\x00x"):
        config.touch()
        with pytest.raises(UsageProblem) as caught:
            load({"COMPRESSOR_CONFIG": str(path)})
        assert str(path) in caught.value.message
    with pytest.raises(UsageProblem, match="line 2"):
        load({"COMPRESSOR_CONFIG": str(latin)})


def test_files_that_say_nothing(config: Path) -> None:
    """/dev/null, an empty file and one with a byte order mark are good."""
    assert load({"COMPRESSOR_CONFIG": os.devnull}).api_url.source == "default"
    config.write_bytes(b"\xef\xbb\xbf")
    assert loaded(config).api_url.source == "default"
    assert load({"COMPRESSOR_CONFIG": os.devnull}).warnings == ()


@pytest.mark.parametrize(
    ("text", "mode", "word"),
    [
        ("api_key = 'k'", 0o644, "read"),
        ("api_key = 'k'", 0o640, "read"),
        ("api_key = 'k'", 0o622, "changed"),
        ("auth = 'basic'", 0o646, "changed"),
        ("[profiles.w]\napi_key = 'k'", 0o604, "read"),
        ("auth = 'basic'", 0o644, ""),
        ("api_key = 'k'", 0o600, ""),
    ],
)
def test_warning_about_others(config: Path, text: str, mode: int, word: str) -> None:
    """A key that others can read, or a file that anyone can change, is worth a warning."""
    config.write_text(text)
    config.chmod(mode)
    warnings = load({"COMPRESSOR_CONFIG": str(config)}).warnings
    assert len(warnings) == bool(word)
    assert all(word in text and f"chmod 600 {config}" in text for text in warnings)


def test_unknown_profile(config: Path) -> None:
    """The profiles that exist are listed; a command that makes one may name a new one."""
    env = {"COMPRESSOR_CONFIG": str(config)}
    config.write_text("auth = 'basic'\n[profiles.b]\n[profiles.a]")
    with pytest.raises(UsageProblem) as caught:
        load(env, profile="c")
    assert "option --profile" in caught.value.message
    assert caught.value.hint == "there are: default, a, b"
    settings = load(env, profile="c", new_profile=True)
    assert (settings.profile.value, settings.auth.value) == ("c", "basic")
    assert load(env, profile="a", new_profile=True).profile.value == "a"
    assert load(env, new_profile=True).profile.value is None
    with pytest.raises(UsageProblem, match="not a name"):
        load(env, profile="a b", new_profile=True)


def test_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Key and URL from the environment are enough; only what needs a place asks for one."""

    def nobody(uid: int) -> None:
        raise KeyError(uid)

    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", nobody)
    settings = load({"COMPRESSOR_API_KEY": "k"})
    assert settings.key().value == "k"
    with pytest.raises(UsageProblem) as caught:
        _ = settings.config_path
    assert "COMPRESSOR_CONFIG" in caught.value.hint
    with pytest.raises(UsageProblem) as caught:
        _ = settings.state_dir
    assert "COMPRESSOR_STATE_DIR" in caught.value.hint


def test_without_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user that the system does not know, as in a container, is the same."""

    def unknown(*_: object, **__: object) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("platformdirs.user_state_path", unknown)
    with pytest.raises(UsageProblem):
        _ = load({"COMPRESSOR_CONFIG": os.devnull}).state_dir


def test_places(config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Variables first, made absolute; else the system's folders."""
    monkeypatch.chdir(tmp_path)
    settings = loaded(config, COMPRESSOR_STATE_DIR="state")
    assert settings.state_dir == tmp_path / "state"
    assert settings.config_path == config
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "c"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "s"))
    settings = load({})
    assert settings.config_path.parts[-2:] == ("compressor", "config.toml")
    assert settings.state_dir.name == "compressor"


def test_describe_and_get(config: Path) -> None:
    """Every setting with its source, the key only as set or not."""
    settings = loaded(config, f"api_key = '{SECRET}'\ntimeout = '90m'")
    file = f"configuration file {config}"
    assert describe(settings) == [
        ("profile", "default", "default"),
        ("api_url", DEFAULT_API_URL, "default"),
        ("api_key", "set", file),
        ("auth", "bearer", "default"),
        ("timeout", "1h30m", file),
    ]
    assert get(settings, "timeout") == "1h30m"
    assert SECRET not in repr(settings)
    assert ("api_key", "not set", "") in describe(load({"COMPRESSOR_CONFIG": os.devnull}))
    for name, hint in (("api_key", "auth status"), ("time_out", "timeout"), ("x", "known are")):
        with pytest.raises(CompressorError) as caught:
            get(settings, name)
        assert hint in caught.value.hint
        assert caught.value.exit_code == 2
