"""stdout and stderr that are closed, full or left by their reader; and every odd environment."""

from __future__ import annotations

import json
import os
import re
import subprocess
from itertools import starmap

import pytest
from conftest import File
from running import ID, PROGRAM, Box, Compressor, Result, until

BUFFERING = pytest.mark.parametrize("unbuffered", [None, "1"], ids=["buffered", "unbuffered"])
MODES = pytest.mark.parametrize("mode", ["", "--json"], ids=["text", "json"])


def code_of(result_err: str) -> int:
    """The exit code that a script wrote to stderr as `code N`."""
    return int(re.findall(r"^code (\d+)$", result_err, re.M)[-1])


@pytest.mark.row("E5", "E6")
@BUFFERING
@MODES
@pytest.mark.parametrize("stdout", [">/dev/full", ">&-"], ids=["full", "closed"])
def test_a_stdout_that_takes_nothing_costs_no_result(
    compressor: Compressor, box: Box, file: File, unbuffered: str | None, mode: str, stdout: str
) -> None:
    """Exit 9; the work is finished all the same, and the id is on stderr and in the ledger."""
    file("a.png")
    done = compressor.shell(
        f"compressor submit {mode} a.png -o out.png {stdout}; echo code $? >&2",
        env={"PYTHONUNBUFFERED": unbuffered},
    )
    assert code_of(done.stderr) == 9
    assert "compressor: stdout cannot be written: " in done.stderr
    assert (compressor.folder / "out.png").exists()
    (entry,) = compressor("jobs", "--json").records
    assert (entry["state"], entry["id"]) == ("completed", ID.findall(done.stderr)[0])
    assert box.stats()["accepted"] == 1


@pytest.mark.row("E6")
@pytest.mark.usefixtures("box")
def test_a_full_stdout_shows_every_id_also_when_quiet(compressor: Compressor, file: File) -> None:
    """None of the ids that stdout did not take is lost from sight."""
    file("a.png")
    file("b.png", seed=2)
    done = compressor.shell("compressor submit -q a.png b.png >/dev/full; echo code $? >&2")
    assert code_of(done.stderr) == 9
    submitted = {entry["id"] for entry in compressor("jobs", "--json").records}
    assert len(submitted) == 2
    assert submitted == set(ID.findall(done.stderr))


@pytest.mark.row("E5")
@BUFFERING
@MODES
def test_a_reader_that_left_stops_no_work(
    compressor: Compressor, box: Box, file: File, unbuffered: str | None, mode: str
) -> None:
    """All are submitted and downloaded; the exit code is that of a broken pipe, without a word."""
    for name, seed in (("a.png", 1), ("b.png", 2)):
        file(name, seed=seed)
    out, into = os.pipe()
    os.close(out)
    going = compressor.start(
        "submit", *([mode] if mode else []), "a.png", "b.png", "-o", "small/",
        env={"PYTHONUNBUFFERED": unbuffered}, stdout=into,
    )  # fmt: skip
    os.close(into)
    done = going.ended()
    assert done.code == 141
    assert "cannot be written" not in done.stderr
    assert "went away" not in done.stderr
    assert sorted(p.name for p in (compressor.folder / "small").iterdir()) == ["a.png", "b.png"]
    assert box.stats()["accepted"] == 2


@pytest.mark.row("E5")
@pytest.mark.parametrize("reader", ["true", "head -0", "head -1"])
@pytest.mark.usefixtures("box")
def test_pipes_to_short_readers_work_in_a_shell(
    compressor: Compressor, file: File, reader: str
) -> None:
    file("a.png")
    done = compressor.shell(f"{{ compressor submit a.png --wait; echo code $? >&2; }} | {reader}")
    assert code_of(done.stderr) in ((0,) if reader == "head -1" else (0, 141))
    assert compressor("jobs", "--json").record["state"] == "completed"


