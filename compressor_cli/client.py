"""Use from Python: submit, wait and get, with the safety of the commands.

    from compressor_cli import Client

    with Client() as client:
        job = client.submit("photo.png", options={"image": {"compression": "ultra"}})
        job = client.wait(job)
        path = client.get(job, "small.png")

Key, address and ledger are those of the command line: `compressor jobs` lists what was submitted
from here. Every error is a CompressorError of `compressor_cli.errors`, with `exit_code`, `hint` and
`job_id`.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from compressor_cli.api.client import ApiClient
from compressor_cli.api.contract import Job, is_job_id
from compressor_cli.api.outputs import OutputClient
from compressor_cli.engine.crew import Crew, DeadlinePassed
from compressor_cli.engine.deadline import Deadline
from compressor_cli.engine.delivery import Delivery
from compressor_cli.engine.early import note_left, too_late
from compressor_cli.engine.gate import Gate
from compressor_cli.engine.notebook import Notebook
from compressor_cli.engine.pipeline import Pipeline
from compressor_cli.engine.plan import Plan
from compressor_cli.engine.source import FileSource, file_source, is_url, url_source
from compressor_cli.engine.target import STDOUT, Destination, destination
from compressor_cli.engine.updates import Ended, Item, Update
from compressor_cli.errors import UsageProblem
from compressor_cli.memory import settings as memory
from compressor_cli.memory.known import known_item
from compressor_cli.memory.ledger import Ledger

PathLike = str | os.PathLike[str]


class Client:
    """The Compressor API, for one thread or many. A context manager.

    `api_key`, `api_url` and `profile` go before the environment and the configuration file, from
    which the rest comes. `timeout`: seconds for each call, None for the setting, 0 for no end.
    Raises KeyProblem without a key, UsageProblem for a wrong configuration, OutputProblem where no
    ledger can be kept: without it nothing is submitted.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        api_url: str | None = None,
        profile: str | None = None,
        timeout: float | None = None,
    ) -> None:
        given = {} if api_key is None else {"COMPRESSOR_API_KEY": api_key}
        settings = memory.load({**os.environ, **given}, profile=profile, api_url=api_url)
        for warning in settings.warnings:
            warnings.warn(warning, stacklevel=2)
        self._timeout = settings.timeout.value if timeout is None else timeout
        self._api = ApiClient(
            api_url=settings.api_url.value, key=settings.key().value, auth=settings.auth.value
        )
        self._outputs = OutputClient(self._api)
        self._ledger = Ledger(settings.state_dir)
        self._gate = Gate()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let connections and the ledger go. Jobs go on."""
        self._outputs.close()
        self._api.close()
        self._ledger.close()

    def submit(self, source: PathLike, *, options: Mapping[str, Any] | None = None) -> Job:
        """Hand over a file, or a URL that the service retrieves, with the API's `options`.

        The job is in the ledger when this returns; it may be `completed` already. Raises
        InputProblem (nothing sent), KeyProblem, TemporaryTrouble (nothing accepted, safe to
        repeat), MaybeAccepted (do not repeat: it may be paid twice), Refused.
        """
        text = os.fspath(source)
        found = url_source(text, headers={}) if is_url(text) else file_source(text)
        path = found.path if isinstance(found, FileSource) else None
        item = Item(
            found.label, source=found, options=dict(options or {}), name=found.name, path=path
        )
        return _job(self._travel(item, Plan(), self._timeout))

    def status(self, job: Job | str) -> Job:
        """One look at a job. Raises NotKnown, KeyProblem, TemporaryTrouble."""
        seen = self._api.job(_id(job)).job
        self._notes().observed(seen)
        return seen

    def wait(self, job: Job | str, *, timeout: float | None = None) -> Job:
        """Poll until the job is completed.

        Trouble of the network or the service does not end the wait. Raises JobFailed with the
        service's reason, and NotFinished after `timeout` seconds: the job goes on, wait again.
        """
        item = self._known(job)
        return _job(self._travel(item, Plan(wait=True), self._time(timeout)))

    def get(
        self,
        job: Job | str,
        output: PathLike,
        *,
        wait: bool = False,
        force: bool = False,
        timeout: float | None = None,
    ) -> Path:
        """Download the output of a completed job, whole and verified; the path it has.

        `output` is a file, replaced if it exists, or a folder, in which a name is made from the
        source's; such a name replaces nothing without `force`. `wait`: until the job is completed,
        else NotFinished. Raises BadResult when the bytes are not what was promised, OutputProblem
        when they cannot be written, JobFailed, NotKnown, TemporaryTrouble; what was there stays.
        """
        name = os.fspath(output)
        if name in STDOUT:
            raise UsageProblem(f"{name} is no file")
        place = destination(name, jobs=1, force=force)
        item = self._travel(self._known(job), Plan(wait=wait), self._time(timeout), place=place)
        assert item.saved is not None
        assert item.saved.path is not None
        return item.saved.path

    def _time(self, timeout: float | None) -> float | None:
        return self._timeout if timeout is None else timeout

    def _known(self, job: Job | str) -> Item:
        """The road of a job, with what the ledger knows of its source."""
        job_id = _id(job)
        return known_item(job_id, self._ledger.find(self._api.api_url, job_id))

    def _notes(self) -> Notebook:
        return Notebook(self._ledger, api_url=self._api.api_url, remark=_remark)

    def _travel(
        self, item: Item, plan: Plan, timeout: float | None, *, place: Destination | None = None
    ) -> Item:
        """Send the item down its road, to its end."""
        notes = self._notes()
        item.job = item.kept
        late = False
        with Crew[Update](Deadline(timeout), signals=False) as crew:
            road = self._road(crew, notes, plan, place)
            try:
                for _ in road.run([item]):
                    pass
            except DeadlinePassed:
                late = True
        if late and not any(isinstance(update, Ended) for update in crew.rest()):
            note_left([item], self._ledger)
            raise too_late([item], timeout=timeout or 0.0)
        if item.error is not None:
            raise item.error
        return item

    def _road(
        self, crew: Crew[Update], notes: Notebook, plan: Plan, place: Destination | None
    ) -> Pipeline:
        api, gate = self._api, self._gate
        if place is not None:
            deliver = Delivery(
                place, crew=crew, api=api, outputs=self._outputs, notes=notes, gate=gate
            )
            plan = replace(plan, deliver=deliver)
        return Pipeline(crew, api=api, journal=self._ledger, notes=notes, gate=gate, plan=plan)


def _id(job: Job | str) -> str:
    """Raises UsageProblem for what cannot be an id."""
    job_id = job if isinstance(job, str) else job.id
    if not is_job_id(job_id):
        raise UsageProblem(f"{job_id!r} is not a job id")
    return job_id


def _job(item: Item) -> Job:
    assert item.job is not None
    return item.job


def _remark(text: str) -> None:
    warnings.warn(text, stacklevel=2)
