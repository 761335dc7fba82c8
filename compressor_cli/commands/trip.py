"""The road of what a batch has to send: taken up or sent, saved, noted in the lock."""

from __future__ import annotations

from dataclasses import dataclass

from compressor_cli.commands.batch import Batch
from compressor_cli.commands.handover import PUBLIC, is_public
from compressor_cli.commands.reporting import Reporter
from compressor_cli.commands.road import Journey, notebook
from compressor_cli.commands.session import Session
from compressor_cli.engine.crew import Crew
from compressor_cli.engine.delivery import fresh_job
from compressor_cli.engine.gate import Gate
from compressor_cli.engine.pipeline import Pipeline, Plan
from compressor_cli.engine.saving import Means
from compressor_cli.engine.settlement import Settlement
from compressor_cli.engine.updates import Update
from compressor_cli.engine.work import Terms, Work
from compressor_cli.errors import MaybeAccepted
from compressor_cli.memory.ledger import Ledger
from compressor_cli.memory.lockfile import Locked
from compressor_cli.memory.redact import redact_options


@dataclass(frozen=True, slots=True)
class Trip:
    """The road of the works that are left to do; `command`, to type, goes on with them."""

    batch: Batch
    terms: Terms
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
        notes = notebook(now, crew)
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
