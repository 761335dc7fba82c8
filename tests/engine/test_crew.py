"""The supervisor: how work ends."""

from __future__ import annotations

import collections
import itertools
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from compressor_cli.engine.channel import Channel, Stopped
from compressor_cli.engine.crew import Crew, DeadlinePassed, Tick
from compressor_cli.engine.deadline import Deadline
from compressor_cli.engine.ending import SIGNALS

from .clock import Clock

SOON = 10.0


def first(crew: Crew[Any]) -> Any:
    """The first event that is no tick."""
    return next(event for event in crew.events() if not isinstance(event, Tick))


def test_events_come_in_their_order_with_ticks_between() -> None:
    with Crew[int](tick=0.001) as crew:
        events = crew.events()
        assert isinstance(next(events), Tick)
        for number in range(3):
            crew.post(number)
        assert [next(events) for _ in range(3)] == [0, 1, 2]
        assert isinstance(next(events), Tick)


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), KeyboardInterrupt(), SystemExit(3)])
def test_what_a_worker_dies_of_reaches_the_main_thread(error: BaseException) -> None:
    """Whole, whatever it is."""

    def work() -> None:
        raise error

    with Crew[int]() as crew:
        crew.work(work, name="w")
        with pytest.raises(type(error)) as caught:
            first(crew)
    assert caught.value is error


def test_workers_are_daemons_and_an_end_of_their_own_is_no_event() -> None:
    seen: list[bool] = []
    with Crew[str]() as crew:

        def work() -> None:
            seen.append(threading.current_thread().daemon)
            crew.post("done")
            raise Stopped

        crew.work(work, name="w")
        assert first(crew) == "done"
    assert seen == [True]


def test_the_end_wakes_whoever_waits() -> None:
    """Readers of a channel, sleepers, and those who only look now and then."""
    ended: list[str] = []
    crew: Crew[str] = Crew()
    channel: Channel[int] = crew.channel()
    begun = threading.Barrier(5)

    def reader() -> None:
        begun.wait(SOON)
        try:
            channel.get()
        finally:
            ended.append("reader")

    def sleeper() -> None:
        begun.wait(SOON)
        try:
            crew.sleep(3600.0)
        finally:
            ended.append("sleeper")

    def looker() -> None:
        begun.wait(SOON)
        try:
            while True:
                crew.check()
        finally:
            ended.append("looker")

    with crew:
        for task in (reader, reader, sleeper, looker):
            crew.work(task, name=task.__name__)
        begun.wait(SOON)
    assert sorted(ended) == ["looker", "reader", "reader", "sleeper"]
    with pytest.raises(Stopped):
        crew.check()
    with pytest.raises(Stopped):
        crew.sleep(0.0)


def test_a_channel() -> None:
    channel: Channel[str] = Channel()
    assert channel.get(timeout=0.0) is None
    channel.put("a")
    channel.put("b")
    assert [channel.get(), channel.get(timeout=1.0)] == ["a", "b"]
    channel.put("c")
    channel.end()
    assert channel.get() == "c"
    for _ in range(3):
        with pytest.raises(Stopped):
            channel.get()


def test_a_worker_that_does_not_end_is_left_behind(tmp_path: Path) -> None:
    """The command leaves all the same, and its temporary file is removed."""
    file = tmp_path / "part"
    file.touch()
    let_go = threading.Event()
    crew: Crew[int] = Crew()
    with crew:
        crew.register(file)
        crew.work(lambda: let_go.wait(SOON) and None, name="stuck")
    assert not file.exists()
    let_go.set()


def test_late_workers_get_what_the_others_leave() -> None:
    """Their channel ends after the others have; however much waits in it, all of it comes."""
    got: list[int] = []
    with Crew[int]() as crew:
        notes: Channel[int] = crew.channel(late=True)

        def leave() -> None:
            try:
                crew.sleep(3600.0)
            finally:
                for number in range(7):
                    notes.put(number)

        def read() -> None:
            while True:
                got.extend(notes.gather(3))

        crew.work(read, name="late", late=True)
        crew.work(leave, name="w")
    assert got == list(range(7))


def test_gathering() -> None:
    """What waits comes at once, so much at most, and the end only after it."""
    channel: Channel[int] = Channel()
    for number in range(5):
        channel.put(number)
    assert [channel.gather(3), channel.gather(1)] == [[0, 1, 2], [3]]
    channel.end()
    assert channel.gather(3) == [4]
    for _ in range(2):
        with pytest.raises(Stopped):
            channel.gather(3)


def test_only_registered_files_are_removed(tmp_path: Path) -> None:
    """What has got its final name is released, and what is gone already is no trouble."""
    kept, litter, gone = (tmp_path / name for name in ("kept", "litter", "gone"))
    kept.touch()
    litter.touch()
    with Crew[int]() as crew:
        for path in (kept, litter, gone):
            crew.register(path)
        crew.release(kept)
        crew.release(tmp_path / "never")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_the_deadline() -> None:
    """What happened before it is told first."""
    clock = Clock()
    with Crew[int](Deadline(5.0, clock=clock), tick=0.001) as crew:
        assert isinstance(next(crew.events()), Tick)
        crew.post(1)
        clock.now += 5.0
        events = crew.events()
        assert next(events) == 1
        with pytest.raises(DeadlinePassed):
            next(events)


