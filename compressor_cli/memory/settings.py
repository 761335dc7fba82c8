"""What is configured, and where each value came from.

The first that is given counts:
  1. option       --profile, --api-url
  2. environment  COMPRESSOR_PROFILE, COMPRESSOR_API_URL, COMPRESSOR_API_KEY,
                  COMPRESSOR_API_KEY_FILE; a variable that is empty is not given
  3. file         COMPRESSOR_CONFIG, else the user's configuration folder
  4. default
A named profile takes auth and timeout from the top of the file where it has none itself, but never
the key or the API URL. A key in the file goes to the host that its own table names, to no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Literal, TypeVar, cast

from compressor_cli.api.origin import check_api_url, same_origin, shown
from compressor_cli.errors import KeyProblem, UsageProblem
from compressor_cli.memory import duration, places
from compressor_cli.memory.configfile import (
    DEFAULT_PROFILE,
    Config,
    Profile,
    check_profile,
    check_profile_name,
    nearest,
    read_config,
)
from compressor_cli.memory.key import HOW_TO_SET, Key, check_key, read_key_file

DEFAULT_API_URL = "https://api.compressor.app/1.0"
DEFAULT_TIMEOUT = 3600.0
"""How long a command waits for its jobs, in seconds."""

DEFAULT = "default"
"""The source of a value that nobody gave."""

SETTABLE = ("api_url", "auth", "profile", "timeout")
"""What `config set` and `config unset` may change."""

Auth = Literal["bearer", "basic"]
_FILE = "configuration file "
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Setting(Generic[T_co]):
    """A value in force and, for people, where it came from, as `environment COMPRESSOR_API_URL`."""

    value: T_co
    source: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is in force for one run; made by `load`.

    `profile` is None for the default one; `timeout` in seconds, None for no limit; `warnings` are
    for the user. The key and the places of files are looked up when they are asked for.
    """

    profile: Setting[str | None]
    api_url: Setting[str]
    auth: Setting[Auth]
    timeout: Setting[float | None]
    warnings: tuple[str, ...]
    _env: Mapping[str, str] = field(repr=False)
    _table: Profile = field(repr=False)
    _table_name: str = field(repr=False)

    @property
    def config_path(self) -> Path:
        """The configuration file, which need not exist. Raises UsageProblem without a home."""
        return places.config_path(self._env)

    @property
    def state_dir(self) -> Path:
        """The ledger's folder, which need not exist. Raises UsageProblem without a home."""
        return places.state_dir(self._env)

    def key(self) -> Key:
        """The API key. Ask once: it may come out of a pipe.

        Raises KeyProblem, naming where it came from and never the key.
        """
        source, basic = self.key_source(), self.auth.value == "basic"
        if text := self._env.get("COMPRESSOR_API_KEY"):
            return check_key(text, source=source or "", basic=basic)
        if path := self._env.get("COMPRESSOR_API_KEY_FILE"):
            return read_key_file(path, source=source or "", basic=basic)
        if source is not None:
            return check_key(self._table.api_key or "", source=source, basic=basic)
        if self._table.api_key is None:
            raise KeyProblem("there is no API key", hint=HOW_TO_SET)
        raise KeyProblem(
            f"the API key in {self._table_name} was saved for {shown(self._key_home())} and is not "
            f"sent to {shown(self.api_url.value)} ({self.api_url.source})",
            hint="set COMPRESSOR_API_KEY, or make a profile for that API: "
            "compressor auth login --profile NAME",
        )

    def key_source(self) -> str | None:
        """Where the key comes from, or None if there is none for this API. Does not check it."""
        if self._env.get("COMPRESSOR_API_KEY"):
            return "environment COMPRESSOR_API_KEY"
        if path := self._env.get("COMPRESSOR_API_KEY_FILE"):
            return f"environment COMPRESSOR_API_KEY_FILE ({path})"
        mine = self._table.api_key and same_origin(self._key_home(), self.api_url.value)
        return self._table_name if mine else None

    def _key_home(self) -> str:
        return self._table.api_url or DEFAULT_API_URL


