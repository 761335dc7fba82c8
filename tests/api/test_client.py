"""What becomes of the service's answers, and of requests that go wrong."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from raw import (
    Connection,
    RawServer,
    Script,
    closed_port,
    message,
    resets,
    says,
    says_early,
    silent,
)
from running import KEY, Box, until
from sandbox.pictures import encoded

from compressor_cli.api.client import ApiClient, Look
from compressor_cli.api.http import Timeouts
from compressor_cli.errors import (
    BadAnswer,
    CompressorError,
    KeyProblem,
    MaybeAccepted,
    NotKnown,
    Refused,
    TemporaryTrouble,
    Throttled,
)

from .bodies import Form, Pieces

ID = "38a8bb5e-0001-4000-8000-000000000000"
SHORT = Timeouts(connect=5.0, write=0.3, read=0.3, submit_answer=0.3)
DONE: dict[str, Any] = {"id": ID, "url": "https://h/x"}


@contextmanager
def client_of(url: str, **settings: Any) -> Iterator[ApiClient]:
    client = ApiClient(api_url=url, key=KEY, **settings)
    try:
        yield client
    finally:
        client.close()


@pytest.fixture
def api(box: Box) -> Iterator[ApiClient]:
    with client_of(box.url) as client:
        yield client


def outcome(call: Callable[[], object]) -> Any:
    """What came out: the answer, or the error."""
    try:
        return call()
    except CompressorError as error:
        return error


def posted(script: Script, **settings: Any) -> Any:
    """The outcome of a POST that meets this script; it was sent on one connection only."""
    with RawServer(script) as server, client_of(server.url, **settings) as client:
        result = outcome(lambda: client.fetch("https://h/x", headers={}, options={}))
        assert len(server.received) == 1
    return result


def looked(script: Script, **settings: Any) -> Any:
    """The outcome of a look at ID that meets this script."""
    with RawServer(script) as server, client_of(server.url, **settings) as client:
        return outcome(lambda: client.job(ID))


# The key


@pytest.mark.parametrize("auth", ["bearer", "basic"])
def test_both_schemes_are_accepted(box: Box, auth: str) -> None:
    with client_of(box.url, auth=auth) as client:
        assert json.loads(client.account().text)["account"] == "sandbox"
    assert [seen["authorization"] for seen in box.requests] == [auth]


@pytest.mark.parametrize("auth", ["bearer", "basic"])
def test_a_wrong_key(box: Box, auth: str) -> None:
    client = ApiClient(api_url=box.url, key="wrong-key", auth=auth)
    with pytest.raises(KeyProblem, match="401: the API key is missing or wrong"):
        client.account()
    client.close()


def test_the_key_goes_to_the_apis_own_origin_only() -> None:
    with client_of("https://api.example/1.0") as client:
        assert client.authorization("https://API.example:443/other") == {
            "Authorization": f"Bearer {KEY}"
        }
        for url in (
            "http://api.example/1.0",
            "https://api.example:8443/1.0",
            "https://api.example.evil.example/1.0",
            "https://evil.example/api.example/1.0",
            "https://api.example@evil.example/1.0",
            "//api.example/1.0",
            "",
        ):
            assert client.authorization(url) == {}


@pytest.mark.parametrize("code", [400, 401, 403, 404, 422, 429, 500, 503])
@pytest.mark.parametrize("html", [False, True])
def test_a_key_that_the_server_echoes_is_not_repeated(code: int, html: bool) -> None:
    """Neither as it is nor in base64, in none of our texts."""
    packed = base64.b64encode(f"{KEY}:".encode()).decode()
    text = f"bad key {KEY} or {packed}"
    body: Any = text.encode() if html else {"success": False, "message": text, "id": ID}
    for answer in (posted, looked):
        result = answer(says(message(code, body)))
        shown = repr(vars(result)) if isinstance(result, CompressorError) else repr(result)
        assert KEY not in shown
        assert packed not in shown


def test_a_key_in_an_answer_is_not_kept() -> None:
    """What is shown with --json and kept in the ledger has it no more; the output's URL does."""
    url = f"https://h/x?k={KEY}"
    body = {
        **DONE,
        "url": url,
        "message": f"for {KEY}",
        "input": {"name": f"{KEY}.png"},
        "z": [KEY, 1],
    }
    look = looked(says(message(200, body)))
    assert look.job.url == url
    assert KEY not in json.dumps(look.job.raw) + look.job.message + str(look.job.input.name)
    with RawServer(says(message(200, {"key": KEY}))) as server, client_of(server.url) as client:
        assert client.account().text == '{"key": "[key]"}'


