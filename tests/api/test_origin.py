"""Which URLs are talked to."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compressor_cli.api.origin import (
    check_api_url,
    check_output_url,
    check_resolved,
    is_loopback_host,
    origin,
    same_origin,
    shown,
)
from compressor_cli.errors import Refused, UsageProblem

API = "https://api.compressor.app/1.0"
TEXT = st.text(max_size=60) | st.text(alphabet="a1/:@?#[]\\%. \x00\ud800\udcffé", max_size=60)
LOCAL = "http://127.0.0.1:8080/1.0"
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
IPV4 = st.ip_addresses(v=4) | st.sampled_from(
    ["127.0.0.1", "10.0.0.1", "172.31.9.9", "192.168.1.1", "169.254.169.254", "0.0.0.0", "1.1.1.1"]
).map(ipaddress.IPv4Address)
NEAR = st.sampled_from(
    ["::1", "::", "fc00::", "fe80::", "fec0::", "ff02::", "2001:db8::", "2606:4700::", "::ffff:0:0"]
).flatmap(
    lambda text: st.integers(0, 0xFFFFFFFF).map(
        lambda more: ipaddress.IPv6Address(int(ipaddress.IPv6Address(text)) | more)
    )
)


@pytest.mark.parametrize(
    ("text", "checked"),
    [
        (API, API),
        (API + "///", API),
        ("HTTPS://API.Compressor.app:443/1.0/", API),
        ("https://h", "https://h"),
        ("https://h:/", "https://h"),
        ("https://h:8443/a/b", "https://h:8443/a/b"),
        ("http://localhost:80/1.0", "http://localhost/1.0"),
        ("http://127.9.9.9:1/", "http://127.9.9.9:1"),
        ("http://[::1]:8080/1.0", "http://[::1]:8080/1.0"),
        ("https://[2001:DB8::0:1]/", "https://[2001:db8::1]"),
    ],
)
def test_api_url_has_one_spelling(text: str, checked: str) -> None:
    """However it is written, the same API is the same text; once checked it stays."""
    assert check_api_url(text, source="x") == checked
    assert check_api_url(checked, source="x") == checked


@pytest.mark.parametrize(
    "text",
    [
        "",
        " https://h",
        "https://h\n",
        "https://h/a b",
        "https://h/\x00",
        "https://ä.example/",
        "api.compressor.app/1.0",
        "//h/1.0",
        "https:h",
        "https://",
        "https:///1.0",
        "https://./1.0",
        "https://:443/1.0",
        "https://h:0/",
        "https://h:65536/",
        "https://h:x/",
        "https://h:99999999/",
        "https://hunter2@h/",
        "https://u:hunter2@h/",
        "https://@h/",
        "https://u:hunter2?x@h/",
        "https://h/?k=hunter2",
        "https://h/?",
        "https://h/#",
        "https://[::1/",
        "https://[::g]/",
        "https://[1:2]/",
        "https://[fe80::1%25eth0]/",
        "https://h\\@hunter2/",
        "https://%31.0.0.1/",
        "http://h/1.0",
        "http://127.1/1.0",
        "http://127.0.0.1.example/1.0",
        "http://localhost.example/1.0",
        "http://10.0.0.1/1.0",
        "http://[::ffff:127.0.0.1]/",
        "file:///etc/passwd",
        "ftp://h/1.0",
        "https://h/" + "a" * 2048,
    ],
)
def test_api_url_refused(text: str) -> None:
    """What is not plainly an https URL, or http to this machine, is refused and not repeated."""
    with pytest.raises(UsageProblem) as caught:
        check_api_url(text, source="option --api-url")
    assert "option --api-url" in caught.value.message
    assert "hunter2" not in caught.value.message + caught.value.hint


def test_origins() -> None:
    """Origins compare by scheme, host and port; what is malformed equals nothing."""
    assert origin("https://H.example/x?y") == ("https", "h.example", 443)
    assert origin("http://[0::1]") == ("http", "::1", 80)
    assert same_origin(API, "https://API.compressor.app:443/other?x")
    assert not same_origin(API, "http://api.compressor.app/1.0")
    assert not same_origin(API, "https://api.compressor.app:8443/1.0")
    assert not same_origin(API, "https://api.compressor.app./1.0")
    assert not same_origin(API, "https://u@api.compressor.app/")
    assert not same_origin("https://[", "https://[")
    assert not same_origin("https://api.compressor.app\\@evil.example", API)


def test_loopback_hosts() -> None:
    """Only plain spellings are this machine."""
    assert all(map(is_loopback_host, ("localhost", "LOCALHOST", "127.0.0.1", "::1", "[::1]")))
    assert not any(map(is_loopback_host, ("", "127.1", "::", "10.0.0.1", "localhost.example")))


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://u:pw@h:1/p/q?sig=1#f", "https://h:1/p/q"),
        ("https://h/@scope/x", "https://h/@scope/x"),
        ("https://[::1]:1/p", "https://[::1]:1/p"),
        ("https://u:p/w@h/x", "…"),
        ("https://u:p?w@h/x", "…"),
        ("https://u:p@w@h/x", "https://h/x"),
        ("https://h/https://u:pw@g/x", "https://h/https://g/x"),
        ("//u:pw@h/p?q", "//h/p"),
        ("u:pw@h", "h"),
        ("photo.jpg", "photo.jpg"),
        ("https://", "https://"),
        ("a@b//c", "…"),
        ("", ""),
    ],
)
def test_shown_leaves_out_secrets(url: str, text: str) -> None:
    """User, password, query and fragment are left out, and what may be a part of them."""
    assert shown(url) == text


@given(TEXT)
def test_nothing_raises_anything_unexpected(text: str) -> None:
    """Any text has something to show, and is an output's URL, or Refused, or not a URL of ours."""
    shown(text)
    shown("https://" + text)
    same_origin(text, "https://" + text)
    for url in (text, "https://" + text):
        with pytest.raises(UsageProblem):
            check_api_url(url + "?", source="x")
        try:
            assert check_output_url(url, api_url=API) == url
        except Refused as error:
            assert "?" not in error.message  # noqa: PT017 - either is right


