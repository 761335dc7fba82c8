"""The report where a CI service shows it: a file, annotations and the step summary of GitHub."""

from __future__ import annotations

import json
import os
import secrets
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from compressor_cli.errors import OutputProblem, UsageProblem
from compressor_cli.terminal import text
from compressor_cli.terminal.report import (
    Row,
    Totals,
    counts,
    in_order,
    row_record,
    saved_cells,
    totals_record,
)

MARKDOWN = (".md", ".markdown")
SUMMARY_LIMIT = 1024 * 1024
"""Bytes of one step's summary; GitHub shows nothing of a larger one.
https://docs.github.com/actions/reference/workflow-commands-for-github-actions#step-isolation-and-limits
"""
_CUT = "\n\nThe rest did not fit into the summary.\n"


def check_report_path(path: Path) -> None:
    """Raises UsageProblem for a report of no known form, OutputProblem where none can be put."""
    if path.suffix.lower() not in (*MARKDOWN, ".json"):
        raise UsageProblem(f"--report {path}: its name must end in .md, .markdown or .json")
    if not _place(path).parent.is_dir():
        raise OutputProblem(f"--report {path}: its folder does not exist")
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputProblem(f"--report {path}: {error.strerror or error}") from None
    if not stat.S_ISREG(mode):
        raise OutputProblem(f"--report {path}: it exists and is not a regular file")


def write_report(path: Path, rows: Sequence[Row], sums: Totals) -> None:
    """The report as Markdown or JSON, by its extension, whole or not at all.

    Raises as `check_report_path` does, and OutputProblem when it cannot be written.
    """
    check_report_path(path)
    if path.suffix.lower() == ".json":
        record = {"files": [row_record(row) for row in rows], "summary": totals_record(sums)}
        content = json.dumps(record, indent=1, allow_nan=False) + "\n"
    else:
        content = markdown(rows, sums, title="compressor")
    place = _place(path)
    part = place.with_name(f".report.{secrets.token_hex(8)}.part")
    try:
        with part.open("x", encoding="utf-8", newline="\n") as file:
            file.write(content)
        part.replace(place)
    except OSError as error:
        raise OutputProblem(
            f"the report {path} cannot be written: {error.strerror or error}"
        ) from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _place(path: Path) -> Path:
    return Path(os.path.realpath(path))


def markdown(rows: Sequence[Row], sums: Totals, *, title: str) -> str:
    """A heading, the counts and a table with one line a row, failures first; for GitHub.

    Files that are unchanged are only counted.
    """
    good, bad = in_order(rows)
    lines = [f"### {text.safe(title)}", "", counts(sums)]
    if sums.before:
        before, after, saved, share = saved_cells(sums.before, sums.after)
        lines += ["", f"{before} → {after}, saved {saved} ({share})"]
    if good or bad:
        lines += ["", "| file | before | after | saved | | state |", "|---|--:|--:|--:|--:|---|"]
    for row in (*bad, *good):
        state = text.safe(row.state) + (f": {_inert(row.remark)}" if row.remark else "")
        cells = (_inert(row.path), *saved_cells(row.before, row.after), state)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _inert(foreign: str) -> str:
    """Foreign text as a code span, which is the one place where GitHub reads nothing into it.

    A backslash would not do: @names, #numbers and addresses are found after it is gone. The two
    characters that could end the span or the cell are shown as escapes.
    """
    shown = text.safe(foreign).replace("`", "\\x60").replace("|", "\\x7c")
    return f"`{shown}`" if shown else ""


def on_github(env: Mapping[str, str]) -> bool:
    """Whether this runs as a step of GitHub Actions."""
    return env.get("GITHUB_ACTIONS") == "true"


def commands(rows: Sequence[Row], *, folder: Path | None = None) -> list[str]:
    """An `::error` for each row that failed or was found, escaped as GitHub's toolkit does.

    `folder`: where relative paths begin. The runner takes them from the root of the checkout, so
    that a step with another working directory must say it.
    https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
    """
    return [_annotation(row, folder) for row in rows if row.exit_code]


def _annotation(row: Row, folder: Path | None) -> str:
    name = row.path if folder is None or _is_url(row.path) else str(folder / row.path)
    said = ": ".join(part for part in (row.path, row.state, row.detail) if part)
    return f"::error file={_property(name)},title=compressor::{_data(said)}"


def _is_url(path: str) -> bool:
    return path.startswith(("http://", "https://"))


def _data(foreign: str) -> str:
    clean = text.safe(foreign)
    return clean.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(foreign: str) -> str:
    return _data(foreign).replace(":", "%3A").replace(",", "%2C")


def step_summary(env: Mapping[str, str], content: str) -> str:
    """Append to the step's summary, if there is one; what went wrong, "" if nothing did.

    What is too long for GitHub is cut at the end of a line.
    """
    place = env.get("GITHUB_STEP_SUMMARY")
    if not place:
        return ""
    try:
        handle = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        with os.fdopen(handle, "wb") as file:
            file.write(_fitting(content, SUMMARY_LIMIT - os.fstat(handle).st_size))
    except OSError as error:
        return f"the step summary cannot be written: {error.strerror or error}"
    return ""


def _fitting(content: str, room: int) -> bytes:
    """Between empty lines, so that it is no part of what others wrote there."""
    whole = f"\n{content}\n".encode("utf-8", "backslashreplace")
    if len(whole) <= room:
        return whole
    lines = whole[: max(0, room - len(_CUT))].rpartition(b"\n")[0]
    return lines + _CUT.encode() if lines else b""
