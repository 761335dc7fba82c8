"""`compressor completions`: the script that teaches a shell to complete our command lines."""

from __future__ import annotations

import re
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


# What we say has its order, jobs the newest first; shells sort it unless they are told not to.
_IN_ORDER = {
    Shell.bash: ("^complete -o", "complete -o nosort -o"),
    Shell.fish: ("^complete", "complete --keep-order"),
    Shell.zsh: ("^compdef", "zstyle ':completion:*:*:compressor:*' sort false\ncompdef"),
}
_OLD_BASH = """ 2>/dev/null ||
    complete -o default -F _compressor_completion compressor"""  # 4.3 and before: no such option


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
    if shell in _IN_ORDER:
        text = re.sub(*_IN_ORDER[shell], text, flags=re.MULTILINE)
    added = {Shell.zsh: _ZSH_FIRST_TIME, Shell.bash: _OLD_BASH}
    return text + added.get(shell, "") + "\n"


def teach() -> None:
    """Have Typer answer a shell's TAB, without its option that edits a user's start-up files."""
    from typer.completion import completion_init  # type: ignore[attr-defined]

    completion_init()
