"""Rows G: abuse of the sandbox itself, and that it then still serves the command."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from raw import closed_port
from running import KEY, Box, boxed, until

from .scene import Scene
from .serving import Served, connected, head, said

MEGABYTE = 1 << 20
PART = b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n'
FILE = PART % (b"file", b'; filename="a.png"')


def still_serves(scene: Scene) -> None:
    """The command's own work goes on."""
    number = len(list(scene.folder.iterdir()))  # another picture each time: no job is made twice
    scene.source(f"{number}.png", seed=number)
    scene.run("submit", f"{number}.png", "-o", "out/", code=0)


@pytest.mark.row("G1")
@pytest.mark.parametrize(
    "lines",
    [
        "Host: evil.com\r\n",
        "Host: 127.0.0.1.evil.com\r\n",
        "Host: 127.0.0.1.evil.com:{port}\r\n",
        "",
        "Host: 127.0.0.1:{port}\r\nOrigin: https://evil.com\r\n",
        "Host: 127.0.0.1:{port}\r\nOrigin: null\r\n",
    ],
    ids=["other", "suffix", "suffix and port", "missing", "origin", "null"],
)
def test_web_pages_that_reach_loopback_are_refused(scene: Scene, box: Box, lines: str) -> None:
    """Before any route, so also with the key and where there is no route; nothing is served."""
    port = box.origin.rpartition(":")[2]
    for path in ("/1.0/account", "/_sandbox/stats", "/nothing"):
        request = f"GET {path} HTTP/1.0\r\n{lines.format(port=port)}Authorization: Bearer {KEY}\r\n"
        answer = said(box.origin, f"{request}\r\n".encode())
        assert answer.split()[1] == "403"
        assert '"success": false' in answer
        assert "requests" not in answer
        assert "Access-Control" not in answer
    still_serves(scene)


@pytest.mark.row("G2")
def test_it_listens_on_loopback_only(scene: Scene) -> None:
    """On both ports, and by no other address of the machine."""
    words = ["sandbox", "start", "--port", "0", "--outputs-port", "0"]
    going = scene.start(*words)
    until(lambda: going.stdout.count("\n") == 2)
    assert "http://127.0.0.1:" in going.stdout
    sockets = {link.readlink().name for link in Path(f"/proc/{going.process.pid}/fd").iterdir()}
    addresses = [
        fields[1].partition(":")[0]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        if f"socket:[{(fields := line.split())[9]}]" in sockets
    ]
    assert addresses == ["0100007F"] * 2
    scene.held(going.signalled(signal.SIGINT), code=130)


@pytest.mark.row("G2")
@pytest.mark.parametrize("name", ["--host", "--bind", "--listen", "--address", "--public"])
def test_no_option_opens_it(scene: Scene, name: str) -> None:
    done = scene.run("sandbox", "start", "--port", "0", name, "0.0.0.0", code=2)
    assert f"No such option: {name}" in done.stderr
    assert done.stdout == ""


@pytest.mark.row("G2")
def test_a_port_in_use_is_told_with_the_way_out(scene: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for option in ("--port", "--outputs-port"):
            others = ["--port", "0"] if option == "--outputs-port" else []
            done = scene.run("sandbox", "start", *others, option, port, code=9)
            assert f"port {port} cannot be used: Address already in use" in done.stderr
            assert "--port 0 for a free one" in done.stderr


ABUSE = {
    "10 GB declared": ((10 << 30), [], "413"),
    "100,000 parts": (99 * MEGABYTE, [(PART % (b"p", b"") + b"\r\n") * 100_000], "400"),
    "huge part headers": (99 * MEGABYTE, [b"--b\r\nX: ", *[b"y" * MEGABYTE] * 60], "400"),
    "many part headers": (99 * MEGABYTE, [b"--b\r\n", *[b"X: y\r\n" * 99_999] * 20], "400"),
    "wrong boundary": (1000, [b"--other\r\n\r\n" + b"x" * 989], "400"),
    "endless name": (99 * MEGABYTE, [PART % (b"n" * (30 * MEGABYTE), b"")], "400"),
}


@pytest.mark.row("G3")
def test_abusive_bodies_are_refused_and_cost_nothing(scene: Scene, tmp_path: Path) -> None:
    """Neither memory nor disk of the process; and while 200 connections drip, others are served."""
    with Served(tmp_path / "server", closed_port()) as served:
        going = served.start()
        scene.api(served.box)
        still_serves(scene)
        before = served.peak(going)
        for name, (length, pieces, status) in ABUSE.items():
            assert said(served.url, head(served.url, length), *pieces).split()[1] == status, name
        dripping = [connected(served.url) for _ in range(200)]
        for connection in dripping:
            connection.sendall(head(served.url, 10 * MEGABYTE, "X-Slow: 1\r\n")[:-2])
        still_serves(scene)
        for connection in dripping:
            connection.close()
        assert served.peak(going) - before < 60 * MEGABYTE
        until(lambda: not served.incoming())
        assert "error  " not in going.stderr


def endless() -> Iterator[bytes]:
    """A chunked file that has no end; a bounded part of it."""
    yield b"%x\r\n%s\r\n" % (len(FILE), FILE)
    for _ in range(40):
        yield b"%x\r\n%s\r\n" % (MEGABYTE, b"x" * MEGABYTE)


@pytest.mark.row("G3")
def test_silent_and_endless_clients_are_let_go(scene: Scene, tmp_path: Path) -> None:
    """408 to a body that stops, 413 to one without end; heads that never end are hung up on."""
    state = tmp_path / "state"
    with boxed(idle_seconds=0.5, max_body=3 * MEGABYTE, state_dir=state) as box:
        scene.api(box)
        assert said(box.origin, head(box.origin, None), *endless()).split()[1] == "413"
        dripping = [connected(box.origin) for _ in range(200)]
        stopped = [connected(box.origin) for _ in range(20)]
        for connection in dripping:
            connection.sendall(head(box.origin, 99)[:-2])
        for connection in stopped:
            connection.sendall(head(box.origin, MEGABYTE) + FILE + b"x" * 5000)
        still_serves(scene)
        assert [connection.recv(9999).split()[1] for connection in stopped] == [b"408"] * 20
        assert {connection.recv(9999) for connection in dripping} == {b""}
        for connection in [*dripping, *stopped]:
            connection.close()
        until(lambda: not list((state / "incoming").iterdir()))
        assert box.stats()["accepted"] == 1
