"""The table of a batch, its JSON, and its sums."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from compressor_cli.memory.entry import Entry
from compressor_cli.terminal.columns import aligned, cut, width_of
from compressor_cli.terminal.output import as_json
from compressor_cli.terminal.report import (
    MOST,
    QUIET,
    Row,
    row_record,
    table,
    totals,
    totals_record,
)
from compressor_cli.terminal.rows import totals as job_totals
from compressor_cli.terminal.rows import totals_text

from .reported import BATCH, FAILED, GREW, HOSTILE, PHOTO, ROWS, SAME, STORED

FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}

SNAPSHOTS = {
    120: r"""
file                                                              before     after     saved           state        time
assets/hero/a-very-long-name-o…me-from-a-camera-2026-11-24.png    8.1 MB    3.0 MB    5.1 MB  −63.0 %  compressed   41 s
assets/写真/富士山.jpg                                            1.2 MB  800.0 kB  400.0 kB  −33.3 %  compressed  3.2 s
https://h.example/x.png                                         500.0 kB  200.0 kB  300.0 kB  −60.0 %  stored      9.0 s
    https://bucket.example/x.png
late.mp4                                                         80.6 MB                               postponed
logo.svg                                                          4.0 kB    4.0 kB       0 B    0.0 %  kept
assets/grew.gif                                                 100.0 kB  104.0 kB   −4.0 kB   +4.0 %  compressed  1.0 s
\x3a:error::\x1b[31m@you |`x`.png                                 5.0 kB                               failed      2.0 s
    the job failed: <b>too</b> red\x0a::set-env name=A::b
total                                                             9.9 MB    4.1 MB    5.8 MB  −58.6 %
8 files: 3 compressed, 1 failed, 1 kept, 1 postponed, 1 stored, 1 unchanged, in 1 min 03 s
""",  # noqa: E501
    80: r"""
file                             before     after     saved           state
assets/hero/a-…2026-11-24.png    8.1 MB    3.0 MB    5.1 MB  −63.0 %  compressed
assets/写真/富士山.jpg           1.2 MB  800.0 kB  400.0 kB  −33.3 %  compressed
https://h.example/x.png        500.0 kB  200.0 kB  300.0 kB  −60.0 %  stored
    https://bucket.example/x.png
late.mp4                        80.6 MB                               postponed
logo.svg                         4.0 kB    4.0 kB       0 B    0.0 %  kept
assets/grew.gif                100.0 kB  104.0 kB   −4.0 kB   +4.0 %  compressed
\x3a:error::\x…m@you |`x`.png    5.0 kB                               failed
    the job failed: <b>too</b> red\x0a::set-env name=A::b
total                            9.9 MB    4.1 MB    5.8 MB  −58.6 %
8 files: 3 compressed, 1 failed, 1 kept, 1 postponed, 1 stored, 1 unchanged,
  in 1 min 03 s
""",
    60: r"""
file                              after           state
assets/hero/a-…2026-11-24.png    3.0 MB  −63.0 %  compressed
assets/写真/富士山.jpg         800.0 kB  −33.3 %  compressed
https://h.example/x.png        200.0 kB  −60.0 %  stored
    https://bucket.example/x.png
late.mp4                                          postponed
logo.svg                         4.0 kB    0.0 %  kept
assets/grew.gif                104.0 kB   +4.0 %  compressed
\x3a:error::\x…m@you |`x`.png                     failed
    the job failed: <b>too</b> red\x0a::set-env name=A::b
total                            4.1 MB  −58.6 %
8 files: 3 compressed, 1 failed, 1 kept, 1 postponed,
  1 stored, 1 unchanged, in 1 min 03 s
""",
}


def drawn(rows: Sequence[Row], *, width: int = 80, unicode: bool = True) -> list[str]:
    return table(rows, totals(rows, seconds=63.0), width=width, unicode=unicode)


@pytest.mark.parametrize("width", SNAPSHOTS)
def test_the_table(width: int) -> None:
    """Largest saving first, failures last; a narrow one has fewer columns, not fewer files."""
    assert "\n".join(["", *drawn(BATCH, width=width), ""]) == SNAPSHOTS[width]


def test_the_table_in_ascii() -> None:
    """What stdout cannot show is escaped, and the columns still fit."""
    lines = drawn(BATCH, unicode=False)
    assert all(line.isascii() for line in lines)
    assert lines[1].startswith("assets/hero/a...026-11-24.png    8.1 MB ")
    assert any("\\u5c71.jpg" in line for line in lines)
    assert any("  -4.0 kB   +4.0 %  compressed" in line for line in lines)
    assert len({line.index(" %") for line in lines if line.endswith("compressed")}) == 1


def test_a_batch_in_which_nothing_was_to_do() -> None:
    """Only counted."""
    assert drawn([]) == ["0 files: in 1 min 03 s"]
    assert drawn([SAME]) == ["1 file: 1 unchanged, in 1 min 03 s"]


def test_a_check_in_which_all_is_well_has_a_total() -> None:
    lines = drawn([replace(GREW, state="ok"), replace(PHOTO, state="ok")])
    assert lines == [
        "file   before   after   saved",
        "total  8.2 MB  3.1 MB  5.1 MB  −62.2 %",
        "2 files: 2 ok, in 1 min 03 s",
    ]


def test_a_dry_run_says_how_much_it_would_send() -> None:
    lines = drawn([Row("a.png", "would-send", before=1500), Row("b.png", "would-send", before=500)])
    assert lines[-1] == "2 files: 2 would-send, 2.0 kB to send, in 1 min 03 s"


def test_of_many_rows_only_the_first_are_shown_but_every_failure() -> None:
    good = [Row(f"{n:03}.png", "compressed", before=2000, after=n) for n in range(MOST + 7)]
    bad = [replace(FAILED, path=f"bad{n}.png") for n in range(MOST + 1)]
    lines = drawn([*bad, *good])
    assert lines[MOST].startswith(f"{MOST - 1:03}.png")
    assert lines[MOST + 1] == "and 7 more"
    assert sum(line.startswith("bad") for line in lines) == len(bad)
    assert not any(line.startswith("and") for line in drawn([*bad, *good[:MOST]]))


def test_a_command_that_mends_is_never_cut_or_folded() -> None:
    """It is there to be copied."""
    command = (
        "is not compressed yet: compressor compress --output " + "/tmp/deep" * 30 + " -- a.png"
    )
    lines = drawn([Row("a.png", "missing", detail=command, exit_code=11)], width=40)
    assert "    " + command in lines


def test_a_row_that_is_only_counted_is_shown_when_it_failed() -> None:
    assert "a.png  ok" in drawn([Row("a.png", "ok", exit_code=11)])


@given(ROWS, st.integers(20, 200), st.booleans())
def test_no_line_is_wider_than_the_terminal(rows: list[Row], width: int, unicode: bool) -> None:
    """But for the indented remark under a row."""
    for line in drawn(rows, width=width, unicode=unicode):
        assert cell_len(line) <= width or line.startswith("    ")
        assert unicode or line.isascii()


@given(ROWS, st.integers(20, 200), st.booleans())
def test_foreign_text_acts_on_nothing(rows: list[Row], width: int, unicode: bool) -> None:
    """No control or bidi character, no other line, no command to a CI runner."""
    for line in drawn(rows, width=width, unicode=unicode):
        assert not {unicodedata.category(c) for c in line} & FORBIDDEN
        assert len(line.splitlines()) <= 1
        assert not line.lstrip().startswith("::")
        assert "##[" not in line


@given(ROWS)
def test_every_row_is_shown_or_counted(rows: list[Row]) -> None:
    lines = drawn(rows, width=200)
    shown = [row for row in rows if row.exit_code or row.state not in QUIET]
    remarks = [row for row in shown if row.remark and (row.exit_code or row.state == "stored")]
    sums = totals(rows, seconds=63.0)
    heading = bool(shown) or bool(sums.before)
    assert sum(sums.states.values()) == sums.files == len(rows)
    assert len(lines) >= heading + len(shown) + len(remarks) + bool(sums.before) + 1


@given(ROWS)
def test_the_sums_add_up(rows: list[Row]) -> None:
    sums, records = totals(rows, seconds=1.0), [row_record(row) for row in rows]
    saved: list[Any] = [record["saved"] for record in records if record["saved"] is not None]
    assert totals_record(sums)["saved"] == sums.saved == sum(saved)
    assert sums.before - sums.after == sums.saved


@given(ROWS)
def test_json_is_one_line_of_ascii_that_says_what_was(rows: list[Row]) -> None:
    for row in rows:
        line = as_json(row_record(row))
        assert line.isascii()
        assert len(line.splitlines()) == 1
        assert json.loads(line)["path"].encode("utf-16", "surrogatepass") == row.path.encode(
            "utf-16", "surrogatepass"
        )


def test_the_objects_of_json() -> None:
    """Their fields are a promise."""
    assert row_record(STORED) == {
        "kind": "file",
        "path": "https://h.example/x.png",
        "state": "stored",
        "before": 500_000,
        "after": 200_000,
        "saved": 300_000,
        "seconds": 9.0,
        "target": None,
        "url": "https://bucket.example/x.png",
        "id": "j-5",
        "detail": None,
        "exit_code": 0,
    }
    assert row_record(SAME)["saved"] is None
    assert totals_record(totals([STORED, SAME, GREW], seconds=1.23456)) == {
        "kind": "summary",
        "files": 3,
        "states": {"compressed": 1, "stored": 1, "unchanged": 1},
        "before": 600_000,
        "after": 304_000,
        "saved": 296_000,
        "to_send": 0,
        "seconds": 1.235,
    }


@pytest.mark.parametrize(
    ("text", "room", "said"),
    [
        ("abcdefghij", 10, "abcdefghij"),
        ("abcdefghij", 7, "abc…hij"),
        ("abcdefghij", 6, "ab…hij"),
        ("富士山写真", 6, "富…真"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
    ],
)
def test_a_name_is_cut_in_its_middle(text: str, room: int, said: str) -> None:
    assert cut(text, room) == said


@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"])), st.integers(0, 30))
def test_what_is_cut_fits(text: str, room: int) -> None:
    assert width_of(cut(text, room)) <= room
    assert width_of(cut(text, room, mark="...")) <= room


@given(HOSTILE)
def test_nothing_is_measured_too_narrow(foreign: str) -> None:
    """Held against another's measure."""
    shown = drawn([Row(foreign, "kept")], width=200)[1]
    assert cell_len(shown) <= width_of(shown)


def test_no_rows_make_no_lines() -> None:
    assert aligned(["file"], [], width=80, dispensable=(), right=()) == []


def test_totals_over_time() -> None:
    """Of completed jobs whose two sizes the service told."""
    base = {
        "number": 1, "job_id": "j", "source": "a", "source_path": None, "input_sha1": None,
        "input_size": None, "options": {}, "api_url": "", "word": "", "message": "",
        "saved_to": None, "submitted_at": 0.0, "updated_at": 0.0, "finished_at": None,
    }  # fmt: skip
    sides = {"input": {"size": 100}, "output": {"size": 37}}
    entries = [
        Entry(**base, state="completed", result=sides),  # type: ignore[arg-type]
        Entry(**base, state="completed", result={"input": {}}),  # type: ignore[arg-type]
        Entry(**base, state="pending", result=None),  # type: ignore[arg-type]
    ]
    sums = job_totals(entries)
    assert (sums["before"], sums["after"], sums["saved"]) == (100, 37, 63)
    assert totals_text(sums) == "3 jobs, 2 completed, 1 pending, 100 B became 37 B, −63.0 %"
    assert totals_text(job_totals([])) == "0 jobs"
