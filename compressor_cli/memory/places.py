"""Where the configuration file and the state folder are on this system."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import platformdirs

from compressor_cli.errors import UsageProblem

CONFIG_VARIABLE = "COMPRESSOR_CONFIG"
STATE_VARIABLE = "COMPRESSOR_STATE_DIR"


def config_path(env: Mapping[str, str]) -> Path:
    """The configuration file, which need not exist. Raises UsageProblem without a home folder."""
    return _place(env, CONFIG_VARIABLE, lambda: _config_folder() / "config.toml")


def state_dir(env: Mapping[str, str]) -> Path:
    """The folder of the ledger, which need not exist. Raises UsageProblem without a home folder."""
    return _place(
        env, STATE_VARIABLE, lambda: platformdirs.user_state_path("compressor", appauthor=False)
    )


def _config_folder() -> Path:
    return platformdirs.user_config_path("compressor", appauthor=False)


def _place(env: Mapping[str, str], variable: str, default: Callable[[], Path]) -> Path:
    if named := env.get(variable):
        return Path(os.path.abspath(named))  # noqa: PTH100 - Path.resolve would follow links
    try:
        path = default()
    except (RuntimeError, KeyError, OSError):
        path = Path("~")
    if not path.is_absolute():  # platformdirs leaves "~" where it finds no home
        raise UsageProblem(
            "this user has no home folder that could be found", hint=f"set {variable} to a path"
        )
    return path
