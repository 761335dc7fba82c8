"""A growing file on its way to the disk."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import pytest

from compressor_cli.engine import writeback
from compressor_cli.engine.part import Part
from compressor_cli.engine.writeback import STEP, WriteBack
from compressor_cli.errors import OutputProblem

from .clock import Hasty


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The files that were synced; an entry below zero is the errno of the next failure."""
    files: list[int] = []

    def sync(file: int) -> None:
        if files and files[-1] < 0:
            raise OSError(-files[-1], "injected")
        files.append(file)

    monkeypatch.setattr(writeback, "_sync", sync)
    return files


def test_a_small_file_takes_no_thread(synced: list[int]) -> None:
    before = threading.active_count()
    back = WriteBack(7)
    back.grown(STEP - 1)
    assert threading.active_count() == before
    back.settle()
    assert synced == []


def test_each_step_is_synced(synced: list[int]) -> None:
    back = WriteBack(7)
    for size in (STEP, STEP + 1, 2 * STEP, 4 * STEP):
        back.grown(size)
    back.settle()
    assert synced == [7, 7, 7]
    back.grown(STEP)  # it was emptied, and grows anew
    back.settle()
    assert synced == [7, 7, 7, 7]


def test_a_failure_is_kept_for_the_last_sync(synced: list[int]) -> None:
    """The system tells of it only once."""
    synced.append(-errno.EIO)
    back = WriteBack(7)
    back.grown(STEP)
    for _ in range(2):
        with pytest.raises(OSError, match="injected"):
            back.settle()


def test_a_failure_ends_the_writing(synced: list[int], tmp_path: Path) -> None:
    """At the next piece, or at the end if there is none."""
    synced.append(-errno.ENOSPC)
    crew: Hasty[object] = Hasty()
    with Part(tmp_path / "part", crew, mode=None) as part:
        part.write(bytes(STEP))
        with pytest.raises(OutputProblem, match="cannot be written"):
            part.sync()
        with pytest.raises(OutputProblem, match="cannot be written"):
            part.write(b"more")
    assert list(tmp_path.iterdir()) == []


def test_where_the_system_has_no_such_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writeback, "_sync", None)
    before = threading.active_count()
    back = WriteBack(7)
    back.grown(STEP)
    assert threading.active_count() == before
    back.settle()