@given(
    st.text(alphabet="abc123", min_size=1),
    st.text(alphabet="abcXYZ-_~!$&'()*+,;=:%@", min_size=1),
)
def test_userinfo_and_query_are_never_shown(user: str, secret: str) -> None:
    """A password without / ? # in it never gets out, nor a query."""
    marked = f"SECRET{secret}"
    assert shown(f"https://{user}:{marked}@h/p?{marked}#{marked}") == "https://h/p"


@pytest.mark.parametrize(
    "url",
    [
        "https://api.compressor.app/1765712100/x/image.jpeg",
        "https://bucket.s3.amazonaws.com/a%20b?X-Amz-Signature=1&x=@",
        "https://h:8443/p with space/ö.png",
        "https://1.1.1.1/x",
        "https://[2606:4700:4700::1111]/x",
        "https://[64:ff9b::101:101]/x",
        "https://under_score.example./x",
    ],
)
def test_output_url_of_a_public_host(url: str) -> None:
    """Public hosts pass unchanged, wherever they are."""
    assert check_output_url(url, api_url=API) == url
    assert check_output_url(url, api_url=LOCAL) == url


FORBIDDEN = [
    "",
    "//h/x",
    "/x",
    "file:///etc/passwd",
    "ftp://h/x",
    "gopher://h/x",
    "http://storage.example/x",
    "https://u:hunter2@h/x",
    "https://h:0/x",
    "https://h:70000/x",
    "https:///x",
    "https://h\\.example/x",
    "https://h/\x00",
    "https://h/\n",
    " https://h/x",
    "https://h/\ud800",
    "https://１２７.0.0.1/x",
    "https://%6c%6f/x",
    "https://[fe80::1%25eth0]/x",
    "https://169.254.169.254/latest/meta-data?hunter2",
    "https://10.0.0.1/x",
    "https://192.168.1.1/x",
    "https://172.16.0.1/x",
    "https://100.64.0.1/x",
    "https://0.0.0.0/x",
    "https://0/x",
    "https://224.0.0.1/x",
    "https://240.0.0.1/x",
    "https://255.255.255.255/x",
    "https://[::]/x",
    "https://[fc00::1]/x",
    "https://[fe80::1]/x",
    "https://[fec0::1]/x",
    "https://[ff02::1]/x",
    "https://[::ffff:10.0.0.1]/x",
    "https://[64:ff9b::10.0.0.1]/x",
    "https://[2002:a00:1::]/x",
    "https://0xa.1/x",
    "https://012.0.0.1/x",
    "https://256.1.1.1/x",
    "https://1.2.3.4.5/x",
    "https://08.0.0.1/x",
]


@pytest.mark.parametrize("api_url", [API, LOCAL])
@pytest.mark.parametrize("url", FORBIDDEN)
def test_output_url_refused(url: str, api_url: str) -> None:
    """No honest service names these, and nothing of a query or password is repeated."""
    with pytest.raises(Refused) as caught:
        check_output_url(url, api_url=api_url)
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1.",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "0x7f000001",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "localhost",
        "LocalHost.",
        "a.localhost",
    ],
)
def test_output_on_this_machine(host: str) -> None:
    """This machine, however it is spelled, only when the API is here too; then http will do."""
    for scheme in ("http", "https"):
        url = f"{scheme}://{host}:81/x"
        with pytest.raises(Refused):
            check_output_url(url, api_url=API)
        assert check_output_url(url, api_url=LOCAL) == url


def test_output_on_the_apis_own_origin() -> None:
    """An API that the user put into a private network may give outputs from there."""
    private = "https://10.0.0.5:8443/1.0"
    assert check_output_url("https://10.0.0.5:8443/out", api_url=private)
    with pytest.raises(Refused):
        check_output_url("https://10.0.0.5/out", api_url=private)