def test_cookies_are_never_sent_back() -> None:
    cookie = {"Set-Cookie": "session=1; Path=/", "Connection": "close"}
    answer = message(200, {"id": ID}, cookie)
    with RawServer(says(answer)) as server, client_of(server.url) as client:
        client.job(ID)
        client.job(ID)
        client.fetch("https://h/x", headers={}, options={})
        assert len(server.received) == 3
        assert all(b"cookie" not in request.lower() for request in server.received)


# What is sent


def test_a_job_that_is_asked_for() -> None:
    """Identity encoding, our name, and nothing of the environment."""
    with RawServer(says(message(200, {"id": ID}))) as server, client_of(server.url) as client:
        assert client.job(ID).job.state == "pending"
        request = server.received[0].decode()
    assert request.startswith(f"GET /jobs/{ID} HTTP/1.1\r\n")
    headers = dict(line.split(": ", 1) for line in request.split("\r\n")[1:-2])
    assert headers.pop("User-Agent").startswith("compressor-cli/")
    assert headers == {
        "Host": f"127.0.0.1:{server.port}",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Connection": "keep-alive",
        "Authorization": f"Bearer {KEY}",
    }


@pytest.mark.parametrize(
    ("headers", "options"),
    [
        ({}, {"image": {"compression": "ultra"}}),
        ({"X-A": "ä"}, {"url": "https://other/"}),
    ],
)
def test_a_fetch(headers: dict[str, str], options: dict[str, Any]) -> None:
    """One JSON object; our url stands above one among the options."""
    with RawServer(says(message(202, {"id": ID}))) as server, client_of(server.url) as client:
        client.fetch("https://u:p@h/x", headers=headers, options=options)
        head, _, body = server.received[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /fetch HTTP/1.1\r\n")
    assert b"Content-Type: application/json\r\n" in head
    assert f"Content-Length: {len(body)}".encode() in head
    sent = {**options, "url": "https://u:p@h/x"}
    assert json.loads(body) == ({**sent, "headers": headers} if headers else sent)


def test_an_upload_that_is_finished_at_once(box: Box, api: ApiClient) -> None:
    look = api.upload(Form(encoded("png")))
    assert (look.job.state, look.retry_after) == ("completed", None)
    assert api.job(look.job.id).job.output == look.job.output
    assert box.stats()["accepted"] == 1


# Looks


def test_a_look_at_each_state(box: Box, api: ApiClient, faults: Any) -> None:
    faults({"on": "upload", "states": ["thawing"], "fail": "no \x1b[0m good"})
    job_id = api.upload(Form(encoded("png"))).job.id
    assert api.job(job_id).job.word == "thawing"
    look: Look = until(lambda: found if (found := api.job(job_id)).job.state == "failed" else None)
    assert look.job.message == "no \x1b[0m good"
    assert {seen["authorization"] for seen in box.requests} == {"bearer"}


@pytest.mark.parametrize("code", [200, 202, 299, 400, 404, 409, 410, 422, 429, 500, 503])
def test_a_failed_job_is_an_answer_whatever_its_code(code: int) -> None:
    """The documentation does not say which: the body is read first."""
    body = {"success": False, "id": ID, "status": "failed", "message": "why"}
    for answer in (posted, looked):
        result = answer(says(message(code, body)))
        assert isinstance(result, Look)
        assert (result.job.state, result.job.message, result.job.id) == ("failed", "why", ID)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (400, Refused),
        (401, KeyProblem),
        (403, KeyProblem),
        (404, NotKnown),
        (410, NotKnown),
        (408, TemporaryTrouble),
        (418, Refused),
        (429, Throttled),
        (500, TemporaryTrouble),
        (502, TemporaryTrouble),
        (503, Throttled),
        (504, TemporaryTrouble),
        (599, TemporaryTrouble),
        (304, Refused),
    ],
)
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", ""),
        (b"<html>Bad</html>", ""),
        (b"plain words", ": plain words"),
        (b'{"success": false, "message": "in JSON"}', ": in JSON"),
        (b'{"message": 3}', ""),
    ],
)
def test_a_look_that_is_refused(
    code: int, error: type[CompressorError], body: bytes, said: str
) -> None:
    """Each code has its class; the service's words are told, but not a gateway's page."""
    kind = "text/html" if b"<html>" in body else "x/y"
    if code == 304:
        body, said = b"", ""
    result = looked(says(message(code, body, {"Content-Type": kind})))
    assert type(result) is error
    assert f"the service answered {code}{said}" in result.message


def test_a_long_message_is_cut() -> None:
    result = looked(says(message(400, b"x" * 100_000)))
    assert len(result.message) < 600


