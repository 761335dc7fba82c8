"""The installed `sandbox start` as a process of its own, which can be abused, measured, killed."""

from __future__ import annotations

import re
import select
import signal
import socket
from pathlib import Path

from running import KEY, Box, Compressor, Going, environment, until

from compressor_cli.sandbox.running import Sandbox

_SLICE = 1 << 18


class Served:
    """One that keeps its jobs in `state`; it may be killed and started again on its port.

    A context manager, which ends it.
    """

    def __init__(self, home: Path, port: int) -> None:
        for part in ("user", "tmp", "work"):
            (home / part).mkdir(parents=True)
        # It prints its key, as it must: the secret that must not be seen is another one.
        env = environment(home, url="http://127.0.0.1:1/1.0", key="another-key")
        self._owner = Compressor(home, home / "work", env, key="another-key")
        self._started: list[Going] = []
        self.port = port
        self.state = home / "served"
        self.url = f"http://127.0.0.1:{port}/1.0"
        self.box = Box(Sandbox(self.url, f"http://127.0.0.1:{port}", KEY))

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_: object) -> None:
        self.box.close()
        for going in self._started:
            if going.process.poll() is None:
                going.signalled(signal.SIGINT)

    def start(self, *words: str) -> Going:
        """It answers when this returns."""
        place = ["--port", str(self.port), "--state", str(self.state), "--key", KEY]
        going = self._owner.start("sandbox", "start", *place, *words)
        until(lambda: going.stdout.count("\n") == 2 or going.process.poll() is not None)
        assert going.stdout.count("\n") == 2, going.stderr
        self._started.append(going)
        return going

    def peak(self, going: Going) -> int:
        """The most memory it ever had, in bytes."""
        status = Path(f"/proc/{going.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found
        return int(found[1]) << 10

    def incoming(self) -> list[str]:
        """Bodies that are on disk without being a job."""
        return [body.name for body in (self.state / "incoming").iterdir()]


def connected(url: str) -> socket.socket:
    port = int(url.removeprefix("http://127.0.0.1:").partition("/")[0])
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def said(url: str, *pieces: bytes) -> str:
    """What is answered to these bytes, of which no more are sent once an answer is there."""
    with connected(url) as connection:
        for piece in pieces:
            for at in range(0, len(piece), _SLICE):
                if select.select([connection], [], [], 0)[0]:
                    break
                connection.sendall(piece[at : at + _SLICE])
        return connection.recv(65536).decode(errors="replace")


def head(url: str, length: int | None, more: str = "", key: str = KEY) -> bytes:
    """The head of an upload; without a length it is chunked."""
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return (
        f"POST /1.0/upload HTTP/1.1\r\nHost: {url.split('/')[2]}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\n{size}\r\n{more}\r\n"
    ).encode()
