"""Rows B: what the service, or a gateway before it, answers to an upload."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from conftest import Faults
from raw import Connection, RawServer, message, says, says_early, silent
from running import Box, Result

from .gateway import Gateway
from .scene import Scene

CHECK_FIRST = (
    "  it was not sent again, since that might be paid twice; "
    "look in the dashboard of the service before you submit it anew"
)


def in_doubt(done: Result, why: str) -> None:
    """All that is said: that it may have been accepted, why nobody knows, and how to check."""
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "compressor: photo.png: the upload was sent whole, but whether it was accepted is unknown "
        f"({why})",
        CHECK_FIRST,
    ]


@pytest.mark.row("B3")
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"status": 500}, "the service answered 500: a scripted fault"),
        (
            {"status": 502, "body": "<html>\x1b[31mBad</html>", "content_type": "text/html"},
            "the service answered 502",
        ),
        ({"status": 504, "body": ""}, "the service answered 504"),
        ({"status": 503}, "the service answered 503: a scripted fault"),
    ],
    ids=["500", "502 HTML", "504", "503 that asks for no pause"],
)
def test_a_broken_gateway_is_not_sent_the_same_again(
    scene: Scene, box: Box, faults: Faults, answer: dict[str, Any], why: str
) -> None:
    """The job may have been made: here it was. A page's HTML is not shown."""
    scene.source("photo.png")
    faults({"on": "upload", "after_work": True, **answer})
    in_doubt(scene.run("submit", "photo.png", "-o", "out/", code=7), why)
    assert box.routes() == ["upload"]
    assert box.stats()["accepted"] == 1
    assert not (scene.folder / "out").exists()


@pytest.mark.row("B3")
@pytest.mark.parametrize("status", [502, 504])
def test_a_real_gateway_whose_service_is_gone(
    scene: Scene, tmp_path_factory: pytest.TempPathFactory, status: int
) -> None:
    """nginx took the whole body; the service behind it hung up, or never answered."""
    scene.source("photo.png")
    behind = says(b"") if status == 502 else silent
    with RawServer(behind) as service:
        rules = f"location / {{ proxy_pass {service.url}; proxy_read_timeout 1s; }}"
        with Gateway(tmp_path_factory.mktemp("nginx"), rules) as gateway:
            scene.api(gateway.url)
            done = scene.run("submit", "photo.png", code=7)
            assert gateway.answered() == [f"POST /1.0/upload {status}"]
        assert len(service.whole_posts()) == 1
    in_doubt(done, f"the service answered {status}")


@pytest.mark.row("B6")
def test_an_accepted_job_whose_answer_is_lost(scene: Scene, box: Box, faults: Faults) -> None:
    """The service has one job."""
    scene.source("photo.png")
    jobs = box.stats()["jobs"]
    faults({"on": "upload", "drop": "after"})
    done = scene.run("submit", "photo.png", "-o", "out/", code=7)
    host = box.origin.removeprefix("http://")
    in_doubt(done, f"the connection to {host} broke: Connection reset by peer")
    assert box.routes() == ["upload"]
    assert (box.stats()["accepted"], box.stats()["jobs"]) == (1, jobs + 1)
    assert "unknown" in scene.run("jobs", code=0).stdout


@pytest.mark.row("B6")
def test_a_batch_does_not_send_it_in_a_later_run_either(
    scene: Scene, box: Box, faults: Faults
) -> None:
    """Until it is told to, by the command that is printed."""
    scene.source("photo.png")
    faults({"on": "upload", "drop": "after"})
    scene.run("compress", "photo.png", "-o", "out/", code=7)
    again = scene.run("compress", "photo.png", "-o", "out/", code=7)
    assert box.stats()["accepted"] == 1
    assert "compressor jobs forget --number 1" in again.stderr
    scene.run("jobs", "forget", "--number", "1", code=0)
    assert scene.run("compress", "photo.png", "-o", "out/", "--dry-run", code=0).stdout


UNUSABLE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "the service sent an empty answer"),
    "cut JSON": (b'{"id": "38a8', "the service sent an answer that is not JSON"),
    "not UTF-8": (b'{"id": "\xff"}', "the service sent an answer that is not JSON"),
    "a list": (b"[]", "the service's answer is JSON, but not an object"),
    "no id": (b'{"status": "processing"}', "the service gave no usable job id: 'None'"),
    "an id of null": (b'{"id": null}', "the service gave no usable job id: 'None'"),
    "HTML": (b"<html><h1>Welcome</h1></html>", "the service sent an answer that is not JSON"),
}


@pytest.mark.row("B7")
@pytest.mark.parametrize("answer", [b"HTTP/1.1 2O1 Created\r\n\r\n{}", b"garbage\r\n\r\n"])
def test_an_answer_that_is_no_http(scene: Scene, answer: bytes) -> None:
    """To a whole upload: it may have been accepted, and no later run sends it either."""
    scene.source("photo.png")
    with RawServer(says(answer)) as service:
        scene.api(service.url)
        first = scene.run("compress", "photo.png", "-o", "out/", code=7)
        scene.run("compress", "photo.png", "-o", "out/", code=7)
        assert len(service.whole_posts()) == 1
    assert "does not speak HTTP" in first.stderr


