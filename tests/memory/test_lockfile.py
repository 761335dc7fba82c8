"""The lock: one line a file, safe with many writers, and never silently dropped."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path

import pytest

from compressor_cli.errors import InputProblem, OutputProblem
from compressor_cli.memory.digests import AT_REST, Digests
from compressor_cli.memory.lockfile import Lock, Locked

SHA1 = "0123456789abcdef" * 2 + "01234567"


def locked(target: str = "out/a.png", **other: object) -> Locked:
    values = {"input": SHA1, "input_size": 9, "options": {"image": {"x": 1}}, "target": target}
    return Locked(**{**values, "output": SHA1[::-1], "output_size": 5, **other})  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "compressor.lock"


def test_what_is_added_is_read_back(path: Path, tmp_path: Path) -> None:
    """At once, from the disk; paths are relative to the lock."""
    Lock(path).add(tmp_path / "in/\udcff a.png", locked(kept=True))
    lock = Lock(path)
    assert lock.find(tmp_path / "in/\udcff a.png") == locked(kept=True)
    assert list(lock.entries) == ["in/\udcff a.png"]
    assert lock.key(tmp_path.parent / "x") == "../x"


def test_tidying_sorts_and_keeps_what_others_added(path: Path, tmp_path: Path) -> None:
    mine, other = Lock(path), Lock(path)
    for lock, name in ((mine, "c"), (other, "a"), (mine, "b"), (mine, "c")):
        lock.add(tmp_path / name, locked())
    mine.tidy()
    paths = [json.loads(line).get("path") for line in path.read_text().splitlines()]
    assert paths == [None, "a", "b", "c"]
    before = path.stat().st_ino
    mine.tidy()
    assert path.stat().st_ino == before, "nothing to do, nothing written"


def test_a_later_line_of_a_path_counts(path: Path, tmp_path: Path) -> None:
    lock = Lock(path)
    lock.add(tmp_path / "a", locked(output_size=5))
    lock.add(tmp_path / "a", locked(output_size=4))
    found = Lock(path).find(tmp_path / "a")
    assert found is not None
    assert found.output_size == 4


def test_a_line_that_was_cut_is_not_there_and_is_written_over(path: Path, tmp_path: Path) -> None:
    """As after a power cut in the middle of an append."""
    lock = Lock(path)
    lock.add(tmp_path / "a", locked())
    path.write_text(path.read_text() + '{"path": "b", "inp')
    assert list(Lock(path).entries) == ["a"]
    lock.add(tmp_path / "c", locked())
    assert list(Lock(path).entries) == ["a", "c"]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"nonsense\n", 1),
        (b'{"other": 1}\n', 1),
        (b'{"compressor.lock": 1}\n<<<<<<< HEAD\n', 2),
        (b'{"compressor.lock": 1}\n{"path": "a"}\n', 2),
        (b'{"compressor.lock": 1}\n[]\n', 2),
        (b"\xff\n", 1),
        (b"[" * 100_000 + b"\n", 1),
    ],
)
def test_damage_is_named_and_nothing_is_changed(path: Path, content: bytes, line: int) -> None:
    path.write_bytes(content)
    with pytest.raises(InputProblem, match=f"damaged in line {line}"):
        Lock(path)
    assert path.read_bytes() == content


def test_a_newer_form_is_refused(path: Path) -> None:
    path.write_text('{"compressor.lock": 2}\n')
    with pytest.raises(InputProblem, match="newer"):
        Lock(path)


def test_windows_line_ends_and_a_merged_header_are_read(path: Path, tmp_path: Path) -> None:
    """autocrlf, and git's merge of two new locks."""
    Lock(path).add(tmp_path / "a", locked())
    text = path.read_text()
    path.write_bytes((text + text.splitlines()[0] + "\n").replace("\n", "\r\n").encode())
    assert list(Lock(path).entries) == ["a"]


def test_a_place_that_cannot_be_used_is_an_output_problem(tmp_path: Path) -> None:
    with pytest.raises(OutputProblem):
        Lock(tmp_path)
    with pytest.raises(OutputProblem, match=r"cannot be written"):
        Lock(tmp_path / "none/compressor.lock").add(tmp_path / "a", locked())


def _adds(path: Path, who: int) -> None:
    lock = Lock(path)
    for number in range(20):
        lock.add(path.parent / f"{who}-{number}", locked())
        if number % 7 == 0:
            lock.tidy()


def test_many_writers_lose_nothing_of_each_other(path: Path) -> None:
    """Adding while others put a sorted file in its place."""
    runs = [multiprocessing.Process(target=_adds, args=(path, who)) for who in range(6)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert [run.exitcode for run in runs] == [0] * 6
    assert len(Lock(path).entries) == 120


def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    """Its facts answer; a file touched just now is not trusted, whatever they say."""
    file = tmp_path / "a"
    file.write_bytes(b"one")
    stamp = file.stat().st_ctime
    calm = Digests(tmp_path / "state", now=lambda: stamp + AT_REST + 1)
    hasty = Digests(tmp_path / "other", now=lambda: stamp + AT_REST / 2)
    first = calm.sha1(file)
    assert hasty.sha1(file) == first
    calm.keep()
    hasty.keep()
    assert (tmp_path / "state/digests.json").exists()
    assert not (tmp_path / "other/digests.json").exists()
    atime = file.stat().st_atime_ns
    os.utime(file, ns=(atime, file.stat().st_mtime_ns))  # a new ctime: other facts
    again = Digests(tmp_path / "state")
    assert again.sha1(file) == first
    file.write_bytes(b"two")
    assert again.sha1(file) != first


def test_a_damaged_cache_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "digests.json").write_text("[1, 2")
    (tmp_path / "a").write_bytes(b"x")
    assert len(Digests(tmp_path).sha1(tmp_path / "a")) == 40
    with pytest.raises(InputProblem):
        Digests(tmp_path).sha1(tmp_path / "none")
