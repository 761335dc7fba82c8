"""What every command stands on: the settings, the ledger, the clients and the output of one run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from compressor_cli.commands.options import Connection, OutputOptions
from compressor_cli.memory import settings as memory
from compressor_cli.memory.settings import Settings
from compressor_cli.terminal.output import Modes, Output

if TYPE_CHECKING:
    from compressor_cli.api.client import ApiClient
    from compressor_cli.api.outputs import OutputClient
    from compressor_cli.memory.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Session:
    """A run that talks to the service."""

    settings: Settings
    ledger: Ledger
    api: ApiClient
    outputs: OutputClient
    output: Output


def speaker(options: OutputOptions) -> Output:
    """The output as the options and the environment want it."""
    color = not options.no_color and not os.environ.get("NO_COLOR")
    return Output(
        Modes(json=options.json, quiet=options.quiet, verbose=options.verbose, color=color)
    )


def configured(connection: Connection, output: Output) -> Settings:
    """The settings in force. Their warnings are given."""
    settings = memory.load(os.environ, profile=connection.profile, api_url=connection.api_url)
    for warning in settings.warnings:
        output.warning(warning)
    return settings


@contextmanager
def session(connection: Connection, output: Output) -> Iterator[Session]:
    """Everything for a run that needs the key. Raises UsageProblem, KeyProblem, OutputProblem."""
    from compressor_cli.api.client import ApiClient
    from compressor_cli.api.outputs import OutputClient
    from compressor_cli.memory.ledger import Ledger

    settings = configured(connection, output)
    api = ApiClient(
        api_url=settings.api_url.value, key=settings.key().value, auth=settings.auth.value
    )
    ledger = Ledger(settings.state_dir)
    outputs = OutputClient(api)
    try:
        yield Session(settings, ledger, api, outputs, output)
    finally:
        outputs.close()
        api.close()
        ledger.close()


def lively(output: Output) -> bool:
    """Whether a live region may be drawn: a real terminal, and nobody asked for silence."""
    dumb = os.environ.get("TERM", "") in {"", "dumb"}
    plain = output.modes.quiet or os.environ.get("CI") or dumb
    return not plain and sys.stderr.isatty()
