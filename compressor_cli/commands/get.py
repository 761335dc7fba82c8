"""`compressor get`: download and verify the outputs of jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from compressor_cli.commands.grouping import again, command_line, grouped
from compressor_cli.commands.options import Connection, Jobs, Last, OutputOptions, Placing, Timing
from compressor_cli.commands.session import session, speaker

if TYPE_CHECKING:
    from compressor_cli.engine.updates import Item


@grouped
def get(
    placing: Placing,
    timing: Timing,
    connection: Connection,
    speech: OutputOptions,
    jobs: Jobs = None,
    last: Last = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for jobs that still run.")] = False,
) -> int:
    """Download the outputs of jobs and verify size and SHA-1; print the path of each.

    A file appears whole and verified or not at all. -o FILE replaces that file; a name that is
    made for you, from the source's name, never replaces one without --force.

    Example: compressor get --last -o small.png
    """
    from compressor_cli.commands.road import Errand, ids, travel
    from compressor_cli.commands.which import known_items, use_kept
    from compressor_cli.terminal.results import Paths

    output = speaker(speech)
    with session(connection, output) as now:
        items = known_items(jobs or [], last=last, session=now)
        use_kept(items)
        place = placing.place(jobs=len(items))

        def go_on(left: Sequence[Item]) -> str:
            return "go on with: " + command_line(
                "get", "--wait", *ids(left), *again(placing, connection)
            )

        return travel(
            now,
            items,
            Errand(wait=wait, place=place),
            timeout=timing.seconds(now.settings.timeout.value),
            results=Paths(output, aside=place.is_stdout),
            go_on=go_on,
        )
