"""What an early end means for the items whose road is not over."""

from __future__ import annotations

from collections.abc import Sequence

from compressor_cli.engine.notebook import Journal, Unaccepted
from compressor_cli.engine.updates import Item
from compressor_cli.errors import CompressorError, MaybeAccepted, NotFinished, TemporaryTrouble


def note_left(items: Sequence[Item], journal: Journal) -> None:
    """Write down what became of those that were being handed over. Raises OutputProblem."""
    for item in items:
        if item.entry is not None and item.job is None:
            state: Unaccepted = "unknown" if item.in_doubt else "not-sent"
            journal.ended(item.entry, state=state, message="interrupted")


def too_late(items: Sequence[Item], *, timeout: float) -> CompressorError:
    """The error that the deadline is, `timeout` seconds after the start."""
    running = [item for item in items if item.job is not None or item.job_id]
    if any(item.in_doubt for item in items):
        return MaybeAccepted(f"{timeout:g} s are over, and the answer to an upload had not come")
    if not running:
        return TemporaryTrouble(f"nothing was accepted within {timeout:g} s")
    pending = [item for item in running if item.job is None or item.job.state == "pending"]
    if not pending:
        return NotFinished(
            f"{timeout:g} s are over; {jobs_are(len(running))} completed, but not every result is "
            "in its place"
        )
    return NotFinished(
        f"{timeout:g} s are over, and {jobs_are(len(pending))} not at an end; the service works on"
    )


def asked_too_long(wait: float) -> NotFinished:
    """The error that it is when the service asks for a wait, in seconds, beyond the deadline."""
    return NotFinished(
        f"the job is still running, and the service asks to wait {wait:.0f} s, "
        "longer than the time that is left"
    )


def jobs_are(count: int) -> str:
    """The beginning of what is said of so many jobs."""
    return "the job is" if count == 1 else f"{count} jobs are"
