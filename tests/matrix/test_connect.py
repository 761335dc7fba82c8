"""Rows A1 to A4 and A6: no connection comes about, or the other end speaks something else."""

from __future__ import annotations

import shlex
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from raw import Connection, RawServer, closed_port, message, says
from running import Box, Result

from .gateway import Gateway
from .injected import Injected
from .proxy import Proxy
from .scene import Scene
from .tools import needs_own_network

JOB = "38a8bb5e-0001-4000-8000-000000000000"
AWAY = "https://api.example/1.0"
BLACK_HOLE = (
    "ip tuntap add mode tun name hole && ip address add 192.0.2.1/24 dev hole"
    " && ip link set hole up && mount --bind {resolv} /etc/resolv.conf && "
)
"""A network of which nothing ever comes back; its name server, too, is in there."""
NOT_SENT = (
    "compressor: nothing was accepted within {} s\n  not sent yet: compressor submit -- photo.png\n"
)


@pytest.mark.row("A1")
def test_a_service_that_comes_up_late(scene: Scene, box: Box) -> None:
    """Refused at first; then all goes well, with one accepted POST."""
    scene.source("photo.png")
    with Proxy(box.origin, up=False) as proxy:
        scene.api(proxy.url)
        going = scene.start("submit", "photo.png", "-o", "small.png")
        going.says("next try")
        proxy.open()
        scene.held(going.ended(), code=0)
    assert box.stats()["accepted"] == 1


@pytest.mark.row("A1")
def test_a_service_that_is_there_at_the_third_try(scene: Scene, box: Box) -> None:
    """Refused twice, and the pauses grow, with jitter."""
    scene.source("photo.png")
    fault = Injected(scene.compressor.home / "strace", "connect:error=ECONNREFUSED:when=1..2")
    begun = time.monotonic()
    done = scene.shell(f"{fault.prefix} compressor submit photo.png", code=0)
    assert time.monotonic() - begun > 1.0
    assert fault.fired == 2
    assert "Connection refused; next try in" in done.stderr
    assert box.stats()["accepted"] == 1


@pytest.mark.row("A2")
@pytest.mark.slow
def test_nobody_listens(scene: Scene) -> None:
    """Five tries, and one clear line with host and port at the end."""
    scene.source("photo.png")
    port = closed_port()
    scene.api(f"http://127.0.0.1:{port}")
    done = scene.run("submit", "photo.png", code=5, within=60)
    assert done.stderr.endswith(
        f"compressor: photo.png: cannot connect to 127.0.0.1:{port}: Connection refused\n"
        "  tried 5 times: run it again later\n"
    )


@pytest.mark.row("A2")
@pytest.mark.parametrize("words", [["auth", "status"], ["submit", "photo.png", "--timeout", "1s"]])
def test_nobody_listens_for_a_moment(scene: Scene, words: list[str]) -> None:
    """A question is asked once; a submit goes on for as long as it may."""
    scene.source("photo.png")
    port = closed_port()
    scene.api(f"http://127.0.0.1:{port}")
    done = scene.run(*words, code=5, within=3)
    assert f"cannot connect to 127.0.0.1:{port}: Connection refused" in done.stderr.splitlines()[0]
    if words[0] == "submit":
        assert done.stderr.endswith(NOT_SENT.format(1))


def in_own_network(scene: Scene, words: str, before: str, *, code: int, within: float) -> Result:
    """Run the command in a network namespace of its own, after `before`."""
    needs_own_network()
    if "tuntap" in before and not Path("/dev/net/tun").exists():
        pytest.skip("this machine makes no tun devices")
    script = f"exec unshare -nm sh -c {shlex.quote(before + 'exec compressor ' + words)}"
    return scene.shell(script, code=code, within=within)


def black_hole(scene: Scene) -> str:
    """What makes all networks a black hole."""
    resolv = scene.compressor.home / "resolv.conf"
    resolv.write_text("nameserver 192.0.2.53\n")
    return BLACK_HOLE.format(resolv=shlex.quote(str(resolv)))


@pytest.mark.row("A3")
@pytest.mark.parametrize("words", ["auth status", "submit photo.png --timeout 1s"])
def test_a_name_that_does_not_resolve(scene: Scene, words: str) -> None:
    """There is no network at all: the name is told, and the deadline holds."""
    scene.source("photo.png")
    scene.api(AWAY)
    done = in_own_network(scene, words, "", code=5, within=3)
    said = "cannot connect to api.example: the name does not resolve"
    assert said in done.stderr.splitlines()[0]
    if words.startswith("submit"):
        assert done.stderr.endswith(NOT_SENT.format(1))


