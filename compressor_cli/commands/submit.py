"""`compressor submit`: hand over files, URLs or stdin; an id a line, at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from compressor_cli.commands.options import (
    Connection,
    OutputOptions,
    Placing,
    Processing,
    Timing,
    again,
    grouped,
)
from compressor_cli.commands.session import session, speaker
from compressor_cli.engine.target import STDOUT
from compressor_cli.errors import worst

if TYPE_CHECKING:
    from compressor_cli.engine.updates import Item


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
    from compressor_cli.commands.handover import look_over
    from compressor_cli.commands.road import Errand, command_line, ids, travel
    from compressor_cli.terminal.results import Ids

    output = speaker(speech)
    place = placing.place(jobs=len(sources)) if placing.output is not None else None
    results = Ids(output, aside=placing.output == STDOUT)
    items, codes = look_over(sources, processing, place, output=output, results=results)

    def go_on(left: Sequence[Item]) -> str:
        lines = []
        if accepted := ids(left):
            verb = ["get", "--wait"] if place is not None else ["wait"]
            words = [*verb, *accepted, *again(placing, connection)]
            lines.append("go on with: " + command_line(*words))
        if unsent := [item.label for item in left if item.job is None and not item.in_doubt]:
            options = again(processing, placing, connection) + (["--wait"] if wait else [])
            lines.append("not sent yet: " + command_line("submit", *options, "--", *unsent))
            if any(getattr(item.source, "url", item.label) != item.label for item in left):
                lines.append("(of a URL its query and password are not shown: write them again)")
        lines += [
            f"{item.label}: sent whole, but whether it was accepted is unknown; look in the "
            "dashboard before you submit it again"
            for item in left
            if item.in_doubt
        ]
        return "\n".join(lines)

    if not items:
        return worst(codes)
    with session(connection, output) as now:
        code = travel(
            now,
            items,
            Errand(wait=wait or place is not None, place=place),
            timeout=timing.seconds(now.settings.timeout.value),
            results=results,
            go_on=go_on,
        )
    return worst([code, *codes])
