"""`compressor status`: one look at each job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from compressor_cli.commands.grouping import again, command_line, grouped
from compressor_cli.commands.options import Connection, Jobs, Last, OutputOptions, Timing
from compressor_cli.commands.session import session, speaker
from compressor_cli.errors import JobFailed, NotFinished, worst

if TYPE_CHECKING:
    from compressor_cli.engine.updates import Item

LONGEST = 120.0
"""Seconds that a look may take, trouble with the network and all."""


@grouped
def status(
    timing: Timing,
    connection: Connection,
    speech: OutputOptions,
    jobs: Jobs = None,
    last: Last = False,
    exit_status: Annotated[
        bool,
        typer.Option("--exit-status", help="Exit with 0 completed, 6 failed, 10 still running."),
    ] = False,
) -> int:
    """Look once at each job; print its id and state, tab between.

    Anything but `completed` and `failed` is a job still running, in the service's own words.

    Example: compressor status --last
    """
    from compressor_cli.commands.road import Errand, ids, travel
    from compressor_cli.commands.which import known_items
    from compressor_cli.terminal.results import States

    output = speaker(speech)
    with session(connection, output) as now:
        items = known_items(jobs or [], last=last, session=now)
        code = travel(
            now,
            items,
            Errand(),
            timeout=timing.seconds(LONGEST),
            results=States(output),
            go_on=lambda left: (
                "look again with: " + command_line("status", *ids(left), *again(connection))
            ),
        )
    codes = [_code(item, exit_status=exit_status) for item in items]
    return worst(codes) if exit_status or code else 0


def _code(item: Item, *, exit_status: bool) -> int:
    """A failed job is no failure of looking at it, unless --exit-status says so."""
    if isinstance(item.error, JobFailed):
        return item.error.exit_code if exit_status else 0
    if item.error is not None:
        return item.error.exit_code
    pending = item.job is not None and item.job.state == "pending"
    return NotFinished.exit_code if pending and exit_status else 0
