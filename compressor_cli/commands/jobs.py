"""`compressor jobs`: the ledger of what was submitted from here."""

from __future__ import annotations

import sys
import time
from enum import StrEnum
from typing import Annotated

import typer

from compressor_cli.commands.grouping import grouped
from compressor_cli.commands.options import Connection, OutputOptions
from compressor_cli.commands.session import configured, speaker
from compressor_cli.errors import UsageProblem
from compressor_cli.memory import duration

jobs = typer.Typer(invoke_without_command=True)


class State(StrEnum):
    """The states of the ledger."""

    submitting = "submitting"
    unknown = "unknown"
    pending = "pending"
    completed = "completed"
    failed = "failed"
    not_sent = "not-sent"


@jobs.callback()
@grouped
def listing(
    context: typer.Context,
    connection: Connection,
    speech: OutputOptions,
    state: Annotated[
        list[State] | None, typer.Option(help="Only jobs in this state. Repeat.")
    ] = None,
    limit: Annotated[
        int, typer.Option(min=0, metavar="N", help="So many at most; 0 for all.")
    ] = 20,
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="Also jobs of other API URLs.")
    ] = False,
    stats: Annotated[bool, typer.Option("--stats", help="Totals of all of them instead.")] = False,
) -> int:
    """List the jobs submitted from here, the newest first.

    Columns: id, state, time, source, where the result was saved. No request is made.

    Example: compressor jobs --state pending
    """
    if context.invoked_subcommand is not None:
        return 0
    from compressor_cli.memory.ledger import Ledger
    from compressor_cli.terminal.rows import entry_record, entry_row, totals, totals_text

    output = speaker(speech)
    settings = configured(connection, output)
    ledger = Ledger(settings.state_dir)
    entries = ledger.entries(
        api_url=None if everywhere else settings.api_url.value,
        states=[each.value for each in state or []],
        limit=None if stats else limit or None,
    )
    ledger.close()
    if stats:
        sums = totals(entries)
        output.result(totals_text(sums), sums)
        return 0
    for entry in entries:
        output.result(entry_row(entry, people=sys.stdout.isatty()), entry_record(entry))
    if not entries:
        output.note("no jobs")
    return 0


@jobs.command()
@grouped
def forget(
    connection: Connection,
    speech: OutputOptions,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="JOB...", help="Job ids, in any state.")
    ] = None,
    number: Annotated[
        list[int] | None,
        typer.Option(metavar="N", help="By the number in `jobs --json`. Repeat."),
    ] = None,
    finished: Annotated[bool, typer.Option("--finished", help="All that are at an end.")] = False,
    older_than: Annotated[
        str | None, typer.Option(metavar="TIME", help="Finished ones older than this, as 30d.")
    ] = None,
) -> int:
    """Take jobs out of the ledger; nothing else is touched.

    Jobs that may still bring something are forgotten only by name.

    Example: compressor jobs forget --older-than 30d
    """
    from compressor_cli.memory.ledger import Ledger

    output = speaker(speech)
    if not (names or number or finished or older_than):
        raise UsageProblem("forget which jobs?", hint="name them, or --finished, or --older-than")
    before = None if older_than is None else time.time() - duration.seconds(older_than)
    settings = configured(connection, output)
    ledger = Ledger(settings.state_dir)
    gone = ledger.forget(
        job_ids=names or [], numbers=number or [], before=before, everything=finished
    )
    ledger.close()
    if (names or number) and not gone:
        raise UsageProblem("the ledger holds no such job", hint="see: compressor jobs --limit 0")
    output.result(f"{gone} forgotten", {"forgotten": gone})
    return 0
