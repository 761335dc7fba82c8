"""Row A5: a server that cannot be trusted gets no byte of a request."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from raw import RawServer, message, says

from .certificates import Authority
from .scene import Scene

JOB = "38a8bb5e-0001-4000-8000-000000000000"
ANSWER = says(message(200, {"id": JOB, "status": "processing"}))
Served = Callable[[Authority], ssl.SSLContext]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def signed_by_itself(_: Authority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).parents[1] / "data" / "server.pem")
    return context


def expired(authority: Authority) -> ssl.SSLContext:
    return authority.server_side(end=datetime(2020, 2, 1, tzinfo=UTC))


def of_another_host(authority: Authority) -> ssl.SSLContext:
    return authority.server_side("other.example")


def of_old_protocol(authority: Authority) -> ssl.SSLContext:
    context = authority.server_side()
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


@pytest.mark.row("A5")
@pytest.mark.parametrize(
    "words", [["submit", "photo.png"], ["status", JOB]], ids=["submit", "status"]
)
@pytest.mark.parametrize(
    ("served", "host", "said"),
    [
        (signed_by_itself, "127.0.0.1", "{} cannot be trusted: self-signed certificate"),
        (expired, "127.0.0.1", "{} cannot be trusted: certificate has expired"),
        (of_another_host, "localhost", "{} cannot be trusted: Hostname mismatch"),
        (of_another_host, "127.0.0.1", "{} cannot be trusted: IP address mismatch"),
        (of_old_protocol, "127.0.0.1", "no secure connection to {}: tlsv1 alert protocol version"),
    ],
)
def test_a_server_that_cannot_be_trusted(
    scene: Scene, authority: Authority, served: Served, host: str, said: str, words: list[str]
) -> None:
    """Refused at the first try with host and reason, and no advice to look away."""
    scene.source("photo.png")
    with RawServer(ANSWER, tls=served(authority)) as server:
        scene.stranger(server)
        scene.api(f"https://{host}:{server.port}")
        env = {"SSL_CERT_FILE": str(authority.path)}
        done = scene.run(*words, code=6, within=3, env=env)
        assert server.received == [b""]
    (told,) = done.stderr.splitlines()
    assert said.format(f"{host}:{server.port}") in told
    assert "insecure" not in told
    assert len(told) < 200


@pytest.mark.row("A5")
def test_a_server_that_can_be_trusted(scene: Scene, authority: Authority) -> None:
    """By the same authority: what is refused above is refused for its own reason."""
    with RawServer(ANSWER, tls=authority.server_side()) as server:
        scene.api(f"https://127.0.0.1:{server.port}")
        env = {"SSL_CERT_FILE": str(authority.path)}
        assert scene.run("status", JOB, code=0, env=env).stdout == f"{JOB}\tprocessing\n"
        assert len(server.received) == 1
