"""What the ledger knows of a job, as the beginning of its road."""

from __future__ import annotations

import time
from pathlib import Path

from compressor_cli.api.contract import Job, read_job
from compressor_cli.engine.polling import GRACE
from compressor_cli.engine.updates import Item
from compressor_cli.errors import BadAnswer
from compressor_cli.memory.entry import Entry


def known_item(job_id: str, entry: Entry | None) -> Item:
    """The item of a job that was submitted before; None: not from here."""
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
