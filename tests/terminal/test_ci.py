"""The report as a file, as GitHub's annotations and as the summary of a step."""

from __future__ import annotations

import json
import os
import re
import stat
import unicodedata
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from markdown_it import MarkdownIt

from compressor_cli.errors import OutputProblem, UsageProblem
from compressor_cli.terminal import ci
from compressor_cli.terminal.report import QUIET, Row, Totals, totals

from .reported import BATCH, FAILED, HOSTILE, PHOTO, ROWS

FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
MARKDOWN = r"""### compressor compress

8 files: 3 compressed, 1 failed, 1 kept, 1 postponed, 1 stored, 1 unchanged, in 1 min 03 s

9.9 MB → 4.1 MB, saved 5.8 MB (−58.6 %)

| file | before | after | saved | | state |
|---|--:|--:|--:|--:|---|
| `\x3a:error::\x1b[31m@you \x7c\x60x\x60.png` | 5.0 kB |  |  |  | failed: `the job failed: <b>too</b> red\x0a::set-env name=A::b` |
| `assets/hero/a-very-long-name-of-a-picture-that-came-from-a-camera-2026-11-24.png` | 8.1 MB | 3.0 MB | 5.1 MB | −63.0 % | compressed |
| `assets/写真/富士山.jpg` | 1.2 MB | 800.0 kB | 400.0 kB | −33.3 % | compressed |
| `https://h.example/x.png` | 500.0 kB | 200.0 kB | 300.0 kB | −60.0 % | stored: `https://bucket.example/x.png` |
| `late.mp4` | 80.6 MB |  |  |  | postponed: `still running` |
| `logo.svg` | 4.0 kB | 4.0 kB | 0 B | 0.0 % | kept: `the result was not smaller` |
| `assets/grew.gif` | 100.0 kB | 104.0 kB | −4.0 kB | +4.0 % | compressed |
"""  # noqa: E501


def written(rows: Sequence[Row]) -> str:
    return ci.markdown(rows, totals(rows, seconds=63.0), title="compressor compress")


def test_the_markdown() -> None:
    """Failures first; what is unchanged is only counted."""
    assert written(BATCH) == MARKDOWN


def test_the_markdown_of_a_batch_in_which_nothing_was_to_do() -> None:
    assert written([]) == "### compressor compress\n\n0 files: in 1 min 03 s\n"


@given(ROWS)
def test_markdown_has_one_line_a_row(rows: list[Row]) -> None:
    shown = [row for row in rows if row.exit_code or row.state not in QUIET]
    text = written(rows)
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len(lines) == len(shown) + 2 * bool(shown)
    assert {line.count("|") for line in lines} <= {7}
    assert text.count("\n") == len(text.splitlines())
    assert not {unicodedata.category(c) for c in text if c != "\n"} & FORBIDDEN


class Tags(HTMLParser):
    """The elements of a page, and its text outside of `code`."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.cells = 0
        self.plain = ""
        self._code = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert all(name == "style" for name, _ in attrs)
        self.seen.add(tag)
        self.cells += tag == "td"
        self._code = tag == "code"

    def handle_endtag(self, tag: str) -> None:
        self._code = self._code and tag != "code"

    def handle_data(self, data: str) -> None:
        self.plain += "" if self._code else data


@given(ROWS)
def test_foreign_text_makes_nothing_of_markdown(rows: list[Row]) -> None:
    """No element but the table's, and nothing foreign where mentions and numbers are looked for."""
    page = Tags()
    page.feed(MarkdownIt("gfm-like", {"linkify": False}).render(written(rows)))
    shown = [row for row in rows if row.exit_code or row.state not in QUIET]
    table = {"table", "thead", "tbody", "tr", "th", "td", "code"}
    assert page.seen <= {"h3", "p", *table}
    assert page.cells == 6 * len(shown)
    assert not set("@#<>[]*_\\`") & set(page.plain)


@given(ROWS)
def test_each_annotation_is_one_command_of_ours(rows: list[Row]) -> None:
    """Read back as the runner reads it, it says what it should."""
    lines = ci.commands(rows)
    bad = [row for row in rows if row.exit_code]
    assert len(lines) == len(bad)
    for line, row in zip(lines, bad, strict=True):
        assert len(line.splitlines()) == 1
        assert not {unicodedata.category(c) for c in line} & FORBIDDEN
        assert "##[" not in line
        found = re.fullmatch(r"::error file=([^:,]*),title=compressor::(.*)", line)
        assert found is not None
        assert row.state in found[2]
        assert not re.search("%(?!25|3A|2C)", found[1])
        assert not re.search("%(?!25)", found[2])


def test_an_annotation() -> None:
    """The name is in the message too: the log shows nothing else."""
    row = Row("a,b:50%.png", "failed", detail="50%: no, too red", exit_code=6)
    assert ci.commands([PHOTO, row]) == [
        "::error file=a%2Cb%3A50%25.png,title=compressor::a,b:50%25.png: failed: 50%25: no, too red"
    ]


def test_foreign_text_in_an_annotation() -> None:
    """It begins no line, in the log neither."""
    assert ci.commands([FAILED]) == [
        r"::error file=\x3a%3Aerror%3A%3A\x1b[31m@you |`x`.png,title=compressor"
        r"::\x3a:error::\x1b[31m@you |`x`.png: failed: "
        r"the job failed: <b>too</b> red\x0a::set-env name=A::b"
    ]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("a.png", "/checkout/sub/a.png"),
        ("/elsewhere/a.png", "/elsewhere/a.png"),
        ("https://h.example/a.png", "https%3A//h.example/a.png"),
    ],
)
@pytest.mark.skipif(os.name != "posix", reason="paths are written otherwise")
def test_annotations_of_a_step_in_another_folder(path: str, said: str) -> None:
    (line,) = ci.commands([Row(path, "failed", exit_code=3)], folder=Path("/checkout/sub"))
    assert line.startswith(f"::error file={said},title=")


