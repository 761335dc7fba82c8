"""A fast API on loopback beside which things are measured: it discards uploads and tells of jobs.

A process of its own (`python loopback.py SETTINGS`), with nothing but the standard library: it
prints its port, and ends when its standard input does. `GET /report` tells what it saw.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import sys
import threading
import time
from array import array
from dataclasses import dataclass, field
from typing import Any

BUFFER = 1024 * 1024
JOB = "7f3c0d52-9a41-4e6b-8c1d-2b5e9f60a7d4"
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_EXPECT = re.compile(rb"\r\nexpect: *100-continue", re.IGNORECASE)


@dataclass
class Settings:
    """`job`: what is told of every job. `tls`: files of certificate and key.

    With `jobs` it is asked about so many: they are in work until `GET /end`, and each answer asks
    for a pause. The first one is different for each job, so that looks spread over `pause` seconds;
    all later ones are `pause`. 0: none is asked for. Once each job was looked at `rush` times, the
    rush of the beginning counts as over.
    """

    job: dict[str, Any] = field(default_factory=dict)
    tls: tuple[str, str] | None = None
    jobs: int = 0
    pause: int = 0
    rush: int = 2


class Looks:
    """How many looks there were, and how late each was by the pause that was asked for.

    All jobs are looked at for the first time in one rush. How late looks are is told apart: while
    that has its effects (`rush`), and from then on (`steady`).
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._due: dict[bytes, float] = {}
        self._looks: dict[bytes, int] = {}
        self._over_rush = 0
        self._late = {"rush": array("d"), "steady": array("d")}
        self._lock = threading.Lock()
        self._begun = 0.0
        self._first_round = 0.0
        self._count = 0
        self.over = False

    def answer(self, job_id: bytes) -> tuple[dict[str, Any], int]:
        """What to say about a job now, and the pause to ask for."""
        settings, now = self._settings, time.perf_counter()
        with self._lock:
            self._begun = self._begun or now
            self._count += 1
            pause = settings.pause
            if (due := self._due.get(job_id)) is not None:
                self._late["steady" if self._steady() else "rush"].append(now - due)
            elif pause:
                pause = 1 + len(self._due) * 7919 % pause
            self._looks[job_id] = self._looks.get(job_id, 0) + 1
            self._over_rush += self._looks[job_id] == settings.rush
            if self.over:
                return {"status": "completed", "url": "http://127.0.0.1:1/none"}, 0
            self._due[job_id] = now + pause
            if len(self._due) == settings.jobs and not self._first_round:
                self._first_round = now - self._begun
        return {"status": "processing"}, pause

    def _steady(self) -> bool:
        return self._over_rush == self._settings.jobs

    def report(self) -> dict[str, Any]:
        """`first_round`: seconds until each job had been looked at once, 0 before that."""
        with self._lock:
            return {
                "looks": self._count,
                "first_round": self._first_round,
                "steady": self._steady(),
                "late": {name: _shares(late) for name, late in self._late.items()},
            }


def _shares(late: array[float]) -> dict[str, float]:
    """What half of the values are below, and 99 % of them; empty without values."""
    each = sorted(late)
    return {"half": each[len(each) // 2], "most": each[int(len(each) * 0.99)]} if each else {}


class Server:
    """Meets each connection in a thread of its own."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.looks = Looks(settings)
        self.uploads: list[float] = []
        self._tls: ssl.SSLContext | None = None
        if settings.tls is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(*settings.tls)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)

    def serve(self) -> None:
        while True:
            sock, _ = self.listener.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._meet, args=(sock,), daemon=True).start()

    def _meet(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True)
            stack.enter_context(sock)
            buffer = memoryview(bytearray(BUFFER))
            while self._request(sock, buffer):
                pass

    def _request(self, sock: socket.socket, buffer: memoryview) -> bool:
        """Answer one request; False when there is none."""
        filled, end = 0, -1
        while end < 0:
            got = sock.recv_into(buffer[filled : filled + 65536])
            if not got:
                return False
            filled += got
            end = bytes(buffer[:filled]).find(b"\r\n\r\n")
        head = bytes(buffer[: end + 2])
        begun = time.perf_counter()
        if _EXPECT.search(head):
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        length = _LENGTH.search(head)
        left = (int(length[1]) if length else 0) - (filled - end - 4)
        while left > 0:
            got = sock.recv_into(buffer)
            if not got:
                return False
            left -= got
        if head.startswith(b"POST"):
            self.uploads.append(time.perf_counter() - begun)
        sock.sendall(self._answer(head.split(b" ", 2)[1]))
        return True

    def _answer(self, path: bytes) -> bytes:
        pause = 0
        if path.startswith(b"/1.0/jobs/"):
            job_id = path.rpartition(b"/")[2]
            said = self.settings.job
            if self.settings.jobs:
                said, pause = self.looks.answer(job_id)
            body = {"id": job_id.decode(), **said}
        elif path in (b"/report", b"/end"):
            self.looks.over |= path == b"/end"
            body = {**self.looks.report(), "uploads": self.uploads}
        elif path == b"/1.0/account":
            body = {"account": "bench"}
        else:
            body = {"id": JOB, "status": "enqueued"}
        content = json.dumps(body).encode()
        asked = f"Retry-After: {pause}\r\n" if pause else ""
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            f"{asked}Content-Length: {len(content)}\r\n\r\n"
        )
        return head.encode() + content


def main() -> None:
    server = Server(Settings(**json.loads(sys.argv[1])))
    threading.Thread(target=server.serve, daemon=True).start()
    sys.stdout.write(f"{server.listener.getsockname()[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
