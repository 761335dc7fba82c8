"""Rows G: abuse of the sandbox itself, and that it then still serves the command."""

from __future__ import annotations

import select
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

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


PAGES = {
    "other": "Host: evil.com\r\n",
    "suffix": "Host: 127.0.0.1.evil.com\r\n",
    "suffix and port": "Host: 127.0.0.1.evil.com:{port}\r\n",
    "missing": "",
    "origin": "Host: 127.0.0.1:{port}\r\nOrigin: https://evil.com\r\n",
    "null": "Host: 127.0.0.1:{port}\r\nOrigin: null\r\n",
}
"""What a page that a browser shows can send, by a name of its own or by ours."""


def check_refused(url: str, request: str, lines: str, content: bytes = b"") -> None:
    """403 in our words, and nothing that a page could read."""
    lines = lines.format(port=url.rpartition(":")[2]) + f"Authorization: Bearer {KEY}\r\n"
    if content:
        kind = "Content-Type: multipart/form-data; boundary=b"
        lines += f"{kind}\r\nContent-Length: {len(content)}\r\n"
    answer = said(url, f"{request} HTTP/1.0\r\n{lines}\r\n".encode() + content)
    assert answer.split()[1] == "403"
    assert '"success": false' in answer
    assert not [word for word in ("requests", "PNG", "Access-Control") if word in answer]


@pytest.mark.row("G1")
@pytest.mark.parametrize("page", PAGES)
def test_web_pages_that_reach_loopback_are_refused(scene: Scene, box: Box, page: str) -> None:
    """Before any route, so also with the key and where there is no route; nothing is served."""
    for path in ("/1.0/account", "/_sandbox/stats", "/nothing"):
        check_refused(box.origin, f"GET {path}", PAGES[page])
    still_serves(scene)


@pytest.mark.row("G1")
@pytest.mark.parametrize("page", PAGES)
def test_web_pages_cannot_submit(scene: Scene, box: Box, page: str) -> None:
    """A form or a script that posts makes no job and no fault."""
    whole = FILE + b"x\r\n" + PART % (b"data", b"") + b"{}\r\n--b--\r\n"
    for path, content in (
        ("/1.0/upload", whole),
        ("/1.0/fetch", b'{"url": "https://example.com/a.png"}'),
        ("/_sandbox/faults", b'{"on": "upload", "status": 500}'),
    ):
        check_refused(box.origin, f"POST {path}", PAGES[page], content)
        check_refused(box.origin, f"OPTIONS {path}", PAGES[page])
    assert box.stats()["accepted"] == 0
    still_serves(scene)
    assert box.stats()["accepted"] == 1


@pytest.mark.row("G1")
@pytest.mark.parametrize("page", PAGES)
def test_web_pages_get_no_output(scene: Scene, page: str) -> None:
    """Neither on the port that serves results only, not even by a link that is good."""
    scene.source("a.png")
    with boxed(outputs_port=0) as box:
        scene.api(box)
        link = str(scene.run("submit", "a.png", "--wait", "--json", code=0).record["url"])
        parts = urlsplit(link)
        outputs = f"http://{parts.netloc}"
        assert outputs != box.origin
        for method in ("GET", "POST"):
            for path in (parts.path, "/nothing"):
                check_refused(outputs, f"{method} {path}", PAGES[page])
        good = f"GET {parts.path} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n"
        assert said(outputs, good.encode()).split()[1] == "200"


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
    """Neither memory nor disk of the process; and while 200 heads never end, others are served."""
    with Served(tmp_path / "server", closed_port()) as served:
        going = served.start()
        scene.api(served.box)
        still_serves(scene)
        before = served.peak(going)
        for name, (length, pieces, status) in ABUSE.items():
            assert said(served.url, head(served.url, length), *pieces).split()[1] == status, name
        waiting = [connected(served.url) for _ in range(200)]
        for connection in waiting:
            connection.sendall(head(served.url, 10 * MEGABYTE, "X-Slow: 1\r\n")[:-2])
        still_serves(scene)
        for connection in waiting:
            connection.close()
        assert served.peak(going) - before < 60 * MEGABYTE
        until(lambda: not served.incoming())
        assert "error  " not in going.stderr


SLOWLY = 1.0  # seconds between two bytes of a drip: half of the idle time


@pytest.mark.row("G3")
def test_clients_that_drip_are_let_go(scene: Scene, tmp_path: Path) -> None:
    """A byte now and then, in the head, before the file or in it: nobody is silent, none stays.

    Meanwhile others are served, and of the bodies no more is on disk than came.
    """
    state = tmp_path / "state"
    with boxed(idle_seconds=2 * SLOWLY, state_dir=state) as box, ExitStack() as stack:
        scene.api(box)
        upload = head(box.origin, MEGABYTE)
        starts = (
            upload[:-2] + b"X-Slow: ",
            upload + b"--b\r\nX-Slow: ",
            upload + FILE + b"x" * 999,
        )
        drips = [stack.enter_context(connected(box.origin)) for _ in range(200)]
        for number, connection in enumerate(drips):
            connection.sendall(starts[number % len(starts)])
        watch = Drips(drips, state / "incoming")
        still_serves(scene)
        answers = watch.ended()
        for number in range(len(starts)):
            told = {answers[each].split()[1] for each in range(number, 200, 3) if answers[each]}
            assert told == ({b"408"} if number else set())  # to a head that never ends: nothing
        assert watch.sent > 200  # it was a drip
        assert watch.peak < 66 * 2000 + MEGABYTE  # and the one that was served
        until(lambda: not list((state / "incoming").iterdir()))
        assert box.stats()["accepted"] == 1


class Drips:
    """Sends a byte on each connection every SLOWLY seconds until it is answered or ended."""

    def __init__(self, connections: list[socket.socket], folder: Path) -> None:
        self._waiting = dict(enumerate(connections))
        self._folder = folder
        self._answers: dict[int, bytes] = {}
        self.sent = 0
        self.peak = 0  # of bytes in the folder
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def ended(self) -> dict[int, bytes]:
        """What each was told at last."""
        self._thread.join(20)
        assert not self._waiting, f"{len(self._waiting)} are still there"
        return self._answers

    def _run(self) -> None:
        end = time.monotonic() + 15
        while self._waiting and time.monotonic() < end:
            for number, connection in list(self._waiting.items()):
                try:
                    if select.select([connection], [], [], 0)[0]:
                        self._answers[number] = connection.recv(9999)
                    else:
                        self.sent += connection.send(b"y")
                        continue
                except ConnectionError:
                    self._answers[number] = b""
                del self._waiting[number]
            self.peak = max(self.peak, sum(map(size_of, self._folder.iterdir())))
            time.sleep(SLOWLY)


def size_of(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


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
        unheard = [connected(box.origin) for _ in range(200)]
        stopped = [connected(box.origin) for _ in range(20)]
        for connection in unheard:
            connection.sendall(head(box.origin, 99)[:-2])
        for connection in stopped:
            connection.sendall(head(box.origin, MEGABYTE) + FILE + b"x" * 5000)
        still_serves(scene)
        assert [connection.recv(9999).split()[1] for connection in stopped] == [b"408"] * 20
        assert {connection.recv(9999) for connection in unheard} == {b""}
        for connection in [*unheard, *stopped]:
            connection.close()
        until(lambda: not list((state / "incoming").iterdir()))
        assert box.stats()["accepted"] == 1