@pytest.mark.row("E5", "E6")
@pytest.mark.parametrize("words", ["config path", "config list", "jobs", "--version", "--help"])
@pytest.mark.parametrize("stdout", [">/dev/full", ">&-"], ids=["full", "closed"])
def test_small_commands_notice_it_too(compressor: Compressor, words: str, stdout: str) -> None:
    """Never exit 0 with nothing printed, never the interpreter's 120."""
    done = compressor.shell(f"compressor {words} {stdout}; echo code $? >&2")
    if words == "jobs":
        assert code_of(done.stderr) == 0  # nothing to print
        return
    assert code_of(done.stderr) == 9
    assert done.stderr.startswith("compressor: stdout cannot be written: ")


@pytest.mark.row("E5")
@pytest.mark.parametrize("word", ["--help", "--version"])
def test_help_that_nobody_reads_is_141(compressor: Compressor, word: str) -> None:
    out, into = os.pipe()
    os.close(out)
    going = compressor.start(word, stdout=into)
    os.close(into)
    done = going.ended()
    assert (done.code, done.stderr) == (141, "")


@pytest.mark.row("E5")
def test_a_closed_or_full_stderr_changes_nothing(
    compressor: Compressor, box: Box, file: File
) -> None:
    """Nobody listens, but results and exit codes stand."""
    file("a.png")
    script = (
        "id=$(compressor submit a.png 2>&-) && echo $? $id\n"
        "compressor submit a.png -o o.png 2>/dev/full >/dev/null; echo $?\n"
        "compressor submit missing 2>&-; echo $?\n"
        "compressor --colour 2>/dev/full; echo $?\n"
        "compressor auth status </dev/null 2>&- | wc -l\n"
        "compressor submit - <&- 2>&-; echo $?\n"
        "compressor submit a.png <&- >&- 2>&-; echo $?\n"
    )
    done = compressor.shell(script)
    first, *others = done.lines
    assert re.fullmatch(rf"0 {ID.pattern}", first)
    assert [line.strip() for line in others] == ["0", "3", "2", "1", "3", "9"]
    assert box.stats()["accepted"] == 3


@pytest.mark.row("E5")
def test_a_closed_stdin_is_no_source(compressor: Compressor, box: Box) -> None:
    done = compressor.shell("compressor submit - <&-; echo code $? >&2")
    assert code_of(done.stderr) == 3
    assert "there is no standard input" in done.stderr
    assert box.requests == []


ENVIRONMENTS: list[dict[str, str | None]] = [
    {},
    {"NO_COLOR": "1"},
    {"FORCE_COLOR": "0"},
    {"FORCE_COLOR": "1", "TTY_COMPATIBLE": "1", "TTY_INTERACTIVE": "1"},
    {"TERM": "dumb", "CI": "1"},
    {"TERM": None, "COLORTERM": "truecolor"},
    {"COLUMNS": "0", "LINES": "0"},
    {"COLUMNS": "1", "TERMINAL_WIDTH": "abc"},
    {"COLUMNS": "abc"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "cp1252:strict"},
    {"GITHUB_ACTIONS": "true", "CI": "true"},
    {"HOME": None},
]


@pytest.mark.row("E3", "E4")
@pytest.mark.usefixtures("box")
def test_no_environment_changes_the_results(compressor: Compressor, file: File) -> None:
    """No control code in a pipe, no crash, and the same bytes of JSON in all of them."""
    source = file("ünï → name.png")
    job = compressor("submit", source).ids[0]
    processes = []
    for more in ENVIRONMENTS:
        env = compressor.environment(more)
        words = [str(PROGRAM), "wait", job, "--json"]
        processes.append(
            subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        )
    outcomes = [(*process.communicate(timeout=40), process.returncode) for process in processes]
    for more, (out, err, code) in zip(ENVIRONMENTS, outcomes, strict=True):
        shown = err.decode(errors="replace").encode()
        compressor.checked(Result(code, out, shown, {}, 0.0, ("wait", "--json")))
        assert code == 0, more
        assert out == outcomes[0][0], more
        assert out.isascii()
        assert b"name.png" in err, more
        assert b"%" in err, more
    assert json.loads(outcomes[0][0])["source"] == str(source)
    assert rb"\u2192" in outcomes[10][1]
    assert " → ".encode() in outcomes[0][1]


