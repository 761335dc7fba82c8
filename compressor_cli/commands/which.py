"""Which jobs a command is about, and what the ledger knows of them."""

from __future__ import annotations

from collections.abc import Iterable

from compressor_cli.api.contract import is_job_id
from compressor_cli.commands.session import Session
from compressor_cli.engine.updates import Item
from compressor_cli.errors import UsageProblem
from compressor_cli.memory.known import known_item


def known_items(jobs: Iterable[str], *, last: bool, session: Session) -> list[Item]:
    """An item for each job named, once. Raises UsageProblem for what cannot be a job."""
    named = list(dict.fromkeys(jobs))
    for job_id in named:
        if not is_job_id(job_id):
            hint = "see your jobs with: compressor jobs"
            raise UsageProblem(f"{job_id!r} is not a job id", hint=hint)
    if last:
        newest = session.ledger.earlier.newest(session.api.api_url)
        if newest is None or newest.job_id is None:
            raise UsageProblem(
                "the ledger holds no job of this API yet", hint="compressor submit FILE"
            )
        named = list(dict.fromkeys([*named, newest.job_id]))
    if not named:
        raise UsageProblem("which job?", hint="name its id, or --last for the newest one")
    return [
        known_item(job_id, session.ledger.find(session.api.api_url, job_id)) for job_id in named
    ]


def use_kept(items: Iterable[Item]) -> None:
    """Take an end that the ledger remembers for the truth: nothing comes after it."""
    for item in items:
        item.job = item.kept
