"""Digests that are remembered, so that an unchanged file is not read."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from compressor_cli.errors import InputProblem
from compressor_cli.memory.digests import AT_REST, FILE_NAME, MOST, Digests

MARK = "f" * 40
"""Put in the place of a remembered digest: whoever answers with it did not read the file."""


def digest(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "in/a \udcff.png"
    file.parent.mkdir()
    file.write_bytes(b"one")
    return file


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def later(file: Path, seconds: float = AT_REST) -> Callable[[], float]:
    """A clock that stands so long after the file's last change."""
    status = file.stat()
    return lambda: max(status.st_mtime, status.st_ctime) + seconds


def remember(state: Path, file: Path) -> None:
    """Let the state folder hold MARK for the file."""
    digests = Digests(state, now=later(file))
    assert digests.sha1(file) == digest(file.read_bytes())
    digests.keep()
    cache = json.loads((state / FILE_NAME).read_bytes())
    cache[str(file)][1] = MARK
    (state / FILE_NAME).write_text(json.dumps(cache))


def test_an_unchanged_file_is_not_read(state: Path, file: Path, monkeypatch: object) -> None:
    """By whatever relative name; nor is the cache written again."""
    assert isinstance(monkeypatch, pytest.MonkeyPatch)
    remember(state, file)
    inode = (state / FILE_NAME).stat().st_ino
    monkeypatch.chdir(file.parent)
    digests = Digests(state, now=later(file))
    assert digests.sha1(Path(file.name)) == digests.sha1(file) == MARK
    digests.keep()
    assert (state / FILE_NAME).stat().st_ino == inode


def test_the_same_run_reads_once(state: Path, file: Path) -> None:
    """Each look at a piece is counted."""
    pieces: list[None] = []
    digests = Digests(state, now=later(file))
    for _ in range(3):
        digests.sha1(file, check=lambda: pieces.append(None))
    assert len(pieces) == 1


def touched(file: Path) -> None:
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1))


def same_time_other_content(file: Path) -> None:
    """What tools like rsync and tar do: only the change time tells."""
    times = file.stat()
    file.write_bytes(b"two")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def another_file(file: Path) -> None:
    (file.parent / "new").write_bytes(b"new")
    (file.parent / "new").replace(file)


def longer(file: Path) -> None:
    file.write_bytes(b"longer")


@pytest.mark.parametrize("change", [touched, same_time_other_content, another_file, longer])
def test_a_file_with_other_facts_is_read(
    state: Path, file: Path, change: Callable[[Path], None]
) -> None:
    remember(state, file)
    change(file)
    assert Digests(state).sha1(file) == digest(file.read_bytes())


@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_every_fact_counts(state: Path, file: Path, at: int) -> None:
    """Size, modified, changed, inode."""
    remember(state, file)
    cache = json.loads((state / FILE_NAME).read_bytes())
    cache[str(file)][0][at] += 1
    (state / FILE_NAME).write_text(json.dumps(cache))
    assert Digests(state).sha1(file) == digest(b"one")


@pytest.mark.parametrize(
    ("seconds", "remembered"),
    [(AT_REST, True), (AT_REST - 0.01, False), (0.0, False), (-9.0, False)],
)
def test_a_file_that_changed_just_now_is_not_remembered(
    state: Path, file: Path, seconds: float, remembered: bool
) -> None:
    """It could change again within the clock's grain; a time to come is not trusted either."""
    digests = Digests(state, now=later(file, seconds))
    assert digests.sha1(file) == digest(b"one")
    digests.keep()
    assert (state / FILE_NAME).exists() == remembered


def test_a_modified_time_that_was_set_back_does_not_make_it_older(state: Path, file: Path) -> None:
    os.utime(file, (0, 0))
    digests = Digests(state, now=later(file, 0))
    digests.sha1(file)
    digests.keep()
    assert not (state / FILE_NAME).exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[1, 2",
        b"[]",
        b"5",
        b"\xff",
        b'{"a": 1}',
        b'{"a": [1, 2, 3]}',
        b'{"a": [[], 5]}',
        b'{"a": [[], "short"]}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_cache_is_made_anew(state: Path, file: Path, content: bytes) -> None:
    state.mkdir()
    (state / FILE_NAME).write_bytes(content)
    digests = Digests(state, now=later(file))
    assert digests.sha1(file) == digest(b"one")
    digests.keep()
    assert list(json.loads((state / FILE_NAME).read_bytes())) == [str(file)]


def test_a_cache_that_cannot_be_kept_is_no_error(tmp_path: Path, file: Path) -> None:
    """A folder in its place, a file in the state folder's."""
    (tmp_path / FILE_NAME).mkdir()
    for state in (tmp_path, file):
        digests = Digests(state, now=later(file))
        assert digests.sha1(file) == digest(b"one")
        digests.keep()
    assert (tmp_path / FILE_NAME).is_dir()
    assert file.read_bytes() == b"one"


def test_the_cache_does_not_grow_for_ever(state: Path, file: Path) -> None:
    """What was read last stays."""
    state.mkdir()
    old = {f"/old/{number}": [[0, 0, 0, 0], MARK] for number in range(MOST)}
    (state / FILE_NAME).write_text(json.dumps(old))
    digests = Digests(state, now=later(file))
    digests.sha1(file)
    digests.keep()
    kept = list(json.loads((state / FILE_NAME).read_bytes()))
    assert (len(kept), kept[0], kept[-1]) == (MOST, "/old/1", str(file))


def test_what_cannot_be_read(state: Path, tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(InputProblem, match="cannot be read"):
            Digests(state).sha1(path)


def test_reading_can_be_stopped(state: Path, file: Path) -> None:
    """And is not remembered then."""

    def stop() -> None:
        raise InterruptedError

    digests = Digests(state, now=later(file))
    with pytest.raises(InputProblem):
        digests.sha1(file, check=stop)
    digests.keep()
    assert not (state / FILE_NAME).exists()


def _keeps(state: Path, folder: Path, who: int) -> None:
    for number in range(20):
        file = folder / f"{who}-{number}"
        file.write_bytes(file.name.encode())
        digests = Digests(state, now=later(file))
        assert digests.sha1(file) == digest(file.name.encode())
        digests.keep()


def test_many_processes_leave_a_whole_cache(state: Path, tmp_path: Path) -> None:
    """One of them wins; the others read once more."""
    runs = [multiprocessing.Process(target=_keeps, args=(state, tmp_path, who)) for who in range(4)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert [run.exitcode for run in runs] == [0] * 4
    cache = json.loads((state / FILE_NAME).read_bytes())
    assert all(sha1 == digest(Path(name).name.encode()) for name, (_, sha1) in cache.items())
    assert [path.name for path in state.iterdir()] == [FILE_NAME]
