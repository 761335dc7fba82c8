"""The installed command on a real terminal, read from its screen."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest
from conftest import File
from running import ID, Box, Compressor, until

from terminal.session import Session

WIDTHS = pytest.mark.parametrize("width", [60, 80, 120])


@WIDTHS
@pytest.mark.usefixtures("later")
def test_the_region_appears_and_is_gone(compressor: Compressor, file: File, width: int) -> None:
    """Ids and closing lines stay, one of each; nothing of the region does."""
    names = ["a.png", "b.png", "c.png"]
    for seed, name in enumerate(names):
        file(name, seed=seed)
    session = Session(compressor, "submit", *names, "-o", "small/", width=width)
    session.shows("enqueued")
    stays = session.ended()
    assert session.child.exitstatus == 0
    assert len([line for line in stays if ID.fullmatch(line)]) == 3
    closings = [line for line in stays if re.search(r"→ .* −\d+\.\d %  in ", line)]
    assert sorted(line.split()[0] for line in closings) == names
    assert len(stays) == 6
    assert any(re.search(r"[⠀-⣿]", text) for text in session.seen)
    assert "\x1b[?25l" not in session.raw


@pytest.mark.row("F1")
def test_ctrl_c_at_the_terminal(compressor: Compressor, box: Box, file: File) -> None:
    """The region goes, the way on stays, the shell sees the signal."""
    file("a.png")
    box.script({"on": "upload", "states": ["processing"] * 99})
    session = Session(compressor, "submit", "a.png", "--wait")
    session.shows("enqueued")
    session.child.send("\x03")
    stays = session.ended()
    assert session.child.signalstatus == signal.SIGINT
    (job,) = [line for line in stays if ID.fullmatch(line)]
    assert stays[-2:] == [
        "compressor: interrupted; the job is still running in the service",
        f"  go on with: compressor wait {job}",
    ]
    assert not any("processing" in line or "enqueued" in line for line in stays)


@pytest.mark.row("E1")
@WIDTHS
def test_hostile_words_on_a_terminal(
    compressor: Compressor, box: Box, file: File, width: int
) -> None:
    """A file's name and the service's reason are shown escaped, and change nothing."""
    name = "\u202e[red]:smile:\x1b]0;owned\x07\x1b[31m.png"
    file("ok.png").rename(compressor.folder / name)
    reason = "no \x1b]52;c;AAAA\x07\x1b[2J\x9b31m[/x][link=http://x]click[/link] \u202eevil"
    states = ["\x1b[5mthawing"] if width == 120 else []
    box.script({"on": "upload", "states": states, "fail": reason})
    session = Session(compressor, "submit", name, "--wait", width=width)
    session.shows(r"\x1b[5mthaw" if states else r"\u202e[red]")
    text = "".join(session.ended())
    assert session.child.exitstatus == 6
    assert session.screen.title == ""
    assert session.colours() == {"default"}
    assert r"\u202e[red]:smile:\x1b]0;owned\x07\x1b[31m.png" in text
    assert r"\x1b]52;c;AAAA\x07\x1b[2J\x9b31m[/x][link=http://x]click[/link] \u202eevil" in text
    for code in ("\x1b]", "\x1b[31m", "\x1b[2J", "\x9b", "\u202e", "\x1b[5m"):
        assert code not in session.raw


@pytest.mark.row("E3")
@pytest.mark.parametrize(
    ("words", "env"),
    [([], {"TERM": "dumb"}), ([], {"CI": "1"}), (["-q"], {}), ([], {"TERM": ""})],
    ids=["dumb", "CI", "quiet", "no TERM"],
)
@pytest.mark.usefixtures("box")
def test_plain_lines_where_no_region_is_wanted(
    compressor: Compressor, file: File, words: list[str], env: dict[str, str]
) -> None:
    file("a.png")
    session = Session(compressor, "submit", *words, "a.png", "-o", "b.png", env=env)
    stays = session.ended()
    assert session.child.exitstatus == 0
    assert "\x1b" not in session.raw
    assert len(stays) == (1 if words else 3)


@pytest.mark.row("E3")
@pytest.mark.parametrize(
    ("words", "env", "coloured"),
    [([], {}, True), (["--no-color"], {}, False), ([], {"NO_COLOR": "1"}, False)],
    ids=["colours", "option", "NO_COLOR"],
)
def test_colours_are_an_offer(
    compressor: Compressor,
    box: Box,
    file: File,
    words: list[str],
    env: dict[str, str],
    coloured: bool,
) -> None:
    """NO_COLOR and --no-color leave no style at all."""
    file("big.bmp", width=600, height=450)
    box.script({"on": "output", "throttle": 400_000})
    session = Session(compressor, "submit", *words, "big.bmp", "-o", "x.bmp", env=env)
    session.ended()
    assert session.child.exitstatus == 0
    assert any("━" in text for text in session.seen)
    assert bool(re.search(r"\x1b\[[\d;]*m", session.raw)) == coloured


def test_a_result_does_not_go_to_the_terminal(compressor: Compressor, box: Box, file: File) -> None:
    """Unless it is forced; nothing is sent before."""
    file("a.png")
    session = Session(compressor, "submit", "a.png", "-o", "-")
    stays = session.ended()
    assert session.child.exitstatus == 2
    assert "the result would go to the terminal" in stays[0]
    assert box.requests == []


@pytest.mark.usefixtures("box")
def test_stdin_from_the_keyboard_is_refused(compressor: Compressor) -> None:
    session = Session(compressor, "submit", "-")
    stays = session.ended()
    assert session.child.exitstatus == 3
    assert stays == ["compressor: standard input is the terminal", "  pipe a file into it"]


@pytest.mark.row("E1")
@pytest.mark.usefixtures("box")
def test_jobs_are_aligned_for_people(compressor: Compressor, file: File) -> None:
    """And names are safe there."""
    name = "a\x1b[31m.png"
    file("ok.png").rename(compressor.folder / name)
    compressor("submit", name)
    stays = Session(compressor, "jobs", width=120).ended()
    assert re.fullmatch(ID.pattern + r"  completed   \S+Z  a\\x1b\[31m\.png", stays[0])


def hung_up(session: Session) -> None:
    """The terminal's window is closed."""
    session.child.ptyproc.fileobj.close()
    session.child.closed = session.child.ptyproc.closed = True
    until(lambda: not session.child.isalive())


@pytest.mark.row("F3")
@pytest.mark.usefixtures("later")
def test_a_terminal_that_is_closed(compressor: Compressor, file: File) -> None:
    """SIGHUP: it ends, and the job can be gone on with."""
    file("a.png")
    session = Session(compressor, "submit", "a.png", "--wait")
    session.shows("enqueued")
    hung_up(session)
    assert (session.child.exitstatus, session.child.signalstatus) == (None, signal.SIGHUP)
    assert compressor("get", "--last", "--wait", "-o", "b.png").code == 0
    assert Path(compressor.folder, "b.png").exists()


@pytest.mark.row("F6")
@pytest.mark.usefixtures("later")
def test_a_closed_terminal_does_not_end_what_ignores_it(compressor: Compressor, file: File) -> None:
    """As after `disown`: there is nothing to draw on any more, and the result still comes."""
    file("a.png")
    session = Session(compressor, "submit", "a.png", "-o", "b.png", ignore=signal.SIGHUP)
    session.shows("enqueued")
    hung_up(session)
    assert session.child.exitstatus == 0
    assert (compressor.folder / "b.png").exists()
