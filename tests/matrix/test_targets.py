"""Rows D10, D13 and D18: what lies where the result shall go, and what becomes of it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from raw import Connection, message
from running import Box, until

from .mounts import with_mounts
from .scene import Scene
from .storage import RESULT, stored
from .variants import slowly

MINE = b"mine, and not yours"


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.row("D10")
@pytest.mark.parametrize(
    ("option", "code", "accepted"),
    [((), 9, 0), (("--skip-existing",), 0, 0), (("--force",), 0, 1)],
    ids=["default", "skip", "force"],
)
def test_a_made_name_that_is_taken(
    scene: Scene, box: Box, option: tuple[str, ...], code: int, accepted: int
) -> None:
    """Refused, left or replaced as was asked for, and known before anything is sent."""
    scene.source("photo.png")
    taken = scene.source("out/photo.png", MINE)
    done = scene.run("submit", "photo.png", "-o", "out/", *option, code=code)
    assert box.stats()["accepted"] == accepted
    assert (taken.read_bytes() == MINE) == (not accepted)
    if code:
        assert done.stderr == (
            "compressor: photo.png: out/photo.png exists already\n"
            "  add --force to replace it, or choose a name with -o FILE\n"
        )


@pytest.mark.row("D10")
@pytest.mark.parametrize(
    ("option", "code", "same"),
    [((), 9, True), (("--skip-existing",), 0, True), (("--force",), 0, False)],
    ids=["default", "skip", "force"],
)
def test_a_made_name_that_is_taken_when_the_result_is_fetched(
    scene: Scene, box: Box, option: tuple[str, ...], code: int, same: bool
) -> None:
    """The same for `get`, before a byte of the output is asked for."""
    scene.source("photo.png")
    job = scene.run("submit", "photo.png", code=0).ids[0]
    taken = scene.source("out/photo.png", MINE)
    scene.run("get", job, "-o", "out/", *option, code=code)
    assert (taken.read_bytes() == MINE) == same
    assert ("output" in box.routes()) != same


@pytest.mark.row("D10")
def test_a_file_that_is_named_is_replaced(scene: Scene, box: Box) -> None:
    """Who names a file means it; --skip-existing still leaves it."""
    scene.source("photo.png")
    taken = scene.source("x.png", MINE)
    scene.run("submit", "photo.png", "-o", "x.png", "--skip-existing", code=0)
    assert taken.read_bytes() == MINE
    assert box.stats()["accepted"] == 0
    scene.run("submit", "photo.png", "-o", "x.png", code=0)
    assert taken.read_bytes() != MINE


@pytest.mark.row("D10")
def test_a_name_that_someone_takes_meanwhile(scene: Scene) -> None:
    """Theirs stays; the result is kept under a spare name, which is told, and it is whole."""
    theirs = scene.folder / "out" / "photo.png"

    def meanwhile(connection: Connection) -> None:
        connection.request()
        theirs.write_bytes(MINE)
        connection.send(message(200, RESULT))

    scene.promise(MINE)
    with stored(scene, meanwhile):
        done = scene.run("submit", "photo.png", "-o", "out/", code=9)
    assert theirs.read_bytes() == MINE
    (spare,) = (path for path in theirs.parent.iterdir() if path != theirs)
    assert spare.read_bytes() == RESULT
    assert (
        "compressor: photo.png: out/photo.png was made by someone else meanwhile; "
        f"the result is in out/{spare.name}\n"
    ) in done.stderr


DEVICES = (
    "mount -t tmpfs tmpfs /dev",
    "mknod -m 666 /dev/null c 1 3",
    "mknod -m 666 /dev/full c 1 7",
    "ln -s /proc/self/fd/1 /dev/stdout",
)


@pytest.mark.row("D13")
@pytest.mark.parametrize(
    ("device", "code", "option"),
    [("null", 0, ""), ("full", 9, ""), *slowly(("null", 0, "--force"), ("full", 9, "--force"))],
)
@pytest.mark.usefixtures("box")
def test_a_device_is_written_to(scene: Scene, device: str, code: int, option: str) -> None:
    """And stays a device, also with --force and where this user could replace it."""
    scene.source("photo.png")
    script = with_mounts(
        *DEVICES,
        then=f"compressor submit photo.png {option} -o /dev/{device}; code=$?; "
        f"test -c /dev/{device} && exit $code",
    )
    done = scene.shell(script, code=code)
    if code:
        assert f"/dev/{device} cannot be written: No space left on device" in done.stderr
        assert done.commands
        assert done.commands[0].startswith(f"compressor get --wait {done.ids[0]}")


@pytest.mark.row("D13")
@pytest.mark.parametrize("verb", ["submit photo.png", "get --last"])
@pytest.mark.parametrize("sink", ["| cat > joined.png", "> joined.png"], ids=["pipe", "file"])
def test_the_name_of_stdout(scene: Scene, verb: str, sink: str) -> None:
    """Into a pipe, and into a file, comes the result and nothing else."""
    with stored(scene, message(200, RESULT)):
        if verb.startswith("get"):
            scene.run("submit", "photo.png", code=0)
        done = scene.shell(f"compressor {verb} -o /dev/stdout {sink}", code=0)
    assert (scene.folder / "joined.png").read_bytes() == RESULT
    assert done.stdout == ""


@pytest.mark.row("D13")
@pytest.mark.usefixtures("box")
def test_a_fifo_is_written_to(scene: Scene) -> None:
    """Its reader gets the whole result; it stays a FIFO."""
    scene.source("photo.png")
    fifo = scene.folder / "fifo"
    os.mkfifo(fifo)
    scene.shell("cat fifo > copy.png & compressor submit photo.png -o fifo && wait", code=0)
    assert stat.S_ISFIFO(fifo.lstat().st_mode)
    assert (scene.folder / "copy.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.row("D13")
@pytest.mark.usefixtures("box")
def test_a_folder_gets_the_result_under_its_own_name(scene: Scene) -> None:
    scene.source("photo.png")
    (scene.folder / "out").mkdir()
    scene.run("submit", "photo.png", "-o", "out", code=0)
    assert [path.name for path in (scene.folder / "out").iterdir()] == ["photo.png"]


@pytest.mark.row("D13")
@pytest.mark.parametrize("leads_to", ["nowhere.png", "link.png"], ids=["dangling", "circle"])
def test_a_link_that_leads_nowhere(scene: Scene, box: Box, leads_to: str) -> None:
    """Refused before anything is sent: who knows what was meant."""
    scene.source("photo.png")
    link = scene.folder / "link.png"
    link.symlink_to(leads_to)
    done = scene.run("submit", "photo.png", "-o", "link.png", code=9)
    assert "link.png is a symbolic link that leads nowhere" in done.stderr
    assert box.stats()["accepted"] == 0
    assert link.is_symlink()


@pytest.mark.row("D13")
@pytest.mark.usefixtures("box")
def test_what_a_link_leads_to_is_replaced(scene: Scene) -> None:
    """And the link stays."""
    scene.source("photo.png")
    real = scene.source("sub/real.png", MINE)
    link = scene.folder / "link.png"
    link.symlink_to("sub/real.png")
    scene.run("submit", "photo.png", "-o", "link.png", code=0)
    assert link.is_symlink()
    assert real.read_bytes().startswith(b"\x89PNG")


@pytest.mark.row("D18")
@pytest.mark.parametrize(("umask", "mode"), [("077", 0o600), ("000", 0o666), ("002", 0o664)])
@pytest.mark.usefixtures("box")
def test_a_new_file_has_the_mode_that_the_umask_leaves(scene: Scene, umask: str, mode: int) -> None:
    scene.source("photo.png")
    script = (
        f"umask {umask}; compressor submit photo.png -o x.png"
        " && compressor compress photo.png -o y.png"
    )
    scene.shell(script, code=0)
    assert [mode_of(scene.folder / name) for name in ("x.png", "y.png")] == [mode, mode]


@pytest.mark.row("D18")
@pytest.mark.parametrize("umask", ["000", *slowly("077")])
@pytest.mark.parametrize(
    "command",
    [
        "submit photo.png -o x.png",
        "submit photo.png -o out/ --force",
        "compress photo.png -o x.png",
        "compress x.png --in-place",
    ],
)
@pytest.mark.usefixtures("box")
def test_a_file_that_is_replaced_keeps_its_mode(scene: Scene, umask: str, command: str) -> None:
    picture = scene.source("photo.png").read_bytes()
    old = [scene.source(name, picture) for name in ("x.png", "out/photo.png")]
    for path in old:
        path.chmod(0o640)
    scene.shell(f"umask {umask}; compressor {command}", code=0)
    assert [mode_of(path) for path in old] == [0o640, 0o640]
    assert any(path.read_bytes() != picture for path in old)


@pytest.mark.row("D18")
def test_while_it_grows_it_is_no_more_open_than_it_will_be(scene: Scene) -> None:
    """A result that replaces a private file is private from its first byte."""
    old = scene.source("x.png", MINE)
    old.chmod(0o600)
    modes: set[int] = set()

    def looked_at(connection: Connection) -> None:
        connection.request()
        connection.send(message(200, RESULT[:9], length=len(RESULT)))
        (part,) = until(lambda: list(scene.folder.glob(".x.png.*.part")))
        modes.add(mode_of(part))
        connection.send(RESULT[9:])

    with stored(scene, looked_at):
        scene.shell("umask 0; compressor submit photo.png -o x.png", code=0)
    assert modes == {0o600}
    assert mode_of(old) == 0o600
