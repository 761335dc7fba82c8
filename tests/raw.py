"""A server that says exactly the bytes it is told to, and keeps what it was sent."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from types import TracebackType

PATIENCE = 10.0
"""Seconds after which a silent client is given up, so that no test hangs."""

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_BOUNDARY = re.compile(rb"boundary=\"?([^\"\r\n;]+)")
_REFUSAL = re.compile(rb"HTTP/1\.. 4(?!08)")


class Connection:
    """One accepted connection. `received` is all that came so far, `sent` how our answer began."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.received = b""
        self.sent = b""

    def secure(self, context: ssl.SSLContext) -> None:
        """Speak TLS from here on."""
        self.sock = context.wrap_socket(self.sock, server_side=True)

    def read(self, count: int) -> bool:
        """Read until `count` bytes came in all; False if the client ended before."""
        while len(self.received) < count:
            piece = self.sock.recv(min(65536, count - len(self.received)))
            if not piece:
                return False
            self.received += piece
        return True

    def head(self) -> bytes:
        """Read up to the end of the request's headers, byte by byte, so that no body is taken."""
        while b"\r\n\r\n" not in self.received:
            if not self.read(len(self.received) + 1):
                break
        return self.received

    def request(self) -> bytes:
        """Read a whole request, as long as its Content-Length says."""
        head = self.head()
        length = _LENGTH.search(head)
        self.read(len(head) + (int(length[1]) if length else 0))
        return self.received

    def send(self, content: bytes) -> None:
        self.sent = self.sent or content[:16]
        with contextlib.suppress(OSError):  # a client that has heard enough
            self.sock.sendall(content)

    def reset(self) -> None:
        """End with a reset instead of an orderly close."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def close_after(self, count: int) -> None:
        """Read so many bytes and go."""
        self.read(count)

    def drain(self) -> None:
        """Read on until the client closes."""
        with contextlib.suppress(OSError):
            while piece := self.sock.recv(65536):
                self.received += piece


Script = Callable[[Connection], None]


def message(
    status: int = 200,
    body: bytes | dict[str, object] = b"",
    headers: Mapping[str, str] | None = None,
    *,
    length: int | None = None,
) -> bytes:
    """An HTTP answer that closes the connection; `length` is declared instead of the true one."""
    lines = {"Content-Length": str(length), "Connection": "close", **(headers or {})}
    if isinstance(body, dict):
        body = json.dumps(body).encode()
        lines.setdefault("Content-Type", "application/json")
    if length is None:
        lines["Content-Length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} Said\r\n{head}\r\n".encode() + body


def says(content: bytes) -> Script:
    """Read the whole request, then say this and close."""

    def script(connection: Connection) -> None:
        connection.request()
        connection.send(content)

    return script


def says_early(content: bytes) -> Script:
    """Say this as soon as the headers are here, and take no heed of what comes after."""

    def script(connection: Connection) -> None:
        connection.head()
        connection.send(content)
        connection.drain()

    return script


def resets(after: int | None = None) -> Script:
    """Reset once `after` bytes came; None: once the whole request came."""

    def script(connection: Connection) -> None:
        if after is None:
            connection.request()
        else:
            connection.read(after)
        connection.reset()

    return script


def silent(connection: Connection) -> None:
    """Take everything and say nothing, until the client gives up."""
    connection.drain()


class RawServer:
    """Meets each connection on loopback with the next script, and the last one ever after.

    A context manager.
    """

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None) -> None:
        self._scripts = scripts
        self.scripted = len(scripts)
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._connections: list[Connection] = []
        self._threads: list[threading.Thread] = []
        self._over = threading.Event()

    @property
    def received(self) -> list[bytes]:
        """What each connection brought so far, as far as it was read."""
        return [connection.received for connection in self._connections]

    def whole_posts(self) -> list[bytes]:
        """The body of each POST that came to its last byte and was not refused.

        Two of the same content are the same body: what parts it is named alike.
        """
        bodies = []
        for connection in self._connections:
            head, end, body = connection.received.partition(b"\r\n\r\n")
            length = _LENGTH.search(head)
            whole = end and length and len(body) >= int(length[1])
            if head.startswith(b"POST ") and whole and not _REFUSAL.match(connection.sent):
                boundary = _BOUNDARY.search(head)
                bodies.append(body.replace(boundary[1], b"boundary") if boundary else body)
        return bodies

    def __enter__(self) -> RawServer:
        thread = threading.Thread(target=self._accept, daemon=True)
        thread.start()
        self._threads.append(thread)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            pass  # wakes the accepting thread
        for thread in self._threads:
            thread.join(PATIENCE)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            sock, _ = self._listener.accept()
            if self._over.is_set():
                sock.close()
                return
            script = self._scripts[min(len(self._connections), len(self._scripts) - 1)]
            connection = Connection(sock)
            self._connections.append(connection)
            thread = threading.Thread(target=self._meet, args=(connection, script), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _meet(self, connection: Connection, script: Script) -> None:
        connection.sock.settimeout(PATIENCE)
        with contextlib.suppress(OSError):
            try:
                if self._tls is not None:
                    connection.secure(self._tls)
                script(connection)
            finally:
                connection.sock.close()


def closed_port() -> int:
    """A port of this machine where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
