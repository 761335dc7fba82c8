"""What submit, status, wait and get print on stdout, and when.

`aside`: stdout is for the bytes of a result, so nothing else goes there.
"""

from __future__ import annotations

from compressor_cli.engine.updates import Item
from compressor_cli.terminal.output import Output
from compressor_cli.terminal.records import item_record
from compressor_cli.terminal.text import safe


class Ids:
    """An id as soon as it is known; as JSON one object a source, when its road is over."""

    def __init__(self, output: Output, *, aside: bool) -> None:
        self._output = output
        self._aside = aside

    def submitted(self, item: Item) -> None:
        if item.job is not None and not self._aside and not self._output.modes.json:
            self._output.result(item.job.id, {})

    def ended(self, item: Item) -> None:
        if self._output.modes.json and not self._aside:
            self._output.result("", item_record(item))

    def left(self, item: Item) -> None:
        self.ended(item)


class States:
    """Id and state, tab between, when a job has ended or was looked at, or when it is left.

    The state may be a word of the service: also in a pipe it is no second line or column.
    """

    def __init__(self, output: Output, *, aside: bool = False) -> None:
        self._output = output
        self._aside = aside

    def submitted(self, item: Item) -> None:
        """Nothing: the jobs of these commands were submitted before."""

    def ended(self, item: Item) -> None:
        job_id = item.job.id if item.job is not None else item.job_id
        state = safe(item.job.shown_state) if item.job is not None else "error"
        if self._aside:
            self._output.note(f"{job_id}: {state}")
        else:
            self._output.result(f"{job_id}\t{state}", item_record(item))

    def left(self, item: Item) -> None:
        if item.job is not None or self._output.modes.json:
            self.ended(item)


class Paths:
    """The path of each result."""

    def __init__(self, output: Output, *, aside: bool) -> None:
        self._output = output
        self._aside = aside

    def submitted(self, item: Item) -> None:
        """Nothing: the jobs were submitted before."""

    def ended(self, item: Item) -> None:
        path = item.saved.path if item.saved is not None else None
        if not self._aside and (path is not None or self._output.modes.json):
            self._output.result(str(path), item_record(item))

    def left(self, item: Item) -> None:
        self.ended(item)
