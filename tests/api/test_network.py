"""TLS, proxies, the environment and bodies that crawl."""

from __future__ import annotations

import base64
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from raw import Connection, RawServer, Script, message, says
from running import KEY

from compressor_cli.api.client import ApiClient
from compressor_cli.api.http import SLOW_SPAN, SLOWEST, Answer, Http, Timeouts, addresses, direct
from compressor_cli.api.trouble import Unreachable, translated
from compressor_cli.errors import (
    CompressorError,
    KeyProblem,
    MaybeAccepted,
    Refused,
    TemporaryTrouble,
    UsageProblem,
)

ID = "38a8bb5e-0001-4000-8000-000000000000"
CERTIFICATE = Path(__file__).parent.parent / "data" / "server.pem"
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
AWAY = "https://api.example/1.0"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' certificate is one that this machine trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))


def server_side() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def asked(url: str, call: Callable[[ApiClient], Any] | None = None) -> Any:
    """The outcome of a look, or of `call`."""
    client = ApiClient(
        api_url=url, key=KEY, timeouts=Timeouts(connect=1.0, read=1.0, submit_answer=1.0)
    )
    try:
        return (call or (lambda c: c.job(ID)))(client)
    except CompressorError as error:
        return error
    finally:
        client.close()


def fetched(client: ApiClient) -> Any:
    return client.fetch("https://h/x", headers={}, options={})


# TLS


def test_a_certificate_that_nobody_vouches_for() -> None:
    """Refused, with the reason, before any byte of a request, and without advice to look away."""
    with RawServer(says(message(200, {"id": ID})), tls=server_side()) as server:
        for call in (None, fetched):
            error = asked(server.url.replace("http:", "https:"), call)
            assert type(error) is Refused
            assert error.message.startswith(f"127.0.0.1:{server.port} cannot be trusted: self")
            assert "insecure" not in error.message + error.hint
        assert server.received == [b"", b""]


@pytest.mark.usefixtures("trusted")
def test_a_certificate_that_is_trusted() -> None:
    """Also on this machine."""
    with RawServer(says(message(200, {"id": ID})), tls=server_side()) as server:
        for host in ("127.0.0.1", "localhost"):
            assert asked(f"https://{host}:{server.port}").job.id == ID


@pytest.mark.usefixtures("trusted")
def test_a_certificate_for_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(proxy(CONNECTED, says(message(200, {"id": ID})))) as server:
        monkeypatch.setenv("HTTPS_PROXY", server.url)
        error = asked("https://other.example/1.0")
    assert type(error) is Refused
    assert error.message.startswith("other.example cannot be trusted: Hostname mismatch")


@pytest.mark.parametrize("call", [None, fetched])
def test_tls_to_a_port_that_speaks_none(call: Any) -> None:
    with RawServer(lambda c: c.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        error = asked(f"https://127.0.0.1:{server.port}", call)
        assert type(error) is Refused
        assert "no secure connection" in error.message
        assert KEY.encode() not in b"".join(server.received)


def test_a_port_that_hangs_up_on_tls() -> None:
    """That may pass."""
    with RawServer(lambda connection: connection.close_after(1)) as server:
        assert isinstance(asked(f"https://127.0.0.1:{server.port}"), TemporaryTrouble)


@pytest.mark.usefixtures("trusted")
def test_a_secure_connection_that_is_spoilt_later() -> None:
    """Nothing wrong with the server: a look is repeated, a whole submit may have been accepted."""

    def spoils(connection: Connection) -> None:
        connection.request()
        with open(connection.sock.fileno(), "wb", closefd=False, buffering=0) as wire:
            wire.write(b"\x17\x03\x03\x00\x20" + bytes(32))

    with RawServer(spoils, tls=server_side()) as server:
        url = f"https://127.0.0.1:{server.port}"
        assert type(asked(url)) is TemporaryTrouble
        assert type(asked(url, fetched)) is MaybeAccepted


# Names


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example"])
@pytest.mark.parametrize("call", [None, fetched])
def test_names_that_cannot_be_asked_for(host: str, call: Any) -> None:
    """The resolver's own complaint is none of our errors."""
    error = asked(f"https://{host}/1.0", call)
    assert type(error) in (Refused, Unreachable)
    assert host in error.message


def test_a_name_that_does_not_resolve() -> None:
    error = asked("https://no-such-name.invalid/1.0")
    assert type(error) is Unreachable
    assert error.message == "cannot connect to no-such-name.invalid: the name does not resolve"
    with pytest.raises(Unreachable):
        addresses("https://no-such-name.invalid/x?secret")


def test_addresses() -> None:
    assert addresses("https://127.0.0.1/x") == ["127.0.0.1"]
    assert addresses("https://[::1]:8443/x") == ["::1"]


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:5/1.0", True),
        ("http://localhost/1.0", True),
        ("http://[::1]:5/1.0", True),
        (AWAY, False),
        ("https://localhost.example/", False),
    ],
)
def test_urls_of_this_machine(url: str, local: bool) -> None:
    assert direct(url) is local