@pytest.mark.row("A3")
@pytest.mark.parametrize(
    ("words", "code"),
    [("submit photo.png --timeout 1s", 5), (f"wait {JOB} --timeout 1s", 10)],
    ids=["submit", "wait"],
)
def test_a_resolver_that_hangs(scene: Scene, words: str, code: int) -> None:
    """It cannot be interrupted, but the command ends by its deadline and says how to go on."""
    scene.source("photo.png")
    scene.api(AWAY)
    done = in_own_network(scene, words, black_hole(scene), code=code, within=3)
    if code == 5:
        assert done.stderr == NOT_SENT.format(1)
    else:
        assert done.commands == [f"compressor wait {JOB}"]


@pytest.mark.row("A4")
def test_packets_that_vanish(scene: Scene) -> None:
    """No answer to the first packet of a connection: the command ends by its deadline."""
    scene.source("photo.png")
    scene.api("https://192.0.2.2")
    words = "submit photo.png --timeout 1s"
    done = in_own_network(scene, words, black_hole(scene), code=5, within=3)
    assert done.stderr == NOT_SENT.format(1)


@contextmanager
def full_house() -> Iterator[socket.socket]:
    """A listener that can hold no more connections: the system drops what comes."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        with socket.create_connection(listener.getsockname()):
            yield listener


@pytest.mark.row("A4")
@pytest.mark.slow
def test_a_connection_that_takes_too_long_is_tried_again(scene: Scene) -> None:
    """After 10 s; when the deadline comes, what is left to do is told."""
    scene.source("photo.png")
    with full_house() as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        scene.api(f"http://{address}")
        done = scene.run("submit", "photo.png", "--timeout", "12s", code=5, within=13)
    first, _, rest = done.stderr.partition("\n")
    assert first.startswith(f"photo.png: cannot connect to {address}: timed out; next try in ")
    assert rest == NOT_SENT.format(12)


def answers_at_once(connection: Connection) -> None:
    """As servers do that were greeted in a language they do not speak."""
    connection.read(1)
    connection.send(message(400, b"what?"))


WORDS = pytest.mark.parametrize(
    "words", [["submit", "photo.png"], ["status", JOB]], ids=["submit", "status"]
)


@pytest.mark.row("A6")
@WORDS
def test_https_to_a_port_that_speaks_plain_http(scene: Scene, words: list[str]) -> None:
    """That is told at once, and nothing but the greeting went there, least of all the key."""
    scene.source("photo.png")
    with RawServer(answers_at_once) as server:
        scene.stranger(server)
        scene.api(server.url.replace("http:", "https:"))
        done = scene.run(*words, code=6, within=3)
        (received,) = server.received
    assert received == b"\x16"
    said = f"no secure connection to 127.0.0.1:{server.port}: wrong version number"
    assert f"{said} (not TLS, or an old protocol)\n" in done.stderr


@pytest.mark.row("A6")
def test_https_to_the_service_on_plain_http(scene: Scene, box: Box) -> None:
    scene.source("photo.png")
    scene.api(box.url.replace("http:", "https:"))
    done = scene.run("submit", "photo.png", code=6, within=3)
    assert "(not TLS, or an old protocol)" in done.stderr
    assert box.requests == []


@pytest.mark.row("A6")
@WORDS
def test_plain_http_to_a_port_that_speaks_tls(scene: Scene, words: list[str]) -> None:
    """Possible on this machine only. TLS says that it understood nothing."""
    scene.source("photo.png")
    with RawServer(says(b"\x15\x03\x01\x00\x02\x02\x46")) as server:
        scene.api(server)
        done = scene.run(*words, code=6, within=3)
        assert len(server.received) == 1
    assert f"127.0.0.1:{server.port} does not speak HTTP (or expects TLS)\n" in done.stderr


@pytest.mark.row("A6")
@WORDS
def test_plain_http_to_the_secure_port_of_nginx(
    scene: Scene, tmp_path_factory: pytest.TempPathFactory, words: list[str]
) -> None:
    """It answers 400 in plain HTTP; its page is not shown."""
    scene.source("photo.png")
    port, pem = closed_port(), Path(__file__).parents[1] / "data" / "server.pem"
    rules = f"listen 127.0.0.1:{port} ssl; ssl_certificate {pem}; ssl_certificate_key {pem};"
    with Gateway(tmp_path_factory.mktemp("nginx"), rules) as nginx:
        scene.api(f"http://127.0.0.1:{port}")
        done = scene.run(*words, code=6, within=3)
        assert [answered[-3:] for answered in nginx.answered()] == ["400"]
    assert done.stderr.endswith(": the service answered 400\n")
