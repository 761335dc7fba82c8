"""The API's answers as JSON: the words that the documentation uses, and no others."""

from __future__ import annotations

from typing import Any

from compressor_cli.sandbox.jobs import COMPLETED, FAILED, Job
from compressor_cli.sandbox.links import Links

Answer = dict[str, Any]


class Refused(Exception):
    """The request is not accepted: an HTTP code and a message for the user."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def refused(message: str) -> Answer:
    return {"success": False, "message": message}


def pending(job: Job, word: str | None = None) -> Answer:
    return {"id": job.id, "status": word or job.status}


def failed(job: Job) -> Answer:
    return {"success": False, "id": job.id, "status": FAILED, "message": job.message}


def finished(job: Job, links: Links) -> Answer:
    """A finished submit, which has neither `status` nor `success`."""
    return {
        "id": job.id,
        "url": links.make(job.id, job.output["name"]),
        "input": dict(job.input),
        "output": dict(job.output),
    }


def ended(job: Job, links: Links) -> Answer:
    """What a held submit and a webhook tell of a job that has ended."""
    return failed(job) if job.status == FAILED else finished(job, links)


def look(job: Job, links: Links) -> Answer:
    """What `GET /jobs/{id}` tells."""
    if not job.ended:
        return pending(job)
    if job.status == FAILED:
        return failed(job)
    return finished(job, links) | {"status": COMPLETED}
