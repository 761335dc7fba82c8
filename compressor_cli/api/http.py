"""HTTP itself: with trouble.py the only file that names httpx, to keep a swap one small diff.

Every failure of the network comes out as one of our errors (see trouble.py).
"""

from __future__ import annotations

import math
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Protocol

import httpcore
import httpx

from compressor_cli import __version__
from compressor_cli.api.headers import content_length
from compressor_cli.api.origin import is_loopback_host
from compressor_cli.api.trouble import host, translated
from compressor_cli.errors import BadAnswer, TemporaryTrouble, UsageProblem

SLOWEST = 1024
"""A body slower than this, in bytes a second over SLOW_SPAN seconds, is given up."""
SLOW_SPAN = 30.0
BULK = 1024 * 1024
"""Bytes: where more than this are to come, they are read past the parser."""
_READ = 256 * 1024

_PROXY_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds without any progress after which a request is given up.

    `read` (of a request with a body: `submit_answer`) is also the time for all of an answer's head.
    """

    connect: float = 10.0
    write: float = 60.0
    read: float = 30.0
    submit_answer: float = 180.0  # small files are compressed while the connection is held open


class Body(Protocol):
    """A request body of known length that knows whether its last byte was handed over."""

    length: int
    content_type: str
    complete: bool

    def __iter__(self) -> Iterator[bytes]: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer whose body is still to be read. Header names are lower case."""

    status: int
    headers: dict[str, str]
    url: str
    chunks: Iterator[bytes]
    clock: Callable[[], float] = time.monotonic

    def pieces(self) -> Iterator[bytes]:
        """The body as it comes, undecoded. Raises TemporaryTrouble when it breaks or crawls."""
        since, received = self.clock(), 0
        with translated(self.url):
            for chunk in self.chunks:
                yield chunk
                received += len(chunk)
                span = self.clock() - since
                if span >= SLOW_SPAN:
                    if received < SLOWEST * span:
                        raise TemporaryTrouble(f"{host(self.url)} sends too slowly")
                    since, received = self.clock(), 0

    def read(self, limit: int) -> bytes:
        """The whole body. Raises BadAnswer when it is longer than `limit` bytes."""
        body = bytearray()
        for piece in self.pieces():
            body += piece
            if len(body) > limit:
                raise BadAnswer(f"{host(self.url)} sent an answer without end")
        return bytes(body)


class Http:
    """Connections to servers, safe to use from many threads; keeps no cookies.

    `keep_alive` False gives each request a connection of its own: a POST must not ride on one
    that died unseen, for then nobody knows whether it arrived. An `api_url` on loopback is asked
    without a proxy, and over plain http without loading certificates, which takes a while.
    """

    def __init__(self, *, timeouts: Timeouts, api_url: str, keep_alive: bool = True) -> None:
        self._timeouts = timeouts
        self._client = _client(timeouts, api_url=api_url, keep_alive=keep_alive)

    def close(self) -> None:
        self._client.close()

    @contextmanager
    def exchange(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str],
        body: Body | None = None,
    ) -> Iterator[Answer]:
        """Send one request and yield the answer, redirects and all; nothing is repeated."""
        own = dict(headers)
        timeout = httpx.Timeout(self._timeouts.read, connect=self._timeouts.connect)
        if body is not None:
            own |= {"Content-Type": body.content_type, "Content-Length": str(body.length)}
            timeout = httpx.Timeout(
                self._timeouts.submit_answer,
                connect=self._timeouts.connect,
                write=self._timeouts.write,
            )
        with translated(url):
            request = self._client.build_request(
                method, url, headers=own, content=body, timeout=timeout
            )
            waits = request.extensions["timeout"]
            seconds, waits["read"] = waits["read"], _CountDown(waits["read"])
            response = self._client.send(request, stream=True)
            waits["read"] = seconds
        try:
            lowered = {name.lower(): value for name, value in response.headers.items()}
            yield Answer(response.status_code, lowered, url, _body(response, self._timeouts.read))
        finally:
            response.close()


class _CountDown:
    """A time-out for everything that is read from now on, and not for each piece anew.

    Without it interim answers or single bytes would be read for ever. httpx hands its time-out to
    the socket before each read, which takes any whole number: this one is of the seconds left.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end: float | None = None

    def __index__(self) -> int:
        now = time.monotonic()
        self._end = self._end or now + self._seconds
        if now > self._end:
            raise TimeoutError
        return max(1, math.ceil(self._end - now))


def _body(response: httpx.Response, timeout: float) -> Iterator[bytes]:
    """The body as it comes, undecoded. The bulk of a long one is read from the connection itself.

    The parser takes what it is fed in small pieces and copies each, which costs more than the
    network. It is empty whenever it has handed over a piece; and a connection of whose body it did
    not see the end is not used again.
    """
    left = content_length(response.headers.get("content-length"))
    plain = left is not None and "transfer-encoding" not in response.headers
    through_parser = response.iter_raw()
    for piece in through_parser:
        yield piece
        left = (left or 0) - len(piece)
        if plain and left > BULK:
            break
    else:
        return
    stream = response.extensions["network_stream"]
    while left > 0:
        try:
            piece = stream.read(min(left, _READ), timeout)
        except httpcore.TimeoutException as error:
            raise httpx.ReadTimeout(str(error)) from error
        except httpcore.NetworkError as error:
            raise httpx.ReadError(str(error)) from error
        if not piece:
            raise httpx.RemoteProtocolError("closed in the middle of a body")
        yield piece
        left -= len(piece)


def _client(timeouts: Timeouts, *, api_url: str, keep_alive: bool) -> httpx.Client:
    limits = httpx.Limits(max_keepalive_connections=20 if keep_alive else 0, keepalive_expiry=4.0)
    headers = {
        "User-Agent": f"compressor-cli/{__version__}",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
    }
    try:
        return httpx.Client(
            verify=_trust(api_url),
            trust_env=not direct(api_url),
            follow_redirects=False,
            timeout=httpx.Timeout(timeouts.read, connect=timeouts.connect),
            limits=limits,
            headers=headers,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )
    except (ImportError, ValueError, OSError, httpx.InvalidURL):
        named = [name for name in _PROXY_VARIABLES if os.environ.get(name)]
        named += [name.lower() for name in _PROXY_VARIABLES if os.environ.get(name.lower())]
        raise UsageProblem(
            "the environment's proxy settings cannot be used: check "
            + (", ".join(named) or "the proxy variables"),
            hint="a proxy is given as http://HOST:PORT (SOCKS is not supported), and NO_PROXY as "
            "names and addresses without brackets",
        ) from None


def _trust(api_url: str) -> ssl.SSLContext:
    """The system's certificates; certifi's where the system has none; nothing for plain http."""
    if api_url.startswith("http://"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    named = os.environ.get("SSL_CERT_FILE")
    if named and not Path(named).is_file():
        raise UsageProblem("the environment variable SSL_CERT_FILE names no file")
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not context.cert_store_stats()["x509_ca"] and not (paths.cafile or paths.capath):
        import certifi

        context.load_verify_locations(certifi.where())
    return context


def direct(url: str) -> bool:
    """Whether this URL is on loopback, where no proxy has a place."""
    return is_loopback_host(httpx.URL(url).host)


def addresses(url: str) -> list[str]:
    """The addresses that a URL's host resolves to. Raises Unreachable when it does not resolve."""
    parts = httpx.URL(url)
    with translated(url):
        found = socket.getaddrinfo(parts.host, parts.port or 443, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]
