"""`compressor completions`: the script that teaches a shell to complete our command lines."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from compressor_cli.commands.roster import COMPLETE
from compressor_cli.terminal.output import Modes, Output

# zsh runs the file itself at the first TAB, and then nobody has called the function yet
_ZSH_FIRST_TIME = """
if [ "$funcstack[1]" = "_compressor" ]; then
  _compressor_completion "$@"
fi"""


class Shell(StrEnum):
    """The shells that Typer knows how to answer."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"
    powershell = "powershell"


def completions(
    shell: Annotated[Shell, typer.Argument(metavar="bash|zsh|fish|powershell")],
) -> int:
    """Print the completion script for a shell. Nothing is installed and no file is changed.

    Example: compressor completions bash > ~/.local/share/bash-completion/completions/compressor
    """
    Output(Modes()).table(script(shell).splitlines())
    return 0


def script(shell: Shell) -> str:
    """The script, ready to be sourced, or to lie where the shell looks for completions."""
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    text: str = get_completion_script(
        prog_name="compressor", complete_var=COMPLETE, shell=shell.value
    ).strip()
    return text + (_ZSH_FIRST_TIME if shell is Shell.zsh else "") + "\n"


def teach() -> None:
    """Have Typer answer a shell's TAB, without its option that edits a user's start-up files."""
    from typer.completion import completion_init  # type: ignore[attr-defined]

    completion_init()
