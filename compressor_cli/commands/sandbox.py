"""`compressor sandbox`: the API on loopback, really compressing, without key or network."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from compressor_cli.commands.grouping import grouped
from compressor_cli.commands.options import OutputOptions
from compressor_cli.commands.session import speaker
from compressor_cli.engine.crew import Crew
from compressor_cli.errors import NotFinished, OutputProblem, UsageProblem
from compressor_cli.memory.key import check_key
from compressor_cli.terminal.output import Modes, Output

if TYPE_CHECKING:
    from compressor_cli.sandbox.options import SandboxOptions
    from compressor_cli.sandbox.running import Sandbox

_HELP = """The API on this machine, to try things without key or network.

Example: compressor sandbox exec -- compressor submit photo.png -o small.png"""

sandbox = typer.Typer(help=_HELP)


_UNFINISHED = (NotFinished.exit_code, 129, 130, 143)
"""Codes of a command that may have left jobs running."""


class Answers(StrEnum):
    """When jobs are answered."""

    auto = "auto"
    now = "now"
    later = "later"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the sandbox serves."""

    outputs_port: Annotated[
        int | None,
        typer.Option(metavar="PORT", help="Serve outputs on a second port; 0: a free one."),
    ] = None
    answers: Annotated[
        Answers, typer.Option(help="auto: later over 32 MB or with a webhook; or force either.")
    ] = Answers.auto
    work_seconds: Annotated[
        float, typer.Option(metavar="SECONDS", help="Added time of work for each job.")
    ] = 0.0
    allow_webhook: Annotated[
        list[str], typer.Option(metavar="HOST:PORT", help="Loopback target. Repeat.")
    ] = field(default_factory=list)

    def options(self, *, port: int = 0, key: str = "", state: Path | None = None) -> SandboxOptions:
        """As the sandbox takes them. Raises UsageProblem for nonsense, or without the extra."""
        try:
            import compressor_cli.sandbox.running  # noqa: F401 - whether the extra is there
            from compressor_cli.sandbox.options import SandboxOptions
        except ImportError as error:
            raise UsageProblem(
                f"the sandbox is not installed: {error.name} is missing",
                hint="pip install 'compressor-cli[sandbox]'",
            ) from None
        try:
            return SandboxOptions(
                port=port,
                key=key and check_key(key, source="option --key").value,
                outputs_port=self.outputs_port,
                answers=self.answers.value,
                work_seconds=self.work_seconds,
                allow_webhook=tuple(self.allow_webhook),
                state_dir=state,
            )
        except ValueError as error:
            raise UsageProblem(str(error)) from None


@sandbox.command()
@grouped
def start(
    behaviour: Behaviour,
    speech: OutputOptions,
    port: Annotated[int, typer.Option(metavar="PORT", help="0 for a free one.")] = 8400,
    key: Annotated[
        str, typer.Option(metavar="KEY", help="The key to accept. [default: random]")
    ] = "",
    state: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep jobs here over a restart. [default: nowhere]"),
    ] = None,
) -> int:
    """Serve until Ctrl-C; print what to export, and each request.

    Example: compressor sandbox start --port 8400
    """
    output = speaker(speech)
    crew: Crew[str] = Crew()
    options = behaviour.options(port=port, key=key, state=state)
    with crew, _running(options, crew.post) as box:
        if output.modes.json:
            output.result("", {"api_url": box.api_url, "key": box.key})
        else:
            output.result(f"export COMPRESSOR_API_URL={box.api_url}", {})
            output.result(f"export COMPRESSOR_API_KEY={box.key}", {})
        output.note("serving; Ctrl-C ends it")
        for event in crew.events():
            if isinstance(event, str):
                output.note(event)
    return 0


@sandbox.command("exec", context_settings={"allow_interspersed_args": False})
@grouped
def execute(
    command: Annotated[list[str], typer.Argument(metavar="COMMAND...", help="After --.")],
    behaviour: Behaviour,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show each request on stderr.")
    ] = False,
) -> int:
    """Run a command against a sandbox; end with its exit code.

    Port and key are made for it and set in its environment, and `compressor` in it is this one.

    Example: compressor sandbox exec -- sh -c 'compressor submit photo.png --wait'
    """
    output = Output(Modes(verbose=verbose))
    with (
        tempfile.TemporaryDirectory(prefix="compressor-exec-") as folder,
        _running(behaviour.options(), output.detail) as box,
    ):
        code = _child(command, _environment(box, Path(folder)))
    if code in _UNFINISHED:
        output.note(
            "the sandbox and its jobs ended with the command; one that stays: "
            "compressor sandbox start"
        )
    return code


@contextmanager
def _running(options: SandboxOptions, told: Callable[[str], None]) -> Iterator[Sandbox]:
    from compressor_cli.sandbox.running import running

    try:
        with running(options, on_request=told) as box:
            yield box
    except OSError as error:
        raise OutputProblem(
            f"the sandbox cannot start: {error.strerror or error}",
            hint="choose another port with --port, or --port 0 for a free one",
        ) from None


def _environment(box: Sandbox, folder: Path) -> dict[str, str]:
    """The child's environment: this sandbox and nothing of the user's own settings or ledger."""
    shims = folder / "bin"
    shims.mkdir()
    _shim(shims)
    others = {k: v for k, v in os.environ.items() if not k.startswith("COMPRESSOR_")}
    return others | {
        "COMPRESSOR_API_URL": box.api_url,
        "COMPRESSOR_API_KEY": box.key,
        "COMPRESSOR_CONFIG": str(folder / "config.toml"),
        "COMPRESSOR_STATE_DIR": str(folder / "state"),
        "PATH": os.pathsep.join([str(shims), os.environ.get("PATH", os.defpath)]),
    }


def _shim(folder: Path) -> None:
    """A `compressor` that is this very one, and no other program of its environment."""
    if os.name == "nt":
        line = f'@"{sys.executable}" -P -m compressor_cli %*\r\n'
        (folder / "compressor.cmd").write_text(line)
        return
    shim = folder / "compressor"
    shim.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m compressor_cli "$@"\n')
    shim.chmod(0o755)


def _child(command: list[str], environment: dict[str, str]) -> int:
    """Run the command to its end. A terminal's Ctrl-C reaches it by itself; TERM and HUP by us."""
    program = shutil.which(command[0], path=environment["PATH"])
    if program is None:
        raise UsageProblem(f"there is no command {command[0]}")
    running: list[subprocess.Popen[bytes]] = []
    early: list[int] = []  # signals from before we knew the child, which may well be at work

    def forward(number: int, _frame: FrameType | None) -> None:
        if running:
            running[0].send_signal(number)
        else:
            early.append(number)

    # Handlers, not SIG_IGN, which the child would inherit; and before it runs, so none is missed.
    signal.signal(signal.SIGINT, lambda _number, _frame: None)
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), forward)
    try:
        running.append(subprocess.Popen([program, *command[1:]], env=environment))
    except OSError as error:
        raise UsageProblem(f"{command[0]} cannot be run: {error.strerror}") from None
    for number in early:
        running[0].send_signal(number)
    code = running[0].wait()
    return code if code >= 0 else 128 - code
