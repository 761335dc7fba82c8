"""What the configuration file may hold, and reading it: TOML, a default profile and named ones.

    api_key = "…"            the default profile's settings stand at the top
    timeout = "1h"
    profile = "work"         the profile used when none is named

    [profiles.work]
    api_key = "…"
    api_url = "https://…"

Whatever is wrong with it is a UsageProblem that names the file and the key, never a value.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from compressor_cli.api.origin import check_api_url
from compressor_cli.errors import UsageProblem
from compressor_cli.memory import duration

DEFAULT_PROFILE = "default"
"""The name of the settings at the top of the file."""

AUTHS = ("bearer", "basic")
_OF_A_PROFILE = ("api_key", "api_url", "auth", "timeout")
_AT_THE_TOP = (*_OF_A_PROFILE, "profile", "profiles")
_LARGEST = 1024 * 1024
_PROFILE_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Profile:
    """One table of the file, checked. `timeout` in seconds, 0: none; None: not in this table."""

    api_key: str | None = field(default=None, repr=False)
    api_url: str | None = None
    auth: str | None = None
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """The whole file, checked. `chosen` is the profile that it names for use."""

    top: Profile = field(default_factory=Profile)
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    chosen: str | None = None
    warnings: tuple[str, ...] = ()


def read_config(path: Path) -> Config:
    """What the file says; a file that is not there says nothing. Raises UsageProblem."""
    text, mode = read_text(path)
    config = check_config(parse(text, path), path)
    has_key = any(table.api_key for table in (config.top, *config.profiles.values()))
    return Config(config.top, config.profiles, config.chosen, _exposure(path, mode, has_key))


def _exposure(path: Path, mode: int, has_key: bool) -> tuple[str, ...]:
    if os.name != "posix" or not mode & (0o077 if has_key else 0o002):
        return ()
    what = "read" if has_key and mode & 0o044 else "changed"
    return (f"the configuration file {path} can be {what} by others: chmod 600 {path}",)


def read_text(path: Path) -> tuple[str, int]:
    """The file's text and permission bits; "" and 0 if there is none. Raises UsageProblem."""
    if str(path) == os.devnull:
        return "", 0
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):  # opening a pipe would wait for its writer
            raise UsageProblem(f"the configuration file {path} is not a regular file")
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except FileNotFoundError:
        return "", 0
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise UsageProblem(
            f"cannot read the configuration file {path}: {reason}",
            hint=f"set COMPRESSOR_CONFIG to one that can be read, or to {os.devnull} for none",
        ) from None
    if len(content) > _LARGEST:
        raise UsageProblem(f"the configuration file {path} is larger than 1 MiB")
    try:
        return content.decode("utf-8-sig"), stat.S_IMODE(mode)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageProblem(f"the configuration file {path} is not UTF-8 (line {line})") from None


def parse(text: str, path: Path) -> dict[str, object]:
    """The TOML as it stands, unchecked. Raises UsageProblem with the place, not what is there."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise UsageProblem(f"the configuration file {path} is nested too deeply") from None
    except ValueError as error:
        found = re.search(r"\(at line ([0-9]+)|(end of document)", str(error))
        line = found[1] or str(text.count("\n") + 1) if found else "unknown"
        raise UsageProblem(
            f"the configuration file {path} is not valid TOML (line {line})"
        ) from None


def check_config(document: Mapping[str, object], path: Path) -> Config:
    """The file's content, if every key and value is one that we know. Raises UsageProblem."""
    _check_names(document, _AT_THE_TOP, f"the configuration file {path}")
    profiles = {}
    for name, table in profile_tables(document, path).items():
        where = f"[profiles.{name}] of the configuration file {path}"
        _check_names(table, _OF_A_PROFILE, where)
        profiles[name] = _profile(table, where)
    if DEFAULT_PROFILE in profiles:
        raise UsageProblem(
            f"[profiles.{DEFAULT_PROFILE}] in the configuration file {path} cannot be: "
            "the default profile's settings stand at the top of the file"
        )
    where = f"the configuration file {path}"
    chosen = _text(document, "profile", where)
    if chosen is not None:
        check_profile(chosen, profiles, f"profile in {where}", secret=True)
    return Config(_profile(document, where), profiles, chosen)


def profile_tables(document: Mapping[str, object], path: Path) -> Mapping[str, dict[str, object]]:
    """The tables under `profiles`, unchecked. Raises UsageProblem when there is something else."""
    tables = document.get("profiles", {})
    if not isinstance(tables, dict):
        raise UsageProblem(f"profiles in the configuration file {path} must be a table of tables")
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise UsageProblem(f"profiles.{name} in the configuration file {path} must be a table")
    return tables


def check_profile(
    name: str, profiles: Mapping[str, Profile], source: str, *, secret: bool = False
) -> None:
    """Raises UsageProblem, listing the profiles that exist, unless `name` is one of them.

    `secret`: the name is not shown; in the wrong place of a file it may be the key.
    """
    if name != DEFAULT_PROFILE and name not in profiles:
        named = "of the name that" if secret else f"{name!r}, which"
        raise UsageProblem(
            f"there is no profile {named} {source} gives",
            hint="there are: " + ", ".join([DEFAULT_PROFILE, *sorted(profiles)]),
        )


def check_profile_name(name: str) -> None:
    """Raises UsageProblem unless a profile may be made under this name."""
    if not _PROFILE_NAME.fullmatch(name):
        raise UsageProblem(
            f"not a name for a profile: {name[:80]!r}", hint="use letters, digits, - and _"
        )


def _check_names(table: Mapping[str, object], known: tuple[str, ...], where: str) -> None:
    for name in table:
        if name not in known:
            raise UsageProblem(f"unknown setting {name!r} in {where}", hint=nearest(name, known))


def nearest(name: str, known: tuple[str, ...]) -> str:
    """What was probably meant by a name that is not known."""
    import difflib  # only for a mistake

    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else "known are: " + ", ".join(known)


def _profile(table: Mapping[str, object], where: str) -> Profile:
    url = _text(table, "api_url", where)
    auth = _text(table, "auth", where)
    if auth is not None and auth not in AUTHS:
        raise UsageProblem(f'auth in {where} must be "bearer" or "basic"')
    return Profile(
        api_key=_text(table, "api_key", where) or None,
        api_url=None if url is None else check_api_url(url, source=f"api_url in {where}"),
        auth=auth,
        timeout=_timeout(table.get("timeout"), where),
    )


def _timeout(value: object, where: str) -> float | None:
    if value is None:
        return None
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    try:
        # A number is taken by its text, which refuses what is negative, endless or not a number.
        return duration.seconds(f"{value:f}" if number else value)  # type: ignore[arg-type]
    except (UsageProblem, AttributeError, OverflowError):
        raise UsageProblem(
            f"timeout in {where} must be a length of time",
            hint='for example: "90s", "1h", 0 for none',
        ) from None


def _text(table: Mapping[str, object], name: str, where: str) -> str | None:
    value = table.get(name)
    if value is None or isinstance(value, str):
        return value
    raise UsageProblem(f"{name} in {where} must be text in quotes")
