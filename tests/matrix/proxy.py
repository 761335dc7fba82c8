"""A TCP proxy between the command and a server that does to a connection what networks do."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_SLICE = 65536


@dataclass(frozen=True)
class Way:
    """What happens to the bytes of one direction. Faults come at the byte after so many."""

    latency: float = 0.0  # seconds before each piece
    bandwidth: float = 0.0  # bytes a second; 0: all there is
    piece: int = _SLICE  # at most so many bytes at once
    reset_at: int | None = None  # then both sides get a reset
    close_at: int | None = None  # then both sides get an orderly end: a truncation
    stall_at: int | None = None  # then nothing more is let through, and nothing is closed

    @property
    def end(self) -> int | None:
        """After how many bytes something happens."""
        ends = [at for at in (self.reset_at, self.close_at, self.stall_at) if at is not None]
        return min(ends, default=None)


@dataclass(frozen=True)
class Weather:
    """What happens to one connection: `up` to the server, `down` to the client."""

    up: Way = field(default_factory=Way)
    down: Way = field(default_factory=Way)
    reset_before_server: bool = False  # reset before the server learns of it


FINE = Weather()


@dataclass
class Carried:
    """What one connection has let through, and whether its fault happened."""

    up: int = 0
    down: int = 0
    fired: bool = False


class Proxy:
    """Meets each connection with the next weather, and the last one ever after.

    A context manager. With `up=False` connections are refused until `open` is called. `rename`: a
    URL and another of the same length that stands for it in what the server says.
    """

    def __init__(
        self,
        server_url: str,
        *weathers: Weather,
        up: bool = True,
        rename: tuple[str, str] = ("", ""),
    ) -> None:
        parts = urlsplit(server_url)
        self._server = (parts.hostname or "", parts.port or 0)
        self.plan(*weathers)
        self._up = up
        self._said, self._told = (each.encode() for each in rename)
        assert len(self._said) == len(self._told), "lengths were told to the client already"
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))  # bound but not listening: refused
        self.port: int = self._socket.getsockname()[1]
        self.origin = f"http://127.0.0.1:{self.port}"
        self.url = f"{self.origin}/1.0"
        self.carried: list[Carried] = []
        self._open: list[socket.socket] = []
        self._over = threading.Event()

    def __enter__(self) -> Proxy:
        if self._up:
            self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for sock in self._open:
            sock.close()

    def open(self) -> None:
        """Let connections in from now on."""
        self._socket.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def plan(self, *weathers: Weather) -> None:
        """What the next connections meet; after these, the last one ever after."""
        self._weathers = list(weathers or (FINE,))

    @property
    def fired(self) -> int:
        """To how many connections their fault happened."""
        return sum(carried.fired for carried in self.carried)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            weather = self._weathers.pop(0) if len(self._weathers) > 1 else self._weathers[0]
            carried = Carried()
            self.carried.append(carried)
            self._open.append(client)
            if weather.reset_before_server:
                carried.fired = True
                _reset(client)
                continue
            server = socket.create_connection(self._server)
            self._open.append(server)
            for source, sink, name in ((client, server, "up"), (server, client, "down")):
                way: Way = getattr(weather, name)
                words = (source, sink, way, carried, name)
                threading.Thread(target=self._carry, args=words, daemon=True).start()

    def _carry(
        self, source: socket.socket, sink: socket.socket, way: Way, carried: Carried, name: str
    ) -> None:
        count = 0
        with contextlib.suppress(OSError):
            while piece := source.recv(way.piece):
                if name == "down" and self._said:
                    piece = piece.replace(self._said, self._told)
                spoilt = way.end is not None and count + len(piece) > way.end
                piece = piece[: way.end - count] if spoilt and way.end is not None else piece
                self._over.wait(way.latency)
                if way.bandwidth:
                    self._over.wait(len(piece) / way.bandwidth)
                sink.sendall(piece)
                count += len(piece)
                setattr(carried, name, count)
                if spoilt:
                    carried.fired = True
                    self._end(source, sink, way)
                    return
            sink.shutdown(socket.SHUT_WR)

    def _end(self, source: socket.socket, sink: socket.socket, way: Way) -> None:
        """The fault itself. What was let through has time to arrive."""
        time.sleep(0.05)
        if way.end == way.reset_at:
            _reset(source)
            _reset(sink)
        elif way.end == way.close_at:
            sink.shutdown(socket.SHUT_RDWR)
            source.shutdown(socket.SHUT_RDWR)
        else:
            self._over.wait()


def _reset(sock: socket.socket) -> None:
    """Close with a reset, also under a thread that still reads from it."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.shutdown(socket.SHUT_RD)
    sock.close()
