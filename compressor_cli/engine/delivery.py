"""The last stage of a job's road: its result, downloaded to where the command wants it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from compressor_cli.api.client import ApiClient
from compressor_cli.api.contract import Job
from compressor_cli.api.outputs import OutputClient
from compressor_cli.engine.crew import Crew
from compressor_cli.engine.gate import Gate
from compressor_cli.engine.notebook import Notebook
from compressor_cli.engine.saving import Means, save
from compressor_cli.engine.submitting import failure
from compressor_cli.engine.target import Destination, Target, make_folder, target
from compressor_cli.engine.updates import Delayed, Item, Receiving, Update
from compressor_cli.errors import NotFinished, OutputProblem


class Delivery:
    """Saves results at `place`. `stdout` gives a file descriptor for one that goes there."""

    def __init__(
        self,
        place: Destination,
        *,
        crew: Crew[Update],
        api: ApiClient,
        outputs: OutputClient,
        notes: Notebook,
        gate: Gate,
        stdout: Callable[[], int] = lambda: 1,
    ) -> None:
        self._place = place
        self._crew = crew
        self._notes = notes
        self._means = Means(crew, outputs, gate, fresh_job(api, notes), stdout)
        self._claimed: set[Path] = set()
        self._lock = threading.Lock()

    def __call__(self, item: Item) -> None:
        """Save the result of a completed job; `item.saved` or `item.skipped` is set afterwards.

        Raises what engine/saving.py and engine/target.py raise.
        """
        job = item.job
        assert job is not None
        goal = self._claim(item, job)
        if goal is None:
            item.skipped = True
            return
        if self._place.folder is not None:
            make_folder(self._place.folder)
        item.saved = save(
            job,
            goal,
            means=self._means,
            received=lambda done, whole: self._crew.post(Receiving(item, done, whole)),
            delayed=lambda error, wait: self._crew.post(Delayed(item, error, wait)),
        )
        if item.saved is not None and item.saved.path is not None:
            self._notes.saved(job, str(item.saved.path.absolute()))

    def _claim(self, item: Item, job: Job) -> Target | None:
        """The item's target, which no other item of this run may have.

        Claimed whether it exists or not: what another item has just put there is not to be skipped.
        """
        anyhow = self._target(replace(self._place, force=True, skip_existing=False), item, job)
        if anyhow is not None and anyhow.path is not None:
            with self._lock:
                if anyhow.path in self._claimed:
                    raise OutputProblem(
                        f"two results of this run would both be {anyhow.path}",
                        hint="get this one with -o FILE",
                    )
                self._claimed.add(anyhow.path)
        return self._target(self._place, item, job)

    def _target(self, place: Destination, item: Item, job: Job) -> Target | None:
        return target(
            place,
            source=item.path,
            source_name=item.name,
            server_name=job.output.name,
            job_id=job.id,
        )


def fresh_job(api: ApiClient, notes: Notebook) -> Callable[[str], Job]:
    """What asks a job for its present answer, and so for a fresh URL of its output.

    That raises NotFinished, JobFailed, and what a look raises.
    """

    def fresh(job_id: str) -> Job:
        job = api.job(job_id).job
        notes.observed(job)
        if job.state == "failed":
            raise failure(job)
        if job.url is None:
            raise NotFinished(f"job {job_id} has no output yet", job_id=job_id)
        return job

    return fresh
