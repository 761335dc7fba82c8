"""The live region, drawn to a string and read as a screen."""

from __future__ import annotations

import io
import re
import sys
from functools import cached_property

import pyte
import pytest

from compressor_cli.engine.crew import Tick
from compressor_cli.engine.updates import (
    Delayed,
    Ended,
    Looked,
    Receiving,
    Remark,
    Sending,
    Submitted,
)
from compressor_cli.errors import TemporaryTrouble
from compressor_cli.terminal.live import ROWS, LiveView
from compressor_cli.terminal.output import Modes, Output

from .items import Clock, item, job, saved

Capture = pytest.CaptureFixture[str]


class Screen:
    """A view, its clock and the screen that its drawing makes."""

    def __init__(self, capsys: Capture, width: int, *, color: bool = False) -> None:
        self.clock = Clock()
        self.output = Output(Modes(color=color))
        self.raw = ""
        self._capsys = capsys
        self._screen = pyte.Screen(width, 30)
        self._stream = pyte.Stream(self._screen)

    @cached_property
    def view(self) -> LiveView:
        return LiveView(self.output, clock=self.clock)

    def read(self) -> list[str]:
        """The lines that can be seen now."""
        out, err = self._capsys.readouterr()
        self.raw += err
        self._stream.feed((out + err).replace("\n", "\r\n"))
        return [line.rstrip() for line in self._screen.display if line.strip()]

    def after(self, seconds: float, *updates: object) -> list[str]:
        self.clock.now += seconds
        for update in updates or (Tick(),):
            self.view.show(update)  # type: ignore[arg-type]
        return self.read()


