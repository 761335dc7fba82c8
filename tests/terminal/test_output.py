"""What goes to which stream in each mode."""

from __future__ import annotations

import errno
import io
import json
import sys

import pytest

from compressor_cli.errors import (
    CompressorError,
    InputProblem,
    OutputProblem,
    ReaderGone,
    TemporaryTrouble,
)
from compressor_cli.terminal.output import Modes, Output, as_json, stdout_problem
from compressor_cli.terminal.records import item_record
from compressor_cli.terminal.results import Ids, Paths, States

from .items import item, saved

Capture = pytest.CaptureFixture[str]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def said(modes: Modes, capsys: Capture) -> tuple[str, str]:
    output = Output(modes)
    output.result("text", {"a": 1})
    output.note("note")
    output.detail("detail")
    output.warning("warning")
    output.error(InputProblem("wrong", hint="one\ntwo"), label="x.png")
    output.error(CompressorError("other", job_id="j"))
    out, err = capsys.readouterr()
    return out, err


ALWAYS = (
    "compressor: warning: warning\ncompressor: x.png: wrong\n  one\n  two\ncompressor: j: other\n"
)


@pytest.mark.parametrize(
    ("modes", "out", "err"),
    [
        (Modes(), "text\n", "note\n" + ALWAYS),
        (Modes(json=True), '{"schema": 1, "a": 1}\n', "note\n" + ALWAYS),
        (Modes(quiet=True), "text\n", ALWAYS),
        (Modes(verbose=True), "text\n", "note\ndetail\n" + ALWAYS),
    ],
    ids=["human", "json", "quiet", "verbose"],
)
def test_modes(modes: Modes, out: str, err: str, capsys: Capture) -> None:
    """Results on stdout, all else on stderr; errors and warnings in every mode."""
    assert said(modes, capsys) == (out, err)


def test_a_pipe_gets_the_text_itself_and_a_terminal_a_safe_one(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    Output(Modes()).result("a\x1b[2Jb", {})
    assert capsys.readouterr().out == "a\x1b[2Jb\n"
    monkeypatch.setattr(sys, "stdout", Terminal())
    Output(Modes()).result("a\x1b[2Jb", {})
    assert sys.stdout.getvalue() == "a\\x1b[2Jb\n"  # type: ignore[attr-defined]


def test_json_is_ascii_that_no_terminal_acts_on() -> None:
    """Every C0, C1, DEL, bidi and surrogate code point is escaped, and comes back whole."""
    text = "".join(map(chr, range(0xA0))) + "\u202e\u2028\ud800😀"
    line = as_json({"text": text})
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["text"] == text
    with pytest.raises(ValueError):
        as_json({"text": float("nan")})


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.EPIPE, ReaderGone), (errno.ENOSPC, OutputProblem), (errno.EBADF, OutputProblem)],
)
def test_what_a_failed_write_means(number: int, kind: type[CompressorError]) -> None:
    assert type(stdout_problem(OSError(number, "why"))) is kind


def test_a_stderr_that_fails_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    Output(Modes()).note("nobody hears")


def test_a_long_hint_is_whole(capsys: Capture) -> None:
    """It may be a command; a long message is cut."""
    words = "compressor wait " + " ".join(["x" * 36] * 200) + "\x1b" * 50
    Output(Modes()).error(CompressorError("m" * 5000, hint=words))
    first, second = capsys.readouterr().err.splitlines()
    assert len(first) < 2100
    assert second.strip() == words.replace("\x1b", r"\x1b")


def test_tables_are_written_as_they_are(capsys: Capture) -> None:
    Output(Modes()).table(["a", "b"])
    assert capsys.readouterr().out == "a\nb\n"


def test_records_of_items() -> None:
    """The API's fields as sent, ours beside them; the asked id where nothing is known."""
    assert item_record(item("a", state=None)) == {
        "id": None, "state": "not-sent", "source": "a", "saved_to": None, "error": None,
    }  # fmt: skip
    assert item_record(item("a", state=None, error=InputProblem("m")))["state"] == "error"
    assert item_record(item("a", state=None, in_doubt=True))["state"] == "unknown"
    assert item_record(item("a", state=None, job_id="j-9"))["id"] == "j-9"
    full = item_record(item("a", state="completed", saved=saved("out/x")))
    assert (full["id"], full["state"], full["status"]) == ("j-1", "completed", "completed")
    assert full["saved_to"] == "out/x"
    assert item_record(item("a", error=InputProblem("m", hint="h")))["error"] == {
        "kind": "InputProblem", "message": "m", "hint": "h", "exit_code": 3,
    }  # fmt: skip


def test_results_that_go_aside_leave_stdout_alone(capsys: Capture) -> None:
    """stdout belongs to the bytes of the result then."""
    output, one = Output(Modes()), item(state="completed", saved=saved(None))
    for results in (
        Ids(output, aside=True), States(output, aside=True), Paths(output, aside=True)
    ):  # fmt: skip
        results.submitted(one)
        results.ended(one)
        results.left(one)
    assert capsys.readouterr() == ("", "j-1: completed\n" * 2)


def test_what_is_left_is_shown_where_there_is_something_to_show(capsys: Capture) -> None:
    States(Output(Modes())).left(item(state=None, job_id="j"))
    States(Output(Modes())).left(item(state="thawing"))
    assert capsys.readouterr().out == "j-1\tthawing\n"
    Paths(Output(Modes()), aside=False).left(item(state="thawing"))
    assert capsys.readouterr().out == ""
    States(Output(Modes(json=True))).left(item(state=None, job_id="j"))
    assert json.loads(capsys.readouterr().out)["id"] == "j"


def test_on_a_terminal_an_error_is_broken_between_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its command stays in one piece, to be copied; in a pipe a message is one line."""
    error = TemporaryTrouble(
        "the service answered 503 and asks for a pause that is longer than the time that is left",
        hint="go on with: compressor wait " + "x" * 60,
    )
    Output(Modes()).error(error, label="photo.png")
    assert capsys.readouterr().err.count("\n") == 2
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    Output(Modes()).error(error, label="photo.png")
    *message, hint = capsys.readouterr().err.splitlines()
    assert max(map(len, message)) <= 40
    assert message[0] == "compressor: photo.png: the service"
    assert all(line.startswith("  ") for line in message[1:])
    assert hint == "  go on with: compressor wait " + "x" * 60
