"""One process at a time on a file that is appended to and replaced."""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from compressor_cli.memory.exclusive import exclusive


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
        while not any(" -> FLOCK" in line for line in Path("/proc/locks").read_text().splitlines()):
            assert thread.is_alive()
        if replaced:
            (tmp_path / "new").write_bytes(b"new")
            (tmp_path / "new").replace(path)
        else:
            path.unlink()
    thread.join()
    assert got == [b"new" if replaced else b""]


def test_where_no_file_can_be(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none/file"):
        with pytest.raises(OSError, match=r"directory"), exclusive(path):
            pass
