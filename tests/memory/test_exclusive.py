"""One process at a time on a file that is appended to and replaced."""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from compressor_cli.memory.exclusive import alone_in, exclusive


def is_held(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_the_file_is_made_and_held_meanwhile(tmp_path: Path) -> None:
    """Also when something goes wrong in it, it is let go of."""
    path = tmp_path / "file"
    with exclusive(path) as handle:
        assert os.write(handle, b"x") == 1
        assert is_held(path)
    assert not is_held(path)
    with suppress(ZeroDivisionError), exclusive(path) as handle:
        assert os.read(handle, 9) == b"x"
        raise ZeroDivisionError
    assert not is_held(path)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(handle)


@pytest.mark.parametrize("replaced", [True, False])
def test_whoever_waited_gets_the_file_that_has_the_name(tmp_path: Path, replaced: bool) -> None:
    """Not the one that was replaced, or removed, while it waited."""
    path, got = tmp_path / "file", []
    path.write_bytes(b"old")
    waiting = threading.Event()

    def wait() -> None:
        waiting.set()
        with exclusive(path) as handle:
            got.append(os.read(handle, 9))

    thread = threading.Thread(target=wait)
    with exclusive(path):
        thread.start()
        waiting.wait()
        while times_open(path) < 2:
            assert thread.is_alive()
        if replaced:
            (tmp_path / "new").write_bytes(b"new")
            (tmp_path / "new").replace(path)
        else:
            path.unlink()
    thread.join()
    assert got == [b"new" if replaced else b""]


def times_open(path: Path) -> int:
    count = 0
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            count += link.readlink() == path
    return count


def test_what_another_program_keeps_is_not_waited_for_without_end(tmp_path: Path) -> None:
    """Nor is it touched, and nothing stays open."""
    path = tmp_path / "file"
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for _ in range(3):
            with pytest.raises(BlockingIOError), exclusive(path, patience=0.05):
                pass
        assert times_open(path) == 1


def test_alone_in_a_folder(tmp_path: Path) -> None:
    """One after the other; nothing is made in it."""
    order: list[str] = []

    def come() -> None:
        with alone_in(tmp_path):
            order.append("second")

    thread = threading.Thread(target=come)
    with alone_in(tmp_path):
        thread.start()
        thread.join(0.1)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert not list(tmp_path.iterdir())


def test_where_no_file_can_be(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none/file"):
        with pytest.raises(OSError, match=r"directory"), exclusive(path):
            pass