def public(address: Address) -> bool:
    """Whether the standard library calls it a public host's, or the IPv4 address inside it."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in ipaddress.IPv6Network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(address.packed[-4:])
        if inner is not None:
            return public(inner)
        if address.is_site_local:
            return False
    odd = (address.is_multicast, address.is_reserved, address.is_link_local)
    return address.is_global and not any(odd)


def passes(host: str, api_url: str = API) -> bool:
    try:
        check_output_url(f"https://{host}/x", api_url=api_url)
    except Refused:
        return False
    return True


def resolved(address: str, api_url: str = API) -> bool:
    try:
        check_resolved(["1.1.1.1", address], api_url=api_url)
    except Refused:
        return False
    return True


NUMBERS = st.sampled_from(["{:d}", "{:#x}", "0X{:X}", "0{:o}", "0x00{:x}"])


@st.composite
def numbered(draw: st.DrawFn) -> tuple[ipaddress.IPv4Address, str]:
    """An IPv4 address in one to four numbers, each decimal, hexadecimal or octal."""
    address = draw(IPV4)
    count = draw(st.integers(1, 4))
    last = int.from_bytes(address.packed[count - 1 :], "big")
    numbers = [*address.packed[: count - 1], last]
    dot = draw(st.sampled_from(["", "."]))
    return address, ".".join(draw(NUMBERS).format(number) for number in numbers) + dot


@given(numbered())
@example((ipaddress.IPv4Address("127.0.0.1"), "127.1"))
@example((ipaddress.IPv4Address("127.0.0.1"), "0x7f.1"))
@example((ipaddress.IPv4Address("127.0.0.1"), "0177.0.0.01"))
@example((ipaddress.IPv4Address("10.0.0.1"), "10.0x1"))
@example((ipaddress.IPv4Address("169.254.169.254"), "0xa9fea9fe"))
@example((ipaddress.IPv4Address("1.1.1.1"), "16843009"))
def test_ipv4_in_every_spelling(given: tuple[ipaddress.IPv4Address, str]) -> None:
    """A literal passes exactly when the standard library calls it public, however it is spelled."""
    address, host = given
    assert passes(host) == public(address)
    assert passes(host, LOCAL) == (public(address) or address.is_loopback)
    assert resolved(str(address)) == public(address)


CARRIERS = {
    "mapped": "::ffff:0:0",
    "NAT64": "64:ff9b::",
    "compatible": "::",
    "local NAT64": "64:ff9b:1::",
    "translated": "::ffff:0:0:0",
}


@given(IPV4, st.sampled_from([*CARRIERS, "6to4", "Teredo"]), st.data())
def test_ipv4_inside_ipv6(inner: ipaddress.IPv4Address, how: str, data: st.DataObject) -> None:
    """It is as good as its inside where networks take it there; else it is nobody's."""
    if how == "6to4":
        rest = data.draw(st.integers(0, (1 << 80) - 1))
        address = ipaddress.IPv6Address(0x2002 << 112 | int(inner) << 80 | rest)
    elif how == "Teredo":
        address = ipaddress.IPv6Address(0x20010000 << 96 | int(inner) ^ 0xFFFFFFFF)
    else:
        address = ipaddress.IPv6Address(int(ipaddress.IPv6Address(CARRIERS[how])) | int(inner))
    expected = how in ("mapped", "NAT64", "6to4") and public(inner)
    spellings = {str(address), address.exploded, address.exploded.upper()}
    if how in CARRIERS:
        dotted = address.exploded[:30] + str(inner)
        assert ipaddress.IPv6Address(dotted) == address
        spellings |= {dotted, dotted.upper()}
    for text in spellings:
        assert passes(f"[{text}]") == expected
        assert resolved(text) == expected
    assert expected == public(address)


@given(st.ip_addresses(v=6) | NEAR)
@example(ipaddress.IPv6Address("fec0::1"))
@example(ipaddress.IPv6Address("feff:ffff::1"))
def test_ipv6_in_every_spelling(address: ipaddress.IPv6Address) -> None:
    """Passes exactly when the standard library calls it public, as literal and as resolved."""
    on_this_machine = address.is_loopback or bool(
        address.ipv4_mapped and address.ipv4_mapped.is_loopback
    )
    for text in (str(address), str(address).upper(), address.exploded, address.exploded.upper()):
        assert passes(f"[{text}]") == public(address)
        assert resolved(text) == public(address)
        if on_this_machine:
            assert passes(f"[{text}]", LOCAL)
            assert resolved(text, LOCAL)


def test_resolved_nonsense() -> None:
    """Zones are understood, what is not an address is refused."""
    for text in ("fe80::1%eth0", "nonsense", ""):
        with pytest.raises(Refused):
            check_resolved([text], api_url=API)
    check_resolved(["127.0.0.1", "::1"], api_url=LOCAL)
    with pytest.raises(Refused):
        check_resolved(["127.0.0.1"], api_url=API)
