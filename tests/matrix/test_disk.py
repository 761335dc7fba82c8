"""Rows D12, D15 and D16: what the disk will not do, step by step."""

from __future__ import annotations

import random
import re
import stat
from pathlib import Path

import pytest

from .mounts import with_mounts
from .scene import Scene
from .storage import JOB
from .tracing import Moment, faulty
from .variants import slowly

SOURCE = random.Random(1).randbytes(3_000_000)
RESULT = SOURCE[:2_500_000]
"""Written in three pieces."""
BIG = (SOURCE, RESULT)
SMALL = (SOURCE, SOURCE[:9_000])
"""So little that after the connection the next to be closed is the temporary file."""

GROWING = [
    ("answer", "openat:error=ENOSPC:when=1"),
    ("answer", "write:error=ENOSPC:when=1"),
    ("output", "write:error=EIO:when=3"),
    ("output", "fsync:error=EIO:when=1"),
    ("output", "close:error=EIO:when=2"),
    *slowly(
        ("answer", "openat:error=EDQUOT:when=1"),
        ("output", "ftruncate:error=EIO:when=1"),
        ("output", "write:error=EDQUOT:when=2"),
        ("output", "write:error=EFBIG:when=3"),
        ("output", "fsync:error=ENOSPC:when=1"),
        ("output", "close:error=EDQUOT:when=2"),
    ),
]
"""From when on which calls fail while the temporary file grows: each kind, first to last."""

LANDING = [
    ("output", "rename:error=EXDEV:when=1"),
    *slowly(*[("output", f"rename:error={e}:when=1") for e in ("EACCES", "EPERM", "EROFS", "EIO")]),
]
REMOVED = r"photo\.png\.[0-9a-f]{8}\.part"


@pytest.mark.row("D15")
@pytest.mark.parametrize(("before", "inject"), GROWING)
def test_a_disk_that_will_not_take_the_result(scene: Scene, before: Moment, inject: str) -> None:
    """Nothing of it stays; it is said how to fetch it again, which needs no second upload."""
    words = ("submit", "photo.png", "-o", "out/")
    content = SMALL if inject.startswith("close") else BIG
    calls = faulty(scene, *words, before=before, inject=inject, code=9, content=content)
    with calls as faults:
        assert faults.on(REMOVED)
        assert list((scene.folder / "out").iterdir()) == []
        assert faults.result.commands == [f"compressor get --wait {JOB} --output out/"]
        scene.shell(faults.result.commands[0], code=0)
    assert (scene.folder / "out" / "photo.png").read_bytes() == content[1]


@pytest.mark.row("D15")
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_what_the_disk_said_is_told(scene: Scene, error: str) -> None:
    inject = f"write:error={error}:when=3"
    words = ("submit", "photo.png", "-o", "out/")
    said = {"ENOSPC": "No space left on device", "EIO": "Input/output error"}[error]
    with faulty(scene, *words, inject=inject, code=9, content=BIG) as faults:
        line = f"compressor: photo.png: the result cannot be written in out: {said}\n"
        assert line in faults.result.stderr


@pytest.mark.row("D15")
@pytest.mark.parametrize(
    "options", ["size=64k", "size=64k,nr_inodes=1"], ids=["no space", "no file more"]
)
@pytest.mark.usefixtures("box")
def test_a_disk_that_is_full(scene: Scene, options: str) -> None:
    scene.source("photo.png", width=800, height=600)
    disk = scene.folder / "disk"
    disk.mkdir()
    script = with_mounts(
        f"mount -t tmpfs -o {options} tmpfs {disk}",
        then="compressor submit photo.png -o disk/; code=$?; ls -A disk; exit $code",
    )
    done = scene.shell(script, code=9)
    assert done.lines == done.ids
    assert re.search("no space in disk|No space left on device", done.stderr)
    scene.shell(done.commands[0].replace("disk/", "x.png"), code=0)


@pytest.mark.row("D15")
@pytest.mark.usefixtures("box")
def test_a_file_larger_than_the_shell_allows(scene: Scene) -> None:
    scene.source("photo.png", width=800, height=600)
    job = scene.run("submit", "photo.png", code=0).ids[0]
    done = scene.shell(f"ulimit -f 100; compressor get {job} -o x.png", code=9)
    assert "the result cannot be written in .: File too large" in done.stderr
    scene.shell(done.commands[0], code=0)


@pytest.mark.row("D12")
@pytest.mark.parametrize(("before", "inject"), [*GROWING, *LANDING])
def test_in_place_the_source_stays_when_the_disk_fails(
    scene: Scene, before: Moment, inject: str
) -> None:
    """All of the old, with its mode; the next run takes the job up and does not send it again."""
    path = scene.source("photo.png", SOURCE)
    path.chmod(0o640)
    words = ("compress", "photo.png", "--in-place")
    content = SMALL if inject.startswith("close") else BIG
    calls = faulty(scene, *words, before=before, inject=inject, code=9, content=content)
    with calls as faults:
        assert faults.on(REMOVED)
        assert path.read_bytes() == SOURCE
        assert mode_of(path) == 0o640
        scene.run(*words, code=0)
    assert path.read_bytes() == content[1]
    assert mode_of(path) == 0o640


