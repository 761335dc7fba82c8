"""Random histories of faults of the service, the network, the disk, and of signals.

After each command and at the end: at most one accepted job a source, no verified output lost, no
partial output ever visible, an exit code that tells the truth, the key nowhere.
"""

from __future__ import annotations

import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from running import Box, boxed

from .happenings import SIGNALS, TROUBLES, WEATHERS, Add, Begin, Run, Step, Storm, Trouble
from .history import History
from .mounts import needs_mounts

KINDS = st.sampled_from(("png", "jpg", "webp"))
CHECKS = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)
PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)


def troubles(*routes: str) -> st.SearchStrategy[Step]:
    return st.builds(Trouble, st.sampled_from([n for n in TROUBLES if n.startswith(routes)]))


def storms(*, outputs: bool) -> st.SearchStrategy[Step]:
    names = st.lists(st.sampled_from(sorted(WEATHERS)), min_size=1, max_size=3).map(tuple)
    return st.builds(Storm, names, st.just(outputs))


def runs(command: str) -> st.SearchStrategy[Step]:
    """Half of them get a signal, some have no room for results."""
    calm = st.builds(Run, st.just(command))
    full = st.builds(Run, st.just(command), full=st.just(True))
    ended = st.builds(Run, st.just(command), st.sampled_from(SIGNALS), st.floats(0.1, 1.0))
    return calm | full | ended | ended if command != "wait" else calm | ended


def rounds(command: str, faults: st.SearchStrategy[Step]) -> st.SearchStrategy[list[Step]]:
    """Faults that this command can meet, then the command; of compress with something to do."""
    before = st.lists(faults, max_size=2)
    sources = st.lists(st.builds(Add, KINDS), min_size=1, max_size=2)
    new = sources if command == "compress" else st.just([])
    return st.tuples(new, before, runs(command)).map(lambda it: [*it[0], *it[1], it[2]])


ANY = troubles("upload", "look", "output") | storms(outputs=False) | storms(outputs=True)
ROUNDS = (
    rounds("compress", ANY)
    | rounds("wait", troubles("look") | storms(outputs=False))
    | rounds("get", troubles("look", "output") | storms(outputs=True))
)
begins = st.builds(
    Begin,
    st.sampled_from(("compress", "submit")),
    st.lists(KINDS, min_size=1, max_size=2).map(tuple),
)
histories = st.tuples(begins, st.lists(ROUNDS, min_size=2, max_size=4)).map(
    lambda it: [it[0], *(step for part in it[1] for step in part)]
)


@pytest.fixture(scope="module")
def stage() -> Iterator[Box]:
    """Answers small files later; its outputs lie on a port of their own."""
    needs_mounts()
    with boxed(answers="later", workers=2, outputs_port=0) as box:
        yield box


def played(box: Box, steps: list[Step], *, in_place: bool) -> History:
    with tempfile.TemporaryDirectory() as name:
        history = History(Path(name) / "home", box, in_place=in_place)
        history.play(steps)
        return history


FOUND: dict[str, tuple[list[Step], bool]] = {
    "an answer that fails while the command ends": (
        [
            Begin("compress", ("png",)),
            Add("png"),
            Trouble("upload dropped late"),
            Run("compress", signal.SIGINT, 0.6),
        ],
        False,
    ),
}
"""Histories that once went wrong."""


@pytest.mark.row("F1")
@pytest.mark.parametrize("name", FOUND)
def test_what_once_went_wrong(stage: Box, name: str) -> None:
    steps, in_place = FOUND[name]
    played(stage, steps, in_place=in_place)


EVERY: list[Step] = [
    Begin("compress", ("png", "jpg")),
    Trouble("output cut"),
    Storm(("cut on the way down",), outputs=True),
    Run("get"),
    Run("get", full=True),
    Run("wait"),
    Add("webp"),
    Trouble("upload stalls"),
    Run("compress", signal.SIGTERM, 0.8),
]


def test_every_layer_in_one_history(stage: Box) -> None:
    """What the random ones are made of does happen."""
    history = played(stage, EVERY, in_place=False)
    assert set(history.runs) == {"compress", "wait", "get"}
    layers = ("server", "network", "downloads", "local", "signal")
    assert all(history.fired[layer] for layer in layers), history.fired


@settings(max_examples=3, derandomize=True, phases=PHASES, suppress_health_check=CHECKS)
@given(steps=histories, in_place=st.booleans())
def test_a_few_histories(stage: Box, steps: list[Step], in_place: bool) -> None:
    played(stage, steps, in_place=in_place)


@pytest.mark.slow
def test_many_histories(stage: Box) -> None:
    """New ones in each run. All kinds of faults happen, and each command meets them."""
    fired: Counter[str] = Counter()
    ran: Counter[str] = Counter()

    @settings(max_examples=12, phases=PHASES, suppress_health_check=CHECKS)
    @example(steps=EVERY, in_place=True)
    @given(steps=histories, in_place=st.booleans())
    def play(steps: list[Step], in_place: bool) -> None:
        history = played(stage, steps, in_place=in_place)
        fired.update(history.fired)
        ran.update(history.runs)

    play()
    assert all(fired[layer] for layer in ("server", "network", "downloads", "local", "signal"))
    assert all(ran[command] for command in ("compress", "wait", "get"))