def test_errors_of_ours_pass_and_bugs_too() -> None:
    """Only the network's trouble is translated."""
    for error in (UsageProblem("x"), ZeroDivisionError()):
        with pytest.raises(type(error)), translated("https://h"):
            raise error


# Proxies


def proxy(answer: bytes, then: Script | None = None) -> Script:
    """Answer a CONNECT so, and be that server behind TLS."""

    def script(connection: Connection) -> None:
        connection.head()
        connection.send(answer)
        if then is not None:
            connection.received += b"|"
            connection.secure(server_side())
            then(connection)

    return script


CONNECTED = b"HTTP/1.1 200 Connection established\r\n\r\n"


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("auth", ["bearer", "basic"])
def test_a_proxy_is_used_and_does_not_learn_the_key(
    name: str, auth: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A ~/.netrc for the API's host changes nothing either."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine api.example login evil password evil\ndefault login e password e\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    received: list[bytes] = []

    def api(connection: Connection) -> None:
        received.append(connection.received)
        connection.received = b""
        received.append(connection.request())
        connection.send(message(200, {"id": ID}))

    with RawServer(proxy(CONNECTED, api)) as server:
        monkeypatch.setenv(name, f"http://u:pw@127.0.0.1:{server.port}")
        client = ApiClient(api_url=AWAY, key=KEY, auth=auth)
        assert client.job(ID).job.id == ID
        client.close()
    packed = base64.b64encode(f"{KEY}:".encode())
    connect, request = received
    assert connect.startswith(b"CONNECT api.example:443 ")
    assert KEY.encode() not in connect
    assert packed not in connect
    sent = b"Basic " + packed if auth == "basic" else f"Bearer {KEY}".encode()
    assert b"\r\nAuthorization: " + sent + b"\r\n" in request
    assert request.lower().count(b"authorization:") == 1


@pytest.mark.parametrize("call", [None, fetched])
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", KeyProblem),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", Unreachable),
        (b"", TemporaryTrouble),
    ],
)
def test_a_proxy_that_does_not_connect(
    answer: bytes, error: type[CompressorError], call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing reached the service; the proxy's password is not told."""
    with RawServer(proxy(answer)) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://u:hunter2@127.0.0.1:{server.port}")
        result = asked(AWAY, call)
    assert isinstance(result, error)
    assert "hunter2" not in result.message + result.hint


def test_a_proxy_has_no_place_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(says(message(200, {"id": ID}))) as server, RawServer(says(b"")) as other:
        for name in ("HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, other.url)
        assert asked(server.url).job.id == ID
        assert other.received == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTPS_PROXY", "garbage://x:y"),
        ("https_proxy", "http://127.0.0.1:x"),
        ("ALL_PROXY", "socks5://127.0.0.1:1"),
        ("ALL_PROXY", "socks4://hunter2@127.0.0.1:1"),
        ("NO_PROXY", "[::1]"),
        ("SSL_CERT_FILE", "/none"),
    ],
)
def test_an_environment_that_cannot_be_used(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable is named, its value is not."""
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageProblem) as caught:
        ApiClient(api_url=AWAY, key=KEY)
    told = caught.value.message + caught.value.hint
    assert name in told
    assert "hunter2" not in told


@pytest.mark.parametrize("name", ["ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE"])
def test_a_bad_environment_does_not_matter_on_this_machine(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "socks5://x")
    with RawServer(says(message(200, {"id": ID}))) as server:
        assert asked(server.url).job.id == ID


# Bodies


def crawling(rate: float, clock: list[float], seconds: float) -> Iterator[bytes]:
    """Chunks of a body that comes at `rate` bytes a second."""
    for _ in range(int(seconds)):
        clock[0] += 1.0
        yield bytes(int(rate))


@pytest.mark.parametrize(
    ("rate", "seconds", "given_up"),
    [
        (SLOWEST - 1, SLOW_SPAN, True),
        (SLOWEST, SLOW_SPAN * 20, False),
        (1, SLOW_SPAN - 1, False),
        (0, SLOW_SPAN * 2, True),
        (SLOWEST * 1000, SLOW_SPAN * 2, False),
    ],
)
def test_a_body_that_crawls(rate: float, seconds: float, given_up: bool) -> None:
    """Below 1 KiB a second over 30 s it is given up: one byte at a time would go on for ever."""
    clock = [0.0]
    chunks = crawling(rate, clock, seconds)
    answer = Answer(200, {}, "https://h/x?secret", chunks, clock=lambda: clock[0])
    if given_up:
        with pytest.raises(TemporaryTrouble, match="h sends too slowly"):
            list(answer.pieces())
    else:
        assert sum(map(len, answer.pieces())) == rate * seconds


def test_a_body_that_begins_fast_and_then_crawls() -> None:
    """The speed of each span counts, not that of the whole."""
    clock = [0.0]

    def chunks() -> Iterator[bytes]:
        yield bytes(10_000_000)
        yield from crawling(1, clock, SLOW_SPAN * 3)

    answer = Answer(200, {}, "https://h/x", chunks(), clock=lambda: clock[0])
    with pytest.raises(TemporaryTrouble):
        list(answer.pieces())
    assert clock[0] <= SLOW_SPAN * 2


def test_raw_bytes_come_as_they_are() -> None:
    """Also where the server encoded them, and names of headers in small."""
    answer = message(200, b"\x1f\x8bnot really", {"Content-Encoding": "gzip", "X-Y": "Z"})
    http = Http(timeouts=Timeouts(), api_url="http://127.0.0.1")
    with RawServer(says(answer)) as server:
        with http.exchange("GET", server.url, headers={}) as got:
            assert got.headers["x-y"] == "Z"
            assert got.read(100) == b"\x1f\x8bnot really"
        http.close()


# Answers whose head never ends


def floods(connection: Connection) -> None:
    """Interim answers, longer than anybody shall read them."""
    connection.request()
    end = time.monotonic() + 6.0
    while time.monotonic() < end:
        connection.sock.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")


def drips(connection: Connection) -> None:
    """A head of which a byte comes now and then."""
    connection.request()
    for byte in message(200, {"id": ID}, {"X-Padding": "x" * 500}):
        connection.sock.sendall(bytes([byte]))
        time.sleep(0.05)


@pytest.mark.parametrize("script", [floods, drips])
def test_a_head_that_never_ends_is_given_up(script: Script) -> None:
    """Something comes all the time, so no time-out for a single read ends it. It may pass."""
    begun = time.monotonic()
    with RawServer(script, says(message(200, {"id": ID}))) as server:
        error = asked(server.url)
        assert type(error) is TemporaryTrouble
        assert error.message == f"127.0.0.1:{server.port} does not answer: timed out"
        assert 1.0 <= time.monotonic() - begun < 3.0
        assert asked(server.url).job.id == ID


def test_a_submit_whose_head_never_ends_leaves_doubt() -> None:
    with RawServer(floods) as server:
        assert type(asked(server.url, fetched)) is MaybeAccepted


def test_the_time_for_a_head_begins_with_it_and_ends_with_it() -> None:
    """An upload and a body that take longer are none of its concern."""

    def takes_its_time(connection: Connection) -> None:
        connection.request()
        answer = message(200, {"id": ID})
        at = answer.index(b"{")
        for piece in (answer[:at], answer[at:-9], answer[-9:]):
            connection.sock.sendall(piece)
            time.sleep(0.7)

    with RawServer(takes_its_time) as server:
        assert asked(server.url).job.id == ID
