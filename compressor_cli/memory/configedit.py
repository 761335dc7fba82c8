"""Changing the configuration file: which settings, and how it stays the user's own file.

Importing this costs what tomlkit costs; only commands that write do it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from compressor_cli.api.origin import check_api_url
from compressor_cli.errors import OutputProblem, UsageProblem
from compressor_cli.memory import configfile, duration, privatefile
from compressor_cli.memory.key import check_key
from compressor_cli.memory.settings import DEFAULT_API_URL, SETTABLE, Settings

Changes = Mapping[str, str | None]
"""New values by setting; None takes the setting out."""


def check_settable(name: str, value: str | None) -> None:
    """Raises UsageProblem unless `config set` and `config unset` may make this change."""
    if name == "api_key":
        raise UsageProblem(
            "the API key is not set here, where the shell's history would keep it",
            hint="run: compressor auth login (or: compressor auth logout)",
        )
    if name not in SETTABLE:
        raise UsageProblem(f"unknown setting {name!r}", hint=configfile.nearest(name, SETTABLE))
    if value is not None and name == "api_url":
        check_api_url(value, source="what you typed")
    if value is not None and name == "timeout":
        duration.seconds(value)
    if value is not None and name == "auth" and value not in configfile.AUTHS:
        raise UsageProblem(f"auth cannot be {value!r}", hint=" or ".join(configfile.AUTHS))


def login_changes(key: str, settings: Settings) -> Changes:
    """What `auth login` saves: the key beside the API URL that it was checked with.

    Kept together, the key can never be sent to another host.
    """
    url = settings.api_url.value
    return {"api_key": key, "api_url": None if url == DEFAULT_API_URL else url}


def save(path: Path, changes: Changes, *, profile: str | None = None) -> None:
    """Writes settings into the default or the named profile of the file, which may be missing.

    Comments and order stay, the file is replaced whole or not at all, and it is 0600 afterwards.
    Of two that write at once the last wins. Raises UsageProblem when the file is broken or would
    be, KeyProblem for a key that cannot be one, OutputProblem when it cannot be written.
    """
    table = None if profile == configfile.DEFAULT_PROFILE else profile
    if table is not None:
        configfile.check_profile_name(table)
    if changes.get("api_key") is not None:
        key = check_key(changes["api_key"] or "", source="the input")
        changes = {**changes, "api_key": key.value}
    old, _ = configfile.read_text(path)
    wanted = configfile.parse(old, path)
    configfile.profile_tables(wanted, path)
    _change(wanted, changes, table)
    configfile.check_config(wanted, path)
    new = _edited(old, changes, table, wanted)
    if new is None:
        raise UsageProblem(
            f"the configuration file {path} is written in a way that cannot be changed safely",
            hint="change it by hand in an editor",
        )
    try:
        if old or new:
            privatefile.replace(path, new.encode())
        else:
            privatefile.sweep(path)
    except OSError as error:
        raise OutputProblem(
            f"cannot save to the configuration file {path}: {error.strerror or error}",
            hint="COMPRESSOR_API_KEY and COMPRESSOR_API_URL work without a file",
        ) from None


def _edited(text: str, changes: Changes, profile: str | None, wanted: object) -> str | None:
    """The text with the changes; None unless it reads back as wanted, whatever tomlkit makes."""
    try:
        document = tomlkit.parse(text)
        _change(document, changes, profile)
        new = tomlkit.dumps(document)
        return new if tomllib.loads(new) == wanted else None
    except (TOMLKitError, ValueError, RecursionError):
        return None


def _change(document: MutableMapping[str, Any], changes: Changes, profile: str | None) -> None:
    table = document
    if profile is not None:
        if not any(changes.values()) and profile not in document.get("profiles", {}):
            return  # nothing to take out: no reason to make a table
        table = document.setdefault("profiles", {}).setdefault(profile, {})
    for name, value in changes.items():
        if value is None:
            table.pop(name, None)
        else:
            table[name] = value