@pytest.mark.row("D12")
@pytest.mark.parametrize(
    ("before", "inject"),
    [
        ("answer", "fchmod:error=EPERM:when=1"),
        ("output", "fsync:error=EIO:when=3"),  # after the part's and the lock's: the folder's
        ("output", "chown:error=EPERM:when=1"),
    ],
)
def test_in_place_the_result_is_there_where_a_nicety_fails(
    scene: Scene, before: Moment, inject: str
) -> None:
    """The whole new content, with the old mode."""
    path = scene.source("photo.png", SOURCE)
    path.chmod(0o640)
    words = ("compress", "photo.png", "--in-place")
    calls = faulty(scene, *words, before=before, inject=inject, code=0, content=BIG)
    with calls as faults:
        assert faults.failed
        assert path.read_bytes() == RESULT
        assert mode_of(path) == 0o640


@pytest.mark.row("D12")
@pytest.mark.parametrize("inject", ["write:error=ENOSPC:when=4", "fsync:error=EIO:when=2"])
def test_in_place_the_source_stays_where_the_lock_cannot_be_written(
    scene: Scene, inject: str
) -> None:
    """What would not be known as our own is not put there."""
    path = scene.source("photo.png", SOURCE)
    words = ("compress", "photo.png", "--in-place")
    with faulty(scene, *words, inject=inject, code=9, content=BIG) as faults:
        assert faults.on(r"compressor\.lock")
        assert path.read_bytes() == SOURCE
        scene.run(*words, code=0)
    assert path.read_bytes() == RESULT


@pytest.mark.row("D16")
@pytest.mark.parametrize("error", ["EXDEV", "EACCES", "EPERM"])
def test_a_rename_that_fails(scene: Scene, error: str) -> None:
    """What was there stays, nothing else does, and the job can be fetched again."""
    old = scene.source("x.png", b"what was there before")
    words = ("submit", "photo.png", "-o", "x.png")
    inject = f"rename:error={error}:when=1"
    with faulty(scene, *words, inject=inject, code=9, content=BIG) as faults:
        assert faults.on(r'\.part", "x\.png"')
        assert "compressor: photo.png: x.png cannot be written: " in faults.result.stderr
        assert old.read_bytes() == b"what was there before"
        scene.shell(faults.result.commands[0], code=0)
    assert old.read_bytes() == RESULT


@pytest.mark.row("D16")
@pytest.mark.parametrize("error", ["EPERM", *slowly("EOPNOTSUPP", "ENOSYS", "EXDEV", "EMLINK")])
def test_a_file_system_without_links(scene: Scene, error: str) -> None:
    """The name is reserved instead, and the result takes it."""
    inject = f"link:error={error}:when=1"
    words = ("submit", "photo.png", "-o", "out/")
    with faulty(scene, *words, inject=inject, code=0, content=BIG) as faults:
        assert faults.on(r'"out/photo\.png"')
    assert (scene.folder / "out" / "photo.png").read_bytes() == RESULT


@pytest.mark.row("D16")
@pytest.mark.row("D10")
def test_a_name_that_someone_takes_meanwhile_where_there_are_no_links(scene: Scene) -> None:
    """Theirs stays, and the result is kept beside it."""
    theirs = scene.folder / "out" / "photo.png"
    scene.promise(b"theirs")
    words = ("submit", "photo.png", "-o", "out/")
    calls = faulty(
        scene,
        *words,
        inject="link:error=EPERM:when=1",
        code=9,
        content=BIG,
        meanwhile=lambda: theirs.write_bytes(b"theirs"),
    )
    with calls as faults:
        assert faults.on(r'"out/photo\.png"')
        assert theirs.read_bytes() == b"theirs"
        (spare,) = (path for path in theirs.parent.iterdir() if path != theirs)
        assert spare.read_bytes() == RESULT
        assert f"someone else meanwhile; the result is in out/{spare.name}" in faults.result.stderr


@pytest.mark.row("D16")
@pytest.mark.parametrize(
    "inject",
    [
        ("link:error=EACCES:when=1",),
        ("link:error=EPERM:when=1", "rename:error=EXDEV:when=1"),
        ("link:error=EEXIST:when=1", "rename:error=EACCES:when=1"),
    ],
    ids=["no link allowed", "neither link nor rename", "taken, and no rename"],
)
def test_neither_one_nor_the_other(scene: Scene, inject: tuple[str, ...]) -> None:
    """The final name stays free: no empty file stands there for a result."""
    words = ("submit", "photo.png", "-o", "out/")
    with faulty(scene, *words, inject=inject, code=9, content=BIG) as faults:
        assert len(faults.failed) == len(inject)
        assert list((scene.folder / "out").iterdir()) == []
        scene.shell(faults.result.commands[0], code=0)
    assert (scene.folder / "out" / "photo.png").read_bytes() == RESULT


@pytest.mark.row("D16")
def test_a_temporary_name_that_stays_for_a_moment(scene: Scene) -> None:
    """The result has its name already: all is well."""
    words = ("submit", "photo.png", "-o", "out/")
    inject = "unlink:error=EIO:when=1"
    with faulty(scene, *words, inject=inject, code=0, content=BIG) as faults:
        assert faults.on(REMOVED)
    assert [path.name for path in (scene.folder / "out").iterdir()] == ["photo.png"]


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
