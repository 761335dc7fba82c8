"""The options that several commands share, in groups; how a command takes one is in grouping.py.

What a command works with it imports when it runs: `--help` and a shell's TAB must cost little.
"""

from __future__ import annotations

import errno
import os
import sys
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from compressor_cli.api.contract import Json
from compressor_cli.api.options import (
    base_options,
    guess_type,
    merged,
    named_options,
    set_options,
)
from compressor_cli.commands.recent import recent_jobs
from compressor_cli.engine.target import STDOUT, Destination, destination
from compressor_cli.errors import OutputProblem, UsageProblem
from compressor_cli.memory import duration

_LARGEST_DATA = 1024 * 1024


class Compression(StrEnum):
    """The levels that the service documents."""

    medium = "medium"
    high = "high"
    ultra = "ultra"


Jobs = Annotated[
    list[str] | None,
    typer.Argument(metavar="JOB...", help="Job ids.", autocompletion=recent_jobs),
]
Last = Annotated[bool, typer.Option("--last", help="The newest job in the ledger.")]


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """How it speaks."""

    json: Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only errors on stderr.")] = False
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more on stderr.")] = False
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours, no styles.")] = False


@dataclass(frozen=True, slots=True)
class Connection:
    """Which API, with which key."""

    profile: Annotated[
        str | None, typer.Option(metavar="NAME", help="The profile of the configuration file.")
    ] = None
    api_url: Annotated[str | None, typer.Option(metavar="URL", help="The API's base URL.")] = None


@dataclass(frozen=True, slots=True)
class Placing:
    """Where results go."""

    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE|DIR|-", help="Where the result goes."),
    ] = None
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="Leave files that exist, and be content.")
    ] = False

    def place(self, *, jobs: int) -> Destination:
        """The destination of so many jobs. Raises UsageProblem, OutputProblem."""
        if self.output in STDOUT and _stdout_is_closed():
            raise OutputProblem(
                "the result would go to stdout, which is closed", hint="send it to a file or pipe"
            )
        if self.output in STDOUT and sys.stdout.isatty() and not self.force:
            raise UsageProblem(
                "the result would go to the terminal", hint="send it to a file or pipe, or --force"
            )
        return destination(
            self.output, jobs=jobs, force=self.force, skip_existing=self.skip_existing
        )


@dataclass(frozen=True, slots=True)
class Timing:
    """How long it may take."""

    timeout: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="As 90s, 5m, 1h30m; 0 for no end. [default: 1h; status: 2m]"
        ),
    ] = None

    def seconds(self, default: float | None) -> float | None:
        """Seconds until the deadline, None for none. Raises UsageProblem."""
        return default if self.timeout is None else duration.seconds(self.timeout) or None


@dataclass(frozen=True, slots=True)
class Processing:
    """What the service shall do. Merged: --data, then the named options, then --set."""

    compression: Annotated[
        Compression | None, typer.Option(help="How strongly; ultra gives the smallest files.")
    ] = None
    resize: Annotated[
        str | None, typer.Option(metavar="WxH", help="New size in pixels, as 800x600 or 800x.")
    ] = None
    mode: Annotated[
        str | None,
        typer.Option(metavar="MODE", help="How to resize; fit (default) covers the box and crops."),
    ] = None
    type: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="Namespace of the options: image, video, … [by name]"),
    ] = None
    set: Annotated[
        list[str],
        typer.Option("--set", metavar="A.B=VALUE", help="Any option; JSON if it parses. Repeat."),
    ] = field(default_factory=list)
    data: Annotated[
        str | None, typer.Option(metavar="JSON|@FILE", help="A JSON object as the base.")
    ] = None
    webhook: Annotated[
        str | None, typer.Option(metavar="URL", help="Call this URL when the job has ended.")
    ] = None
    header: Annotated[
        list[str],
        typer.Option(metavar="'NAME: VALUE'", help="Sent when a URL is fetched. Repeat."),
    ] = field(default_factory=list)

    def options(self, name: str, *, base: Json) -> Json:
        """The JSON that is sent for the source called `name`; `base` is what --data says."""
        named = named_options(
            self.type or guess_type(name),
            compression=self.compression,
            resize=self.resize,
            mode=self.mode,
            webhook=self.webhook,
        )
        return merged(base, named, set_options(self.set))

    def without_named(self) -> Processing:
        """The same for a kind of file under which the API documents no --compression, --resize."""
        return replace(self, compression=None, resize=None, mode=None)

    def base(self) -> Json:
        """What --data says. Raises UsageProblem when it is not a JSON object."""
        text = self.data
        if text is not None and text.startswith("@"):
            text = _read(text[1:])
        return base_options(text)

    def headers(self) -> dict[str, str]:
        """The --header options. Raises UsageProblem for one that no request can carry."""
        found = {}
        for line in self.header:
            name, colon, value = line.partition(":")
            if not colon or not name.strip().isascii() or not line.isprintable() or " " in name:
                raise UsageProblem(
                    f"--header takes 'Name: value', and {name[:40]!r} is not the name of a header"
                )
            found[name] = value.strip()
        return found


def _stdout_is_closed() -> bool:
    """What stands in for a stdout that was closed is not open for writing."""
    try:
        os.write(sys.stdout.fileno(), b"")
    except OSError as error:
        return error.errno == errno.EBADF
    return False


def _read(path: str) -> str:
    try:
        if path == "-":
            return sys.stdin.read(_LARGEST_DATA)
        with Path(path).open("rb") as file:
            return file.read(_LARGEST_DATA).decode()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise UsageProblem(f"--data cannot be read from {path}: {reason}") from None
