"""`compressor submit`: hand over files, URLs or stdin; an id a line, at once."""

from __future__ import annotations

from typing import Annotated

import typer

from compressor_cli.commands.grouping import again, grouped
from compressor_cli.commands.options import Connection, OutputOptions, Placing, Processing, Timing
from compressor_cli.commands.session import session, speaker
from compressor_cli.engine.target import STDOUT
from compressor_cli.errors import worst


@grouped
def submit(
    sources: Annotated[
        list[str], typer.Argument(metavar="SOURCE...", help="Files, URLs, or - for stdin.")
    ],
    processing: Processing,
    placing: Placing,
    timing: Timing,
    connection: Connection,
    speech: OutputOptions,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until each job has ended.")] = False,
) -> int:
    """Hand over files, URLs or - (stdin); print one job id a line.

    Each id is printed as soon as it is known, and is in the ledger before that. With -o the
    results are waited for and downloaded too.

    Example: id=$(compressor submit photo.png) && compressor get "$id" --wait -o small.png
    """
    from compressor_cli.commands.handover import how_to_go_on, look_over
    from compressor_cli.commands.road import Errand, travel
    from compressor_cli.commands.showing import Shown
    from compressor_cli.terminal.results import Ids

    output = speaker(speech)
    place = placing.place(jobs=len(sources)) if placing.output is not None else None
    results = Shown(Ids(output, aside=placing.output in STDOUT))
    items, codes = look_over(sources, processing, place, output=output, results=results)

    anew = again(processing, placing, connection) + (["--wait"] if wait else [])
    verb = ["get", "--wait"] if place is not None else ["wait"]
    if not items:
        results.check()
        return worst(codes)
    with session(connection, output) as now:
        code = travel(
            now,
            items,
            Errand(wait=wait or place is not None, place=place),
            timeout=timing.seconds(now.settings.timeout.value),
            results=results,
            go_on=lambda left: how_to_go_on(
                left, verb=verb, options=again(placing, connection), anew=anew
            ),
        )
    return worst([code, *codes])
