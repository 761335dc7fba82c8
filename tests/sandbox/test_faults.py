"""Scripted faults: each does what it says, and is read back as fired."""

from __future__ import annotations

import base64
import hashlib
import socket
import time
from typing import Any

import httpx
import pytest

from .conftest import Client, Script
from .pictures import encoded


def begun(api: Client) -> socket.socket:
    """A connection on which the head of an upload was sent, and none of its body."""
    host, _, port = api.origin.removeprefix("http://").partition(":")
    head = (
        f"POST /1.0/upload HTTP/1.1\r\nHost: {host}:{port}\r\n"
        f"Authorization: Bearer {api.sandbox.key}\r\nContent-Length: 1000000\r\n\r\n"
    )
    connection = socket.create_connection((host, int(port)), timeout=10)
    connection.sendall(head.encode())
    return connection


@pytest.fixture
def jobs_made(api: Client) -> Any:
    """How many jobs were made since the test began."""
    before = api.stats()["jobs"]
    return lambda: api.stats()["jobs"] - before


def test_an_answer_instead_of_the_work(api: Client, script: Script, jobs_made: Any) -> None:
    """Code, headers and body as scripted; the upload was read, but no job made."""
    content = encoded("jpeg", seed=77)
    script({"on": "upload", "status": 503, "headers": {"Retry-After": "2"}, "body": "later"})
    answer = api.upload(content)
    assert (answer.status_code, answer.text) == (503, "later")
    assert answer.headers["Retry-After"] == "2"
    seen = api.stats()["requests"][-1]
    assert (seen["status"], seen["sha1"]) == (503, hashlib.sha1(content).hexdigest())
    assert jobs_made() == 0
    assert api.upload(content).status_code == 200


@pytest.mark.parametrize(
    ("action", "content_type", "body"),
    [
        ({"body": "<h1>Bad gateway</h1>", "content_type": "text/html"}, "text/html",
         b"<h1>Bad gateway</h1>"),
        ({"body": ""}, "text/plain; charset=utf-8", b""),
        ({"body": "\ud800"}, "text/plain; charset=utf-8", b"\xed\xa0\x80"),
        ({"body_base64": base64.b64encode(b"\xff\0").decode()}, "application/json", b"\xff\0"),
        ({"body": []}, "application/json", b"[]"),
        ({"body": {"a": 1}}, "application/json", b'{"a": 1}'),
        ({"status": 200}, "application/json",
         b'{"success": false, "message": "a scripted fault"}'),
    ],
)  # fmt: skip
def test_bodies_of_every_kind(
    api: Client, script: Script, action: dict[str, Any], content_type: str, body: bytes
) -> None:
    script({"on": "account", **action})
    answer = api.get("/account")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, content_type)
    assert answer.content == body


def test_a_header_may_come_twice(api: Client, script: Script) -> None:
    headers = {"Retry-After": ["1", "１２"], "Content-Type": "x/y"}
    script({"on": "account", "status": 429, "headers": headers})
    answer = api.get("/account")
    values = [value.decode() for name, value in answer.headers.raw if name == b"Retry-After"]
    assert values == ["1", "１２"]
    assert answer.headers["Content-Type"] == "x/y"


def test_an_early_answer_comes_before_the_body(api: Client, script: Script) -> None:
    """The answer is there while the body is not."""
    script({"on": "upload", "status": 413, "early": True})

    with begun(api) as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_reset_is_a_reset(api: Client, script: Script) -> None:
    """Not an orderly end: what a client meets is ECONNRESET."""
    script({"on": "upload", "drop": "before"})
    with begun(api) as connection, pytest.raises(ConnectionResetError):
        connection.recv(100)


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("more", [{}, {"status": 500}])
def test_a_connection_is_reset(
    api: Client, script: Script, jobs_made: Any, when: str, made: int, more: dict[str, Any]
) -> None:
    """Before anything is done, or when the job exists and is counted."""
    content = encoded("png", seed=100 + 2 * made + len(more))
    accepted = api.stats()["accepted"]
    script({"on": "upload", "drop": when, **more})
    with pytest.raises(httpx.TransportError):
        api.upload(content)
    assert jobs_made() == made
    stats = api.stats()
    assert stats["accepted"] - accepted == made
    assert stats["accepted_by_sha1"].get(hashlib.sha1(content).hexdigest(), 0) == made
    assert stats["requests"][-1]["status"] is None


