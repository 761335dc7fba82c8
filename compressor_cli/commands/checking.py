"""How check looks at a batch: the lock's word and the budgets, held against the files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from compressor_cli.commands.batch import Job, planned
from compressor_cli.commands.batchoptions import Locking, Placement, Reporting, Selection
from compressor_cli.commands.check import Budgets
from compressor_cli.commands.grouping import again, command_line
from compressor_cli.commands.options import Processing
from compressor_cli.commands.reporting import Reporter
from compressor_cli.engine.globs import matches
from compressor_cli.errors import CheckFound, InputProblem, UsageProblem
from compressor_cli.memory import project as projects
from compressor_cli.memory.digests import Digests
from compressor_cli.memory.freshness import Verdict, look
from compressor_cli.memory.lockfile import Lock
from compressor_cli.memory.places import state_dir
from compressor_cli.memory.project import Project
from compressor_cli.terminal.output import Output
from compressor_cli.terminal.report import Row
from compressor_cli.terminal.text import size as bytes_of

Limits = list[tuple[str, int]]

_FINDINGS: dict[Verdict, tuple[str, str]] = {
    "missing": ("missing", "is not compressed yet"),
    "changed": ("changed", "has changed since it was compressed"),
    "options": ("changed", "was compressed with other options"),
    "output": ("stale-output", "its result is gone, or is another file"),
}
_MENDED = {state for state, _ in _FINDINGS.values()}
"""Found, and mended by compress."""


def run(
    sources: Sequence[str],
    *,
    selection: Selection,
    placement: Placement,
    processing: Processing,
    budgets: Budgets,
    reporting: Reporting,
    lock: Path | None,
    output: Output,
) -> int:
    """Check the batch and give the exit code."""
    project = projects.find(Path.cwd())
    limits = _limits(budgets, project)
    digests = Digests(state_dir(os.environ))
    batch = planned(
        sources,
        project=project,
        selection=selection,
        placement=placement,
        locking=Locking(lock=lock),
        processing=processing,
        digests=digests,
    )
    if batch.streams:
        raise UsageProblem("check looks at files; a URL cannot be checked without a request")
    assert batch.lock is not None
    reporter = Reporter(output, reporting, title="compressor check")
    alike = again(placement, processing, Locking(lock=lock))
    for label, error in batch.problems:
        reporter.add(Row(label, "failed", detail=error.message, exit_code=error.exit_code))
    rows = [_row(job, batch.lock, digests, limits, alike) for job in batch.jobs]
    for row in [*rows, *_over_all(rows, budgets, project)]:
        reporter.add(row)
    digests.keep()
    code = reporter.finish(other=batch.other)
    if sum(row.state in _MENDED for row in rows) > 1:
        mend = command_line("compress", *again(selection), *alike, sources=sources)
        output.note(f"all of them: {mend}")
    reporter.check()
    return code


def _limits(budgets: Budgets, project: Project) -> Limits:
    if not budgets.max_size:
        return list(project.max_size)
    limits = []
    for text in budgets.max_size:
        glob, equals, size = text.rpartition("=")
        if not equals or not glob:
            raise UsageProblem(
                f"--max-size takes GLOB=SIZE, not {text!r}", hint="as --max-size '*.png=200 kB'"
            )
        limits.append((glob, projects.byte_size(size)))
    return limits


def _row(job: Job, lock: Lock, digests: Digests, limits: Limits, alike: list[str]) -> Row:
    try:
        seen = look(lock, digests, source=job.asset.path, target=job.target, options=job.options)
    except InputProblem as error:
        return Row(job.label, "failed", detail=error.message, exit_code=error.exit_code)
    if seen.verdict != "fresh" or seen.locked is None:
        state, why = _FINDINGS[seen.verdict]
        mend = command_line("compress", *alike, sources=[job.label])
        return _finding(job.label, state, f"{why}: {mend}", before=job.asset.size)
    before, after = seen.locked.input_size, seen.locked.output_size
    for glob, limit in limits:
        if after > limit and matches(job.asset.within, glob):
            why = f"{bytes_of(after)} are more than the {bytes_of(limit)} that {glob} may have"
            return _finding(job.label, "over-budget", why, before=before, after=after)
    return Row(job.label, "ok", before=before, after=after, target=str(job.target))


def _over_all(rows: Sequence[Row], budgets: Budgets, project: Project) -> list[Row]:
    """What the files together break."""
    before = sum(row.before or 0 for row in rows if row.after is not None)
    after = sum(row.after or 0 for row in rows)
    budget = projects.byte_size(budgets.budget) if budgets.budget else project.budget
    share = projects.share(budgets.min_savings) if budgets.min_savings else project.min_savings
    found = []
    if budget is not None and after > budget:
        why = f"{bytes_of(after)} together are more than the budget of {bytes_of(budget)}"
        found.append(_of_all(why))
    if share is not None and before and after > before * (1 - share):
        why = f"together they save {1 - after / before:.1%}, less than {share:.1%}"
        found.append(_of_all(why))
    return found


def _of_all(why: str) -> Row:
    return replace(_finding("all files", "over-budget", why), of_all=True)


def _finding(
    label: str, state: str, why: str, *, before: int | None = None, after: int | None = None
) -> Row:
    return Row(label, state, before=before, after=after, detail=why, exit_code=CheckFound.exit_code)
