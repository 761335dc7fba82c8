"""What the routes of one sandbox share, and when a submit is answered."""

from __future__ import annotations

from dataclasses import dataclass

from compressor_cli.sandbox import answers
from compressor_cli.sandbox.faults import FaultPlan
from compressor_cli.sandbox.jobs import FAILED, Job, JobStore
from compressor_cli.sandbox.journal import Journal
from compressor_cli.sandbox.links import Links
from compressor_cli.sandbox.options import LATER_ABOVE, SandboxOptions
from compressor_cli.sandbox.workers import Workers

Reply = tuple[int, answers.Answer]


@dataclass(frozen=True, slots=True)
class Service:
    """The parts of one running sandbox; all live in the loop of its server."""

    options: SandboxOptions
    key: str
    store: JobStore
    links: Links
    faults: FaultPlan
    journal: Journal
    workers: Workers

    async def submit(self, job: Job) -> Reply:
        """Enqueue a new job; its result once it has ended, or at once that it comes later."""
        self.journal.accepted(job.sha1)
        self.workers.enqueue(job)
        while not (job.ended or self._later(job)):
            job = await self.store.changed(job.id)
        if not job.ended:
            return 202, answers.pending(job, "enqueued")
        return (422 if job.status == FAILED else 200), answers.ended(job, self.links)

    def _later(self, job: Job) -> bool:
        if self.options.answers != "auto":
            return self.options.answers == "later" or bool(job.states)
        return bool(job.states or job.webhook or job.slow) or job.size > LATER_ABOVE
