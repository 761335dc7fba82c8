"""The jobs that a shell offers at TAB: from the ledger, newest first; no network, no key."""

from __future__ import annotations

import os

OFFERED = 50
"""More than a screen of ids helps nobody."""


def recent_jobs(incomplete: str) -> list[tuple[str, str]]:
    """Ids that begin with `incomplete`, each with its source and state. Never an error."""
    from compressor_cli.errors import CompressorError
    from compressor_cli.memory import settings as memory
    from compressor_cli.memory.ledger import FILE_NAME, Ledger
    from compressor_cli.terminal.text import cell

    try:
        settings = memory.load(os.environ)
        if not (settings.state_dir / FILE_NAME).exists():
            return []  # a TAB makes no files
        ledger = Ledger(settings.state_dir)
        try:
            entries = ledger.entries(
                api_url=settings.api_url.value, id_begins=incomplete, limit=OFFERED
            )
        finally:
            ledger.close()
    except CompressorError:
        return []
    return [
        (entry.job_id, f"{cell(entry.source)}, {entry.state}")
        for entry in entries
        if entry.job_id is not None
    ]
