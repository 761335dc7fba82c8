"""Who may ask: the key, the Host header, web pages."""

from __future__ import annotations

import base64
import socket

import pytest

from .conftest import Client


def raw(client: Client, text: str, origin: str = "") -> str:
    """Send `text` as it is; the answer up to the end of the connection."""
    host, _, port = (origin or client.origin).removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(text.encode())
        return connection.makefile("rb").read().decode()


@pytest.mark.parametrize("path", ["/1.0/account", "/1.0/jobs/x", "/_sandbox/stats"])
def test_the_key_is_needed(api: Client, path: str) -> None:
    answer = api.plain.get(api.origin + path)
    assert answer.status_code == 401
    assert answer.json()["success"] is False
    assert api.plain.post(api.origin + "/1.0/upload").status_code == 401


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer {key}", 200),
        ("bearer  {key}", 200),
        ("basic:{key}:", 200),
        ("basic:{key}:password", 401),
        ("basic:other:", 401),
        ("Bearer {key}x", 401),
        ("Bearer", 401),
        ("Basic ***", 401),
        ("Digest {key}", 401),
        ("{key}", 401),
    ],
)
def test_both_schemes_and_nothing_else(api: Client, authorization: str, status: int) -> None:
    value = authorization.format(key=api.sandbox.key)
    value = basic(value.removeprefix("basic:")) if value.startswith("basic:") else value
    answer = api.plain.get(api.sandbox.api_url + "/account", headers={"Authorization": value})
    assert answer.status_code == status
    assert api.sandbox.key not in answer.text


@pytest.mark.parametrize(
    "host",
    ["evil.com", "127.0.0.1.evil.com:{port}", "127.0.0.1:x", "127.0.0.10:1", "127.0.0.1 a", ""],
)
@pytest.mark.parametrize("path", ["/1.0/account", "/", "/nothing"])
def test_another_host_is_refused_before_any_route(api: Client, host: str, path: str) -> None:
    """A page that reaches loopback by a name of its own gets nothing, with or without the key."""
    port = api.origin.rpartition(":")[2]
    headers = {"Host": host.format(port=port)}
    assert api.http.get(api.origin + path, headers=headers).status_code == 403


def test_a_missing_or_repeated_host_is_refused(two_ports: Client) -> None:
    port = two_ports.origin.rpartition(":")[2]
    for origin in (two_ports.origin, two_ports.sandbox.outputs_url):
        for lines in ("", f"Host: 127.0.0.1:{port}\r\nHost: 127.0.0.1:{port}\r\n"):
            answer = raw(
                two_ports, f"GET /1.0/account HTTP/1.1\r\nConnection: close\r\n{lines}\r\n", origin
            )
            assert answer.split()[1] in ("400", "403")


@pytest.mark.parametrize("host", ["localhost:{port}", "127.0.0.1:1", "127.0.0.1"])
def test_other_names_of_this_machine_and_forwarded_ports_are_taken(api: Client, host: str) -> None:
    """No web page can have them: they only lead here."""
    port = api.origin.rpartition(":")[2]
    headers = {"Host": host.format(port=port)}
    assert api.http.get(api.origin + "/1.0/account", headers=headers).status_code == 200


def test_web_pages_are_refused(api: Client) -> None:
    """Any Origin header ends the request; no answer invites other pages in."""
    answer = api.http.get(api.origin + "/1.0/account", headers={"Origin": api.origin})
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_the_outputs_port_checks_the_host_too(two_ports: Client) -> None:
    url = two_ports.sandbox.outputs_url + "/1/x/y/z"
    assert two_ports.plain.get(url, headers={"Host": "evil.com"}).status_code == 403
    assert two_ports.plain.get(url, headers={"Origin": "http://a"}).status_code == 403
    assert two_ports.plain.get(url).status_code == 404


def test_the_api_is_not_on_the_outputs_port(two_ports: Client) -> None:
    url = two_ports.sandbox.outputs_url
    assert two_ports.http.get(url + "/1.0/account").status_code == 404
    assert two_ports.http.get(url + "/_sandbox/stats").status_code == 404
