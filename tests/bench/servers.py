"""Starts what is measured against, and stops it: the loopback API, nginx, certificates."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from place import Missing, Place, tool

PATIENCE = 10.0
"""Seconds in which a server must have come up."""


@dataclass(frozen=True, slots=True)
class Trust:
    """A certificate for 127.0.0.1. `ca`: the file of those to believe."""

    ca: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Api:
    """A running loopback API. `url` ends in /1.0."""

    url: str
    port: int

    def end(self) -> None:
        """All jobs have ended from now on."""
        self.report("end")

    def report(self, name: str = "report") -> dict[str, Any]:
        """What it saw so far. Only without TLS."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{name}") as answer:
            told: dict[str, Any] = json.load(answer)
        return told


def certified(place: Place) -> Trust:
    """Certificates, made for this run. Raises Missing."""
    try:
        import trustme
    except ImportError:
        raise Missing("trustme is not installed") from None
    trust = Trust(*(place.folder / f"{name}.pem" for name in ("ca", "certificate", "key")))
    if not trust.ca.exists():
        authority = trustme.CA()
        issued = authority.issue_cert("127.0.0.1", "localhost")
        issued.private_key_pem.write_to_path(trust.key)
        for number, pem in enumerate(issued.cert_chain_pems):
            pem.write_to_path(trust.certificate, append=number > 0)
        authority.cert_pem.write_to_path(trust.ca)
    return trust


@contextmanager
def loopback(trust: Trust | None = None, **settings: Any) -> Iterator[Api]:
    """A loopback API in a process of its own; `settings` as in loopback.py."""
    if trust is not None:
        settings["tls"] = (str(trust.certificate), str(trust.key))
    script = Path(__file__).with_name("loopback.py")
    with ending([sys.executable, "-I", "-S", str(script), json.dumps(settings)]) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        scheme = "http" if trust is None else "https"
        yield Api(f"{scheme}://127.0.0.1:{port}/1.0", port)


@contextmanager
def nginx(place: Place, folder: Path, trust: Trust | None) -> Iterator[str]:
    """nginx serving `folder`, over TLS with `trust`: the URL that its files begin with."""
    port = _free_port()
    home = place.new_folder(f"nginx-{port}")
    secure = ""
    if trust is not None:
        secure = f"ssl_certificate {trust.certificate}; ssl_certificate_key {trust.key};"
    settings = home / "nginx.conf"
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    settings.write_text(
        f"daemon off; master_process off; pid {home}/pid; error_log {home}/error.log;\n"
        "events {}\nhttp { access_log off; sendfile on; tcp_nopush on;\n"
        + "".join(f"{kind}_temp_path {home}/{kind};\n" for kind in kinds)
        + f"server {{ listen 127.0.0.1:{port}{' ssl' if trust else ''}; {secure} root {folder}; }}"
        "\n}\n"
    )
    with ending([tool("nginx"), "-e", f"{home}/error.log", "-c", str(settings)]) as process:
        _until_open(port, process)
        yield f"{'https' if trust else 'http'}://127.0.0.1:{port}"


@contextmanager
def ending(words: list[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A process that is ended at the end: by the end of its input, then by force."""
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options
    )
    try:
        yield process
    finally:
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _until_open(port: int, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise Missing(f"nothing listens on port {port}: {process.poll()}")
