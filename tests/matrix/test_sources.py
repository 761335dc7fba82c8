"""Rows B: sources that are none, that have no end, that are huge, or that have hostile names."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest
from raw import Connection, RawServer, message, says
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
    (file,) = until(lambda: list(spool.iterdir()))
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


def _swallow(connection: Connection) -> None:
    """Take a whole request, keep nothing of its body, and make a job of it."""
    head = connection.head()
    if head.startswith(b"GET"):
        connection.send(message(200, {}))
        return
    left = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    buffer = bytearray(1 << 20)
    while left > 0 and (count := connection.sock.recv_into(buffer)):
        left -= count
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
    peak = Peak(scene.compressor.home)
    with RawServer(_swallow, _swallow) as server:
        scene.api(server)
        done = scene.shell(f"{peak.prefix} compressor submit '{path}'", code=0, within=30)
    assert done.lines == ["38a8bb5e"]
    assert peak.bytes < BOUND


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


NAMES = {
    "quotes": "a\"b'.png",
    "line breaks": "a\r\nX-Evil: 1\r\n\r\nb.png",
    "a second name": 'a.png"; filename="b.png',
    "no UTF-8": os.fsdecode(b"b\xff\xfe.png"),
    "255 bytes": "x" * 251 + ".png",
    "bidi": "c\u202egnp.exe.png",
    "a leading dash": "-o.png",
    "a backslash": "d\\e.png",
    "control characters": "f\x1b[2J\x07\x7f.png",
    "percent": "g%22%0d%0a.png",
    "spaces": "  a b .png",
    "a boundary": "--boundary--\r\n.png",
}


PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .,;=%'\\[_-]{0,250}\.png")


@pytest.mark.row("B16")
def test_the_result_of_a_hostile_name_has_a_plain_one(scene: Scene, box: Box) -> None:
    """Every job goes well, and nothing acts on a screen."""
    for seed, name in enumerate(NAMES.values()):
        scene.source(name, width=24, height=18, seed=seed)
    done = scene.run("submit", "-o", "out/", "--", *NAMES.values(), code=0)
    assert len(done.ids) == box.stats()["accepted"] == len(NAMES)
    results = [path.name for path in (scene.folder / "out").iterdir()]
    assert len(results) == len(NAMES)
    assert not [name for name in results if not PLAIN.fullmatch(name)]


@pytest.mark.row("B16")
def test_a_hostile_name_names_one_part(scene: Scene) -> None:
    """Read by another program, the request has two parts, and one of them one name."""
    contents = [scene.source(name, b"%d" % n).read_bytes() for n, name in enumerate(NAMES.values())]
    answers = [says(message(201, {"id": f"job-{n}"})) for n in range(len(NAMES))]
    with RawServer(*answers) as server:
        scene.api(server)
        scene.run("submit", "--", *NAMES.values(), code=0)
        requests = server.received
    for name, content, request in zip(NAMES.values(), contents, requests, strict=True):
        head, _, body = request.partition(b"\r\n\r\n")
        assert b"X-Evil" not in head, name
        data, file = _parts(head, body)
        assert data.get_param("name", header="content-disposition") == "data", name
        assert file.get_param("name", header="content-disposition") == "file", name
        assert file.get_payload(decode=True) == content, name
        assert file.keys() == ["Content-Disposition", "Content-Type"], name
        disposition = str(file["Content-Disposition"])
        assert disposition.count("filename=") == 1 + name.count("filename="), name
        assert disposition.count('"') == 4, name


def _parts(head: bytes, body: bytes) -> list[Message]:
    """The parts of a multipart body, as another program reads them."""
    (content_type,) = [line for line in head.split(b"\r\n") if line.startswith(b"Content-Type")]
    whole = message_from_bytes(content_type + b"\r\n\r\n" + body)
    parts = whole.get_payload()
    assert isinstance(parts, list)
    return [part for part in parts if isinstance(part, Message)]
