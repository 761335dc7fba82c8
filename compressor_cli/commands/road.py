"""The frame in which submit, status, wait and get run: crew, view, results, how to go on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from compressor_cli.commands.session import Session, lively
from compressor_cli.commands.showing import Results, Shown
from compressor_cli.engine.crew import Crew, DeadlinePassed, Tick
from compressor_cli.engine.deadline import Deadline
from compressor_cli.engine.early import jobs_are, note_left, too_late
from compressor_cli.engine.gate import Gate
from compressor_cli.engine.notebook import Notebook
from compressor_cli.engine.pipeline import Pipeline
from compressor_cli.engine.plan import Plan
from compressor_cli.engine.target import Destination
from compressor_cli.engine.updates import Ended, Item, Remark, Submitted, Update
from compressor_cli.errors import (
    BadResult,
    CompressorError,
    Interrupted,
    NotFinished,
    OutputProblem,
    ReaderGone,
    TemporaryTrouble,
    WrongInput,
    worst,
)
from compressor_cli.terminal.output import Output
from compressor_cli.terminal.story import Story

GoOn = Callable[[Sequence[Item]], str]
"""The commands, one a line, that bring the items that have not ended to their end."""

_WORTH_ANOTHER_TRY = (TemporaryTrouble, OutputProblem, NotFinished, BadResult)


class View(Protocol):
    """Shows the updates of a run."""

    def show(self, update: Update | Tick) -> None: ...


@dataclass(frozen=True, slots=True)
class Errand:
    """What shall come of the items: `wait` until each job has ended, or for `any_one` of them.

    `place`: where results go, None for nowhere.
    """

    wait: bool = False
    place: Destination | None = None
    any_one: bool = False


def travel(
    session: Session,
    items: Sequence[Item],
    errand: Errand,
    *,
    timeout: float | None,
    results: Results,
    go_on: GoOn,
) -> int:
    """Send the items down their road and give the exit code. Ends early with how to go on."""
    only_looks = not errand.wait and errand.place is None and not any(i.source for i in items)
    journey = Journey(
        session,
        lambda crew: _pipeline(crew, session, errand),
        results=results,
        go_on=go_on,
        closings=not only_looks,
    )
    return journey.make(items, timeout=timeout)


@dataclass(frozen=True, slots=True)
class Journey:
    """A run of items through a pipeline. `closings`: a last line for each that went well.

    `enough`: told of each item that has ended, whether the others need not end.
    """

    session: Session
    build: Callable[[Crew[Update]], Pipeline]
    results: Results
    go_on: GoOn
    closings: bool = True
    enough: Callable[[Item], bool] = lambda _item: False

    def make(self, items: Sequence[Item], *, timeout: float | None) -> int:
        """Run to the end and give the exit code.

        Raises Interrupted, NotFinished or what else an early end is, with how to go on; and what
        was wrong with stdout.
        """
        left = dict.fromkeys(items)
        shown = self.results if isinstance(self.results, Shown) else Shown(self.results)
        crew: Crew[Update] = Crew(Deadline(timeout))
        early: Interrupted | DeadlinePassed | None = None
        with _view(self.session.output, items, closings=self.closings) as watcher:
            with crew:
                try:
                    for update in self.build(crew).run(items):
                        self._tell(update, watcher, shown)
                        if isinstance(update, Ended):
                            del left[update.item]
                            if self.enough(update.item):
                                break
                except (Interrupted, DeadlinePassed) as error:
                    self.session.ledger.hurry()
                    early = error
            for update in crew.rest():  # what workers reached while they were told to end
                if isinstance(update, Submitted | Ended):
                    self._tell(update, watcher, shown)
                if isinstance(update, Ended):
                    del left[update.item]
        return self._end(items, list(left), shown, early, timeout)

    def _tell(self, update: Update | Tick, watcher: View, shown: Shown) -> None:
        if isinstance(update, Submitted):
            shown.submitted(update.item)
        watcher.show(update)
        if isinstance(update, Ended):
            _ended(self.session.output, update.item, shown, self.go_on)

    def _end(
        self,
        items: Sequence[Item],
        left: list[Item],
        shown: Shown,
        early: Interrupted | DeadlinePassed | None,
        timeout: float | None,
    ) -> int:
        """Only now the workers have ended, and what they reached is known."""
        if isinstance(early, Interrupted) or (early is not None and left):
            self._note_left(left, shown)
            if isinstance(early, Interrupted):
                why: CompressorError = early
                why.message += _still_running(left)
            else:
                why = too_late(left, timeout=timeout or 0.0)
            why.hint = self.go_on(left) if left else ""
            raise why
        if left:
            if any(map(self.enough, set(items).difference(left))):
                self._note_left(left, shown)
            self.session.output.note(f"{_the_others(left)}; {self.go_on(left)}")
        shown.check((item.label, job_id) for item, job_id in _jobs(items))
        return worst([item.error.exit_code if item.error else 0 for item in items])

    def _note_left(self, left: Sequence[Item], shown: Shown) -> None:
        """A ledger that cannot be written must not hide how to go on."""
        try:
            note_left(left, self.session.ledger)
        except OutputProblem as problem:
            self.session.output.warning(problem.message)
        for item in left:
            shown.left(item)


def _pipeline(crew: Crew[Update], session: Session, errand: Errand) -> Pipeline:
    gate, api = Gate(), session.api
    notes = notebook(session, crew)
    deliver = None
    if errand.place is not None:
        from compressor_cli.engine.delivery import Delivery

        deliver = Delivery(
            errand.place,
            crew=crew,
            api=api,
            outputs=session.outputs,
            notes=notes,
            gate=gate,
            stdout=_stdout,
        )
    plan = Plan(wait=errand.wait, deliver=deliver, any_one=errand.any_one)
    return Pipeline(crew, api=api, journal=session.ledger, notes=notes, gate=gate, plan=plan)


def notebook(session: Session, crew: Crew[Update]) -> Notebook:
    """Into the ledger of the session; what it cannot write is a remark of the crew."""
    return Notebook(
        session.ledger,
        api_url=session.api.api_url,
        remark=lambda text: crew.post(Remark(text)),
    )


def _ended(output: Output, item: Item, results: Results, go_on: GoOn) -> None:
    if (error := item.error) is not None:
        if (item.job is not None or item.job_id) and _may_mend(error):
            error.hint = "\n".join(filter(None, (error.hint, go_on([item]))))
        if not isinstance(error, ReaderGone):
            output.error(error, label=item.label)
    results.ended(item)


def _may_mend(error: CompressorError) -> bool:
    """Whether to ask for the same job's result again may help."""
    return isinstance(error, _WORTH_ANOTHER_TRY) and not isinstance(error, WrongInput)


