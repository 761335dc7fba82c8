"""The report of a batch: as table, JSON, Markdown and for GitHub."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor_cli.errors import OutputProblem, UsageProblem
from compressor_cli.memory.entry import Entry
from compressor_cli.terminal import ci
from compressor_cli.terminal.report import MOST, Row, row_record, table, totals, totals_record
from compressor_cli.terminal.rows import totals as job_totals
from compressor_cli.terminal.rows import totals_text

ROWS = [
    Row("small.png", "compressed", before=1000, after=900, seconds=1.0),
    Row("a/very/long/name/of/a/folder/and/a/picture.png", "compressed", before=80_600_000,
        after=29_800_000, seconds=41.0),
    Row("same.png", "kept", before=50, after=50, detail="the result was not smaller"),
    Row("old.png", "unchanged", before=7),
    Row("bad.png", "failed", before=9, detail="the job failed: why", exit_code=6),
]  # fmt: skip
SUMS = totals(ROWS, seconds=42.0)


def test_the_table_has_the_largest_saving_first_and_failures_last() -> None:
    lines = table(ROWS, SUMS, width=120, unicode=True)
    assert [line.split()[0] for line in lines] == [
        "a/very/long/name/of/a/folder/and/a/picture.png", "small.png", "same.png", "bad.png",
        "the", "5",
    ]  # fmt: skip
    assert lines[0].endswith("80.6 MB  29.8 MB  −63.0 %  compressed   41 s")
    assert lines[-1] == (
        "5 files: 2 compressed, 1 failed, 1 kept, 1 unchanged  80.6 MB → 29.8 MB  −63.0 %  in 42 s"
    )


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_narrow_screens_lose_columns_not_sense(width: int) -> None:
    lines = table(ROWS, SUMS, width=width, unicode=True)[:3]
    assert all(len(line) <= max(width, 46) for line in lines)
    assert "29.8 MB" in lines[0]
    assert "−63.0 %" in lines[0]


def test_without_unicode_all_is_ascii() -> None:
    assert "\n".join(table(ROWS, SUMS, width=60, unicode=False)).isascii()


def test_a_long_table_is_cut_but_failures_are_all_there() -> None:
    many = [Row(f"{n}.png", "compressed", before=9, after=n % 9) for n in range(200)]
    bad = [Row(f"bad{n}", "failed", exit_code=6) for n in range(70)]
    lines = table([*many, *bad], totals([*many, *bad], seconds=1), width=80, unicode=True)
    assert f"and {200 - MOST} more" in lines
    assert sum("failed" in line for line in lines) == 71


def test_records_are_whole() -> None:
    assert row_record(ROWS[4])["exit_code"] == 6
    assert totals_record(SUMS)["saved"] == SUMS.before - SUMS.after == 50_800_100
    assert totals_record(SUMS)["states"] == {
        "compressed": 2, "failed": 1, "kept": 1, "unchanged": 1,
    }  # fmt: skip


def controls(line: str) -> list[str]:
    return [c for c in line if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]


@given(st.text(min_size=1), st.text())
def test_foreign_text_is_inert_everywhere(path: str, detail: str) -> None:
    """No workflow command, no control character, no second line, no cell more."""
    row = Row(path, "failed", detail=detail, exit_code=6)
    sums = totals([row], seconds=1.0)
    for line in table([row], sums, width=80, unicode=True):
        assert not line.lstrip().startswith("::")
        assert not controls(line)
    (command,) = ci.commands([row])
    assert command.startswith("::error file=")
    assert not controls(command)
    assert command.count("::") - command.partition(",title=compressor::")[2].count("::") == 2
    written = ci.markdown([row], sums, title="t").splitlines()
    assert len(written) == 7
    assert written[-1].replace("\\|", "").count("|") == 6


def test_report_files_by_extension(tmp_path: Path) -> None:
    for name in ("r.md", "r.json"):
        ci.check_report_path(tmp_path / name)
        ci.write_report(tmp_path / name, ROWS, SUMS)
    assert len(json.loads((tmp_path / "r.json").read_text())["files"]) == 5
    assert "| small.png | 1.0 kB |" in (tmp_path / "r.md").read_text()
    with pytest.raises(UsageProblem):
        ci.check_report_path(tmp_path / "r.txt")
    with pytest.raises(OutputProblem):
        ci.check_report_path(tmp_path / "none/r.md")
    (tmp_path / "dir.md").mkdir()
    with pytest.raises(OutputProblem):
        ci.write_report(tmp_path / "dir.md", ROWS, SUMS)
    assert not list(tmp_path.glob(".*"))


def test_the_step_summary_is_appended_to(tmp_path: Path) -> None:
    place = tmp_path / "s.md"
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(place)}
    assert ci.on_github(env)
    assert not ci.on_github({})
    assert [ci.step_summary(env, "a"), ci.step_summary(env, "b")] == ["", ""]
    assert place.read_text() == "ab"
    assert ci.step_summary({}, "a") == ""
    assert "cannot be written" in ci.step_summary({"GITHUB_STEP_SUMMARY": str(tmp_path)}, "a")


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
