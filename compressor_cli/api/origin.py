"""Which URLs we talk to: the API's own, and the ones that the service gives for an output.

The API's URL is the user's word and must only be well-formed and private in transit. An output's
URL is the service's word: it must not lead us to this machine or into the local network.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from compressor_cli.errors import Refused, UsageProblem

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_VISIBLE = re.compile(r"[\x21-\x7e]{1,2048}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_AUTHORITY = re.compile(r"(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{0,5})?")
_SHOWN_AUTHORITY = re.compile(r"(?:[^@:\\\[\]\s]*|\[[^\s@\[\]]*\])(?::[0-9]*)?")
_NUMERIC_LABEL = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def check_api_url(text: str, *, source: str) -> str:
    """The API's base URL in its one spelling: no trailing slash, no default port, host in small.

    https, or http to this machine itself (127.0.0.0/8, ::1, localhost). Raises UsageProblem, which
    names `source` (where the text came from) and never repeats the text: it may hold a password.
    """
    try:
        if not _VISIBLE.fullmatch(text):
            raise ValueError("must be a URL without spaces, control or non-ASCII characters")
        if "?" in text or "#" in text:
            raise ValueError("must not have a query (?) or a fragment (#)")
        parts = _split(text)
        scheme, host, port = _origin(parts)
        if scheme == "http" and not is_loopback_host(host):
            raise ValueError("must begin with https:// (plain http is for this machine only)")
    except ValueError as error:
        raise UsageProblem(
            f"the API URL from {source} {error}", hint="for example: https://api.compressor.app/1.0"
        ) from None
    authority = f"[{host}]" if ":" in host else host
    if port != _DEFAULT_PORTS[scheme]:
        authority += f":{port}"
    return f"{scheme}://{authority}{parts.path.rstrip('/')}"


def _split(url: str) -> SplitResult:
    """The parts of an absolute http(s) URL whose authority has one meaning to every parser.

    Raises ValueError with a reason that completes "the URL …" and holds nothing of the URL.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("is malformed") from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise ValueError("must begin with https://")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user name or password")
    if not _AUTHORITY.fullmatch(parts.netloc):
        raise ValueError("has no valid host and port")
    return parts


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    try:
        host, port = parts.hostname or "", parts.port
        if ":" in host:
            host = str(ipaddress.IPv6Address(host))
    except ValueError:
        raise ValueError("has no valid host and port") from None
    if port == 0 or not host.strip("."):
        raise ValueError("has no valid host and port")
    return parts.scheme, host, _DEFAULT_PORTS[parts.scheme] if port is None else port


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of an absolute http(s) URL, in one spelling. Raises ValueError."""
    return _origin(_split(url))


def same_origin(a: str, b: str) -> bool:
    """Whether both URLs lead to the same scheme, host and port; a malformed one equals none."""
    try:
        return origin(a) == origin(b)
    except ValueError:
        return False


def is_loopback_host(host: str) -> bool:
    """Whether this is plainly this machine: 127.0.0.0/8 as four numbers, ::1, or `localhost`."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


def shown(url: str) -> str:
    """The URL as it may be printed and kept: no user, password, query or fragment. Never raises.

    What cannot be told apart from a password is left out. Still foreign text when shown.
    """
    text = re.split(r"[?#]", url, maxsplit=1)[0]
    scheme, slashes, rest = text.partition("//")
    if not slashes:
        return text.rpartition("@")[2]
    authority, slash, path = rest.partition("/")
    host = authority.rpartition("@")[2]
    if "@" in scheme or not _SHOWN_AUTHORITY.fullmatch(host):
        return "…"
    path = re.sub(r"//[^/]*@", "//", path)  # a URL in a URL, as proxies for images take them
    return f"{scheme}//{host}{slash}{path}"


def check_output_url(url: str, *, api_url: str) -> str:
    """The output's URL, unchanged, if it may be fetched; else Refused, without its query.

    https to a public host; to the API's own origin always; to this machine (http too) only when
    the API is on this machine. Names must still pass `check_resolved` once they are looked up.
    """
    try:
        if _CONTROL.search(url) or url != url.strip():
            raise ValueError("holds spaces or control characters")
        scheme, host, _ = origin(url)
        if not same_origin(url, api_url):
            _check_host(scheme, host, local=_is_local(api_url))
    except ValueError as error:
        raise Refused(f"the output's URL {error}: {shown(url)}") from None
    return url


def _check_host(scheme: str, host: str, *, local: bool) -> None:
    name = host.rstrip(".").lower()
    address = _literal(name)
    loopback = (
        name == "localhost" or name.endswith(".localhost")
        if address is None
        else address.is_loopback
    )
    if loopback and local:
        return
    if scheme != "https":
        raise ValueError("must begin with https://")
    if loopback or (address is not None and not _is_public(address)):
        raise ValueError("leads into this machine or a private network")


def _is_local(api_url: str) -> bool:
    return is_loopback_host(origin(api_url)[1])


def _literal(name: str) -> _Address | None:
    """The address that a host spells, in any way that a resolver takes as a number; else None."""
    if ":" in name:
        return _embedded(ipaddress.IPv6Address(name))
    if not _NUMERIC_LABEL.fullmatch(name.rpartition(".")[2]):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(name))
    except OSError:
        raise ValueError("has no valid host and port") from None


def _embedded(address: _Address) -> _Address:
    """The IPv4 address inside an IPv6 one that only carries it (mapped, 6to4, NAT64), else itself.

    Networks with IPv6 only reach every IPv4 host so: such an address is as good as its inside.
    """
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_public(address: _Address) -> bool:
    # is_global alone calls multicast and site-local addresses global, and some reserved blocks on
    # older Pythons.
    site_local = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    return address.is_global and not (
        site_local
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or address.is_loopback
        or address.is_link_local
    )


def check_resolved(addresses: Iterable[str], *, api_url: str) -> None:
    """Raises Refused unless every address that an output's host resolved to is public.

    This machine's own addresses pass when the API is on this machine. Not for the API's own host:
    that one is the user's word.
    """
    local = _is_local(api_url)
    for text in addresses:
        try:
            address = _embedded(ipaddress.ip_address(text))
        except ValueError:
            raise Refused("the output's host has an address that cannot be understood") from None
        if not (_is_public(address) or (local and address.is_loopback)):
            raise Refused("the output's URL leads into this machine or a private network")
