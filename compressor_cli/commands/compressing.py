"""How compress does a batch: the fresh is left, the begun is taken up, the rest is sent."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from compressor_cli.commands.batch import Batch, planned
from compressor_cli.commands.batchoptions import Locking, Placement, Reporting, Selection
from compressor_cli.commands.compress import Running
from compressor_cli.commands.grouping import again
from compressor_cli.commands.options import Connection, Processing, Timing
from compressor_cli.commands.reporting import Reporter
from compressor_cli.commands.session import Session, session
from compressor_cli.commands.sorting import add_streams, sorted_out
from compressor_cli.engine.layout import check_writable
from compressor_cli.engine.work import Terms, Work
from compressor_cli.errors import CompressorError, Interrupted, worst
from compressor_cli.memory import project as projects
from compressor_cli.memory.digests import Digests
from compressor_cli.memory.exclusive import PATIENCE
from compressor_cli.memory.lockfile import Lock
from compressor_cli.memory.places import state_dir
from compressor_cli.terminal.output import Output
from compressor_cli.terminal.report import Row

JOBS = 8
"""Jobs at once, from the first byte sent to the result in place."""

LAST_PATIENCE = 1.0
"""Seconds to wait for another program that holds the lock, where the run ends early."""


def run(
    sources: Sequence[str],
    *,
    selection: Selection,
    placement: Placement,
    processing: Processing,
    running: Running,
    locking: Locking,
    reporting: Reporting,
    timing: Timing,
    connection: Connection,
    output: Output,
) -> int:
    """Compress the batch and give the exit code."""
    project = projects.find(Path.cwd())
    digests = Digests(state_dir(os.environ))
    batch = planned(
        sources,
        project=project,
        selection=selection,
        placement=placement,
        locking=locking,
        processing=processing,
        digests=digests,
    )
    terms = Terms(
        min_savings=_share(running.min_savings, project.min_savings),
        allow_larger=running.allow_larger or project.allow_larger,
    )
    reporter = Reporter(output, reporting, title="compressor compress")
    works = _to_do(batch, digests, running, reporter)
    check_writable(work.target for work in works if work.target is not None)
    if works and batch.lock is not None:
        batch.lock.check_writable()
    patience = LAST_PATIENCE
    try:
        if works:
            from compressor_cli.commands.trip import Trip  # and with it all that sends

            unforced = replace(running, force=False)  # what is done need not be done again
            trip = Trip(
                batch=batch,
                terms=terms,
                reporter=reporter,
                in_flight=running.jobs or project.jobs or JOBS,
                fail_fast=running.fail_fast,
                force=running.force,
                sources=sources,
                alike=again(selection, placement, processing, unforced, locking, reporting, timing),
                reach=again(connection),
            )
            with _begun(connection, output, works, reporter) as now:
                default = now.settings.timeout.value if project.timeout is None else project.timeout
                trip.make(now, works, timeout=timing.seconds(default or None))
        patience = PATIENCE
    finally:
        digests.keep()
        problem = None if running.dry_run else _tidied(batch.lock, patience)
        code = reporter.finish(other=batch.other)
        if problem is not None and not isinstance(problem, Interrupted):
            output.error(problem)
    if isinstance(problem, Interrupted):
        raise problem
    reporter.check()
    return worst([code, problem.exit_code if problem is not None else 0])


def _tidied(lock: Lock | None, patience: float) -> CompressorError | None:
    """What stood in the way of sorting the lock: it must not hide what is told of the files."""
    try:
        if lock is not None:
            lock.tidy(patience=patience)
    except CompressorError as problem:
        return problem
    return None


@contextmanager
def _begun(
    connection: Connection, output: Output, works: Sequence[Work], reporter: Reporter
) -> Iterator[Session]:
    """A session; where there can be none, as without a key, nothing was sent, and is told so."""
    with ExitStack() as stack:
        try:
            now = stack.enter_context(session(connection, output))
        except CompressorError:
            for work in works:
                reporter.left(work)
            raise
        yield now


def _to_do(
    batch: Batch,
    digests: Digests,
    running: Running,
    reporter: Reporter,
) -> list[Work]:
    """What is to be sent or taken up; all else is told to the reporter."""
    found = sorted_out(batch, digests, force=running.force, dry_run=running.dry_run)
    add_streams(batch, found)
    for row in found.rows:
        reporter.add(row)
    works = found.works[: running.max_jobs]
    for work in found.works[len(works) :]:
        reporter.add(Row(work.label, "postponed", before=work.size))
    if not running.dry_run:
        return works
    for work in works:
        reporter.add(Row(work.label, "would-send", before=work.size))
    return []


def _share(given: str | None, of_project: float | None) -> float:
    return (of_project or 0.0) if given is None else projects.share(given)
