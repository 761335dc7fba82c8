"""The sources of a submit, all looked over before the first byte is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from compressor_cli.api.contract import Json
from compressor_cli.commands.grouping import command_line
from compressor_cli.commands.options import Processing
from compressor_cli.commands.road import ids
from compressor_cli.commands.showing import Results
from compressor_cli.commands.standardinput import STDIN, stdin_source
from compressor_cli.engine.source import (
    FileSource,
    Source,
    StdinSource,
    file_source,
    is_url,
    url_source,
)
from compressor_cli.engine.target import Destination, target
from compressor_cli.engine.updates import Item
from compressor_cli.errors import InputProblem, OutputProblem, UsageProblem
from compressor_cli.terminal.output import Output

URL_SHORTENED = "(of a URL its query and password are not shown: write them again)"
PUBLIC = "what is stored is public, as the service does it, unless store.acl is set"


def look_over(
    sources: Sequence[str],
    processing: Processing,
    place: Destination | None,
    *,
    output: Output,
    results: Results,
) -> tuple[list[Item], list[int]]:
    """The items that can be sent, and the exit codes of the others, which are reported here.

    Raises UsageProblem for what concerns them all, or would destroy something.
    """
    if sources.count(STDIN) > 1:
        raise UsageProblem("standard input can be read only once")
    base, headers = processing.base(), processing.headers()
    items: list[Item] = []
    codes: list[int] = []
    seen: dict[object, str] = {}
    for text in dict.fromkeys(sources):
        item = Item(text)
        try:
            item = _item(_source(text, headers), processing, base)
            twin = seen.setdefault(_identity(item), item.label)
            if twin != item.label:
                output.note(f"{item.label} is the same file as {twin}: sent once")
                continue
            if not _is_there(item, place):
                items.append(item)
                continue
            item.skipped = True
            output.note(f"{item.label}: its result is already there, so it is not sent")
        except (InputProblem, OutputProblem) as error:
            item.error = error
            codes.append(error.exit_code)
            output.error(error, label=item.label if isinstance(error, OutputProblem) else "")
        results.ended(item)
    _check_names(items, place)
    if any(is_public(item) for item in items):
        output.note(PUBLIC)
    return items, codes


def _item(source: Source, processing: Processing, base: Json) -> Item:
    return Item(
        source.label,
        source=source,
        options=processing.options(source.name, base=base),
        name=None if isinstance(source, StdinSource) else source.name,
        path=source.path if isinstance(source, FileSource) else None,
    )


def _identity(item: Item) -> object:
    """What makes two sources one, also where links give a file several names."""
    if item.path is None:
        return item.label
    status = item.path.stat()
    return (status.st_dev, status.st_ino) if status.st_ino else item.path.resolve()


def _source(text: str, headers: dict[str, str]) -> Source:
    if text == STDIN:
        return stdin_source()
    return url_source(text, headers=headers) if is_url(text) else file_source(text)


def _is_there(item: Item, place: Destination | None) -> bool:
    """Whether the item's result is there already and may stay, as far as its name is known yet.

    Raises OutputProblem when it is there and may not be replaced, and UsageProblem when the
    result would replace the source itself.
    """
    if place is None or place.is_stdout or (place.folder is not None and item.name is None):
        return False
    goal = target(place, source=item.path, source_name=item.name, server_name=None, job_id="")
    return goal is None


def is_public(item: Item) -> bool:
    """Whether the result goes to a storage connector without saying who may read it."""
    store = item.options.get("store")
    return isinstance(store, dict) and "acl" not in store


def _check_names(items: Sequence[Item], place: Destination | None) -> None:
    """Raises UsageProblem when two results would have the same name."""
    names = Counter(item.name for item in items if item.name is not None)
    twice = [name for name, count in names.items() if count > 1]
    if place is not None and place.folder is not None and twice:
        raise UsageProblem(
            f"several sources are called {twice[0]}, and their results would be too",
            hint="submit them one by one with -o FILE",
        )


def how_to_go_on(
    left: Sequence[Item], *, verb: list[str], options: list[str], anew: list[str]
) -> str:
    """The commands that bring the items that have not ended to their end, a line each.

    `verb` and `options` for those that have a job, `anew` the options of a submit for the others.
    """
    lines = []
    if accepted := ids(left):
        lines.append("go on with: " + command_line(*verb, *accepted, *options))
    if unsent := [item.label for item in left if item.job is None and not item.in_doubt]:
        lines.append("not sent yet: " + command_line("submit", *anew, sources=unsent))
        if any(getattr(item.source, "url", item.label) != item.label for item in left):
            lines.append(URL_SHORTENED)
    lines += [
        f"{item.label}: sent whole, but whether it was accepted is unknown; look in the "
        "dashboard before you submit it again"
        for item in left
        if item.in_doubt
    ]
    return "\n".join(lines)