def load(
    env: Mapping[str, str],
    *,
    profile: str | None = None,
    api_url: str | None = None,
    new_profile: bool = False,
) -> Settings:
    """The settings of this run, from the options given, the environment and the file.

    `new_profile` takes a profile that does not exist yet, for the commands that make one.
    Raises UsageProblem, naming what is wrong and where.
    """
    config, file = _file(env)
    chosen = _chosen(env, profile, Setting(config.chosen, file))
    name = chosen.value
    if name is None:
        table, table_name = config.top, file
    elif new_profile and name not in config.profiles:
        check_profile_name(name)
        table, table_name = Profile(), f"new profile {name}"
    else:
        check_profile(name, config.profiles, chosen.source)
        table, table_name = config.profiles[name], f"profile {name} in {file.removeprefix(_FILE)}"
    auth = _first("auth", table, table_name, config.top, file)
    return Settings(
        profile=chosen,
        api_url=_api_url(env, api_url, Setting(table.api_url, table_name)),
        auth=cast("Setting[Auth]", auth or Setting("bearer", DEFAULT)),
        timeout=_timeout(_first("timeout", table, table_name, config.top, file)),
        warnings=config.warnings,
        _env=env,
        _table=table,
        _table_name=table_name,
    )


def _file(env: Mapping[str, str]) -> tuple[Config, str]:
    """The file's content and its name in messages; without a home there is no file."""
    try:
        path = places.config_path(env)
    except UsageProblem:
        return Config(), f"{_FILE}(none)"
    return read_config(path), f"{_FILE}{path}"


def _chosen(
    env: Mapping[str, str], option: str | None, in_file: Setting[str | None]
) -> Setting[str | None]:
    """The profile in force; None for the default one, which may also be asked for by name."""
    if option is not None:
        found: Setting[str | None] = Setting(option, "option --profile")
    elif named := env.get("COMPRESSOR_PROFILE"):
        found = Setting(named, "environment COMPRESSOR_PROFILE")
    else:
        found = in_file if in_file.value is not None else Setting(None, DEFAULT)
    return Setting(None, found.source) if found.value == DEFAULT_PROFILE else found


def _api_url(
    env: Mapping[str, str], option: str | None, in_file: Setting[str | None]
) -> Setting[str]:
    text, source = option, "option --api-url"
    if text is None:
        text, source = env.get("COMPRESSOR_API_URL"), "environment COMPRESSOR_API_URL"
    if option is not None or text:
        return Setting(check_api_url(text or "", source=source), source)
    if in_file.value is not None:
        return Setting(in_file.value, in_file.source)
    return Setting(DEFAULT_API_URL, DEFAULT)


def _first(
    name: str, table: Profile, table_name: str, top: Profile, file: str
) -> Setting[object] | None:
    for place, source in ((table, table_name), (top, file)):
        value: object = getattr(place, name)
        if value is not None:
            return Setting(value, source)
    return None


def _timeout(found: Setting[object] | None) -> Setting[float | None]:
    if found is None:
        return Setting(DEFAULT_TIMEOUT, DEFAULT)
    return Setting(cast("float", found.value) or None, found.source)


def describe(settings: Settings) -> list[tuple[str, str, str]]:
    """Name, value and source of every setting, for people; of the key only whether it is set."""
    key_source = settings.key_source()
    timeout = settings.timeout.value
    return [
        ("profile", settings.profile.value or DEFAULT_PROFILE, settings.profile.source),
        ("api_url", settings.api_url.value, settings.api_url.source),
        ("api_key", "set" if key_source else "not set", key_source or ""),
        ("auth", settings.auth.value, settings.auth.source),
        ("timeout", duration.spelled(timeout or 0), settings.timeout.source),
    ]


def get(settings: Settings, name: str) -> str:
    """The value of one setting as text. Raises UsageProblem for the key and for unknown names."""
    if name == "api_key":
        raise UsageProblem("the API key is never shown", hint="run: compressor auth status")
    for known, value, _ in describe(settings):
        if known == name:
            return value
    raise UsageProblem(f"unknown setting {name!r}", hint=nearest(name, SETTABLE))
