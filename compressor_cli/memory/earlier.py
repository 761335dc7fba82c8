"""What the ledger knows from before: the last job, jobs of the same bytes, a result's place."""

from __future__ import annotations

from collections.abc import Mapping

from compressor_cli.memory.database import Database
from compressor_cli.memory.entry import Entry
from compressor_cli.memory.redact import redact_options
from compressor_cli.memory.rows import entry_of, packed


class Earlier:
    """Questions about earlier jobs. Every method raises OutputProblem."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest(self, api_url: str) -> Entry | None:
        """The job with an id that was noted last, or None."""
        rows = self._database.rows(
            "SELECT * FROM jobs WHERE api_url = ? AND job_id IS NOT NULL"
            " ORDER BY number DESC LIMIT 1",
            (packed(api_url),),
        )
        return entry_of(rows[0]) if rows else None

    def of_input(self, api_url: str, input_sha1: str, options: Mapping[str, object]) -> list[Entry]:
        """The jobs of these very bytes with these options, the newest first."""
        return self._with_options(
            options,
            "input_sha1 = ? AND api_url = ?",
            (input_sha1, packed(api_url)),
        )

    def made(self, path: str, output_sha1: str, options: Mapping[str, object]) -> Entry | None:
        """The newest job with these options whose result, of this SHA-1, was saved to `path`."""
        for entry in self._with_options(options, "saved_to = ?", (packed(path),)):
            output = (entry.result or {}).get("output")
            if isinstance(output, dict) and output.get("sha1") == output_sha1:
                return entry
        return None

    def _with_options(
        self, options: Mapping[str, object], where: str, values: tuple[object, ...]
    ) -> list[Entry]:
        rows = self._database.rows(f"SELECT * FROM jobs WHERE {where} ORDER BY number DESC", values)
        wanted = redact_options(options)
        return [entry for entry in map(entry_of, rows) if entry.options == wanted]