def test_the_deadline_comes_however_much_happens() -> None:
    """A worker that posts without end does not put it off."""
    with Crew[int](Deadline(0.05)) as crew:

        def chatter() -> None:
            while True:
                crew.check()
                crew.post(1)

        crew.work(chatter, name="chatter")
        events = itertools.islice(crew.events(), 3_000_000)
        with pytest.raises(DeadlinePassed):
            collections.deque(events, maxlen=0)


ENDED = """
import os, signal, sys
from compressor_cli.engine.channel import Stopped
from compressor_cli.engine.crew import Crew
from compressor_cli.errors import Interrupted

def work():
    try:
        crew.sleep(3600.0)
    except Stopped:
        print("stopped")

number = int(sys.argv[1])
with Crew() as crew:
    crew.work(work, name="w")
    os.kill(os.getpid(), number)
    try:
        next(crew.events())
    except Interrupted as error:
        code = error.exit_code
os.kill(os.getpid(), number)
print(code)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_command(number: int) -> None:
    """The workers first; and the crew, though it has ended, still takes an echo for what it is."""
    done = subprocess.run(
        [sys.executable, "-c", ENDED, str(int(number))],
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.split() == [b"stopped", str(128 + number).encode()]


def test_without_a_signal_the_handlers_are_as_before() -> None:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    with Crew[int]():
        assert all(signal.getsignal(number) is not before[number] for number in SIGNALS)
    assert {number: signal.getsignal(number) for number in SIGNALS} == before


def test_an_ignored_signal_stays_ignored() -> None:
    """As under nohup, or in a background job of a shell without job control."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Crew[int](tick=0.001) as crew:
            os.kill(os.getpid(), signal.SIGINT)
            assert isinstance(next(crew.events()), Tick)
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_outside_the_main_thread_signals_are_not_touched() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen: list[object] = []

    def elsewhere() -> None:
        with Crew[int]() as crew:
            crew.post(7)
            seen.append(signal.getsignal(signal.SIGINT))
            seen.append(first(crew))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join(SOON)
    assert seen == [before, 7]


SCRIPT = """
import os, signal, sys, threading, time
from pathlib import Path
from compressor_cli.engine.crew import Crew
from compressor_cli.engine.ending import ECHO

with Crew() as crew:
    Path(sys.argv[1]).touch()
    crew.register(Path(sys.argv[1]))
    crew.work(threading.Event().wait, name="stuck")
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(ECHO)
    os.kill(os.getpid(), signal.SIGTERM)
    print("never")
"""


TWICE = """
import os, signal
from compressor_cli.engine.crew import Crew
from compressor_cli.errors import Interrupted

with Crew() as crew:
    os.kill(os.getpid(), signal.SIGHUP)
    os.kill(os.getpid(), signal.SIGHUP)
    try:
        next(crew.events())
    except Interrupted as error:
        print("in order", error.signal_number)
"""


def test_the_same_signal_twice_in_a_moment_is_one() -> None:
    """As timeout(1) sends it, to its child and to the group: the way on is told all the same."""
    done = subprocess.run(
        [sys.executable, "-c", TWICE], capture_output=True, timeout=20, check=False
    )
    assert (done.returncode, done.stdout) == (0, b"in order 1\n")


def test_the_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    """Without waiting for anyone, but not without tidying up."""
    file = tmp_path / "part"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(file)], capture_output=True, timeout=20, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (128 + signal.SIGTERM, b"", b"")
    assert not file.exists()


FEW = """
import resource, sys, threading
from compressor_cli.engine.crew import Crew
from compressor_cli.errors import TemporaryTrouble

with open("/proc/self/statm") as file:
    most = int(file.read().split()[0]) * resource.getpagesize() + (int(sys.argv[1]) << 20)
threading.stack_size(8 << 20)
resource.setrlimit(resource.RLIMIT_AS, (most, most))
with Crew() as crew:
    try:
        crew.team((lambda: crew.sleep(60), 50, "a"), (lambda: crew.sleep(60), 2, "b"))
        names = {thread.name.partition("-")[0] for thread in threading.enumerate()}
        print(sorted(names & {"a", "b"}), 2 < threading.active_count() < 50)
    except TemporaryTrouble as error:
        print(error.message)
"""


@pytest.mark.parametrize(
    ("room", "said"),
    [(1, "this system lets no more threads be started\n"), (60, "['a', 'b'] True\n")],
)
def test_where_the_system_allows_few_threads(room: int, said: str) -> None:
    """In so many MiB: some do the work of all; where there can be none, that is said."""
    done = subprocess.run(
        [sys.executable, "-c", FEW, str(room)],
        capture_output=True,
        timeout=20,
        check=False,
        env={**os.environ, "MALLOC_ARENA_MAX": "1"},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == said