def test_a_stall_holds_the_answer(api: Client, script: Script) -> None:
    script({"on": "account", "stall": 0.3}, {"on": "output", "stall": 0.3})
    url = api.upload().json()["url"]
    for address in (f"{api.sandbox.api_url}/account", url):
        client = api.plain if address == url else api.http
        begun = time.monotonic()
        assert client.get(address).status_code == 200
        assert time.monotonic() - begun >= 0.3


def test_a_stall_outlasts_a_client(api: Client, script: Script) -> None:
    script({"on": "account", "stall": 0.5, "drop": "before"})
    with pytest.raises(httpx.ReadTimeout):
        api.http.get(api.sandbox.api_url + "/account", timeout=0.1)


def test_an_unreadable_answer_after_the_work(api: Client, script: Script, jobs_made: Any) -> None:
    script({"on": "upload", "after_work": True, "status": 201, "body": "<html>"})
    answer = api.upload()
    assert (answer.status_code, answer.text) == (201, "<html>")
    assert jobs_made() == 1


def test_keys_are_merged_into_the_answer_or_removed(api: Client, script: Script) -> None:
    changes = {"url": "file:///etc/passwd", "id": "../../x", "input": None}
    script(
        {"on": "upload", "merge": changes, "headers": {"X-Kind": "odd"}},
        {"on": "job", "merge": {"status": "weird"}},
    )
    answer = api.upload()
    body = answer.json()
    assert answer.status_code == 200
    assert answer.headers["X-Kind"] == "odd"
    assert body.keys() == {"id", "url", "output"}
    assert (body["url"], body["id"]) == ("file:///etc/passwd", "../../x")
    whole = api.upload().json()
    assert api.get(f"/jobs/{whole['id']}").json()["status"] == "weird"
    assert api.get(f"/jobs/{whole['id']}").json()["status"] == "completed"


def test_a_job_is_made_to_fail(api: Client, script: Script) -> None:
    script({"on": "upload", "fail": "the disk \x1b[31mburns"})
    answer = api.upload()
    assert answer.status_code == 422
    assert answer.json()["message"] == "the disk \x1b[31mburns"


def test_the_next_looks_answer_the_scripted_words(api: Client, script: Script) -> None:
    """One each, and then the truth, though the job ended long before."""
    words = ["enqueued", "thawing", "processing", "enqueued"]
    script({"on": "upload", "states": words, "fail": "in the end"})
    answer = api.upload()
    assert answer.status_code == 202
    job = answer.json()["id"]
    assert answer.json() == {"id": job, "status": "enqueued"}
    for word in words:
        assert api.get(f"/jobs/{job}").json() == {"id": job, "status": word}
    assert api.ended(job)["message"] == "in the end"


def test_looks_and_fetches_have_faults_of_their_own(
    api: Client, script: Script, jobs_made: Any
) -> None:
    script(
        {"on": "job", "status": 404},
        {"on": "fetch", "status": 502, "body": "<html>"},
        {"on": "fetch", "fail": "no such place"},
    )
    assert api.get(f"/jobs/{api.upload().json()['id']}").status_code == 404
    assert api.fetch({"url": "http://127.0.0.1:1/"}).status_code == 502
    failed = api.fetch({"url": "http://127.0.0.1:1/", "webhook": {"url": "x"}})
    assert api.ended(failed.json()["id"])["status"] == "failed"
    assert jobs_made() == 2


def test_faults_follow_one_another(api: Client, script: Script) -> None:
    """Skipped requests first, then as often as it was to, then the next fault's turn."""
    script(
        {"on": "account", "status": 500, "skip": 1, "times": 2},
        {"on": "account", "status": 502},
        {"on": "job", "status": 418},
    )
    answers = [api.get("/account").status_code for _ in range(5)]
    assert answers == [502, 500, 500, 200, 200]
    assert api.get("/jobs/x").status_code == 418


def test_faults_by_chance_repeat_with_their_seed(api: Client) -> None:
    fault = {"on": "account", "status": 503, "probability": 0.4, "seed": 1, "times": 1000}
    runs = []
    for _ in range(2):
        api.control("POST", "faults", fault)
        runs.append([api.get("/account").status_code for _ in range(30)])
        fired = api.control("GET", "faults").json()[0]
        assert fired == {**fault, "fired": runs[-1].count(503)}
        assert api.control("DELETE", "faults").json() == []
    assert runs[0] == runs[1]
    assert 3 < runs[0].count(503) < 25
