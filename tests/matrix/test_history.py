"""Random histories of faults of the service, the network, the disk, and of signals.

After each command and at the end: at most one accepted job a source, no verified output lost, no
partial output ever visible, an exit code that tells the truth, the key nowhere.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from running import Box, boxed

from .history import SIGNALS, TROUBLES, WEATHERS, Add, History, Run, Step, Storm, Trouble

adds = st.builds(Add, st.sampled_from(("png", "jpg", "webp")))
troubles = st.builds(Trouble, st.sampled_from(sorted(TROUBLES)))
storms = st.builds(Storm, st.lists(st.sampled_from(sorted(WEATHERS)), max_size=3).map(tuple))
calm_runs = st.builds(Run, st.sampled_from(("compress", "compress", "wait", "get", "full")))
ended_runs = st.builds(
    Run,
    st.sampled_from(("compress", "compress", "wait", "get")),
    st.sampled_from(SIGNALS),
    st.floats(0.05, 1.2),
)
runs = calm_runs | ended_runs
rounds = st.tuples(adds, troubles, adds | troubles | storms, runs)
histories = st.lists(rounds, min_size=1, max_size=4).map(
    lambda parts: [s for p in parts for s in p]
)
CHECKS = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)


@pytest.fixture(scope="module")
def stage() -> Iterator[Box]:
    """Answers small files later; its outputs go through no proxy."""
    with boxed(answers="later", workers=2) as box:
        yield box


def played(box: Box, steps: list[Step], *, in_place: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        History(Path(name) / "home", box, in_place=in_place).play(steps)


@settings(max_examples=4, derandomize=True, phases=[Phase.generate], suppress_health_check=CHECKS)
@given(steps=histories, in_place=st.booleans())
def test_a_few_histories(stage: Box, steps: list[Step], in_place: bool) -> None:
    played(stage, steps, in_place=in_place)


@pytest.mark.slow
@settings(max_examples=25, phases=[Phase.generate], suppress_health_check=CHECKS)
@given(steps=histories, in_place=st.booleans())
def test_many_histories(stage: Box, steps: list[Step], in_place: bool) -> None:
    """New ones in each run."""
    played(stage, steps, in_place=in_place)


FOUND: list[tuple[str, list[Step], bool]] = []
"""Histories that once went wrong."""
