"""Plain lines on stderr: each change once, and a heartbeat in long silences."""

from __future__ import annotations

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
from compressor_cli.errors import JobFailed, TemporaryTrouble
from compressor_cli.terminal.output import Modes, Output
from compressor_cli.terminal.story import HEARTBEAT, Story, closing

from .items import Clock, item, job, saved

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def story(clock: Clock) -> Story:
    return Story(Output(Modes()), clock=clock)


def test_each_change_is_a_line_and_said_once(story: Story, clock: Clock, capsys: Capture) -> None:
    one = item(state="enqueued")
    with story:
        story.show(Sending(one, 1, 2))
        story.show(Submitted(one))
        for word in ("enqueued", "enqueued", "processing", "processing"):
            one.job = job(word)
            story.show(Looked(one, 1.0))
        one.job = job("completed")
        clock.now += 41
        story.show(Looked(one, None))
        story.show(Receiving(one, 1, 2))
        story.show(Ended(one))
    assert capsys.readouterr() == (
        "",
        "input.mp4: submitted as j-1\n"
        "input.mp4: enqueued\n"
        "input.mp4: processing\n"
        "input.mp4  80.6 MB → 29.8 MB  −63.0 %  in 41 s\n",
    )


def test_trouble_is_said_once_as_long_as_it_is_the_same(story: Story, capsys: Capture) -> None:
    """Whatever the next interval; a new trouble, or the old one after a success, is news."""
    one = item()
    story.show(Delayed(one, TemporaryTrouble("refused"), 1.0))
    story.show(Delayed(one, TemporaryTrouble("refused"), 2.0))
    story.show(Delayed(one, TemporaryTrouble("timed out"), 3.0))
    story.show(Looked(one, 1.0))
    story.show(Delayed(one, TemporaryTrouble("timed out"), 75.0))
    assert capsys.readouterr().err == (
        "input.mp4: refused; next try in 1.0 s\n"
        "input.mp4: timed out; next try in 3.0 s\n"
        "input.mp4: processing\n"
        "input.mp4: timed out; next try in 1 min 15 s\n"
    )


def test_a_heartbeat_in_silence_only_while_something_is_waited_for(
    story: Story, clock: Clock, capsys: Capture
) -> None:
    """Not sooner than its time after the last line; the number of jobs and the next look."""
    clock.now += HEARTBEAT
    story.show(Tick())
    first, second = item("a"), item("b")
    story.show(Looked(first, 12.0))
    story.show(Looked(second, 40.0))
    clock.now += HEARTBEAT - 0.1
    story.show(Tick())
    assert capsys.readouterr().err == "a: processing\nb: processing\n"
    clock.now += 0.1
    story.show(Tick())
    story.show(Tick())
    assert capsys.readouterr().err == (
        "waiting for 2 jobs, 1 min 00 s so far, next look in 0.0 s\n"
    )
    first.job = job("failed")
    first.error = JobFailed("no")
    story.show(Ended(first))
    clock.now += HEARTBEAT
    story.show(Tick())
    assert capsys.readouterr().err == "waiting for 1 job, 1 min 30 s so far, next look in 0.0 s\n"
    second.job = job("completed")
    story.show(Ended(second))
    capsys.readouterr()
    clock.now += HEARTBEAT
    story.show(Tick())
    assert capsys.readouterr().err == ""


def test_a_failed_job_has_no_closing_line(story: Story, capsys: Capture) -> None:
    """The error itself is told elsewhere."""
    story.show(Ended(item(state="failed", error=JobFailed("no"))))
    story.show(Ended(item(state=None)))
    assert capsys.readouterr().err == ""


def test_a_remark_is_a_warning_once(story: Story, capsys: Capture) -> None:
    for text in ("the ledger is full", "the ledger is full", "other"):
        story.show(Remark(text))
    assert capsys.readouterr().err == (
        "compressor: warning: the ledger is full\ncompressor: warning: other\n"
    )


def test_foreign_words_are_escaped(story: Story, capsys: Capture) -> None:
    one = item("a\x1b[2J\u202e[red].png", state="thawing\x1b]0;t\x07")
    story.show(Looked(one, 1.0))
    assert capsys.readouterr().err == r"a\x1b[2J\u202e[red].png: thawing\x1b]0;t\x07" + "\n"


def test_a_submit_without_an_id_is_told_as_such(story: Story, capsys: Capture) -> None:
    story.show(Submitted(item(state=None)))
    assert capsys.readouterr().err == "input.mp4: submitted as ?\n"


def test_the_closing_line_says_what_it_knows() -> None:
    """The saved size over the promised one, our size where the service names none, ASCII too."""
    done = item(state="completed")
    assert closing(done, seconds=3) == "input.mp4  80.6 MB → 29.8 MB  −63.0 %  in 3.0 s"
    assert closing(done, seconds=3, unicode=False) == (
        "input.mp4  80.6 MB -> 29.8 MB  -63.0 %  in 3.0 s"
    )
    done.saved = saved("x", 90_000_000)
    assert closing(done, seconds=90) == "input.mp4  80.6 MB → 90.0 MB  +11.7 %  in 1 min 30 s"
    done.skipped = True
    assert closing(done, seconds=0).endswith("  already there")
    bare = item(state="processing", size=1000)
    assert closing(bare, seconds=1) == "input.mp4  in 1.0 s"
    bare.saved = saved("x", 500)
    assert closing(bare, seconds=1) == "input.mp4  1.0 kB → 500 B  −50.0 %  in 1.0 s"
