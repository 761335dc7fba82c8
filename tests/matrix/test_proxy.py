"""Rows A9 to A11: proxies, and an environment that means no good."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from raw import Connection, RawServer, Script, closed_port, message, says, silent
from running import KEY, Box

from .certificates import Authority
from .proxies import tinyproxy, tunnel
from .scene import Scene

JOB = "38a8bb5e-0001-4000-8000-000000000000"
PASSWORD = "hunter2-of-the-proxy"
ANSWER = says(message(201, {"id": JOB, "status": "processing"}))
NOT_SENT = (
    "compressor: nothing was accepted within 1 s\n  not sent yet: compressor submit -- photo.png\n"
)


@dataclass
class Away:
    """The API behind TLS at an address that is not plainly this machine."""

    server: RawServer
    address: str
    env: dict[str, str]

    def proxied(self, url: str) -> dict[str, str]:
        return {**self.env, "HTTPS_PROXY": url}

    @property
    def keys(self) -> list[bool]:
        """Of each request that came, whether it brought the key as it should."""
        wanted = f"\r\nAuthorization: Bearer {KEY}\r\n".encode()
        return [
            wanted in got and got.lower().count(b"authorization:") == 1
            for got in self.server.received
        ]


@pytest.fixture(scope="module")
def _authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def away(scene: Scene, _authority: Authority) -> Iterator[Away]:
    scene.source("photo.png")
    with RawServer(ANSWER, tls=_authority.server_side()) as server:
        address = f"0.0.0.0:{server.port}"
        scene.api(f"https://{address}")
        yield Away(server, address, {"SSL_CERT_FILE": str(_authority.path)})


@pytest.mark.row("A9")
def test_a_proxy_connects_through(scene: Scene, away: Away) -> None:
    """It hears where to, and its own password; the key goes only to the service."""
    with RawServer(tunnel(away.server.port)) as proxy:
        scene.stranger(proxy)
        env = away.proxied(f"http://user:{PASSWORD}@127.0.0.1:{proxy.port}")
        done = scene.run("submit", "photo.png", code=0, env=env)
        (connect,) = proxy.received
    assert done.ids == [JOB]
    assert PASSWORD not in done.stdout + done.stderr
    assert connect.startswith(f"CONNECT {away.address} HTTP/1.1\r\n".encode())
    assert b"\r\nProxy-Authorization: Basic " in connect
    assert away.keys == [True]


@pytest.mark.row("A9")
def test_tinyproxy_connects_through_or_not(
    scene: Scene, away: Away, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """With the right password, with a wrong one (a message of its own), and to a closed port."""
    folder = tmp_path_factory.mktemp("tinyproxy")
    with tinyproxy(folder, password=PASSWORD) as (port, log):
        env = away.proxied(f"http://user:{PASSWORD}@127.0.0.1:{port}")
        assert scene.run("submit", "photo.png", code=0, env=env).ids == [JOB]
        assert f"CONNECT {away.address} HTTP/1.1" in log.read_text()
        assert away.keys == [True]
        for credentials, answer in (("", 407), ("user:a-wrong-word@", 401)):
            wrong = away.proxied(f"http://{credentials}127.0.0.1:{port}")
            done = scene.run("submit", "photo.png", code=4, within=3, env=wrong)
            said = f": the proxy wants a user name and password ({answer})\n"
            assert done.stderr.endswith(said)
            assert "a-wrong-word" not in done.stderr
        nowhere = f"0.0.0.0:{closed_port()}"
        scene.api(f"https://{nowhere}")
        done = scene.run("auth", "status", code=5, within=3, env=env)
        assert done.stderr == f"compressor: the proxy does not connect us to {nowhere}\n"
    assert away.keys == [True]


@pytest.mark.row("A9")
@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (says(message(407)), 4, ": the proxy wants a user name and password (407)\n"),
        (says(message(502)), 5, NOT_SENT),
        (silent, 5, NOT_SENT),
    ],
    ids=["407", "502", "hangs"],
)
def test_a_proxy_that_does_not_connect(
    scene: Scene, away: Away, answer: Script, code: int, said: str
) -> None:
    """Nothing reaches the service, and nobody hears the proxy's password. 407 is final."""
    with RawServer(answer) as proxy:
        scene.stranger(proxy)
        env = away.proxied(f"http://user:{PASSWORD}@127.0.0.1:{proxy.port}")
        words = ("submit", "photo.png", "--timeout", "1s")
        done = scene.run(*words, code=code, within=3, env=env)
        asked = proxy.received
    assert done.stderr.endswith(said)
    assert PASSWORD not in done.stderr
    assert all(got.startswith(b"CONNECT ") for got in asked)
    assert len(asked) == 1 if code == 4 else asked
    assert away.server.received == []


