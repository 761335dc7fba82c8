"""The Typer app, and `main`: the one error boundary and the only place that ends the process."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import shlex
import signal
import sys
import traceback
from typing import Annotated, NoReturn

import typer

from compressor_cli import __version__
from compressor_cli.commands.roster import COMPLETE, asked_for, enlist
from compressor_cli.engine.ending import SIGNALS, Ending
from compressor_cli.errors import CompressorError, Interrupted, ReaderGone, UsageProblem
from compressor_cli.terminal.output import Modes, Output, stdout_problem

EXIT_CODES = """\b
Exit codes:
  0  all done
  1  unexpected error, or a batch that failed in several ways
  2  usage or configuration
  3  input unusable: missing, unreadable, empty, not a regular file
  4  key missing or refused
  5  temporary trouble, safe to run again
  6  refused or failed for good: job failed, unusable answer
  7  unknown: the upload may have been accepted; how to find out is printed
  8  result not as promised (size, SHA-1), discarded
  9  local output trouble: exists, no space, no permission
  10 deadline reached, job still running
  11 check found something
  129, 130, 143  ended by HUP, INT, TERM after cleaning up
  141  the reader of stdout went away"""

FIRST_STEPS = """\
Compress images, video, audio, PDF, documents and archives.

  compressor submit photo.png -o small.png     one file, there and back
  compressor compress assets/ -o public/       many files, only what has changed
  compressor sandbox exec -- compressor submit photo.png -o small.png
                                               the same without key and network

All commands: compressor --help"""

_FROM_STDOUT = {errno.EPIPE, errno.ENOSPC, errno.EBADF}

app = typer.Typer(
    name="compressor",
    epilog=EXIT_CODES,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)


@app.callback(invoke_without_command=True)
def about(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> int:
    """Compress images, video, audio, PDF, documents and archives with the Compressor API.

    Hand over files, get job ids; wait; get verified results, whole or not at all.

    Example: compressor submit photo.png -o small.png
    """
    if version:
        typer.echo(f"compressor {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(FIRST_STEPS, err=True)
        return UsageProblem.exit_code
    return 0


def main() -> NoReturn:
    """Run the command line and end the process with the code that errors.py documents."""
    _open_streams()
    output = Output(Modes())
    if COMPLETE in os.environ:
        from compressor_cli.commands.completions import teach

        teach()
    try:
        Ending(_interrupt).listen()
        enlist(app, asked_for(sys.argv[1:], os.environ))
        gc.freeze()  # what is loaded stays to the end
        gc.enable()
        code = app(prog_name="compressor", standalone_mode=False) or 0
        _flush()
    except SystemExit as end:  # a shell asked for completions, or nobody read Typer's help
        code = end.code if isinstance(end.code, int) else 0
        if isinstance(end.__context__, BrokenPipeError):
            code = ReaderGone.exit_code
    except BaseException as error:  # noqa: BLE001 - the boundary
        if not isinstance(error, Interrupted):
            _hear_no_more()
        code = _told(error, output)
    _leave(code)


def _interrupt(number: int) -> NoReturn:
    """A signal where no crew is at work. Typer would make an exit code of a KeyboardInterrupt."""
    raise Interrupted(number)


def _hear_no_more() -> None:
    """It is about to end, and nobody is left to catch what `_interrupt` raises."""
    for number in SIGNALS:
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)


def _open_streams() -> None:
    """Let no text be unprintable, and stand in for streams that were closed, as with `>&-`.

    A closed stdout then fails when something is written to it, as a full one does; nobody misses
    what went to a closed stderr. Nor does a file or socket of ours get a standard stream's number.
    """
    for name, mode in (("stdin", os.O_RDONLY), ("stdout", os.O_RDONLY), ("stderr", os.O_WRONLY)):
        if getattr(sys, name) is None:
            handle = os.open(os.devnull, mode)  # the lowest that is free: the one that was closed
            if name != "stdin":
                setattr(sys, name, os.fdopen(handle, "w", encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def _flush() -> None:
    """Find out now whether stdout took everything; at the interpreter's end it is too late."""
    try:
        sys.stdout.flush()
    except OSError as error:
        raise stdout_problem(error) from None


def _told(error: BaseException, output: Output) -> int:
    """Tell the user what went wrong, and give the exit code."""
    if isinstance(error, typer.TyperException):
        where = getattr(getattr(error, "ctx", None), "command_path", "compressor")
        hint = f"see: {where} --help"
        typed = sys.argv[1:]
        if where == "compressor" and typed and os.path.isfile(typed[0]):  # noqa: PTH113 - no error
            hint = "to compress it: " + shlex.join(["compressor", "submit", *typed])
        error = UsageProblem(error.format_message(), hint=hint)
    elif isinstance(error, OSError) and error.errno in _FROM_STDOUT and error.filename is None:
        error = stdout_problem(error)  # Typer writes help and version itself
    if isinstance(error, CompressorError):
        if not isinstance(error, ReaderGone):
            output.error(error)
        if isinstance(error, Interrupted):
            return -error.signal_number
        return error.exit_code
    _confess(error)
    return 1


def _confess(error: BaseException) -> None:
    """A bug: its kind, and with -v where it happened, but no values: they may hold the key."""
    with contextlib.suppress(OSError):  # stderr may be gone too
        print(f"compressor: unexpected {type(error).__name__}; this is a bug", file=sys.stderr)  # noqa: T201
        if {"-v", "--verbose"} & set(sys.argv):
            traceback.print_tb(error.__traceback__)
        else:
            print("  run it again with -v to see where, and report it", file=sys.stderr)  # noqa: T201


def _leave(code: int) -> NoReturn:
    """End now, whatever a socket is doing. A negative code: die of that signal, as shells like."""
    if code >= 0:
        _hear_no_more()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    if code < 0:
        with contextlib.suppress(OSError, ValueError):
            signal.signal(-code, signal.SIG_DFL)
            os.kill(os.getpid(), -code)
        code = 128 - code
    os._exit(code)
