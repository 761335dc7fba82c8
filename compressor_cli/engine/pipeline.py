"""Many jobs on their road at once: submit, wait, deliver, each in its own stage.

A stage is a queue with a few workers; an item goes from one to the next and ends exactly once. The
main thread iterates over `run` and alone decides when to leave.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from copy import copy

from compressor_cli.api.client import ApiClient, Look
from compressor_cli.api.options import canonical
from compressor_cli.engine.channel import Channel
from compressor_cli.engine.crew import Crew, Tick
from compressor_cli.engine.early import asked_too_long
from compressor_cli.engine.gate import Gate
from compressor_cli.engine.notebook import Journal, Notebook, Scribe
from compressor_cli.engine.plan import DELIVERERS, Plan
from compressor_cli.engine.polling import LAST_LOOK, Outcome, Poller, Watch
from compressor_cli.engine.submitting import Desk, check_input, failure, submit
from compressor_cli.engine.updates import Delayed, Ended, Item, Looked, Submitted, Update
from compressor_cli.errors import CompressorError, JobFailed, MaybeAccepted, NotFinished, NotKnown


class Pipeline:
    """The stages. All that asks the service something pauses at the one `gate`."""

    def __init__(
        self,
        crew: Crew[Update],
        *,
        api: ApiClient,
        journal: Journal,
        notes: Notebook,
        gate: Gate,
        plan: Plan,
    ) -> None:
        self._crew = crew
        self._scribe = Scribe(crew, notes)
        self._plan = plan
        self._desk = Desk(crew, api, journal, gate)
        self._poller = Poller(crew, look=api.job, told=self._told, gate=gate)
        self._submits: Channel[Item] = crew.channel()
        self._completed: Channel[Item] = crew.channel()
        self._waiting: dict[str, list[Item]] = {}
        self._lock = threading.Lock()
        self._leaders: dict[tuple[str, str], Item] = {}
        self._followers: dict[Item, list[Item]] = {}
        self._placed: set[Item] = set()
        self._closed = False
        self._places: Channel[bool] = crew.channel()
        for _ in range(plan.in_flight or 0):
            self._places.put(True)

    def run(self, items: Sequence[Item]) -> Iterator[Update | Tick]:
        """Send every item down its road, and tell what happens until all have ended.

        Raises Interrupted, DeadlinePassed and TemporaryTrouble.
        """
        begun = [item for item in items if item.job is not None or item.job_id is not None]
        for item in items:
            if item.job is None and item.job_id is None and not self._follows(item):
                self._submits.put(item)
        if self._plan.in_flight is not None:  # those that a team of many may leave no room for
            self._poller.start()
            self._scribe.start()
        deliverers = DELIVERERS if self._plan.deliver is not None else 0
        self._crew.team(
            (self._submitter, min(self._plan.uploaders, len(items)), "submit"),
            (self._deliverer, min(deliverers, len(items)), "deliver"),
        )
        for item in begun:
            if item.job is not None:
                self._arrive(item)
            elif item.job_id is not None:
                self._look_at(item, item.job_id)
        yield from self._watched(len(items))

    def _follows(self, item: Item) -> bool:
        """Whether the same is sent for another item already, whose job will be this one's too."""
        if item.sha1 is None:
            return False
        same = (item.sha1, canonical(item.options))
        leader = self._leaders.setdefault(same, item)
        if leader is not item:
            self._followers.setdefault(leader, []).append(item)
        return leader is not item

    def _watched(self, open_items: int) -> Iterator[Update | Tick]:
        if not open_items:
            return
        for event in self._crew.events():
            yield event
            if isinstance(event, Ended):
                open_items -= 1
                ended = isinstance(event.item.error, JobFailed | None)
                if not open_items or (self._plan.any_one and ended):
                    return

    def _arrive(self, item: Item) -> None:
        """Send an item whose job has an answer to its next stage."""
        job = item.job
        assert job is not None
        try:
            if job.state == "failed":
                raise failure(job)
            if job.state == "completed":
                check_input(item)
            if job.state == "pending" and self._plan.wait:
                self._look_at(item, job.id)
            elif self._plan.deliver is None:
                self._end(item)
            elif job.state == "pending":
                raise NotFinished(f"job {job.id} is still running", job_id=job.id)
            else:
                self._completed.put(item)
        except CompressorError as error:
            self._end(item, error)

    def _look_at(self, item: Item, job_id: str) -> None:
        with self._lock:
            self._waiting.setdefault(job_id, []).append(item)
        self._poller.watch(job_id, fresh=item.fresh, once=not self._plan.wait)

    def _end(self, item: Item, error: CompressorError | None = None) -> None:
        item.error = error
        self._closed |= self._plan.fail_fast and error is not None
        if item in self._placed:
            self._placed.discard(item)
            self._places.put(True)
        if error is not None:
            error.job_id = item.job.id if item.job is not None else item.job_id
        self._crew.post(Ended(item))

    def _submitter(self) -> None:
        while (item := self._submits.get()) is not None:
            if self._plan.in_flight is not None:
                self._places.get()
                self._placed.add(item)
            if self._closed:
                return
            error: CompressorError | None = None
            try:
                with self._plan.claim(item):
                    if item.job_id is None and not item.skipped:
                        submit(item, self._desk)
            except CompressorError as trouble:
                error = trouble
            self._lead(item, error)
            if item.job is not None:  # also where only the ledger could not be written
                item.fresh = True
                self._crew.post(Submitted(item))
            if error is not None or item.skipped:
                self._end(item, error)
            elif item.job is None and item.job_id is not None:
                self._look_at(item, item.job_id)
            else:
                self._arrive(item)

    def _lead(self, item: Item, error: CompressorError | None) -> None:
        """Let the followers share the job or the doubt; where there is neither, send the next."""
        followers = self._followers.pop(item, [])
        if not followers:
            return
        shared = item.job is not None or isinstance(error, MaybeAccepted)
        if not shared or item.sha1 != followers[0].sha1:  # the file changed before it was sent
            self._followers[followers[0]] = followers[1:]
            self._submits.put(followers[0])
            return
        for follower in followers:
            follower.job, follower.fresh = item.job, item.job is not None
            if error is not None:
                self._end(follower, copy(error))
            else:
                self._arrive(follower)

    def _told(self, watch: Watch, outcome: Outcome, next_in: float | None) -> None:
        """An outcome of the poller, in its thread: have it noted, then send its items on."""
        over = next_in is None or self._in_vain(next_in)
        with self._lock:
            items = self._waiting.get(watch.job_id, [])
            if over:
                self._waiting.pop(watch.job_id, None)
        for item in items:
            if isinstance(outcome, Look):
                item.job = outcome.job
                self._crew.post(Looked(item, next_in))
            elif next_in is not None:
                self._crew.post(Delayed(item, outcome, next_in))

        def go_on() -> None:
            for item in items:
                self._looked_enough(item, outcome, next_in)

        if isinstance(outcome, Look):
            self._scribe.observed(outcome.job, go_on if over else None)
        elif over:
            go_on()

    def _looked_enough(self, item: Item, outcome: Outcome, next_in: float | None) -> None:
        if next_in is not None:
            self._end(item, asked_too_long(next_in))
        elif isinstance(outcome, Look):
            self._arrive(item)
        elif isinstance(outcome, NotKnown) and item.kept is not None:
            item.job = item.kept
            self._arrive(item)
        elif not self._sent_anew(item, outcome):
            self._end(item, outcome)

    def _sent_anew(self, item: Item, error: CompressorError) -> bool:
        """Submit an item whose earlier job the service has forgotten, if its source is at hand."""
        if not isinstance(error, NotKnown) or item.source is None or item.entry is not None:
            return False
        item.gone = item.job.id if item.job is not None else item.job_id
        item.job = item.job_id = None
        self._submits.put(item)
        return True

    def _in_vain(self, next_in: float) -> bool:
        """Whether the service asks for a wait far beyond the deadline."""
        left = self._crew.deadline.remaining()
        return left is not None and next_in > left + 2 * LAST_LOOK

    def _deliverer(self) -> None:
        while (item := self._completed.get()) is not None:
            assert self._plan.deliver is not None
            try:
                self._plan.deliver(item)
            except CompressorError as error:
                if not self._sent_anew(item, error):
                    self._end(item, error)
            else:
                self._end(item)
