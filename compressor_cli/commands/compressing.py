"""How compress does a batch: the fresh is left, the begun is taken up, the rest is sent."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from compressor_cli.commands.batch import Batch, planned
from compressor_cli.commands.batchoptions import Locking, Placement, Reporting, Selection
from compressor_cli.commands.compress import Running
from compressor_cli.commands.handover import PUBLIC, is_public
from compressor_cli.commands.options import Connection, Processing, Timing, again
from compressor_cli.commands.reporting import Reporter
from compressor_cli.commands.road import Journey, command_line
from compressor_cli.commands.session import Session, session
from compressor_cli.commands.sorting import add_streams, sorted_out
from compressor_cli.engine.crew import Crew
from compressor_cli.engine.delivery import fresh_job
from compressor_cli.engine.gate import Gate
from compressor_cli.engine.layout import check_writable
from compressor_cli.engine.notebook import Notebook
from compressor_cli.engine.pipeline import Pipeline, Plan
from compressor_cli.engine.saving import Means
from compressor_cli.engine.settlement import Settlement, Terms, Work
from compressor_cli.engine.updates import Remark, Update
from compressor_cli.errors import MaybeAccepted
from compressor_cli.memory import project as projects
from compressor_cli.memory.digests import Digests
from compressor_cli.memory.ledger import Ledger
from compressor_cli.memory.lockfile import Locked
from compressor_cli.memory.places import state_dir
from compressor_cli.memory.redact import redact_options
from compressor_cli.terminal.output import Output
from compressor_cli.terminal.report import Row

JOBS = 8
"""Jobs at once, from the first byte sent to the result in place."""


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
    batch = planned(
        sources,
        project=project,
        selection=selection,
        placement=placement,
        locking=locking,
        processing=processing,
    )
    terms = Terms(
        min_savings=_share(running.min_savings, project.min_savings),
        allow_larger=running.allow_larger or project.allow_larger,
    )
    reporter = Reporter(output, reporting, title="compressor compress")
    digests = Digests(state_dir(os.environ))
    works = _to_do(batch, digests, processing, running, reporter)
    check_writable(work.target for work in works if work.target is not None)
    words = again(selection, placement, processing, running, locking, reporting, timing, connection)
    trip = _Trip(
        batch=batch,
        terms=terms,
        digests=digests,
        reporter=reporter,
        in_flight=running.jobs or project.jobs or JOBS,
        fail_fast=running.fail_fast,
        command=command_line("compress", *words, *(["--", *sources] if sources else [])),
    )
    try:
        if works:
            with session(connection, output) as now:
                default = now.settings.timeout.value if project.timeout is None else project.timeout
                trip.make(now, works, timeout=timing.seconds(default or None), force=running.force)
    finally:
        digests.keep()
        if batch.lock is not None and not running.dry_run:
            batch.lock.tidy()
        code = reporter.finish(other=batch.other)
    reporter.check()
    return code


def _to_do(
    batch: Batch,
    digests: Digests,
    processing: Processing,
    running: Running,
    reporter: Reporter,
) -> list[Work]:
    """What is to be sent or taken up; all else is told to the reporter."""
    found = sorted_out(batch, digests, force=running.force)
    add_streams(batch, found, processing)
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


@dataclass(frozen=True, slots=True)
class _Trip:
    """The road of the works that are left to do."""

    batch: Batch
    terms: Terms
    digests: Digests
    reporter: Reporter
    in_flight: int
    fail_fast: bool
    command: str

    def make(self, now: Session, works: list[Work], *, timeout: float | None, force: bool) -> None:
        """Do them; each is in the report afterwards. Raises what ends it early."""
        sure = []
        for work in works:
            try:
                if not force:
                    _take_up(work, now.ledger, now.api.api_url)
                sure.append(work)
            except MaybeAccepted as error:
                work.error = error
                now.output.error(error, label=work.label)
                self.reporter.ended(work)
        if any(is_public(work) for work in sure):
            now.output.note(PUBLIC)
        Journey(
            now,
            lambda crew: self._pipeline(crew, now),
            results=self.reporter,
            go_on=lambda _left: "go on with: " + self.command,
            enough=lambda item: self.fail_fast and item.error is not None,
        ).make(sure, timeout=timeout)

    def _pipeline(self, crew: Crew[Update], now: Session) -> Pipeline:
        gate = Gate()
        notes = Notebook(
            now.ledger, api_url=now.api.api_url, remark=lambda text: crew.post(Remark(text))
        )
        means = Means(crew, now.outputs, gate, fresh_job(now.api, notes), lambda: 1)

        def note(work: Work) -> None:
            if work.job is not None and work.target is not None:
                notes.saved(work.job, str(work.target.absolute()))
            self._note(work)

        deliver = Settlement(self.terms, crew=crew, means=means, note=note)
        plan = Plan(wait=True, deliver=deliver, uploaders=self.in_flight, in_flight=self.in_flight)
        return Pipeline(crew, api=now.api, journal=now.ledger, notes=notes, gate=gate, plan=plan)

    def _note(self, work: Work) -> None:
        """One line in the lock for each file."""
        lock = self.batch.lock
        if lock is None or work.path is None or work.target is None or work.sha1 is None:
            return
        assert work.output is not None
        output, size = work.output
        lock.add(
            work.path,
            Locked(
                input=work.sha1,
                input_size=work.size or 0,
                options=redact_options(work.options),
                target=lock.key(work.target),
                output=output,
                output_size=size,
                kept=work.not_worth,
            ),
        )


def _take_up(work: Work, ledger: Ledger, api_url: str) -> None:
    """Ask for the job that an earlier run made of these bytes, instead of making another.

    Raises MaybeAccepted when an earlier run sent them and never heard what became of it.
    """
    if work.sha1 is None:
        return
    for entry in ledger.of_input(api_url, work.sha1, work.options):
        if entry.job_id is not None and entry.state in {"pending", "completed"}:
            work.job_id = entry.job_id
            return
        if entry.state == "unknown":
            raise MaybeAccepted(
                "an earlier run sent this file whole and never heard whether it was accepted",
                hint="look in the dashboard of the service; to send it again, and perhaps pay "
                f"twice: compressor jobs forget --number {entry.number}",
            )
