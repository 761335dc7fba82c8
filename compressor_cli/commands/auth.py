"""`compressor auth`: the API key: save it, say where it comes from, forget it."""

from __future__ import annotations

import contextlib
import getpass
import os
import sys
from typing import Annotated

import typer

from compressor_cli.commands.asking import ask
from compressor_cli.commands.grouping import grouped
from compressor_cli.commands.options import Connection, OutputOptions
from compressor_cli.commands.session import configured, speaker
from compressor_cli.errors import KeyProblem, UsageProblem
from compressor_cli.memory import settings as memory
from compressor_cli.memory.key import Key, check_key

_LONGEST_LINE = 64 * 1024
_OTHER_WAYS = (
    "type it at the prompt on a terminal; or: compressor auth login < key.txt; "
    "or set COMPRESSOR_API_KEY or COMPRESSOR_API_KEY_FILE"
)

_HELP = """The API key: log in, see where it comes from, log out.

Example: compressor auth login"""

auth = typer.Typer(help=_HELP)


@auth.command(context_settings={"allow_extra_args": True})
@grouped
def login(
    context: typer.Context,
    connection: Connection,
    speech: OutputOptions,
    no_check: Annotated[
        bool, typer.Option("--no-check", help="Save the key without asking the service.")
    ] = False,
) -> int:
    """Save the API key, after the service has accepted it.

    The key is typed at a hidden prompt, or read from stdin when that is a pipe or a file. It is
    saved in the configuration file, which only you can read.

    Example: compressor auth login < key.txt
    """
    from compressor_cli.memory.configedit import login_changes, save

    output = speaker(speech)
    settings = memory.load(
        os.environ, profile=connection.profile, api_url=connection.api_url, new_profile=True
    )
    key = _given(context.args, basic=settings.auth.value == "basic")
    if not no_check:
        ask(settings, key.value)
    path = settings.config_path
    save(path, login_changes(key.value, settings), profile=settings.profile.value)
    output.note(f"the key is saved in {path}")
    if settings.key_source() not in {None, "", settings.profile.source} and (
        os.environ.get("COMPRESSOR_API_KEY") or os.environ.get("COMPRESSOR_API_KEY_FILE")
    ):
        output.warning(f"another key is in force: {settings.key_source()}")
    return 0


@auth.command()
@grouped
def status(connection: Connection, speech: OutputOptions) -> int:
    """Say where the key comes from and whether it is accepted.

    What it is, is not said. The service is asked once.

    Example: compressor auth status
    """
    output = speaker(speech)
    settings = configured(connection, output)
    key = settings.key()
    account = ask(settings, key.value)
    record = {
        "api_url": settings.api_url.value,
        "profile": settings.profile.value or "default",
        "key_source": key.source,
        "accepted": True,
        "account": account.text,
    }
    output.result(f"the key from {key.source} is accepted by {settings.api_url.value}", record)
    return 0


@auth.command()
@grouped
def logout(connection: Connection, speech: OutputOptions) -> int:
    """Take the key out of the configuration file.

    Example: compressor auth logout
    """
    from compressor_cli.memory.configedit import save

    output = speaker(speech)
    settings = configured(connection, output)
    save(settings.config_path, {"api_key": None}, profile=settings.profile.value)
    output.note(f"no key is in {settings.config_path} any more")
    left = memory.load(os.environ, profile=connection.profile, api_url=connection.api_url)
    if left.key_source() is not None:
        output.warning(f"a key is still in force: {left.key_source()}")
    return 0


def _given(arguments: list[str], *, basic: bool) -> Key:
    """The key that was typed or piped in. Raises UsageProblem, KeyProblem; neither repeats it."""
    if arguments:
        raise UsageProblem(
            "the API key is not taken from the command line, where the list of processes and the "
            "shell's history would show it",
            hint=_OTHER_WAYS,
        )
    try:
        return check_key(_typed(), source="the input", basic=basic)
    except KeyProblem as error:
        error.hint = _OTHER_WAYS
        raise


def _typed() -> str:
    """The key from stdin: a hidden prompt on a terminal, else its first line."""
    if sys.stdin is not None and sys.stdin.isatty():
        with contextlib.suppress(EOFError):  # Ctrl-D: no key
            return getpass.getpass("API key: ")
        return ""
    line = b"" if sys.stdin is None else sys.stdin.buffer.readline(_LONGEST_LINE)
    if not line:
        raise UsageProblem(
            "there is no terminal and no input to read the key from", hint=_OTHER_WAYS
        )
    return line.decode("utf-8-sig", "replace")
