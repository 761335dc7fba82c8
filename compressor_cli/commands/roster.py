"""Which commands there are, so that only the module of the one that is asked for is imported.

Start-up is what a user waits for each time. Importing all commands, and reading the options of
each, takes longer than all else that `--help` or a TAB has to do.
"""

from __future__ import annotations

import importlib
import shlex
from collections.abc import Mapping, Sequence

import typer

COMPLETE = "_COMPRESSOR_COMPLETE"
"""The environment variable in which a shell's completion script asks."""

ROSTER = {
    "submit": "Hand over files, URLs or stdin; print one job id a line.",
    "status": "Look once at each job; print its id and state.",
    "wait": "Poll jobs until each is completed or failed.",
    "get": "Download outputs, verified by size and SHA-1.",
    "compress": "Compress many files and URLs; skip what is unchanged.",
    "check": "Check, without a request, that all files are compressed.",
    "jobs": "List the jobs submitted from here, or forget them.",
    "auth": "Save the API key, see where it comes from, forget it.",
    "config": "The settings: path, list, get, set, unset, explain.",
    "sandbox": "Serve the API on this machine, without key or network.",
    "doctor": "Look whether key, network, folders and terminal are well.",
    "completions": "Print the completion script for a shell.",
}
"""Each command's module in this package, which holds it under the same name; what help says."""


def asked_for(words: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """The command that a command line names, or that a shell wants to complete; None for none."""
    if COMPLETE in environment:
        line = environment.get("COMP_WORDS") or environment.get("_TYPER_COMPLETE_ARGS", "")
        try:
            words = shlex.split(line)[1:]
        except ValueError:  # within quotes
            words = line.split()[1:]
    return words[0] if words and words[0] in ROSTER else None


def enlist(app: typer.Typer, wanted: str | None) -> None:
    """Add all commands to the app: the wanted one whole, of the others what help says of them."""
    for name, summary in ROSTER.items():
        if name != wanted:
            app.command(name, help=summary)(_elsewhere)
            continue
        from compressor_cli.commands.helptext import HelpByGroup

        command = getattr(importlib.import_module(f"{__package__}.{name}"), name)
        if isinstance(command, typer.Typer):
            for each in command.registered_commands:
                each.cls = HelpByGroup
            app.add_typer(command, name=name)
        else:
            app.command(name, cls=HelpByGroup)(command)


def _elsewhere() -> None:
    """Stands in for a command that was not asked for."""
    raise AssertionError("a command that was not asked for is run")
