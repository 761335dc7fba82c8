"""`compressor config`: what is in force and why, of the settings and the project; change them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from compressor_cli.commands.grouping import grouped
from compressor_cli.commands.options import Connection, OutputOptions
from compressor_cli.commands.session import configured, speaker
from compressor_cli.errors import UsageProblem
from compressor_cli.memory import places
from compressor_cli.memory import settings as memory
from compressor_cli.terminal.text import safe

_HELP = """The settings: path, list, get, set, unset, explain.

Example: compressor config list"""

config = typer.Typer(help=_HELP)

Name = Annotated[str, typer.Argument(metavar="NAME", help=f"One of: {', '.join(memory.SETTABLE)}.")]


@config.command()
@grouped
def path(speech: OutputOptions) -> int:
    """Print the path of the configuration file.

    Example: $EDITOR "$(compressor config path)"
    """
    output = speaker(speech)
    place = str(places.config_path(os.environ))  # also of a file that cannot be read
    output.result(place, {"path": place})
    return 0


@config.command("list")
@grouped
def list_all(connection: Connection, speech: OutputOptions) -> int:
    """Print every setting in force and where it comes from.

    Of the key only whether it is set.

    Example: compressor config list
    """
    output = speaker(speech)
    for name, value, source in memory.describe(configured(connection, output)):
        record = {"name": name, "value": value, "source": source}
        output.result(f"{name}\t{value}\t{source}", record)
    return 0


@config.command()
@grouped
def explain(connection: Connection, speech: OutputOptions) -> int:
    """Print every value in force, also of the project file.

    Beside each stands where it comes from.

    Example: compressor config explain
    """
    from compressor_cli.memory import project

    output = speaker(speech)
    rows: list[tuple[str, object, str]] = [*memory.describe(configured(connection, output))]
    for name, value, source in rows + project.describe(project.find(Path())):
        record = {"name": name, "value": value, "source": source}
        output.result("\t".join(map(_cell, (name, value, source))), record)
    return 0


def _cell(value: object) -> str:
    """A text as it is, nothing as nothing, all else as JSON; whole, and without tabs of its own."""
    plain = value is None or isinstance(value, str)
    text = str(value or "") if plain else json.dumps(value, ensure_ascii=False)
    return safe(text, longest=len(text) * 10)


@config.command()
@grouped
def get(name: Name, connection: Connection, speech: OutputOptions) -> int:
    """Print one setting in force.

    Example: compressor config get api_url
    """
    output = speaker(speech)
    value = memory.get(configured(connection, output), name)
    output.result(value, {"name": name, "value": value})
    return 0


@config.command("set")
@grouped
def set_value(
    name: Name,
    value: Annotated[str, typer.Argument(metavar="VALUE")],
    connection: Connection,
    speech: OutputOptions,
) -> int:
    """Change a setting in the configuration file; its comments stay.

    Example: compressor config set timeout 30m
    """
    return _change(name, value, connection, speech)


@config.command()
@grouped
def unset(name: Name, connection: Connection, speech: OutputOptions) -> int:
    """Take a setting out of the configuration file.

    Example: compressor config unset timeout
    """
    return _change(name, None, connection, speech)


def _change(name: str, value: str | None, connection: Connection, speech: OutputOptions) -> int:
    from compressor_cli.memory.configedit import check_settable, save

    output = speaker(speech)
    check_settable(name, value)
    file = places.config_path(os.environ)
    save(file, {name: value}, profile=None if name == "profile" else _profile(connection))
    output.note(f"{name} {'unset' if value is None else 'set'} in {file}")
    return 0


def _profile(connection: Connection) -> str | None:
    """The profile in force, also where the file holds a wrong value, which this shall mend."""
    try:
        return memory.load(os.environ, profile=connection.profile, new_profile=True).profile.value
    except UsageProblem:
        return connection.profile or os.environ.get("COMPRESSOR_PROFILE")
