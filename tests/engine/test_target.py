"""Where a result goes, and how it gets there."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from compressor_cli.engine.landing import put_in_place, temporary
from compressor_cli.engine.target import Destination, Target, destination, target
from compressor_cli.errors import OutputProblem, UsageProblem


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    assert not [path.name for path in tmp_path.rglob("*.part")]


def goal_of(place: Destination, **facts: object) -> Target | None:
    known = {"source": None, "source_name": None, "server_name": "r.png", "job_id": "j"}
    return target(place, **{**known, **facts})  # type: ignore[arg-type]


def part_of(final: Path, content: bytes = b"result") -> Path:
    part = temporary(final)
    part.write_bytes(content)
    return part


# What -o says


def test_nothing_said_is_the_working_directory() -> None:
    assert destination(None, jobs=9) == Destination(folder=Path())


def test_stdout_takes_one_result() -> None:
    place = destination("-", jobs=1)
    assert place.is_stdout
    assert goal_of(place) == Target(None)
    with pytest.raises(UsageProblem, match="one job"):
        destination("-", jobs=2)


def test_a_folder(folder: Path) -> None:
    """One that exists, or is written with a slash: that one is made, but not before a result."""
    (folder / "old").mkdir()
    assert destination("old", jobs=3, force=True) == Destination(folder=Path("old"), force=True)
    place = destination("new/", jobs=1, skip_existing=True)
    assert place == Destination(folder=Path("new"), skip_existing=True)
    assert destination("none/deep/", jobs=1).folder == Path("none/deep")
    assert sorted(path.name for path in folder.iterdir()) == ["old"]
    goal = goal_of(place, source_name="photo.jpg", server_name="x.jpeg")
    assert goal == Target(Path("new/photo.jpg"))


def test_a_file(folder: Path) -> None:
    assert destination("x.png", jobs=1).file == Path("x.png")
    with pytest.raises(UsageProblem) as caught:
        destination("x.png", jobs=2)
    assert caught.value.hint == "name a folder: -o x.png/"
    (folder / "file").touch()
    for output, said in {
        "none/x.png": "does not exist",
        "file/x.png": "does not exist",
        "file/": "cannot be made: file is not a folder",
        "file/sub/": "cannot be made: Not a directory",
    }.items():
        with pytest.raises(OutputProblem, match=said):
            destination(output, jobs=1)


def test_a_folder_that_cannot_be_written_to() -> None:
    """Told before anything is sent. Nobody, not even root, may make files in /proc/self."""
    with pytest.raises(OutputProblem, match="/proc/self cannot be written to: permission denied"):
        destination("/proc/self/", jobs=1)
    with pytest.raises(OutputProblem, match="cannot be written to"):
        destination("/proc/self/x.png", jobs=1)


# What is there


def test_a_result_that_exists(folder: Path) -> None:
    """Refused, replaced with its mode kept, or left, as was asked for."""
    (folder / "r.png").write_bytes(b"old")
    (folder / "r.png").chmod(0o640)
    with pytest.raises(OutputProblem, match="exists already") as caught:
        goal_of(Destination(folder=folder))
    assert "--force" in caught.value.hint
    assert goal_of(Destination(folder=folder, skip_existing=True)) is None
    assert goal_of(Destination(folder=folder, force=True)) == Target(
        folder / "r.png", replace=True, mode=0o640
    )


def test_a_name_that_cannot_be() -> None:
    """Too long for the system."""
    with pytest.raises(OutputProblem, match="File name too long"):
        goal_of(destination("a" * 300, jobs=1))
    with pytest.raises(OutputProblem, match="File name too long"):
        destination("a" * 300 + "/", jobs=1)


def test_devices_and_pipes_are_written_to(folder: Path) -> None:
    """Never replaced, whatever else was asked for."""
    os.mkfifo(folder / "pipe")
    for path in (folder / "pipe", Path("/dev/null")):
        place = destination(str(path), jobs=1, force=True, skip_existing=True)
        assert goal_of(place) == Target(path, special=True)
    (folder / "link").symlink_to("/dev/null")
    assert goal_of(destination("link", jobs=1)) == Target(Path("link"), special=True)


def test_links(folder: Path) -> None:
    """What one leads to is replaced, and one that leads nowhere is refused."""
    (folder / "sub").mkdir()
    (folder / "sub" / "real.png").write_bytes(b"old")
    (folder / "link.png").symlink_to("sub/real.png")
    (folder / "dangling.png").symlink_to("none.png")
    (folder / "circle.png").symlink_to("circle.png")
    assert goal_of(destination("link.png", jobs=1)) == Target(
        folder / "sub" / "real.png", replace=True, mode=0o644
    )
    for name in ("dangling.png", "circle.png"):
        with pytest.raises(OutputProblem, match="leads nowhere"):
            goal_of(destination(name, jobs=1))
        with pytest.raises(OutputProblem, match="leads nowhere"):
            goal_of(Destination(folder=folder), server_name=name)


def test_the_source_itself_is_no_target(folder: Path) -> None:
    """By whatever name: a path, a hard link, a symbolic link; with force it is meant."""
    source = folder / "a.png"
    source.write_bytes(b"source")
    (folder / "hard.png").hardlink_to(source)
    (folder / "soft.png").symlink_to(source)
    (folder / "other.png").write_bytes(b"source")
    for name in ("a.png", "./a.png", "hard.png", "soft.png"):
        with pytest.raises(UsageProblem, match="is the source itself"):
            goal_of(destination(name, jobs=1), source=source)
        goal = goal_of(destination(name, jobs=1, force=True), source=source)
        assert goal is not None
        assert goal.path is not None
        assert goal.path.absolute() == folder / name.replace("soft", "a")
        assert (goal.replace, goal.mode) == (True, 0o644)
    for name in ("other.png", "new.png", "-"):
        assert goal_of(destination(name, jobs=1), source=source) is not None


def test_a_result_beside_its_source(folder: Path) -> None:
    """In the source's own folder it gets another name; with force too."""
    source = folder / "a.png"
    source.write_bytes(b"source")
    for force in (False, True):
        place = Destination(folder=folder, force=force)
        goal = goal_of(place, source=source, source_name="a.png")
        assert goal is not None
        assert goal.path == folder / "a.min.png"
        goal = goal_of(place, source=source, source_name="a.png", server_name="a.webp")
        assert goal is not None
        assert goal.path == folder / "a.webp"


