"""`compressor compress`: many assets, unchanged ones skipped, nothing paid twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from compressor_cli.commands.batchoptions import (
    Locking,
    Placement,
    Reporting,
    Selection,
    Sources,
)
from compressor_cli.commands.grouping import grouped
from compressor_cli.commands.options import Connection, OutputOptions, Processing, Timing
from compressor_cli.commands.session import speaker


@dataclass(frozen=True, slots=True)
class Running:
    """How the work goes."""

    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, metavar="N", help="Jobs at once. [default: 8]"),
    ] = None
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast/--keep-going", help="End at the first failure, or not.")
    ] = False
    max_jobs: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Submit N files at most.")
    ] = None
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be sent; make no request.")
    ] = False
    force: Annotated[bool, typer.Option("--force", help="Compress anew, unchanged or not.")] = False
    allow_larger: Annotated[
        bool, typer.Option("--allow-larger", help="Use results that are not smaller, too.")
    ] = False
    min_savings: Annotated[
        str | None, typer.Option(metavar="SHARE", help="As 5%: use results only from there on.")
    ] = None


@grouped
def compress(
    selection: Selection,
    placement: Placement,
    processing: Processing,
    running: Running,
    locking: Locking,
    reporting: Reporting,
    timing: Timing,
    connection: Connection,
    speech: OutputOptions,
    sources: Sources = None,
) -> int:
    """Compress files, folders, globs and URLs; skip what is unchanged; print a table of savings.

    A result that is not smaller is not used. What was done is noted in compressor.lock, so that a
    second run sends nothing; a run that was interrupted takes up its jobs when it is run again.

    Example: compressor compress assets/ -o public/ --compression ultra
    """
    from compressor_cli.commands.compressing import run

    return run(
        sources or [],
        selection=selection,
        placement=placement,
        processing=processing,
        running=running,
        locking=locking,
        reporting=reporting,
        timing=timing,
        connection=connection,
        output=speaker(speech),
    )
