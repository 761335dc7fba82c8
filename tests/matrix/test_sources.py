"""Rows B: sources that are none, that have no end, that are huge, or that have hostile names."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest
from conftest import Faults
from raw import Connection, RawServer, message
from running import Box, boxed, until

from .injected import Injected
from .nobody import as_nobody
from .peak import BOUND, Peak
from .scene import Scene


def _unusable(folder: Path) -> None:
    """Everything that is no source, by its name."""
    (folder / "empty.png").touch()
    (folder / "folder.png").mkdir()
    os.mkfifo(folder / "fifo.png")
    (folder / "loop.png").symlink_to("loop.png")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(folder / "socket.png"))


UNUSABLE = {
    "missing.png": "missing.png cannot be read: No such file or directory",
    "folder.png": "folder.png is a folder, not a regular file",
    "empty.png": "empty.png is empty",
    "fifo.png": "fifo.png is a pipe, not a regular file",
    "socket.png": "socket.png is a socket, not a regular file",
    "loop.png": "loop.png cannot be read: Too many levels of symbolic links",
    "/dev/zero": "/dev/zero is a device, not a regular file",
    "/proc/self/mem": "/proc/self/mem is empty",
}


@pytest.mark.row("B12")
@pytest.mark.parametrize("name", UNUSABLE)
def test_what_is_no_source_is_refused_before_any_request(scene: Scene, box: Box, name: str) -> None:
    """One line says what it is."""
    _unusable(scene.folder)
    done = scene.run("submit", name, "-o", "out/", code=3)
    assert done.whole == f"exit 3\n-- stdout\n-- stderr\ncompressor: {UNUSABLE[name]}\n"
    assert box.requests == []


@pytest.mark.row("B12")
def test_what_a_glob_finds_where_nothing_may_be_entered(scene: Scene, box: Box) -> None:
    """The names can be read, and nothing behind them."""
    scene.source("secret/a.png")
    secret = scene.folder / "secret"
    secret.chmod(0o444)
    try:
        script = as_nobody("compressor", "compress", "secret/*.png", "-o", "out")
        done = scene.shell(script, code=3)
    finally:
        secret.chmod(0o755)
    assert "secret/a.png cannot be read: Permission denied" in done.stdout
    assert box.requests == []


@pytest.mark.row("B12")
def test_a_batch_of_them_sends_nothing_either(scene: Scene, box: Box) -> None:
    """A folder is a source here, and there is nothing in this one."""
    _unusable(scene.folder)
    names = [name for name in UNUSABLE if name != "folder.png"]
    done = scene.run("compress", *names, "-o", "out/", code=3)
    for name in names:
        assert UNUSABLE[name] in done.stdout
    assert box.requests == []


@pytest.mark.row("B12")
def test_what_may_not_be_read(scene: Scene, box: Box) -> None:
    """Root may read everything; strace takes that away."""
    path = scene.source("secret.png")
    refused = f"openat:error=EACCES -P '{path}'"
    fault = Injected(scene.compressor.home / "strace", refused)
    done = scene.shell(f"{fault.prefix} compressor submit '{path}'", code=3)
    assert fault.fired == 1
    assert done.stderr == f"compressor: {path} cannot be read: Permission denied\n"
    assert box.requests == []


@pytest.mark.row("B13")
@pytest.mark.parametrize("size", [1, 5_000_000], ids=["short", "long"])
def test_standard_input_is_spooled_privately(scene: Scene, box: Box, size: int) -> None:
    """Under a name that nobody else can read, and only as long as it is needed."""
    content = scene.source("photo.png").read_bytes() + b"\0" * size
    spool = scene.compressor.home / "tmp"
    going = scene.start("submit", "-", "-o", "out/", stdin=subprocess.PIPE)
    assert going.process.stdin is not None
    (file,) = until(lambda: list(spool.glob("*.spool")))
    assert file.stat().st_mode & 0o777 == 0o600
    going.process.stdin.write(content)
    going.process.stdin.close()
    scene.held(going.ended(), code=0)
    assert list(spool.iterdir()) == []
    assert [request["route"] for request in box.requests] == ["upload", "output"]


@pytest.mark.row("B13")
@pytest.mark.parametrize(
    ("stdin", "said"),
    [
        ("< /dev/null", "compressor: -: standard input is empty"),
        ("<&-", "compressor: there is no standard input, it is closed"),
    ],
    ids=["empty", "closed"],
)
def test_no_standard_input(scene: Scene, box: Box, stdin: str, said: str) -> None:
    done = scene.shell(f"compressor submit - -o out/ {stdin}", code=3)
    assert done.stderr == f"{said}\n"
    assert "upload" not in box.routes()
    assert list((scene.compressor.home / "tmp").iterdir()) == []


@pytest.mark.row("B13")
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"status": 401}, 4),
        ({"status": 422}, 6),
        ({"status": 500, "after_work": True}, 7),
        ({"drop": "after"}, 7),
    ],
    ids=["401", "422", "500", "no answer"],
)
def test_the_copy_of_standard_input_goes_however_it_ends(
    scene: Scene, faults: Faults, fault: dict[str, object], code: int
) -> None:
    content = scene.source("photo.png").read_bytes()
    faults({"on": "upload", **fault})
    scene.run("submit", "-", "-o", "out/", stdin=content, code=code)
    assert list((scene.compressor.home / "tmp").iterdir()) == []


@pytest.mark.row("B13")
def test_standard_input_without_end(scene: Scene, box: Box) -> None:
    """Given up at sixteen GiB; strace keeps them off the disk. Nothing is sent."""
    fault = Injected(scene.compressor.home / "strace", "write:retval=1048576:when=2..16384")
    done = scene.shell(f"{fault.prefix} compressor submit - -o out/ < /dev/zero", code=3)
    assert fault.fired > 16_000
    limit = 16 * 1024**3
    assert done.stderr == f"compressor: -: standard input does not end after {limit} bytes\n"
    assert box.requests == []
    assert list((scene.compressor.home / "tmp").iterdir()) == []


@pytest.mark.row("B13")
def test_standard_input_larger_than_the_disk(scene: Scene, box: Box) -> None:
    """A local trouble, which says what helps; here the disk is a limit on the size of files."""
    done = scene.shell("ulimit -f 4096; yes | compressor submit - -o out/", code=9)
    folder = scene.compressor.home / "tmp"
    assert done.stderr.splitlines() == [
        f"compressor: -: standard input cannot be kept in {folder}: File too large",
        "  name a folder with more space in TMPDIR",
    ]
    assert box.requests == []
    assert list(folder.iterdir()) == []


class Swallow:
    """Takes whole requests, keeps nothing of their bodies but the length, makes a job of each."""

    def __init__(self) -> None:
        self.bytes = 0

    def __call__(self, connection: Connection) -> None:
        head = connection.head()
        if head.startswith(b"GET"):
            connection.send(message(200, {}))
            return
        left = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        buffer = bytearray(1 << 20)
        while left > 0 and (count := connection.sock.recv_into(buffer)):
            left -= count
            self.bytes += count
        connection.send(message(201, {"id": "38a8bb5e"}))


@pytest.mark.row("B15")
@pytest.mark.parametrize(
    "size",
    [300 << 20, pytest.param(5 << 30, marks=pytest.mark.slow)],
    ids=["300 MiB", "5 GiB"],
)
def test_a_huge_file_takes_little_memory(
    scene: Scene, tmp_path_factory: pytest.TempPathFactory, size: int
) -> None:
    """Streamed, sparse as it is; elsewhere than what each run is searched for secrets."""
    path = tmp_path_factory.mktemp("huge") / "huge.bmp"
    with path.open("wb") as file:
        file.truncate(size)
    before = path.stat()
    peak, swallow = Peak(scene.compressor.home), Swallow()
    with RawServer(swallow) as server:
        scene.api(server)
        done = scene.shell(f"{peak.prefix} compressor submit '{path}'", code=0, within=30)
    assert done.lines == ["38a8bb5e"]
    assert peak.bytes < BOUND
    assert size < swallow.bytes < size + 2000
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (size, before.st_mtime_ns)


@pytest.mark.row("B15")
def test_a_file_above_the_services_limit(scene: Scene) -> None:
    """The API documents no limit, so none is refused here; the service says it, and it is told."""
    scene.source("huge.bmp", width=1200, height=900)
    with boxed(max_body=3_000_000) as box:
        scene.api(box)
        done = scene.run("submit", "huge.bmp", code=6)
        assert box.routes() == ["upload"]
    assert done.stdout == ""
    assert done.stderr == (
        "compressor: huge.bmp: the service answered 413: the body is larger than 3,000,000 bytes\n"
    )