@pytest.mark.row("A9")
@pytest.mark.slow
def test_a_proxy_that_hangs_is_given_up(scene: Scene, away: Away) -> None:
    """Also where no deadline was given: after 30 s."""
    done_reading = threading.Event()

    def hangs(connection: Connection) -> None:
        connection.sock.settimeout(40)
        silent(connection)
        done_reading.set()

    with RawServer(hangs) as proxy:
        env = away.proxied(f"http://127.0.0.1:{proxy.port}")
        done = scene.run("auth", "status", code=5, within=32, env=env)
        assert done_reading.wait(5)
    assert done.stderr.startswith(
        (
            "compressor: the service did not answer within 30 s\n",
            f"compressor: {away.address} does not answer: timed out\n",
        )
    )
    assert away.server.received == []


@pytest.mark.row("A10")
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ALL_PROXY", f"socks5://{PASSWORD}@127.0.0.1:1", ["submit", "photo.png"]),
        ("ALL_PROXY", f"socks5://{PASSWORD}@127.0.0.1:1", ["auth", "status"]),
        ("all_proxy", "socks4://127.0.0.1:1", ["status", JOB]),
        ("HTTPS_PROXY", "http://127.0.0.1:x", ["submit", "photo.png"]),
        ("NO_PROXY", "[::1],fe80::/10", ["submit", "photo.png"]),
        ("SSL_CERT_FILE", "/none", ["submit", "photo.png"]),
        ("SSL_CERT_FILE", "/none", ["auth", "status"]),
    ],
)
def test_an_environment_that_cannot_be_used(
    scene: Scene, away: Away, name: str, value: str, words: list[str]
) -> None:
    """One line names the variable and not its value; nothing is sent."""
    done = scene.run(*words, code=2, within=3, env={**away.env, name: value})
    if name == "SSL_CERT_FILE":
        assert done.stderr == "compressor: the environment variable SSL_CERT_FILE names no file\n"
    else:
        assert done.stderr == (
            f"compressor: the environment's proxy settings cannot be used: check {name}\n"
            "  a proxy is given as http://HOST:PORT (SOCKS is not supported), and NO_PROXY as "
            "names and addresses without brackets\n"
        )
    assert away.server.received == []


def spoil_home(scene: Scene, proxy_url: str) -> dict[str, str]:
    """A ~/.netrc and a ~/.curlrc that would send the request elsewhere or as another."""
    home = Path(scene.compressor.env["HOME"])
    netrc = home / ".netrc"
    machines = ("0.0.0.0", "127.0.0.1", "localhost")
    lines = [f"machine {machine} login evil password evil\n" for machine in machines]
    netrc.write_text("".join([*lines, "default login evil password evil\n"]))
    netrc.chmod(0o600)
    curlrc = f'proxy = "{proxy_url}"\nheader = "Authorization: Bearer evil"\ninsecure\n'
    (home / ".curlrc").write_text(curlrc)
    return {"NETRC": str(netrc), "CURL_HOME": str(home)}


@pytest.mark.row("A11")
def test_a_hostile_home_changes_nothing(scene: Scene, box: Box) -> None:
    """On this machine: the sandbox takes the key as it is, and the result comes."""
    scene.source("photo.png")
    scene.api(box)
    with RawServer(silent) as elsewhere:
        env = spoil_home(scene, elsewhere.url)
        scene.run("submit", "photo.png", "-o", "small.png", code=0, env=env)
        assert elsewhere.received == []
    assert box.stats()["accepted"] == 1


@pytest.mark.row("A11")
def test_a_hostile_home_changes_nothing_far_away(scene: Scene, away: Away) -> None:
    """Where the environment counts: one header of ours, with the key."""
    with RawServer(silent) as elsewhere:
        env = {**away.env, **spoil_home(scene, elsewhere.url)}
        scene.run("submit", "photo.png", code=0, env=env)
        assert elsewhere.received == []
    assert away.keys == [True]
