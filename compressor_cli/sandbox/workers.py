"""The queue: takes jobs from enqueued to completed or failed, each compression in a process."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import os
import signal
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from compressor_cli.sandbox import answers, kinds, outbound
from compressor_cli.sandbox.codecs import order
from compressor_cli.sandbox.jobs import COMPLETED, FAILED, PROCESSING, Job, JobStore, renamed
from compressor_cli.sandbox.journal import Journal, amount
from compressor_cli.sandbox.limits import Limits
from compressor_cli.sandbox.links import Links
from compressor_cli.sandbox.options import SandboxOptions

_ROOT = Path(__file__).parents[2]  # where this package is imported from
_sha1 = partial(hashlib.sha1, usedforsecurity=False)
_KEPT_VARIABLES = ("SYSTEMROOT", "TMPDIR", "TEMP", "TMP", "PATH")  # without these nothing starts


class Failed(Exception):
    """The job cannot be done; the text becomes its message."""


class Workers:
    """Works on the enqueued jobs, `options.workers` at a time, while its loop runs."""

    def __init__(
        self, options: SandboxOptions, store: JobStore, links: Links, journal: Journal
    ) -> None:
        self._options = options
        self._store = store
        self._links = links
        self._journal = journal
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin, with the jobs that an earlier run left."""
        for job in self._store.unfinished():
            self.enqueue(job)
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._options.workers)]

    async def stop(self) -> None:
        """Leave the work where it is: it begins again at the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def enqueue(self, job: Job) -> None:
        self._queue.put_nowait(job.id)

    async def _work(self) -> None:
        while True:
            await self._finish(await self._queue.get())

    async def _finish(self, job_id: str) -> None:
        job = self._store.update(job_id, status=PROCESSING)
        self._journal.line(f"job  {job.id}  {PROCESSING}  {job.name}")
        try:
            if job.source_url and job.size < 0:
                job = await self._retrieved(job)
            await asyncio.sleep(self._options.work_seconds)
            if job.fail:
                raise Failed(job.fail)
            job = await self._compressed(job)
        except Failed as failure:
            job = self._store.update(job_id, status=FAILED, message=str(failure))
        self._journal.line(f"job  {job.id}  {job.status}  {_outcome(job)}")
        if job.webhook:
            await self._tell(job)

    async def _retrieved(self, job: Job) -> Job:
        target = self._store.input_file(job.id)
        try:
            size, sha1 = await outbound.retrieve(
                job.source_url, job.source_headers, target, self._options
            )
        except outbound.CannotRetrieve as trouble:
            raise Failed(str(trouble)) from None
        return self._store.update(job.id, size=size, sha1=sha1, slow=kinds.slow(target))

    async def _compressed(self, job: Job) -> Job:
        output = self._store.output_file(job.id)
        with self._store.work_folder(job.id) as name:
            folder = Path(name)
            result = await self._run_codec(job, folder)
            if "message" in result:
                raise Failed(result["message"])
            (folder / "output").replace(output)
        kind = kinds.KINDS[result["format"]]
        with output.open("rb") as file:
            sha1 = hashlib.file_digest(file, _sha1).hexdigest()
        size = output.stat().st_size
        return self._store.update(
            job.id,
            status=COMPLETED,
            input=_described(kind, job.name, job.size, job.sha1),
            output=_described(kind, renamed(job.name, kind.format), size, sha1),
        )

    async def _run_codec(self, job: Job, folder: Path) -> dict[str, Any]:
        """What the codec program says of this job. Raises Failed if it had to be ended.

        `folder` is its own: what is in it is left over when the program ends, however it ends.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "compressor_cli.sandbox.codecs", "../input", "output",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=folder,
            env=_environment(),
            start_new_session=True,  # Ctrl-C at a terminal is for the sandbox, which then ends it
        )  # fmt: skip
        seconds = self._options.slow_seconds if job.slow else self._options.codec_seconds
        limits = Limits(
            pixels=self._options.max_pixels,
            cpu_seconds=math.ceil(seconds) * 2,  # codecs use several threads
            memory=self._options.codec_memory,
            file_size=self._options.max_body,
        )
        try:
            async with asyncio.timeout(seconds):
                said, _ = await process.communicate(order(job.options, limits).encode())
        except TimeoutError:
            raise Failed(f"the compression took longer than {seconds:g} seconds") from None
        finally:
            if process.returncode is None:
                _kill(process)
                await process.wait()
        if process.returncode != 0:
            raise Failed(f"the compression was ended by its limits (code {process.returncode})")
        told: dict[str, Any] = json.loads(said)
        return told

    async def _tell(self, job: Job) -> None:
        body = answers.ended(job, self._links)
        outcome = await outbound.deliver(job.webhook, body, self._options)
        self._journal.webhook(job=job.id, url=job.webhook, body=body, **outcome)
        told = f"delivered, HTTP {outcome['status']}" if outcome["delivered"] else "not sent: "
        self._journal.line(f"webhook  {job.id}  {job.webhook}  {told}{outcome['reason']}")


def _kill(process: asyncio.subprocess.Process) -> None:
    """End it with the program that it may have started."""
    with suppress(ProcessLookupError):
        if os.name == "nt":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


def _environment() -> dict[str, str]:
    """The codec's: it finds this package and is told nothing else."""
    kept = {word: os.environ[word] for word in _KEPT_VARIABLES if word in os.environ}
    # Each arena reserves address space, which the memory limit counts.
    return kept | {"PYTHONPATH": str(_ROOT), "MALLOC_ARENA_MAX": "2"}


def _described(kind: kinds.Kind, name: str, size: int, sha1: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": kind.type,
        "format": kind.format,
        "mime": kind.mime,
        "size": size,
        "sha1": sha1,
    }


def _outcome(job: Job) -> str:
    if job.status == FAILED:
        return job.message
    return f"{amount(job.size)} -> {amount(job.output['size'])}"
