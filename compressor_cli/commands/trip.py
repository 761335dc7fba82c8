"""The road of what a batch has to send: taken up or sent, saved, noted in the lock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from compressor_cli.api.options import canonical
from compressor_cli.commands.batch import Batch
from compressor_cli.commands.grouping import command_line
from compressor_cli.commands.handover import PUBLIC, URL_SHORTENED, is_public
from compressor_cli.commands.reporting import Reporter
from compressor_cli.commands.road import Journey, ids, notebook
from compressor_cli.commands.session import Session
from compressor_cli.commands.standardinput import STDIN
from compressor_cli.engine.crew import Crew
from compressor_cli.engine.delivery import fresh_job
from compressor_cli.engine.gate import Gate
from compressor_cli.engine.pipeline import Pipeline
from compressor_cli.engine.plan import Plan
from compressor_cli.engine.saving import Means
from compressor_cli.engine.settlement import Settlement
from compressor_cli.engine.source import UrlSource, is_url
from compressor_cli.engine.updates import Item, Update
from compressor_cli.engine.work import Terms, Work
from compressor_cli.errors import MaybeAccepted
from compressor_cli.memory.claims import Claims
from compressor_cli.memory.ledger import Ledger
from compressor_cli.memory.lockfile import Locked
from compressor_cli.memory.redact import redact_options


@dataclass(frozen=True, slots=True)
class Trip:
    """The road of the works that are left to do. `sources` as they were typed, `alike` the options
    that do the rest of them, `reach` those that say which API is asked."""

    batch: Batch
    terms: Terms
    reporter: Reporter
    in_flight: int
    fail_fast: bool
    force: bool
    sources: Sequence[str]
    alike: list[str]
    reach: list[str]

    def make(self, now: Session, works: list[Work], *, timeout: float | None) -> None:
        """Do them; each is in the report afterwards. Raises what ends it early."""
        sure = []
        for work in works:
            try:
                if not self.force:
                    _take_up(work, now.ledger, now.api.api_url)
                sure.append(work)
            except MaybeAccepted as error:
                work.error = error
                now.output.error(error, label=work.label)
                self.reporter.ended(work)
        if any(is_public(work) for work in sure):
            now.output.note(PUBLIC)
        with closing(Claims(now.settings.state_dir)) as claims:
            Journey(
                now,
                lambda crew: self._pipeline(crew, now, claims),
                results=self.reporter,
                go_on=self._go_on,
                enough=lambda item: self.fail_fast and item.error is not None,
            ).make(sure, timeout=timeout)

    def _go_on(self, left: Sequence[Item]) -> str:
        """What is no file here cannot be taken up by its bytes: its job's result is fetched, and
        where it is in doubt, it is not sent again."""
        lines = [
            f"go on with: {self._fetch(item)}" for item in left if item.path is None and ids([item])
        ]
        files = [each for each in self.sources if not is_url(each) and each != STDIN]
        urls = [
            item.source
            for item in left
            if isinstance(item.source, UrlSource) and not (ids([item]) or item.in_doubt)
        ]
        if urls or any(item.path is not None for item in left):
            named = [*files, *(source.label for source in urls)]
            words = [*self.alike, *self.reach]
            lines.append("go on with: " + command_line("compress", *words, sources=named))
        if any(source.url != source.label for source in urls):
            lines.append(URL_SHORTENED)
        return "\n".join(lines)

    def _fetch(self, item: Item) -> str:
        assert isinstance(item, Work)
        (job_id,) = ids([item])
        if item.target is None:
            return command_line("wait", job_id, *self.reach)
        return command_line("get", "--wait", job_id, "--output", str(item.target), *self.reach)

    def _pipeline(self, crew: Crew[Update], now: Session, claims: Claims) -> Pipeline:
        gate = Gate()
        notes = notebook(now, crew)
        means = Means(crew, now.outputs, gate, fresh_job(now.api, notes), lambda: 1)

        def note(work: Work) -> None:
            if work.job is not None and work.target is not None:
                notes.saved(work.job, str(work.target.absolute()))
            self._note(work)

        sources = [job.asset.path for job in self.batch.jobs]
        deliver = Settlement(self.terms, crew=crew, means=means, note=note, sources=sources)
        plan = Plan(
            wait=True,
            deliver=deliver,
            uploaders=self.in_flight,
            in_flight=self.in_flight,
            fail_fast=self.fail_fast,
            claim=lambda item: self._claimed(item, crew, now, claims),
        )
        return Pipeline(crew, api=now.api, journal=now.ledger, notes=notes, gate=gate, plan=plan)

    @contextmanager
    def _claimed(
        self, item: Item, crew: Crew[Update], now: Session, claims: Claims
    ) -> Iterator[None]:
        """Alone with these bytes; what another run made of them since is taken, not made again."""
        assert isinstance(item, Work)
        if item.sha1 is None:
            yield
            return
        with claims.held(now.api.api_url, item.sha1, canonical(item.options), sleep=crew.sleep):
            if not self.force:
                _take_up(item, now.ledger, now.api.api_url)
                if item.path == item.target:
                    self._find_made(item, now.ledger)
            yield

    def _find_made(self, work: Work, ledger: Ledger) -> None:
        """In place a file may be the result already: of a run elsewhere, or at the same time."""
        assert work.sha1 is not None
        assert work.target is not None
        entry = ledger.earlier.made(str(work.target.absolute()), work.sha1, work.options)
        if entry is None or entry.input_sha1 is None:
            return
        work.skipped = True
        work.output = (work.sha1, work.size or 0)
        work.sha1, work.size = entry.input_sha1, entry.input_size
        self._note(work)

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
    for entry in ledger.earlier.of_input(api_url, work.sha1, work.options):
        if entry.job_id is not None and entry.job_id == work.gone:
            return
        if entry.job_id is not None and entry.state in {"pending", "completed"}:
            work.job_id = entry.job_id
            return
        if entry.state == "unknown":
            raise MaybeAccepted(
                "an earlier run sent this file whole and never heard whether it was accepted",
                hint="look in the dashboard of the service; to send it again, and perhaps pay "
                f"twice: compressor jobs forget --number {entry.number}",
            )
