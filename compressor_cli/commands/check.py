"""`compressor check`: are all assets compressed and within budget? No key, no network."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from compressor_cli.commands.batchoptions import Placement, Reporting, Selection, Sources
from compressor_cli.commands.grouping import grouped
from compressor_cli.commands.options import OutputOptions, Processing
from compressor_cli.commands.session import speaker


@dataclass(frozen=True, slots=True)
class Budgets:
    """What the results may weigh."""

    max_size: Annotated[
        list[str],
        typer.Option(metavar="GLOB=SIZE", help="As '*.png=200 kB', for each result. Repeat."),
    ] = field(default_factory=list)
    budget: Annotated[
        str | None, typer.Option(metavar="SIZE", help="As '5 MB', for all results together.")
    ] = None
    min_savings: Annotated[
        str | None, typer.Option(metavar="SHARE", help="As 20%, over all files together.")
    ] = None


@grouped
def check(
    selection: Selection,
    placement: Placement,
    processing: Processing,
    budgets: Budgets,
    reporting: Reporting,
    speech: OutputOptions,
    sources: Sources = None,
    lock: Annotated[
        Path | None, typer.Option(metavar="PATH", help="The lock. [default: compressor.lock]")
    ] = None,
) -> int:
    """Check that every file was compressed with these options, is unchanged, and fits its budget.

    Exit 11 when something is found; each finding names the command that mends it. No request is
    made and no key is needed.

    Example: compressor check assets/ -o public/ --compression ultra --budget '5 MB'
    """
    from compressor_cli.commands.checking import run

    return run(
        sources or [],
        selection=selection,
        placement=placement,
        processing=processing,
        budgets=budgets,
        reporting=reporting,
        lock=lock,
        output=speaker(speech),
    )