@pytest.mark.row("B7")
@pytest.mark.parametrize(("body", "why"), UNUSABLE.values(), ids=UNUSABLE)
def test_an_acceptance_that_cannot_be_read(
    scene: Scene, box: Box, faults: Faults, body: bytes, why: str
) -> None:
    """The job was made, and nobody knows its id: that is doubt, not a reason for a second POST."""
    scene.source("photo.png")
    content = {"body_base64": base64.b64encode(body).decode()}
    faults({"on": "upload", "after_work": True, "status": 201, **content})
    in_doubt(scene.run("submit", "photo.png", "-o", "out/", code=7), why)
    assert box.routes() == ["upload"]
    assert box.stats()["accepted"] == 1


@pytest.mark.row("B7")
def test_an_acceptance_of_ten_megabytes(scene: Scene) -> None:
    """It is not read to its end."""
    scene.source("photo.png")
    body = b'{"id": "38a8bb5e", "padding": "' + b"x" * 10_000_000 + b'"}'
    with RawServer(says(message(201, body))) as server:
        scene.api(server)
        done = scene.run("submit", "photo.png", code=7)
        assert len(server.whole_posts()) == 1
    in_doubt(done, f"127.0.0.1:{server.port} sent an answer without end")


@pytest.mark.row("B9")
@pytest.mark.parametrize(
    ("status", "said"), [(413, "too large"), (415, "no such type"), (422, "width must be positive")]
)
def test_an_early_refusal_is_heard_while_sending(scene: Scene, status: int, said: str) -> None:
    """The service's own words, though most of the body was never taken."""
    scene.source("photo.bmp", width=1600, height=900)
    refusal = says_early(message(status, {"success": False, "message": said}))
    with RawServer(refusal) as server:
        scene.api(server)
        done = scene.run("submit", "photo.bmp", "-o", "out/", code=6)
        assert len(server.received) == 1
    assert done.whole == (
        "exit 6\n-- stdout\n-- stderr\n"
        f"compressor: photo.bmp: the service answered {status}: {said}\n"
    )


@pytest.mark.row("B9")
def test_an_early_refusal_that_takes_nothing_of_the_body(scene: Scene) -> None:
    """It is heard although the connection is then closed over all that was not read."""
    scene.source("photo.bmp", width=2400, height=1200)

    def refuse(connection: Connection) -> None:
        if not connection.head().startswith(b"GET"):
            connection.send(message(413, {"success": False, "message": "too large"}))

    with RawServer(refuse) as server:
        scene.api(server)
        done = scene.run("submit", "photo.bmp", "-o", "out/", code=6)
        assert max(map(len, server.received)) < 3000
    assert done.stderr == "compressor: photo.bmp: the service answered 413: too large\n"


@pytest.mark.row("B9")
def test_a_real_gateway_that_takes_no_large_bodies(
    scene: Scene, box: Box, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """nginx looks at the length and says no; its HTML is not shown."""
    scene.source("photo.bmp", width=2400, height=1200)
    rules = f"client_max_body_size 1m; location / {{ proxy_pass {box.origin}; }}"
    with Gateway(tmp_path_factory.mktemp("nginx"), rules) as gateway:
        scene.api(gateway.url)
        done = scene.run("submit", "photo.bmp", code=6)
        assert gateway.answered() == ["GET /1.0/account 200", "POST /1.0/upload 413"]
    assert done.stderr == "compressor: photo.bmp: the service answered 413\n"
    assert box.stats()["accepted"] == 0


@pytest.mark.row("B10")
@pytest.mark.parametrize(
    ("status", "elsewhere"),
    [(301, True), (302, True), (303, True), (307, True), (308, True), (307, False)],
)
def test_a_redirect_is_not_followed(
    scene: Scene, tmp_path_factory: pytest.TempPathFactory, status: int, elsewhere: bool
) -> None:
    """Neither the file nor the key goes where the service points to; where that is, is told."""
    scene.source("photo.png")
    with RawServer(says(message(200, {"id": "38a8bb5e"}))) as other:
        scene.stranger(other)
        place = other.url if elsewhere else "/2.0"
        rules = f"location / {{ return {status} {place}/moved?token=s3cret; }}"
        with Gateway(tmp_path_factory.mktemp("nginx"), rules) as gateway:
            scene.api(gateway.url)
            done = scene.run("submit", "photo.png", "-o", "out/", code=6)
            assert gateway.answered() == [f"POST /1.0/upload {status}"]
        assert other.received == []
    shown = other.url if elsewhere else f"{gateway.url}/2.0"
    assert done.stderr.splitlines() == [
        f"compressor: photo.png: the service answered {status}, a redirect to {shown}/moved, "
        "which is not followed",
        "  check the API URL: compressor config get api_url",
    ]