def _still_running(open_items: Sequence[Item]) -> str:
    """What becomes of the jobs that have not ended, if there are any."""
    jobs = [
        item for item, _ in _jobs(open_items) if item.job is None or item.job.state == "pending"
    ]
    if not jobs:
        return ""
    return f"; {jobs_are(len(jobs))} still running in the service"


def _the_others(left: Sequence[Item]) -> str:
    """What becomes of those that need not come to their end."""
    if jobs := len(_jobs(left)):
        return f"{'the' if jobs == len(left) else 'some of the'} others still run"
    if any(item.in_doubt for item in left):
        return "whether the others were all accepted is unknown"
    return "the others were not sent"


def _view(output: Output, items: Sequence[Item], *, closings: bool) -> AbstractContextManager[View]:
    if not lively(output):
        return Story(output, closings=closings)
    from compressor_cli.terminal.live import LiveView

    return LiveView(output, expected=items, closings=closings)


def _stdout() -> int:
    sys.stdout.flush()
    return sys.stdout.fileno()


def ids(items: Sequence[Item]) -> list[str]:
    """The ids of the items that have a job."""
    return [job_id for _, job_id in _jobs(items)]


def _jobs(items: Sequence[Item]) -> list[tuple[Item, str]]:
    found = [(item, item.job.id if item.job is not None else item.job_id) for item in items]
    return [(item, job_id) for item, job_id in found if job_id]