@pytest.fixture(params=[60, 80, 120])
def screen(
    request: pytest.FixtureRequest, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> Screen:
    monkeypatch.setenv("COLUMNS", str(request.param))
    monkeypatch.setenv("TERM", "xterm-256color")
    return Screen(capsys, request.param)


def squeezed(lines: list[str]) -> list[str]:
    """Without spinners and with one space between words."""
    return [re.sub(r"\s+", " ", re.sub("[⠀-⣿]", "*", line)).strip() for line in lines]


@pytest.mark.usefixtures("capsys")
def test_a_road_from_start_to_end(screen: Screen) -> None:
    """Upload bar, state and next look, download bar; at the end only the closing line stays."""
    wide = screen._screen.columns >= 70
    one = item(state=None)
    with screen.view:
        (line,) = screen.after(0, Sending(one, 0, 80_600_000))
        assert "0% 0 B of 80.6 MB" in squeezed([line])[0]
        (line,) = screen.after(2, Sending(one, 40_300_000, 80_600_000))
        assert "50% 40.3 MB of 80.6 MB" in squeezed([line])[0]
        assert ("20.1 MB/s" in line or "20.2 MB/s" in line) == wide
        assert "━" in line
        assert squeezed(screen.after(1, Sending(one, 80_600_000, 80_600_000))) == [
            "input.mp4 * sent, waiting for the answer 3.0 s"
        ]
        one.job = job("enqueued")
        assert squeezed(screen.after(1, Submitted(one))) == [
            "input.mp4: submitted as j-1",  # stdout is no terminal, so it is not seen there
            "input.mp4 * enqueued 4.0 s",
        ]
        one.job = job("processing")
        shown = squeezed(screen.after(10, Looked(one, 5.0)))[1:]
        assert shown == ["input.mp4 * processing 14 s" + (" next look in 5 s" if wide else "")]
        shown = squeezed(screen.after(3))[1:]
        assert shown == ["input.mp4 * processing 17 s" + (" next look in 2 s" if wide else "")]
        lines = screen.after(1, Delayed(one, TemporaryTrouble("the service answered 502"), 4.0))
        assert lines[1] == "input.mp4: the service answered 502; next try in 4.0 s"
        assert "trying again" in lines[2]
        one.job = job("completed")
        assert "completed" in screen.after(1, Looked(one, None))[2]
        (_, _, line) = screen.after(1, Receiving(one, 14_900_000, 29_800_000))
        assert "50% 14.9 MB of 29.8 MB" in squeezed([line])[0]
        assert "receiving" not in line
        lines = screen.after(1, Ended(one))
        assert lines[-1] == "input.mp4  80.6 MB → 29.8 MB  −63.0 %  in 21 s"
        assert len(lines) == 3
    assert screen.read() == lines
    assert "\x1b[?25l" not in screen.raw


def test_plain_lines_go_above_the_region(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    """On either stream, which a terminal shows as one; the region comes back below, once."""
    monkeypatch.setattr(sys, "stdout", sys.stderr)
    one = item()
    with screen.view:
        screen.after(0, Looked(one, 5.0))
        screen.output.result("an-id", {})
        screen.output.note("a note")
        lines = screen.after(1, Remark("careful"))
    assert lines[:3] == ["an-id", "a note", "compressor: warning: careful"]
    assert "processing" in lines[3]
    assert screen.read() == lines[:3]
    screen.output.note("afterwards")
    assert screen.read()[-1] == "afterwards"


def test_it_is_redrawn_ten_times_a_second_at_most(screen: Screen) -> None:
    one = item()
    with screen.view:
        screen.after(0, Looked(one, 5.0))
        before = len(screen.raw)
        screen.after(0.05)
        assert len(screen.raw) == before
        screen.after(0.06)
        assert len(screen.raw) > before


def test_many_jobs_are_counted_after_the_first(screen: Screen) -> None:
    """The region never grows over the screen."""
    items = [item(f"{number}.png") for number in range(ROWS + 5)]
    with screen.view:
        lines = screen.after(1, *(Looked(each, 5.0) for each in items))
        lines = screen.after(1)
    assert len(lines) == ROWS + 1
    assert lines[-1] == "and 5 more"
    assert screen.read() == []


def test_all_are_counted_below(screen: Screen) -> None:
    """How many went well or not, how much of all bytes is through, and what was saved so far."""
    good, bad, working, later = (
        item("good", state="completed"), item("bad"), item("c.png"), item("d.png"),
    )  # fmt: skip
    for each in (good, bad, working, later):
        each.size = 80_600_000
    bad.error, good.saved = TemporaryTrouble("no"), saved("good.mp4")
    screen.view = LiveView(screen.output, expected=[good, bad, working, later], clock=screen.clock)
    with screen.view:
        lines = screen.after(1, Looked(working, 5.0), Looked(good, None))
        lines = screen.after(1)
        assert squeezed(lines)[-1].endswith("0 of 4 done, 0 B of 322.4 MB")
        lines = screen.after(1, Ended(bad), Ended(good))
        through = ", 161.2 MB of 322.4 MB" if screen._screen.columns >= 80 else ""
        assert squeezed(lines)[-1].endswith(f" 2 of 4 done, 1 failed{through}, 50.8 MB saved")
        assert "━" in lines[-1]
        lines = screen.after(1, Ended(working))  # the fourth waits for its turn
        lines = screen.after(1)
        assert " 3 of 4 done" in lines[-1]
        screen.after(1, Ended(later))
        lines = screen.after(1)
    assert " of 4 done" not in "".join(lines)
    assert screen.read() == lines


def test_only_what_is_used_is_saved(screen: Screen) -> None:
    """Not the result that was not worth it, nor one that stays at the service."""
    left = [item("a.png", state="completed"), item("b.png", state="completed")]
    screen.view = LiveView(screen.output, expected=left, clock=screen.clock)
    with screen.view:
        screen.after(1, Looked(left[1], None), Ended(left[0]))
        assert screen.after(1)[-1].endswith(" 1 of 2 done")


def test_a_single_job_is_not_counted(screen: Screen) -> None:
    one = item()
    screen.view = LiveView(screen.output, expected=[one], clock=screen.clock)
    with screen.view:
        assert len(screen.after(1, Looked(one, 5.0))) == 1


def test_a_low_screen_is_not_outgrown(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINES", "7")
    items = [item(f"{number}.png") for number in range(5)]
    with screen.view:
        screen.after(1, *(Looked(each, 5.0) for each in items))
        lines = screen.after(1)
    assert [line.split()[0] for line in lines] == ["0.png", "1.png", "and"]
    assert lines[-1] == "and 3 more"


def test_long_names_lose_their_middle(screen: Screen) -> None:
    """Their ends tell them apart; no line is wider than the screen."""
    one = item("assets/" + "a-long-way-down/" * 9 + "photo-17.png")
    with screen.view:
        (line,) = screen.after(1, Looked(one, 5.0))
        assert re.match(r"assets/.*….*17\.png ", line)
        one.job = job("completed")
        (line,) = screen.after(1, Ended(one))
    assert re.fullmatch(r"assets/.*….*17\.png  80\.6 MB → 29\.8 MB  −63\.0 %  in 2\.0 s", line)


def test_nothing_is_cleared_before_it_is_drawn_anew(screen: Screen) -> None:
    """That would flicker."""
    with screen.view:
        screen.after(1, Looked(item("a.png"), 5.0), Looked(item("b.png"), 5.0))
        screen.after(1)
        before = len(screen.raw)
        screen.after(1)
        assert re.match(r"\r(\x1b\[1A){2}a\.png", screen.raw[before:])


def test_long_names_and_narrow_screens_keep_one_line_a_job(screen: Screen) -> None:
    one = item("long-" * 100 + ".png", state=None)
    with screen.view:
        lines = screen.after(0, Sending(one, 5_000_000, 80_600_000))
        assert len(lines) == 1
        assert "…" in lines[0] or "..." in lines[0]
        assert len(lines[0]) <= screen._screen.columns


def test_hostile_text_changes_neither_title_nor_colours(screen: Screen) -> None:
    """ESC, OSC, bidi, markup and emoji codes are shown as what they are."""
    one = item("\x1b]0;gotcha\x07\x1b[31m\u202e[red]:smile:", state="\x1b[5m[/]\x9b2J")
    with screen.view:
        lines = screen.after(1, Looked(one, 5.0))
        assert r"\x1b]0;go" in lines[0]
    assert screen._screen.title == ""
    assert "\x1b]0" not in screen.raw
    assert "\x1b[31m" not in screen.raw
    assert {cell.fg for row in screen._screen.buffer.values() for cell in row.values()} <= {
        "default"
    }


@pytest.mark.parametrize("columns", ["0", "00", "abc", "1", "7"])
def test_odd_widths_do_no_harm(
    columns: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    screen = Screen(capsys, 80)
    with screen.view:
        screen.after(1, Looked(item(), 5.0))
        screen.after(1, Sending(item("b", state=None), 5, 10))
    assert screen.read() == []


@pytest.mark.parametrize("color", [True, False])
def test_colours_only_when_wanted(
    color: bool, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without them no style at all, not even bold."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    screen = Screen(capsys, 80, color=color)
    with screen.view:
        screen.after(1, Sending(item(state=None), 5, 10))
    assert bool(re.search(r"\x1b\[[\d;]*m", screen.raw)) == color


def test_an_ascii_terminal_gets_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="backslashreplace")
    monkeypatch.setattr(sys, "stderr", stream)
    view = LiveView(Output(Modes(color=False)), clock=Clock())
    with view:
        view.show(Sending(item(state=None), 5, 10))
        view.show(Ended(item(state="completed")))
    stream.flush()
    text = stream.buffer.getvalue().decode("ascii")  # type: ignore[attr-defined]
    assert "80.6 MB -> 29.8 MB  -63.0 %" in text
    assert "\\u" not in text
