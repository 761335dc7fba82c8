"""`compressor wait`: poll jobs until each is completed or failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from compressor_cli.commands.grouping import again, command_line, grouped
from compressor_cli.commands.options import Connection, Jobs, Last, OutputOptions, Placing, Timing
from compressor_cli.commands.session import session, speaker
from compressor_cli.engine.target import STDOUT

if TYPE_CHECKING:
    from compressor_cli.engine.updates import Item


@grouped
def wait(
    placing: Placing,
    timing: Timing,
    connection: Connection,
    speech: OutputOptions,
    jobs: Jobs = None,
    last: Last = False,
    any_one: Annotated[
        bool, typer.Option("--any", help="The first job that ends is enough.")
    ] = False,
) -> int:
    """Poll all jobs until each is completed or failed; print id and state as each ends.

    With -o the results are downloaded too. Ctrl-C, the time-out or a lost network leave the jobs
    running; the command that picks them up is printed.

    Example: compressor wait --last --timeout 10m -o small.png
    """
    from compressor_cli.commands.road import Errand, ids, travel
    from compressor_cli.commands.which import known_items, use_kept
    from compressor_cli.terminal.results import States

    output = speaker(speech)
    with session(connection, output) as now:
        items = known_items(jobs or [], last=last, session=now)
        use_kept(items)
        place = placing.place(jobs=len(items)) if placing.output is not None else None

        def go_on(left: Sequence[Item]) -> str:
            options = again(placing, connection) + (["--any"] if any_one else [])
            return "go on with: " + command_line("wait", *ids(left), *options)

        return travel(
            now,
            items,
            Errand(wait=True, place=place, any_one=any_one),
            timeout=timing.seconds(now.settings.timeout.value),
            results=States(output, aside=placing.output in STDOUT),
            go_on=go_on,
        )
