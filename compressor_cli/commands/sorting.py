"""What of a batch is to be done: every file held against the lock, the fresh ones left alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from compressor_cli.commands.batch import Batch, Job
from compressor_cli.engine.source import file_source
from compressor_cli.engine.work import Work, make_newer
from compressor_cli.errors import InputProblem
from compressor_cli.memory.digests import Digests
from compressor_cli.memory.freshness import look
from compressor_cli.terminal.report import Row


@dataclass(slots=True)
class Sorted:
    """What is to be done: `works` are sent or taken up, `rows` need nothing."""

    works: list[Work] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)


def sorted_out(batch: Batch, digests: Digests, *, force: bool, dry_run: bool) -> Sorted:
    """Hold every file against the lock. `dry_run`: no times of files are changed."""
    found = Sorted()
    found.rows += [
        Row(label, "failed", detail=error.message, exit_code=error.exit_code)
        for label, error in batch.problems
    ]
    for job in batch.jobs:
        try:
            work = _work(job, batch, digests, force=force, dry_run=dry_run)
        except InputProblem as error:
            found.rows.append(
                Row(job.label, "failed", detail=error.message, exit_code=error.exit_code)
            )
            continue
        if work is not None:
            found.works.append(work)
        else:
            size = job.asset.size
            found.rows.append(Row(job.label, "unchanged", before=size, target=str(job.target)))
    return found


def _work(job: Job, batch: Batch, digests: Digests, *, force: bool, dry_run: bool) -> Work | None:
    """The work on a file, or None where its result is there and good."""
    path, sha1 = job.asset.path, None
    if batch.lock is not None:
        seen = look(batch.lock, digests, source=path, target=job.target, options=job.options)
        if seen.verdict == "fresh" and not force:
            if not (seen.newer or dry_run or path == job.target):
                make_newer(job.target, path)
            return None
        sha1 = seen.sha1
    return Work(
        job.label,
        source=file_source(job.label),
        name=path.name,
        path=path,
        options=job.options,
        sha1=sha1 or digests.sha1(path),
        size=job.asset.size,
        target=job.target,
        taken=job.target.exists(),
        within=job.asset.within,
    )


def add_streams(batch: Batch, found: Sorted) -> None:
    """What is no file here."""
    for stream in batch.streams:
        found.works.append(
            Work(
                stream.source.label,
                source=stream.source,
                name=stream.source.name,
                options=stream.options,
                target=stream.target,
                taken=stream.target is not None and stream.target.exists(),
            )
        )
