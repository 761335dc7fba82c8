"""What is told of a batch: a row a file as it ends, and the report when all have."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from compressor_cli.commands.batchoptions import Reporting
from compressor_cli.commands.showing import Stdout
from compressor_cli.engine.updates import Item
from compressor_cli.engine.work import Work
from compressor_cli.errors import worst
from compressor_cli.terminal import ci
from compressor_cli.terminal.output import Output
from compressor_cli.terminal.report import Row, row_record, table, totals, totals_record
from compressor_cli.terminal.story import speaks_unicode

NAMED = 5
"""Files left out that are named; the others are counted."""


class Reporter:
    """Collects the rows of a run. Raises UsageProblem at once for a report that cannot be written.

    It is also what a journey prints its results by: `submitted`, `ended`, `left`.
    """

    def __init__(self, output: Output, reporting: Reporting, *, title: str) -> None:
        if reporting.report is not None:
            ci.check_report_path(reporting.report)
        self._output = output
        self._reporting = reporting
        self._title = title
        self._begun = time.monotonic()
        self._rows: list[Row] = []
        self._stdout = Stdout()

    def add(self, row: Row) -> None:
        """A file is at its end; as JSON it is told at once."""
        self._rows.append(row)
        if self._output.modes.json:
            self._stdout.attempt(lambda: self._output.result("", row_record(row)))

    def check(self) -> None:
        """Raises OutputProblem or ReaderGone if stdout did not take everything."""
        self._stdout.check((row.path, row.job_id) for row in self._rows if row.job_id)

    def submitted(self, item: Item) -> None:
        """Nothing: the row comes at the end."""

    def ended(self, item: Item) -> None:
        assert isinstance(item, Work)
        self.add(_row(item))

    def left(self, item: Item) -> None:
        """An early end, or nothing could begin: how far it came."""
        job_id = item.job.id if item.job is not None else item.job_id
        state, detail = "not-sent", ""
        if item.job is not None and item.job.state == "completed":
            state, detail = "pending", "its result was not fetched"
        elif job_id:
            state, detail = "pending", "still running"
        elif item.in_doubt:
            state, detail = "unknown", "it may have been accepted"
        self.add(Row(item.label, state, before=item.size, job_id=job_id, detail=detail))

    def finish(self, *, other: Sequence[Path] = ()) -> int:
        """Print and write the report; the exit code of all rows."""
        rows = self._rows
        sums = totals(rows, seconds=time.monotonic() - self._begun)
        if self._output.modes.json:
            self._stdout.attempt(lambda: self._output.result("", totals_record(sums)))
        else:
            width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 120
            lines = table(rows, sums, width=max(width, 40), unicode=speaks_unicode())
            self._stdout.attempt(lambda: self._output.table(lines))
        if other:
            self._output.note(_left_out(other))
        if self._reporting.report is not None:
            ci.write_report(self._reporting.report, rows, sums)
        if ci.on_github(os.environ) and not self._reporting.no_annotations:
            self._tell_github()
        return worst([row.exit_code for row in rows])

    def _tell_github(self) -> None:
        for line in ci.commands(self._rows):
            self._output.command(line)
        sums = totals(self._rows, seconds=time.monotonic() - self._begun)
        problem = ci.step_summary(os.environ, ci.markdown(self._rows, sums, title=self._title))
        if problem:
            self._output.warning(problem)


def _left_out(other: Sequence[Path]) -> str:
    """`left out, of other kinds: notes.txt, a.bin and 3 more`."""
    named = ", ".join(str(path) for path in other[:NAMED])
    more = f" and {len(other) - NAMED} more" if len(other) > NAMED else ""
    return f"left out, of other kinds: {named}{more}"


def _row(work: Work) -> Row:
    job, error = work.job, work.error
    row = Row(
        work.label,
        "failed" if error is not None else "compressed",
        before=job.input.size if work.size is None and job is not None else work.size,
        seconds=time.monotonic() - work.since,
        target=None if work.target is None else str(work.target),
        job_id=job.id if job is not None else work.job_id,
    )
    if error is not None:
        return replace(row, detail=error.message, exit_code=error.exit_code)
    if work.skipped:
        return replace(row, state="unchanged")
    if work.not_worth:
        return replace(row, state="kept", after=row.before, detail="the result was not smaller")
    if work.target is None and job is not None:
        return replace(row, state="stored", after=job.output.size, url=job.url)
    return replace(row, after=work.saved.size if work.saved is not None else None)