@pytest.mark.parametrize("code", [200, 429, 503])
@pytest.mark.parametrize(("value", "seconds"), [("7", 7.0), ("nan", None), ("", None)])
def test_the_pause_that_is_asked_for(code: int, value: str, seconds: float | None) -> None:
    result = looked(says(message(code, {"id": ID}, {"Retry-After": value})))
    assert result.retry_after == seconds


def test_two_retry_afters_are_none() -> None:
    """Which of them is meant, nobody knows."""
    answer = message(429, b"", {"Retry-After": "1\r\nRetry-After: 99"})
    assert looked(says(answer)).retry_after is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'{"id": "' + ID.encode(),
        '{"id": "x"}'.encode("utf-16"),
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"id": "' + ID.encode() + b'", "a": ' + b"[" * 600 + b"]" * 600 + b"}",
        b'{"a": ' + b"1" * 4301 + b"}",
        b'{"a": NaN}',
        b'{"id": "../../x"}',
        b'{"id": "another"}',
        b" " * (8 * 1024 * 1024 + 1),
    ],
)
@pytest.mark.parametrize("code", [200, 201])
def test_an_answer_that_cannot_be_used(body: bytes, code: int) -> None:
    """A look is a bad answer; a submit may have been accepted and is not sent again."""
    assert type(looked(says(message(code, body)))) is BadAnswer
    if b"another" not in body:
        assert type(posted(says(message(code, body)))) is MaybeAccepted


def test_an_answer_of_eight_mebibytes_is_read() -> None:
    body = json.dumps({"id": ID}).encode()
    filled = body + b" " * (8 * 1024 * 1024 - len(body))
    assert looked(says(message(200, filled))).job.id == ID


def test_an_answer_without_end_is_left() -> None:
    """After 8 MiB, whatever is still to come."""

    def endless(connection: Connection) -> None:
        connection.request()
        connection.sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:  # ends with the connection
            connection.sock.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")

    assert type(looked(endless)) is BadAnswer
    assert type(posted(endless)) is MaybeAccepted


