"""What the sandbox asks of others: sources of a fetch, receivers of webhooks."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Iterator

import pytest

from compressor_cli.sandbox import outbound
from compressor_cli.sandbox.options import SandboxOptions
from compressor_cli.sandbox.running import running

from .conftest import Client, Elsewhere, client_of, until
from .pictures import encoded


@pytest.fixture(scope="module")
def hooked(elsewhere: Elsewhere) -> Iterator[Client]:
    """A sandbox that may deliver to `elsewhere` and takes small files only."""
    options = SandboxOptions(allow_webhook=(elsewhere.address,), max_body=200_000)
    with running(options) as sandbox, client_of(sandbox) as client:
        yield client


def test_a_fetch_retrieves_and_compresses(api: Client, elsewhere: Elsewhere) -> None:
    """With the headers that were asked for, and the name from the URL."""
    content = encoded("png")
    elsewhere.pages["/a%20b/my%20photo.png?size=1"] = (200, {}, content)
    asked = {"url": f"{elsewhere.url}/a%20b/my%20photo.png?size=1", "headers": {"X-Token": "t"}}
    body = api.fetch(asked | {"image": {"compression": "ultra"}}).json()
    assert body["input"]["name"] == "my photo.png"
    assert body["input"]["sha1"] == hashlib.sha1(content).hexdigest()
    assert body["output"]["size"] < len(content)
    assert elsewhere.seen[-1][2]["X-Token"] == "t"


def test_redirects_are_followed_a_few_times(api: Client, elsewhere: Elsewhere) -> None:
    elsewhere.pages["/moved"] = (302, {"Location": "/photo.png"}, b"")
    elsewhere.pages["/photo.png"] = (200, {}, encoded("png"))
    elsewhere.pages["/loop"] = (302, {"Location": "/loop"}, b"")
    elsewhere.pages["/to-file"] = (302, {"Location": "file:///etc/passwd"}, b"")
    assert api.fetch({"url": f"{elsewhere.url}/moved"}).status_code == 200
    before = len(elsewhere.seen)
    looped = api.fetch({"url": f"{elsewhere.url}/loop"})
    assert (looped.status_code, "redirects too often" in looped.text) == (422, True)
    assert len(elsewhere.seen) - before <= outbound.MAX_REDIRECTS + 1
    odd = api.fetch({"url": f"{elsewhere.url}/to-file"})
    assert (odd.status_code, odd.json()["message"]) == (
        422,
        "the source leads to an address that is not usable",
    )


def test_a_source_that_does_not_answer_fails_the_job(
    api: Client, hooked: Client, elsewhere: Elsewhere
) -> None:
    """At once or later, as the same job would have been answered."""
    elsewhere.pages["/large"] = (200, {}, b"x" * 200_001)
    elsewhere.pages["/cut"] = (200, {"Content-Length": "99"}, b"x")
    for client, url, words in (
        (api, f"{elsewhere.url}/missing", "HTTP 404"),
        (api, "http://127.0.0.1:1/", "cannot be reached"),
        (hooked, f"{elsewhere.url}/large", "larger than 200,000 bytes"),
        (api, f"{elsewhere.url}/cut", "cannot be reached"),
    ):
        answer = client.fetch({"url": url})
        assert (answer.status_code, answer.json()["status"]) == (422, "failed")
        assert words in answer.json()["message"]
    later = api.fetch({"url": "http://127.0.0.1:1/", "webhook": {"url": "http://127.0.0.1:1/"}})
    assert later.status_code == 202
    assert "cannot be reached" in api.ended(later.json()["id"])["message"]


def test_a_slow_source_is_given_up() -> None:
    silent = socket.create_server(("127.0.0.1", 0))
    options = SandboxOptions(fetch_seconds=0.2)
    with silent, running(options) as sandbox, client_of(sandbox) as client:
        answer = client.fetch({"url": f"http://127.0.0.1:{silent.getsockname()[1]}/"})
        assert "took too long" in answer.json()["message"]


def test_a_large_source_comes_later(api: Client, elsewhere: Elsewhere) -> None:
    """Its size is known only once it is here, and the answer is given then."""
    elsewhere.pages["/large"] = (200, {}, b"x" * 32_000_001)
    answer = api.fetch({"url": f"{elsewhere.url}/large"})
    assert (answer.status_code, answer.json()["status"]) == (202, "enqueued")
    assert "text" in api.ended(answer.json()["id"])["message"]


@pytest.mark.parametrize(
    "asked",
    [
        [], 3, {}, {"url": 3}, {"url": ""}, {"url": "file:///etc/passwd"}, {"url": "ftp://a/b"},
        {"url": "//a/b"}, {"url": "http://"}, {"url": "http://[::1"},
        {"url": "http://a/", "headers": []}, {"url": "http://a/", "headers": {"A": 1}},
        {"url": "http://a/", "headers": {"A": "b\r\nC: d"}},
    ],
)  # fmt: skip
def test_what_cannot_be_fetched_at_all_is_refused(api: Client, asked: object) -> None:
    answer = api.fetch(asked)
    assert (answer.status_code, answer.json()["success"]) == (400, False)


def webhooks(client: Client, count: int) -> list[dict[str, object]]:
    found: list[dict[str, object]] = until(
        lambda: sent if len(sent := client.stats()["webhooks"]) >= count else None
    )
    return found


def test_an_allowed_webhook_is_delivered_once(hooked: Client, elsewhere: Elsewhere) -> None:
    """The body is that of a finished answer, or of a failed one; a redirect is not followed."""
    hooked.control("DELETE", "stats")
    elsewhere.seen.clear()
    elsewhere.pages["/hook"] = (302, {"Location": "/other"}, b"")
    options = json.dumps({"webhook": {"url": f"{elsewhere.url}/hook"}})
    good = hooked.upload(data=options).json()
    webhooks(hooked, 1)
    bad = hooked.upload(b"text", data=options).json()
    done, failed = webhooks(hooked, 2)
    assert (done["job"], done["delivered"], done["status"]) == (good["id"], True, 302)
    assert [(method, path) for method, path, *_ in elsewhere.seen] == [("POST", "/hook")] * 2
    headers, body = elsewhere.seen[0][2:]
    assert headers["User-Agent"] == "Compressor/1.0 (+https://compressor.app)"
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == done["body"]
    assert json.loads(body).keys() == {"id", "url", "input", "output"}
    assert json.loads(elsewhere.seen[1][3]) == failed["body"] == hooked.ended(bad["id"])


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1/hook", "target not allowed"),
        ("https://example.com/hook", "target not allowed"),
        ("http://169.254.169.254/latest", "target not allowed"),
        ("http://{allowed}@example.com/", "target not allowed"),
        ("https://{allowed}/", "target not allowed"),
        ("http://[::1", "not a URL"),
    ],
)
def test_other_webhooks_are_recorded_and_not_sent(
    hooked: Client, elsewhere: Elsewhere, url: str, reason: str
) -> None:
    hooked.control("DELETE", "stats")
    before = len(elsewhere.seen)
    target = url.format(allowed=elsewhere.address)
    hooked.upload(data=json.dumps({"webhook": {"url": target}}))
    (record,) = webhooks(hooked, 1)
    assert (record["url"], record["delivered"], record["reason"]) == (target, False, reason)
    assert len(elsewhere.seen) == before


def test_a_receiver_that_is_not_there_is_recorded() -> None:
    options = SandboxOptions(allow_webhook=("localhost:1",))
    with running(options) as sandbox, client_of(sandbox) as client:
        client.upload(data='{"webhook": {"url": "http://localhost:1/"}}')
        (record,) = webhooks(client, 1)
        assert (record["delivered"], record["reason"]) == (False, "ClientConnectorError")


@pytest.mark.parametrize("data", ['{"webhook": 3}', '{"webhook": {"url": 3}}', '{"webhook": {}}'])
def test_a_webhook_without_url_is_none(api: Client, data: str) -> None:
    assert api.upload(data=data).status_code == 200


@pytest.mark.parametrize("target", ["127.0.0.1", "example.com:80", "10.0.0.1:80", "localhost:x"])
def test_only_loopback_can_be_allowed(target: str) -> None:
    with pytest.raises(ValueError, match=r"127\.0\.0\.1:PORT"):
        SandboxOptions(allow_webhook=(target,))
