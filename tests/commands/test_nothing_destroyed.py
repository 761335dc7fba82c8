"""`compress` and what others do to files meanwhile: nothing that is not its own is replaced."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import File
from running import Box, Compressor, until


@pytest.fixture
def source(compressor: Compressor, file: File) -> Callable[..., Path]:
    """Makes a picture, and the folder that it lies in."""

    def make(name: str, **size: int) -> Path:
        (compressor.folder / name).parent.mkdir(exist_ok=True)
        return file(name, **size)

    return make


def meanwhile(
    compressor: Compressor, box: Box, *words: str, do: Callable[[], object], on: str = "output"
) -> int:
    """The exit code of a compress during whose download, or upload, something is done."""
    box.script({"on": on, "stall": 1.0})
    going = compressor.start("compress", *words)
    until(lambda: box.fired() == [1])
    do()
    return going.ended().code


def test_in_place_an_edit_while_the_lock_is_awaited_is_kept(
    compressor: Compressor, box: Box, source: Callable[..., Path]
) -> None:
    """The lock's note is written before the source is replaced, and may have to wait."""
    picture = source("a.png")
    lock = compressor.folder / "compressor.lock"
    with lock.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        going = compressor.start("compress", "a.png", "--in-place")
        until(lambda: "output" in box.routes())
        threading.Event().wait(0.7)  # until the lock is what it waits for
        picture.write_bytes(b"edited")
    done = going.ended()
    assert done.code == 3
    assert "a.png changed while it was compressed" in done.stderr
    assert picture.read_bytes() == b"edited"


@pytest.mark.parametrize("output", ["out/", "small.png"])
def test_what_someone_makes_meanwhile_stays_theirs(
    compressor: Compressor, box: Box, source: Callable[..., Path], output: str
) -> None:
    """The verified result lies beside it, under a name that is told."""
    source("a.png")
    target = compressor.folder / ("out/a.png" if output == "out/" else output)
    target.parent.mkdir(exist_ok=True)
    code = meanwhile(
        compressor, box, "a.png", "-o", output, do=lambda: target.write_bytes(b"theirs")
    )
    assert code == 9
    assert target.read_bytes() == b"theirs"
    assert len([*target.parent.glob(f"{target.stem}.????????.png")]) == 1


@pytest.mark.usefixtures("box")
def test_a_result_that_was_there_before_is_replaced(compressor: Compressor, file: File) -> None:
    """The folder of results is compress's own: without its lock they are made anew."""
    file("a.png")
    (compressor.folder / "out").mkdir()
    (compressor.folder / "out/a.png").write_bytes(b"of an earlier tool")
    assert compressor("compress", "a.png", "-o", "out/").code == 0
    assert (compressor.folder / "out/a.png").read_bytes() != b"of an earlier tool"


def test_a_folder_that_becomes_a_link_to_the_sources(
    compressor: Compressor, box: Box, source: Callable[..., Path]
) -> None:
    picture = source("in/a.png")
    before = picture.read_bytes()
    out = compressor.folder / "out"
    out.mkdir()

    def swap() -> None:
        out.rmdir()
        out.symlink_to("in")

    assert meanwhile(compressor, box, "in", "-o", "out/", do=swap, on="upload") == 9
    assert picture.read_bytes() == before


def test_a_target_that_becomes_a_link_to_itself(
    compressor: Compressor, box: Box, source: Callable[..., Path]
) -> None:
    source("in/a.png")
    target = compressor.folder / "out/a.png"
    target.parent.mkdir()
    assert (
        meanwhile(compressor, box, "in", "-o", "out/", do=lambda: target.symlink_to("a.png")) == 9
    )


URL = "https://example.com/pictures/coffee.png"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([URL, "--in-place"], "has no place here"),
        (["src/coffee.png", URL, "-o", "out/"], "would both be"),
        ([URL, "https://example.com/other/coffee.png", "-o", "out/"], "would both be"),
        (["src/coffee.min.png", URL, "--name", "src/{stem}.min{ext}"], "would replace"),
    ],
)
def test_results_of_urls_are_looked_at_too(
    compressor: Compressor, box: Box, source: Callable[..., Path], words: list[str], why: str
) -> None:
    """Before anything is sent."""
    files = [source("src/coffee.png", seed=1), source("src/coffee.min.png", seed=2)]
    before = [each.read_bytes() for each in files]
    done = compressor("compress", *words)
    assert (done.code, box.requests) == (2, [])
    assert why in done.stderr
    assert [each.read_bytes() for each in files] == before


def test_an_id_that_named_the_job_of_other_bytes(
    compressor: Compressor, box: Box, source: Callable[..., Path]
) -> None:
    """The file would get the other's result; nor is it taken up by the next run."""
    source("a.png", seed=1)
    (job,) = compressor("submit", "a.png").ids
    picture = source("b.png", seed=2)
    before = picture.read_bytes()
    box.script({"on": "upload", "merge": {"id": job, "input": None}})
    for _ in range(2):
        done = compressor("compress", "b.png", "--in-place", "--json")
        (row,) = [row for row in done.records if row["kind"] == "file"]
        assert (done.code, row["state"], row["exit_code"]) == (7, "failed", 7)
        assert picture.read_bytes() == before
    assert box.stats()["accepted"] == 2
