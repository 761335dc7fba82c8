"""The report where a CI service shows it: a file, annotations and the step summary of GitHub."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from compressor_cli.errors import OutputProblem, UsageProblem
from compressor_cli.terminal import text
from compressor_cli.terminal.report import (
    Row,
    Totals,
    in_order,
    row_record,
    totals_record,
)

MARKDOWN = (".md", ".markdown")
_ACTIVE = re.compile(r"([\\`*_{}\[\]()#!|<>@~&:])")
_MOST = 300
_LONGEST_CELL = 200


def check_report_path(path: Path) -> None:
    """Raises UsageProblem for a report of no known form, OutputProblem without its folder."""
    if path.suffix.lower() not in (*MARKDOWN, ".json"):
        raise UsageProblem(f"--report {path}: its name must end in .md or .json")
    if not path.absolute().parent.is_dir():
        raise OutputProblem(f"--report {path}: its folder does not exist")


def write_report(path: Path, rows: Sequence[Row], sums: Totals) -> None:
    """The report as Markdown or JSON, by its extension, whole or not at all."""
    if path.suffix.lower() == ".json":
        record = {"files": [row_record(row) for row in rows], "summary": totals_record(sums)}
        content = json.dumps(record, indent=1) + "\n"
    else:
        content = markdown(rows, sums, title="compressor")
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        part.write_text(content, "utf-8")
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise OutputProblem(f"the report {path} cannot be written: {error.strerror}") from None


def markdown(rows: Sequence[Row], sums: Totals, *, title: str) -> str:
    """A heading, the sum and a table with one line a row; foreign text is inert."""
    ordered = in_order(rows)
    lines = [
        f"### {title}",
        "",
        f"{sums.files} files, {text.size(sums.before)} → {text.size(sums.after)} "
        f"{text.saving(sums.before, sums.after)} in {text.duration(sums.seconds)}",
        "",
        "| file | before | after | saved | state |",
        "|---|---:|---:|---:|---|",
    ]
    for row in ordered[:_MOST]:
        known = row.before is not None and row.after is not None
        cells = (
            _inert(row.path),
            "" if row.before is None else text.size(row.before),
            "" if row.after is None else text.size(row.after),
            text.saving(row.before or 0, row.after or 0) if known else "",
            row.state + (f": {_inert(row.detail)}" if row.detail else ""),
        )
        lines.append("| " + " | ".join(cells) + " |")
    if len(ordered) > _MOST:
        lines.append(f"\nand {len(ordered) - _MOST} more")
    return "\n".join(lines) + "\n"


def _inert(foreign: str) -> str:
    """Text that Markdown takes as it stands."""
    return _ACTIVE.sub(r"\\\1", text.safe(text.shortened(foreign, _LONGEST_CELL)))


def on_github(env: Mapping[str, str]) -> bool:
    """Whether this runs as a step of GitHub Actions."""
    return env.get("GITHUB_ACTIONS") == "true"


def commands(rows: Sequence[Row]) -> list[str]:
    """An `::error` for each row that failed or was found, escaped as GitHub's runner reads it."""
    lines = []
    for row in rows:
        if row.exit_code:
            said = f"{row.state}: {row.detail}" if row.detail else row.state
            lines.append(f"::error file={_property(row.path)},title=compressor::{_data(said)}")
    return lines


def _data(foreign: str) -> str:
    clean = text.safe(foreign)
    return clean.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(foreign: str) -> str:
    return _data(foreign).replace(":", "%3A").replace(",", "%2C")


def step_summary(env: Mapping[str, str], content: str) -> str:
    """Append to the step's summary, if there is one; what went wrong, "" if nothing did."""
    place = env.get("GITHUB_STEP_SUMMARY")
    if not place:
        return ""
    try:
        handle = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(content)
    except OSError as error:
        return f"the step summary cannot be written: {error.strerror}"
    return ""