@pytest.mark.row("E4")
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
@pytest.mark.usefixtures("box")
def test_text_that_an_encoding_lacks_is_escaped(
    compressor: Compressor, file: File, encoding: str
) -> None:
    """Also a name that is no text at all. Never a crash in mid-run."""
    file("ok.png")
    name = os.fsdecode(b"\xff\xfe-\xe2\x86\x92.png")
    os.rename(compressor.folder / "ok.png", compressor.folder / name)  # noqa: PTH104
    going = compressor.start("submit", name, "-o", "-x.png", env={"PYTHONIOENCODING": encoding})
    done = going.ended()
    assert done.code == 0
    assert r"\udcff\udcfe" in done.stderr
    assert (compressor.folder / "-x.png").exists()


@pytest.mark.row("E1")
@pytest.mark.usefixtures("box")
def test_lines_cannot_be_taken_for_commands_of_a_ci_runner(
    compressor: Compressor, file: File
) -> None:
    """`::` at the begin of a line is a command to GitHub's runner, `##[` one to Azure's."""
    file("::error::x.png")
    file("##[section]y.png", seed=2)
    done = compressor("submit", "::error::x.png", "##[section]y.png", "nothere ::set-env")
    lines = done.stderr.splitlines()
    assert done.code == 3
    assert len(lines) == 5
    assert not [line for line in lines if line.lstrip().startswith("::") or "##[" in line]


@pytest.mark.row("E5")
@pytest.mark.usefixtures("tmp_path")
def test_a_result_on_stdout_is_whole_or_absent(
    compressor: Compressor, box: Box, file: File
) -> None:
    """`-o -`: the very bytes; nothing of them when they are not the promised ones."""
    file("a.png")
    job = compressor("submit", "a.png").ids[0]
    good = compressor("get", job, "-o", "-")
    assert good.code == 0
    assert compressor("get", job, "-o", "b.png").code == 0
    assert good.out == (compressor.folder / "b.png").read_bytes()
    box.script({"on": "output", "corrupt": True, "times": 9})
    bad = compressor("get", job, "-o", "-")
    assert (bad.code, bad.out) == (8, b"")
    assert box.fired()[0] >= 1
    shells = ["| true", ">/dev/full", ">&-"]
    box.forget()
    codes = [
        code_of(
            compressor.shell(f"{{ compressor get {job} -o -; echo code $? >&2; }} {end}").stderr
        )
        for end in shells[:1]
    ]
    codes += [
        code_of(compressor.shell(f"compressor get {job} -o - {end}; echo code $? >&2").stderr)
        for end in shells[1:]
    ]
    assert codes[0] in (0, 141)
    assert codes[1:] == [9, 9]


@pytest.mark.usefixtures("box")
def test_a_result_meant_for_a_reader_that_left_is_141(compressor: Compressor, file: File) -> None:
    file("a.bmp", width=400, height=300)
    job = compressor("submit", "a.bmp").ids[0]
    out, into = os.pipe()
    os.close(out)
    going = compressor.start("get", job, "-o", "-", stdout=into)
    os.close(into)
    done = going.ended()
    assert (done.code, "went away" in done.stderr) == (141, False)


@pytest.mark.usefixtures("box")
def test_parallel_commands_share_a_ledger(compressor: Compressor, file: File) -> None:
    """Four at once: each has its row, none is locked out."""
    names = [file(f"{seed}.png", seed=seed).name for seed in range(4)]
    going = list(starmap(compressor.start, (("submit", name) for name in names)))
    assert [each.ended().code for each in going] == [0] * 4
    until(lambda: len(compressor("jobs", "--json").records) == 4, seconds=1)
