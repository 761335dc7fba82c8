"""Row D8: outputs that lie where no honest service puts them."""

from __future__ import annotations

import shlex
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from raw import Connection, RawServer, Script, message, silent

from .mounts import with_mounts
from .scene import Scene
from .storage import finished, promised
from .variants import slowly


@dataclass(frozen=True)
class Public:
    """An API on the open network, as the command sees it: through a proxy, with TLS."""

    scene: Scene
    ca: trustme.CA
    folder: Path

    @contextmanager
    def api(self, *answers: bytes) -> Iterator[RawServer]:
        """`api.example` gives these answers; every connection it gets must be for it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert("api.example").configure_cert(context)
        asked: list[bytes] = []
        with RawServer(*[_tunnel(context, answer, asked) for answer in answers]) as proxy:
            certificates = self.folder / "ca.pem"
            self.ca.cert_pem.write_to_path(str(certificates))
            self.scene.api("https://api.example/1.0")
            self.scene.compressor.env |= {
                "HTTPS_PROXY": proxy.url,
                "SSL_CERT_FILE": str(certificates),
            }
            yield proxy
            assert asked == [b"CONNECT api.example:443 HTTP/1.1"] * len(answers)
            assert len(proxy.received) == len(answers)


def _tunnel(context: ssl.SSLContext, answer: bytes, asked: list[bytes]) -> Script:
    def script(connection: Connection) -> None:
        asked.append(connection.head().partition(b"\r\n")[0])
        connection.send(b"HTTP/1.1 200 Connected\r\n\r\n")
        connection.received = b""
        connection.secure(context)
        connection.request()
        connection.send(answer)

    return script


@pytest.fixture(scope="module")
def _ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def public(scene: Scene, tmp_path: Path, _ca: trustme.CA) -> Public:
    return Public(scene, _ca, tmp_path)


ASTRAY = [
    "file:///etc/passwd",
    "//127.0.0.1:{port}/x",
    "https://u:hunter2@127.0.0.1:{port}/x",
    "http://api.example/x",
    "https://169.254.169.254/latest/meta-data/",
    "https://localhost:{port}/x",
    "https://2130706433:{port}/x",
    "https://[::ffff:127.0.0.1]:{port}/x",
]
MORE = [
    "ftp://127.0.0.1:{port}/x",
    "https://u:hunter2@api.example/x",
    "http://cdn.example/x",
    "http://127.0.0.1:{port}/x",
    "http://169.254.169.254/latest/meta-data/",
    "https://x.localhost:{port}/x",
    "https://0x7f.1:{port}/x",
    "https://[::1]:{port}/x",
    "https://10.0.0.1/x",
]


@pytest.mark.row("D8")
@pytest.mark.parametrize("url", [*ASTRAY, *slowly(*MORE)])
def test_an_output_that_leads_astray(scene: Scene, public: Public, url: str) -> None:
    """Refused before any connection, in one line that says where to, without a password."""
    source = scene.source("photo.png").read_bytes()
    with RawServer(silent) as trap:
        named = url.format(port=trap.port)
        with public.api(finished(source, named + "?sig=5ec4e7", promised())):
            done = scene.run("submit", "photo.png", "-o", "x.png", code=6)
        assert trap.received == []
    refused = done.stderr.splitlines()[-1]
    assert refused.startswith("compressor: photo.png: the output's URL ")
    assert "hunter2" not in done.stderr
    assert "5ec4e7" not in done.stderr
    assert not (scene.folder / "x.png").exists()


@pytest.mark.row("D8")
@pytest.mark.parametrize("url", [*ASTRAY[::5], *slowly(*MORE[::2])])
def test_a_redirect_that_leads_astray(scene: Scene, public: Public, url: str) -> None:
    """The same when the output's own place is good and sends us on."""
    source = scene.source("photo.png").read_bytes()
    with RawServer(silent) as trap:
        answers = (
            finished(source, "https://api.example/out", promised()),
            message(302, b"", {"Location": url.format(port=trap.port)}),
        )
        with public.api(*answers):
            done = scene.run("submit", "photo.png", "-o", "x.png", code=6)
        assert trap.received == []
    assert "compressor: photo.png: the output's URL " in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.row("D8")
@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "::1"])
def test_a_name_that_leads_into_this_machine(
    scene: Scene, public: Public, tmp_path: Path, address: str
) -> None:
    """What a name resolves to counts."""
    hosts = tmp_path / "hosts"
    hosts.write_text(f"{address} cdn.example\n")
    source = scene.source("photo.png").read_bytes()
    with RawServer(silent) as trap:
        url = f"https://cdn.example:{trap.port}/x"
        with public.api(finished(source, url, promised())):
            bound = f"mount --bind {shlex.quote(str(hosts))} /etc/hosts"
            script = with_mounts(bound, then="compressor submit photo.png -o x.png")
            done = scene.shell(script, code=6)
        assert trap.received == []
    assert "the output's URL leads into this machine or a private network" in done.stderr