@pytest.mark.parametrize(
    ("env", "is_so"),
    [({"GITHUB_ACTIONS": "true"}, True), ({}, False), ({"GITHUB_ACTIONS": "false"}, False)],
)
def test_whether_it_is_github(env: dict[str, str], is_so: bool) -> None:
    assert ci.on_github(env) == is_so


def test_the_summary_is_added_to_what_is_there(tmp_path: Path) -> None:
    place = tmp_path / "summary"
    place.write_text("| theirs |")
    assert ci.step_summary({"GITHUB_STEP_SUMMARY": str(place)}, "ours 富\ud800\n") == ""
    assert place.read_text("utf-8") == "| theirs |\nours 富\\ud800\n\n"


def test_no_summary_is_asked_for() -> None:
    assert ci.step_summary({}, "text") == ci.step_summary({"GITHUB_STEP_SUMMARY": ""}, "x") == ""


def test_a_summary_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    said = ci.step_summary({"GITHUB_STEP_SUMMARY": str(tmp_path)}, "text")
    assert said.startswith("the step summary cannot be written: ")


@pytest.mark.parametrize("there", [0, 500, ci.SUMMARY_LIMIT - 200, ci.SUMMARY_LIMIT + 1])
def test_a_long_summary_is_cut_at_a_line(tmp_path: Path, there: int) -> None:
    """GitHub shows nothing at all of one that is too long."""
    place = tmp_path / "summary"
    place.write_bytes(b"x" * there)
    assert ci.step_summary({"GITHUB_STEP_SUMMARY": str(place)}, "| 富士 |\n" * 200_000) == ""
    added = place.read_bytes()[there:].decode("utf-8")
    assert there + len(added.encode()) <= max(ci.SUMMARY_LIMIT, there)
    if there < ci.SUMMARY_LIMIT:
        lines = added.splitlines()
        assert lines[-1] == "The rest did not fit into the summary."
        assert set(lines[:-1]) == {"", "| 富士 |"}


def sums(rows: Sequence[Row]) -> Totals:
    return totals(rows, seconds=63.0)


@pytest.mark.parametrize("name", ["r.md", "r.markdown", "R.MD"])
def test_a_markdown_report(tmp_path: Path, name: str) -> None:
    ci.write_report(tmp_path / name, BATCH, sums(BATCH))
    assert (tmp_path / name).read_text("utf-8") == MARKDOWN.replace(" compress\n", "\n", 1)
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_a_json_report(tmp_path: Path) -> None:
    """It holds every row, those that are unchanged too, and hostile names as they are."""
    rows = [*BATCH, Row("\udcff\n.png", "ok")]
    ci.write_report(tmp_path / "r.json", rows, sums(rows))
    content = (tmp_path / "r.json").read_bytes()
    report = json.loads(content)
    assert content.isascii()
    assert [file["path"] for file in report["files"]] == [row.path for row in rows]
    assert report["summary"]["files"] == len(rows)


def test_a_report_takes_the_place_of_the_last_one(tmp_path: Path) -> None:
    """Through a symlink too, which stays."""
    (tmp_path / "old.json").write_text("old")
    (tmp_path / "r.json").symlink_to("old.json")
    ci.write_report(tmp_path / "r.json", [], sums([]))
    assert (tmp_path / "r.json").is_symlink()
    assert json.loads((tmp_path / "old.json").read_text())["files"] == []


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_others_may_read_a_report_as_any_file(tmp_path: Path) -> None:
    mask = os.umask(0o022)
    try:
        ci.write_report(tmp_path / "r.md", [], sums([]))
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "r.md").stat().st_mode) == 0o644


@pytest.mark.parametrize("name", ["r.txt", "r", ".md", "md", "r.md.bak"])
def test_a_report_of_no_known_form(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageProblem, match=r"must end in \.md, \.markdown or \.json"):
        ci.write_report(tmp_path / name, [], sums([]))
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_no_one_can_write_is_found_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "folder.md").mkdir()
    for path, why in [("no/r.md", "folder does not exist"), ("folder.md", "not a regular file")]:
        with pytest.raises(OutputProblem, match=why):
            ci.check_report_path(tmp_path / path)
    ci.check_report_path(tmp_path / "r.md")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder.md"]


def test_a_report_whose_name_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(OutputProblem, match=r"--report .*: .+"):
        ci.check_report_path(tmp_path / ("x" * 300 + ".md"))


@pytest.mark.skipif(os.name != "posix", reason="RLIMIT_FSIZE is POSIX")
def test_a_report_that_breaks_off_leaves_the_last_one(tmp_path: Path) -> None:
    """The file is whole, old or new, and nothing lies beside it."""
    import resource
    import signal

    place = tmp_path / "r.md"
    place.write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(OutputProblem, match="cannot be written: File too large"):
            ci.write_report(place, BATCH, sums(BATCH))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert place.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["r.md"]


@given(HOSTILE)
def test_a_title_is_one_line(title: str) -> None:
    assert ci.markdown([], sums([]), title=title).count("\n") == 3
