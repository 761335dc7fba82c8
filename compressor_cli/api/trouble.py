"""What a failure of the network means: httpx's and the system's errors as ours.

No URL query, header or key is in the text. `Unreachable`: nothing of the request left this machine.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import httpx

from compressor_cli.api.origin import shown
from compressor_cli.errors import (
    BadAnswer,
    CompressorError,
    KeyProblem,
    Refused,
    TemporaryTrouble,
)

_E = TypeVar("_E", bound=BaseException)
_BINARY = "illegal request line"  # h11 again: what came begins with a control character
_NOT_HTTP = re.compile(r"illegal (?:status|request) line")  # in h11's words, for the first line


class Unreachable(TemporaryTrouble):
    """No connection came about: nothing of the request was sent."""


class NotHttp(Refused):
    """What answered does not speak HTTP. `binary`: nor anything near it, as TLS, which refuses
    what it does not understand; a damaged answer in text may be that of a service that accepted."""

    def __init__(self, name: str, *, binary: bool) -> None:
        super().__init__(f"{name} does not speak HTTP (or expects TLS)")
        self.binary = binary


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Turn what goes wrong inside, talking to `url`, into one of our errors."""
    try:
        yield
    except CompressorError:
        raise
    except UnicodeError:  # a name that cannot be asked for, as one with a label of 64 letters
        raise Refused(f"cannot connect to {host(url)}: not a usable host name") from None
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError) as error:
        raise _ours(error, host(url)) from None


def _ours(error: Exception, name: str) -> CompressorError:
    secure = _cause(error, ssl.SSLError)
    connecting = isinstance(error, httpx.ConnectError)  # later it is a connection that broke
    if secure is not None and connecting and not isinstance(secure, ssl.SSLEOFError):
        return _tls_refused(secure, name)
    if isinstance(error, httpx.ProxyError):
        code = str(error)[:3]
        if code in ("401", "407"):  # tinyproxy says 401 to a wrong password
            return KeyProblem(f"the proxy wants a user name and password ({code})")
        return Unreachable(f"the proxy does not connect us to {name}")
    if isinstance(error, socket.gaierror | httpx.ConnectError | httpx.ConnectTimeout):
        return Unreachable(f"cannot connect to {name}: {_reason(error)}")
    if isinstance(error, httpx.PoolTimeout):
        return Unreachable(f"too many connections to {name} at once")
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return BadAnswer(f"{name} cannot be asked: not a usable URL")
    if isinstance(error, httpx.TimeoutException):
        return TemporaryTrouble(f"{name} does not answer: timed out")
    if isinstance(error, httpx.RemoteProtocolError) and _NOT_HTTP.search(str(error)):
        return NotHttp(name, binary=str(error) == _BINARY)
    return TemporaryTrouble(f"the connection to {name} broke: {_reason(error)}")


def _tls_refused(error: ssl.SSLError, name: str) -> Refused:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Refused(f"{name} cannot be trusted: {error.verify_message}")
    reason = (error.reason or "handshake failed").replace("_", " ").lower()
    return Refused(f"no secure connection to {name}: {reason} (not TLS, or an old protocol)")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _cause(error: BaseException, kind: type[_E]) -> _E | None:
    return next((link for link in _chain(error) if isinstance(link, kind)), None)


def _reason(error: Exception) -> str:
    """What the operating system said, without addresses, URLs or headers in it."""
    if _cause(error, socket.gaierror) is not None:
        return "the name does not resolve"
    for link in _chain(error):
        if isinstance(link, TimeoutError | httpx.TimeoutException):
            return "timed out"
        if isinstance(link, OSError) and link.strerror:
            return link.strerror
    return "closed without an answer" if "disconnected" in str(error) else type(error).__name__


def host(url: str) -> str:
    """The host and port of a URL, for messages."""
    return shown(url).partition("://")[2].partition("/")[0]