# Putting it there


def test_temporary_names(folder: Path) -> None:
    """Hidden, beside the target, never the same, short enough."""
    final = folder / "r.png"
    assert temporary(final) != temporary(final)
    assert temporary(final).parent == folder
    assert temporary(final).name.startswith(".r.png.")
    for name in ("ä" * 127, os.fsdecode(b"\xff" * 250), "x" * 255):
        part = temporary(folder / name)
        part.touch()
        part.unlink()


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_a_new_file(folder: Path, mask: int) -> None:
    """It takes the name with what is in it, and nothing else is left."""
    before = os.umask(mask)
    try:
        assert put_in_place(part_of(folder / "r.png"), Target(folder / "r.png")) == folder / "r.png"
    finally:
        os.umask(before)
    assert [path.name for path in folder.iterdir()] == ["r.png"]
    assert stat.S_IMODE((folder / "r.png").stat().st_mode) == 0o666 & ~mask
    assert (folder / "r.png").stat().st_nlink == 1


def test_a_file_that_is_replaced(folder: Path) -> None:
    final = folder / "r.png"
    final.write_bytes(b"old")
    reader = final.open("rb")
    assert put_in_place(part_of(final), Target(final, replace=True)) == final
    assert final.read_bytes() == b"result"
    assert reader.read() == b"old"
    reader.close()


@pytest.mark.parametrize("content", [b"", b"somebody's"])
def test_a_file_that_somebody_made_meanwhile(folder: Path, content: bytes) -> None:
    """It stays theirs, and the result is kept under a name that is told."""
    final = folder / "r.png"
    part = part_of(final)
    final.write_bytes(content)
    with pytest.raises(OutputProblem, match="made by someone else") as caught:
        put_in_place(part, Target(final))
    assert final.read_bytes() == content
    spare = Path(caught.value.message.rpartition(" ")[2])
    assert spare.read_bytes() == b"result"
    assert spare.name.startswith("r.")
    assert spare.suffix == ".png"


def test_a_folder_that_is_gone(folder: Path) -> None:
    part = folder / "part"
    part.write_bytes(b"result")
    for replace in (False, True):
        with pytest.raises(OutputProblem, match="cannot be written: No such file"):
            put_in_place(part, Target(folder / "gone" / "r.png", replace=replace))
    assert part.read_bytes() == b"result"


def test_a_folder_of_that_name(folder: Path) -> None:
    (folder / "r.png").mkdir()
    part = folder / "part"
    part.write_bytes(b"result")
    with pytest.raises(OutputProblem, match="cannot be written: Is a directory"):
        put_in_place(part, Target(folder / "r.png", replace=True))
