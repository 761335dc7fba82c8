"""The JSON objects of jobs: the API's fields as it sent them, and ours beside them.

Ours: `schema`, `source`, `saved_to`, `state` (pending, completed, failed, unknown, not-sent,
error), and `error` (null, or `kind`, `message`, `hint`, `exit_code`). `id` is null without a job.
"""

from __future__ import annotations

from compressor_cli.api.contract import Job
from compressor_cli.engine.updates import Item
from compressor_cli.errors import CompressorError, MaybeAccepted

Record = dict[str, object]


def job_record(job: Job) -> Record:
    """A look at a job."""
    return {**job.raw, "id": job.id or None, "state": job.state}


def item_record(item: Item) -> Record:
    """A job's road so far, or at its end."""
    record: Record = {"id": item.job_id, "state": _state(item)}
    if item.job is not None:
        record = job_record(item.job)
    saved = item.saved.path if item.saved is not None else None
    return {
        **record,
        "source": item.label,
        "saved_to": str(saved) if saved is not None else None,
        "error": None if item.error is None else error_record(item.error),
    }


def error_record(error: CompressorError) -> Record:
    """Why something went wrong."""
    return {
        "kind": error.kind,
        "message": error.message,
        "hint": error.hint,
        "exit_code": error.exit_code,
    }


def _state(item: Item) -> str:
    if item.in_doubt or isinstance(item.error, MaybeAccepted):
        return "unknown"
    return "not-sent" if item.error is None and item.job_id is None else "error"
