"""HTTP proxies that open a way to a server behind TLS."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from raw import Connection, Script, closed_port
from running import until

from .tools import SEARCHED, needs

TINY = """
Port {port}
Listen 127.0.0.1
Timeout 20
LogFile "{folder}/log"
LogLevel Connect
BasicAuth user {password}
"""


@contextmanager
def tinyproxy(folder: Path, *, password: str) -> Iterator[tuple[int, Path]]:
    """The real one, that wants a password of `user`: its port and its log."""
    needs("tinyproxy")
    port, log = closed_port(), folder / "log"
    (folder / "conf").write_text(TINY.format(port=port, folder=folder, password=password))
    words = ["tinyproxy", "-d", "-c", str(folder / "conf")]
    with subprocess.Popen(words, env={"PATH": SEARCHED}, stdout=subprocess.DEVNULL) as process:
        try:
            until(lambda: _listens(port))
            yield port, log
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with contextlib.suppress(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    return False


def tunnel(port: int) -> Script:
    """Connects through, and looks only at what was said before."""

    def script(connection: Connection) -> None:
        connection.head()
        connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with socket.create_connection(("127.0.0.1", port)) as api:
            back = threading.Thread(target=_pump, args=(api, connection.sock), daemon=True)
            back.start()
            _pump(connection.sock, api)
            back.join()

    return script


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
