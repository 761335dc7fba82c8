"""The jobs of a sandbox: what is known of each, and the folder where that survives a restart."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import tempfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from compressor_cli.sandbox import kinds

ENQUEUED, PROCESSING, COMPLETED, FAILED = "enqueued", "processing", "completed", "failed"
_NAME_LIMIT = 255
_WORK = "work-"
_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Job:
    """One submission. `input` and `output` are as the API shows them, empty until known."""

    id: str
    name: str
    options: Mapping[str, Any]
    made: float  # seconds since the epoch
    status: str = ENQUEUED
    message: str = ""
    size: int = -1  # of the input; -1 until it is here
    sha1: str = ""
    slow: bool = False  # a kind of work that is answered later
    source_url: str = ""
    source_headers: Mapping[str, str] = field(default_factory=dict)
    input: Mapping[str, Any] = field(default_factory=dict)
    output: Mapping[str, Any] = field(default_factory=dict)
    fail: str = ""  # scripted: end as failed with this message
    states: tuple[str, ...] = ()  # scripted: what the next looks answer

    @property
    def ended(self) -> bool:
        return self.status in (COMPLETED, FAILED)

    @property
    def webhook(self) -> str:
        section = self.options.get("webhook")
        url = section.get("url") if isinstance(section, Mapping) else None
        return url if isinstance(url, str) else ""


def plain_name(text: str) -> str:
    """`text` without folders or control characters: a name that is safe as data."""
    last = PurePosixPath(text.replace("\\", "/")).name
    return _UNSAFE.sub("_", last)[:_NAME_LIMIT] or "file"


def renamed(name: str, format: str) -> str:
    """The output's name: that of the input with the format as extension."""
    return f"{PurePosixPath(name).stem}.{format}"


class JobStore:
    """All jobs, in memory and in one folder each; a change is on disk before it is seen."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "jobs"
        self.incoming = folder / "incoming"  # bodies that are still arriving
        shutil.rmtree(self.incoming, ignore_errors=True)
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self.incoming.mkdir(mode=0o700)
        self._jobs: dict[str, Job] = {}
        self._changes: dict[str, asyncio.Event] = {}
        for left in self._folder.glob(f"*/{_WORK}*"):  # of a run that was killed
            shutil.rmtree(left, ignore_errors=True)
        for record in self._folder.glob("*/job.json"):
            job = Job(**json.loads(record.read_text("utf-8")))
            self._jobs[job.id] = replace(job, states=tuple(job.states))

    def __len__(self) -> int:
        return len(self._jobs)

    def outputs(self) -> list[str]:
        """SHA-1 of each output that there is."""
        return [job.output["sha1"] for job in self._jobs.values() if job.output]

    def results(self) -> list[dict[str, str]]:
        """What each finished job made of what: its id, and the SHA-1 of input and output."""
        finished = [job for job in self._jobs.values() if job.output]
        return [
            {"id": job.id, "input": job.input["sha1"], "output": job.output["sha1"]}
            for job in finished
        ]

    def get(self, job_id: str) -> Job | None:
        return self._jobs.get(job_id)

    def unfinished(self) -> list[Job]:
        """The jobs that an earlier run left, oldest first."""
        return sorted((job for job in self._jobs.values() if not job.ended), key=lambda j: j.made)

    def make(self, name: str, options: Mapping[str, Any], body: Path | None, **known: Any) -> Job:
        """A new enqueued job; `body` is moved into its folder."""
        if body is not None:
            known["slow"] = kinds.slow(body)
        job = Job(id=str(uuid.uuid4()), name=name, options=options, made=time.time(), **known)
        self.home(job.id).mkdir(mode=0o700)
        if body is not None:
            body.replace(self.input_file(job.id))
        return self._keep(job)

    def update(self, job_id: str, **changes: Any) -> Job:
        """Record what has changed of a job and wake whoever waits for it."""
        return self._keep(replace(self._jobs[job_id], **changes))

    def _keep(self, job: Job) -> Job:
        record = self.home(job.id) / "job.json"
        fresh = record.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(job)), "utf-8")
        os.replace(fresh, record)  # noqa: PTH105 - named for what it is: atomic
        self._jobs[job.id] = job
        change = self._changes.pop(job.id, None)
        if change is not None:
            change.set()
        return job

    async def changed(self, job_id: str) -> Job:
        """Wait for the next change of the job and return it."""
        await self._changes.setdefault(job_id, asyncio.Event()).wait()
        return self._jobs[job_id]

    def home(self, job_id: str) -> Path:
        return self._folder / job_id

    def input_file(self, job_id: str) -> Path:
        return self.home(job_id) / "input"

    def work_folder(self, job_id: str) -> tempfile.TemporaryDirectory[str]:
        """A fresh one for each try: what an earlier one still does, it does elsewhere."""
        return tempfile.TemporaryDirectory(prefix=_WORK, dir=self.home(job_id))

    def output_file(self, job_id: str) -> Path:
        return self.home(job_id) / "output"
