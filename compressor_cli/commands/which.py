"""Which jobs a command is about, and what the ledger knows of them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from compressor_cli.api.contract import Job, is_job_id, read_job
from compressor_cli.commands.session import Session
from compressor_cli.engine.polling import GRACE
from compressor_cli.engine.updates import Item
from compressor_cli.errors import BadAnswer, UsageProblem
from compressor_cli.memory.entry import Entry


def known_items(jobs: Iterable[str], *, last: bool, session: Session) -> list[Item]:
    """An item for each job named, once. Raises UsageProblem for what cannot be a job."""
    named = list(dict.fromkeys(jobs))
    for job_id in named:
        if not is_job_id(job_id):
            hint = "see your jobs with: compressor jobs"
            raise UsageProblem(f"{job_id!r} is not a job id", hint=hint)
    if last:
        newest = session.ledger.newest(session.api.api_url)
        if newest is None or newest.job_id is None:
            raise UsageProblem(
                "the ledger holds no job of this API yet", hint="compressor submit FILE"
            )
        named = list(dict.fromkeys([*named, newest.job_id]))
    if not named:
        raise UsageProblem("which job?", hint="name its id, or --last for the newest one")
    return [_item(job_id, session.ledger.find(session.api.api_url, job_id)) for job_id in named]


def _item(job_id: str, entry: Entry | None) -> Item:
    item = Item(job_id, job_id=job_id)
    if entry is None:
        return item
    item.kept = _kept(entry)
    from_here = entry.source != ""  # else the row is younger than the job
    item.fresh = from_here and time.time() - entry.submitted_at < GRACE
    item.sha1, item.size = entry.input_sha1, entry.input_size
    if entry.source not in {"", "-"}:
        item.label = entry.source
        item.name = Path(entry.source).name
    if entry.source_path is not None:
        item.path = Path(entry.source_path)
    return item


def _kept(entry: Entry) -> Job | None:
    """The end of the job, if the ledger has seen it."""
    if entry.result is None or entry.state not in {"completed", "failed"}:
        return None
    try:
        return read_job(entry.result, asked=entry.job_id)
    except BadAnswer:
        return None


def use_kept(items: Iterable[Item]) -> None:
    """Take an end that the ledger remembers for the truth: nothing comes after it."""
    for item in items:
        item.job = item.kept
