"""Fetching outputs: where from, with what, and what their answers mean."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from raw import Connection, RawServer, Script, closed_port, message, resets, says, silent
from running import KEY, Box, boxed
from sandbox.pictures import encoded

from compressor_cli.api.client import ApiClient
from compressor_cli.api.http import Timeouts
from compressor_cli.api.outputs import MAX_HOPS, Expired, OutputClient
from compressor_cli.errors import CompressorError, Refused, TemporaryTrouble, Throttled

from .bodies import Form

SHORT = Timeouts(connect=2.0, read=0.3)


@contextmanager
def outputs_of(api_url: str) -> Iterator[OutputClient]:
    api = ApiClient(api_url=api_url, key=KEY)
    outputs = OutputClient(api, timeouts=SHORT)
    try:
        yield outputs
    finally:
        outputs.close()
        api.close()


def got(outputs: OutputClient, url: str, headers: dict[str, str] | None = None) -> Any:
    """Status and body, or the error."""
    try:
        with outputs.open(url, headers=headers or {}) as answer:
            return answer.status, answer.read(1 << 20)
    except CompressorError as error:
        return error


def keyed(request: bytes) -> bool:
    return KEY.encode() in request


def redirect(url: str, code: int = 302) -> bytes:
    return message(code, b"", {"Location": url, "Set-Cookie": "a=b"})


def by_path(pages: dict[str, bytes | tuple[bytes, bytes]]) -> Script:
    """Answers by path; a pair is the answer without and the one with an Authorization."""

    def script(connection: Connection) -> None:
        request = connection.request()
        page = pages[request.split(b" ")[1].decode()]
        if isinstance(page, tuple):
            page = page[b"\r\nauthorization:" in request.lower()]
        connection.send(page)

    return script


def uploaded(box: Box) -> str:
    """The URL of an output."""
    api = ApiClient(api_url=box.url, key=KEY)
    url = api.upload(Form(encoded("png"))).job.url
    api.close()
    assert url is not None
    return url


def test_an_output_on_the_apis_own_port(box: Box) -> None:
    """Asked for without the key, which the sandbox would refuse as storage services do."""
    url = uploaded(box)
    with outputs_of(box.url) as outputs:
        status, body = got(outputs, url)
        assert (status, body[:4]) == (200, b"\x89PNG")
        assert got(outputs, url, {"Range": "bytes=4-7"}) == (206, body[4:8])
        assert got(outputs, url, {"Range": "bytes=99999999-"})[0] == 416
    assert [seen["authorization"] for seen in box.requests[1:]] == ["none"] * 3


def test_an_output_on_another_port() -> None:
    with boxed(outputs_port=0) as box, outputs_of(box.url) as outputs:
        assert got(outputs, uploaded(box))[0] == 200


def test_the_key_is_shown_only_where_the_api_asks_for_it() -> None:
    pages: dict[str, Any] = {"/out": (message(401), message(200, b"result"))}
    with RawServer(by_path(pages)) as server, outputs_of(f"{server.url}/1.0") as outputs:
        assert got(outputs, f"{server.url}/out") == (200, b"result")
        assert [keyed(request) for request in server.received] == [False, True]


@pytest.mark.parametrize("code", [401, 403])
def test_the_key_is_never_shown_to_others(code: int) -> None:
    """Another port is another origin, whatever it asks for."""
    with (
        RawServer(silent) as api,
        RawServer(says(message(code))) as server,
        outputs_of(f"{api.url}/1.0") as outputs,
    ):
        assert type(got(outputs, f"{server.url}/out")) is Expired
        assert len(server.received) == 1
        assert not keyed(server.received[0])
        assert api.received == []


def test_redirects_carry_the_key_nowhere() -> None:
    """From the API, which had it, to others and back: each place earns it anew; no cookies."""
    with RawServer(by_path({})) as other, RawServer(by_path({})) as api:
        back = message(400, b"no Authorization here")
        other._scripts = (by_path({"/a": redirect(f"{api.url}/signed")}),)
        api._scripts = (
            by_path(
                {
                    "/out": (message(403), redirect(f"{other.url}/a")),
                    "/signed": (message(200, b"result"), back),
                }
            ),
        )
        with outputs_of(f"{api.url}/1.0") as outputs:
            assert got(outputs, f"{api.url}/out") == (200, b"result")
        assert [keyed(request) for request in api.received] == [False, True, False]
        assert not keyed(other.received[0])
        assert b"cookie" not in b"".join(api.received + other.received).lower()


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_followed_relative_too(code: int) -> None:
    pages: dict[str, Any] = {
        "/a/out": redirect("../b?x=1", code),
        "/b?x=1": message(200, b"result"),
    }
    with RawServer(by_path(pages)) as server, outputs_of(f"{server.url}/1.0") as outputs:
        assert got(outputs, f"{server.url}/a/out") == (200, b"result")


def test_redirects_have_an_end() -> None:
    """Five are followed, the sixth is one too many."""
    pages: dict[str, Any] = {f"/{n}": redirect(f"/{n + 1}") for n in range(9)}
    pages["/6"] = message(200, b"result")
    with RawServer(by_path(pages)) as server, outputs_of(f"{server.url}/1.0") as outputs:
        assert got(outputs, f"{server.url}/1") == (200, b"result")
        server_before = len(server.received)
        assert server_before == MAX_HOPS + 1
        error = got(outputs, f"{server.url}/0")
        assert type(error) is Refused
        assert "circles" in error.message
        assert len(server.received) == server_before + MAX_HOPS + 1


def test_a_redirect_to_nowhere() -> None:
    with RawServer(says(message(302))) as server, outputs_of(f"{server.url}/1.0") as outputs:
        assert type(got(outputs, f"{server.url}/out")) is Refused


HOSTILE = [
    "file:///etc/passwd",
    "ftp://127.0.0.1/x",
    "//169.254.169.254/x",
    "http://u:hunter2@127.0.0.1/x",
    "http://169.254.169.254/latest/meta-data",
    "https://10.0.0.1/x",
    "https://[::ffff:10.0.0.1]/x",
    "http://[",
    "http://h:99999999/",
    "https://a b/",
    "http://\x00/",
]


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_url_is_refused_before_any_connection(url: str) -> None:
    """As the output's own, and as a redirect's target; nothing of it is a password in our text."""
    with outputs_of("http://127.0.0.1:1/1.0") as outputs:
        error = got(outputs, url)
        assert isinstance(error, Refused)
        assert "hunter2" not in error.message
        if "\x00" in url:
            return
        with RawServer(says(redirect(url))) as server:
            error = got(outputs, f"{server.url}/out")
            assert isinstance(error, Refused)
            assert "hunter2" not in error.message
            assert len(server.received) == 1


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]", "[::1]"]
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_public_api_does_not_lead_into_this_machine(host: str, scheme: str) -> None:
    """However it is spelled: the port here is never reached."""
    with RawServer(silent) as server, outputs_of("https://api.example/1.0") as outputs:
        assert isinstance(got(outputs, f"{scheme}://{host}:{server.port}/x"), Refused)
        assert server.received == []


def test_a_public_name_that_does_not_resolve() -> None:
    """That may pass: a look-up is a part of the network."""
    with outputs_of("https://api.example/1.0") as outputs:
        error = got(outputs, "https://no-such-name.invalid/x?sig")
        assert isinstance(error, TemporaryTrouble)
        assert "sig" not in error.message
        assert isinstance(got(outputs, f"https://{'a' * 64}.example/x"), Refused)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (401, Expired),
        (403, Expired),
        (404, Expired),
        (410, Expired),
        (429, Throttled),
        (503, Throttled),
        (500, TemporaryTrouble),
        (502, TemporaryTrouble),
        (400, Refused),
        (204, Refused),
        (304, Refused),
    ],
)
def test_what_an_outputs_answer_means(code: int, error: type[CompressorError]) -> None:
    """Whether a fresh URL may help, a pause, another try, or nothing."""
    with (
        RawServer(says(message(code, b"", {"Retry-After": "3"}))) as server,
        outputs_of("http://127.0.0.1:1/1.0") as outputs,
    ):
        result = got(outputs, f"{server.url}/out")
    assert type(result) is error
    assert str(code) in result.message
    assert getattr(result, "retry_after", 3.0) == 3.0


@pytest.mark.parametrize("with_key", [400, 401, 403, 404, 410])
def test_a_link_of_the_apis_that_has_ended(with_key: int) -> None:
    """Whatever is answered to the key then: a fresh URL is what helps."""
    pages: dict[str, Any] = {"/out": (message(403), message(with_key))}
    with RawServer(by_path(pages)) as server, outputs_of(f"{server.url}/1.0") as outputs:
        error = got(outputs, f"{server.url}/out")
    assert type(error) is Expired
    assert "403" in error.message


@pytest.mark.parametrize(("with_key", "error"), [(429, Throttled), (500, TemporaryTrouble)])
def test_trouble_with_the_key_is_trouble(with_key: int, error: type[CompressorError]) -> None:
    pages: dict[str, Any] = {"/out": (message(403), message(with_key))}
    with RawServer(by_path(pages)) as server, outputs_of(f"{server.url}/1.0") as outputs:
        assert type(got(outputs, f"{server.url}/out")) is error


@pytest.mark.parametrize(
    "script", [resets(), silent, says(b""), says(message(200, b"x", length=9))]
)
def test_an_output_that_the_network_eats(script: Script) -> None:
    with RawServer(script) as server, outputs_of("http://127.0.0.1:1/1.0") as outputs:
        assert isinstance(got(outputs, server.url), TemporaryTrouble)


def test_nobody_listens() -> None:
    with outputs_of("http://127.0.0.1:1/1.0") as outputs:
        error = got(outputs, f"http://127.0.0.1:{closed_port()}/x?sig")
    assert isinstance(error, TemporaryTrouble)
    assert "sig" not in error.message
