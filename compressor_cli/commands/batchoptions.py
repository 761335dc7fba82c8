"""The options that compress and check share: which files, where their results lie, which lock."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

Sources = Annotated[
    list[str] | None,
    typer.Argument(metavar="SOURCE...", help="Files, folders, globs, URLs. [project file]"),
]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which files."""

    include: Annotated[
        list[str],
        typer.Option(metavar="GLOB", help="Take only these of folders, whatever kind. Repeat."),
    ] = field(default_factory=list)
    exclude: Annotated[
        list[str], typer.Option(metavar="GLOB", help="Leave these of folders out. Repeat.")
    ] = field(default_factory=list)
    files_from: Annotated[
        str | None,
        typer.Option(metavar="FILE|-", help="Read sources from a file, a line or NUL each."),
    ] = None
    allow_empty: Annotated[bool, typer.Option("--allow-empty", help="No files is no error.")] = (
        False
    )


@dataclass(frozen=True, slots=True)
class Placement:
    """Where results go: one of the three."""

    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE|DIR", help="A file, or a mirrored tree."),
    ] = None
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Replace the sources by their results.")
    ] = False
    name: Annotated[
        str | None,
        typer.Option(metavar="TEMPLATE", help="As '{dir}/{stem}.min{ext}'; also {name}."),
    ] = None

    @property
    def count(self) -> int:
        """How many of them were given."""
        return sum([self.output is not None, self.in_place, self.name is not None])


@dataclass(frozen=True, slots=True)
class Locking:
    """Which lock file."""

    lock: Annotated[
        Path | None, typer.Option(metavar="PATH", help="The lock. [default: compressor.lock]")
    ] = None
    no_lock: Annotated[bool, typer.Option("--no-lock", help="Neither read nor write a lock.")] = (
        False
    )


@dataclass(frozen=True, slots=True)
class Reporting:
    """What is written beside the table."""

    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also as .md or .json file.")
    ] = None
    no_annotations: Annotated[
        bool,
        typer.Option("--no-annotations", help="On GitHub Actions: no annotations, no summary."),
    ] = False