def test_an_answer_with_endless_headers_is_left() -> None:
    result = looked(says(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n"))
    assert isinstance(result, TemporaryTrouble | Refused)


@pytest.mark.parametrize(
    "script",
    [
        resets(0),
        resets(),
        silent,
        says(b""),
        says(b"HTTP/1.1 200 OK\r\nContent-Le"),
        says(message(200, b"{", length=50)),
        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"),
    ],
)
def test_a_look_that_the_network_eats(script: Script) -> None:
    """It may be repeated."""
    assert isinstance(looked(script, timeouts=SHORT), TemporaryTrouble)


@pytest.mark.parametrize(
    "garbage", [b"SSH-2.0-x\r\n\r\n", b"\x15\x03\x01\x00\x02\x02\x28", b"hello\r\n\r\n"]
)
def test_a_server_that_speaks_no_http(garbage: bytes) -> None:
    """Words may be a damaged acceptance; binary is TLS, say, which understood nothing."""
    seen, sent = looked(says(garbage)), posted(says(garbage))
    assert isinstance(seen, Refused)
    assert isinstance(sent, Refused if garbage[0] < 32 else MaybeAccepted)
    for result in (seen, sent):
        assert "does not speak HTTP" in result.message


# Submits


@pytest.mark.parametrize("code", [200, 201, 202, 299])
@pytest.mark.parametrize(
    "body", [{"id": ID, "status": "enqueued"}, {"id": ID, "url": "https://h/"}]
)
def test_a_submit_that_is_accepted(code: int, body: dict[str, Any]) -> None:
    """Any 2xx; the answer tells whether it is done."""
    look = posted(says(message(code, body, {"Retry-After": "4"})))
    assert (look.job.id, look.job.url, look.retry_after) == (ID, body.get("url"), 4.0)


@pytest.mark.parametrize(
    "body", [{"success": False, "message": "no"}, {"success": False, "id": None, "message": "no"}]
)
@pytest.mark.parametrize("code", [200, 201])
def test_a_submit_that_is_refused_in_a_success(body: dict[str, Any], code: int) -> None:
    look = posted(says(message(code, body)))
    assert (look.job.id, look.job.state, look.job.message) == ("", "failed", "no")


@pytest.mark.parametrize(
    "script",
    [
        says(message(500, b"")),
        says(message(502, b"<html>", {"Content-Type": "text/html"})),
        says(message(503, b"")),
        says(message(504, b"")),
        says(message(408, b"")),
        says(message(500, {"success": False, "message": "oops"})),
        says(message(200, b"<html>")),
        says(message(201, {"status": "enqueued"})),
        says(message(201, {"id": "../../x"})),
        says(message(200, b'{"id": "', length=1000)),
        says(b""),
        says(b"HTTP/1.1 20"),
        says(b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n"),
        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        resets(),
        silent,
    ],
)
def test_a_submit_that_may_have_been_accepted(script: Script) -> None:
    """All of it had left: nobody knows, it is not repeated, and what to do is told."""
    result = posted(script, timeouts=SHORT)
    assert type(result) is MaybeAccepted
    assert "sent whole" in result.message
    assert "paid twice" in result.hint
    assert result.__cause__ is None


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (message(429), Throttled),
        (message(429, b"", {"Retry-After": "9"}), Throttled),
        (message(503, b"", {"Retry-After": "9"}), Throttled),
        (message(503, b"", {"Retry-After": "soon"}), Throttled),
        (message(400, {"success": False, "message": "no"}), Refused),
        (message(401), KeyProblem),
        (message(403), KeyProblem),
        (message(404), Refused),
        (message(413), Refused),
        (message(415), Refused),
        (message(422), Refused),
        (message(413, b"too", length=1000), Refused),
        (message(422, b" " * (8 * 1024 * 1024 + 1)), Refused),
    ],
)
def test_a_submit_that_was_surely_not_accepted(answer: bytes, error: type[CompressorError]) -> None:
    """The service said so, even where its words were cut."""
    assert type(posted(says(answer))) is error


def test_nobody_listens() -> None:
    """Nothing of the request left: both may be repeated, and the address is told."""
    port = closed_port()
    with client_of(f"http://127.0.0.1:{port}") as client:
        body = Pieces(1)
        for call in (lambda: client.upload(body), lambda: client.job(ID), client.account):
            error = outcome(call)
            assert isinstance(error, TemporaryTrouble)
            assert error.message == f"cannot connect to 127.0.0.1:{port}: Connection refused"
        assert not body.complete


def uploaded(script: Script, body: Pieces) -> Any:
    with RawServer(script) as server, client_of(server.url, timeouts=SHORT) as client:
        result = outcome(lambda: client.upload(body))
        assert len(server.received) == 1
    return result


@pytest.mark.parametrize("after", [0, 1, 100_000, 5_000_000])
def test_a_reset_in_the_middle_of_an_upload(after: int) -> None:
    """The last byte never left, so it may be sent again."""
    body = Pieces(40)
    assert isinstance(uploaded(resets(after), body), TemporaryTrouble)
    assert not body.complete


def test_a_server_that_stops_reading() -> None:
    """Given up after the time for writing; it cannot have been accepted."""

    def stuck(connection: Connection) -> None:
        connection.head()
        until(lambda: body.given_up)

    class Watched(Pieces):
        given_up = False

    body = Watched(40)
    with RawServer(stuck) as server, client_of(server.url, timeouts=SHORT) as client:
        error = outcome(lambda: client.upload(body))
        body.given_up = True
    assert type(error) is TemporaryTrouble
    assert "timed out" in error.message
    assert not body.complete


def says_and_leaves(content: bytes) -> Script:
    """Say this before the body, and close without reading it: the client meets a reset."""

    def script(connection: Connection) -> None:
        connection.head()
        connection.send(content)

    return script


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (413, Refused),
        (401, KeyProblem),
        (415, Refused),
        (429, Throttled),
        (503, Throttled),
        (500, TemporaryTrouble),
    ],
)
def test_an_early_answer_is_the_answer(code: int, error: type[CompressorError]) -> None:
    """Seen although the body is still on its way; an unfinished body cannot have been accepted."""
    body = Pieces(40)
    result = uploaded(
        says_and_leaves(message(code, {"success": False, "message": "too big"})), body
    )
    assert type(result) is error
    assert "too big" in result.message
    assert not body.complete


def test_an_early_refusal_of_one_who_reads_on() -> None:
    result = uploaded(says_early(message(413, b"too large")), Pieces(4))
    assert type(result) is Refused
    assert "413: too large" in result.message


# Redirects


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_of_the_api_are_errors(code: int) -> None:
    """The second host gets no byte, the first no second request; queries are not shown."""
    with RawServer(silent) as other:
        target = f"http://u:pw@127.0.0.1:{other.port}/x?sig=1"
        answer = says(message(code, b"", {"Location": target}))
        for call in (posted, looked):
            result = call(answer)
            assert type(result) is Refused
            assert f"http://127.0.0.1:{other.port}/x," in result.message
            assert "pw" not in result.message
            assert "sig" not in result.message
            assert "api_url" in result.hint
        assert other.received == []


def test_a_redirect_to_nowhere() -> None:
    assert "nowhere" in looked(says(message(302))).message
