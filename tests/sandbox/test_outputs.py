"""Downloads: links, ranges, conditions, and the second port."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from compressor_cli.sandbox.links import Links
from compressor_cli.sandbox.options import SandboxOptions
from compressor_cli.sandbox.running import running

from .conftest import Client, client_of


@pytest.fixture(scope="module")
def link(api: Client) -> str:
    url: str = api.upload().json()["url"]
    return url


@pytest.fixture(scope="module")
def whole(api: Client, link: str) -> bytes:
    return api.plain.get(link).content


def test_a_download_tells_its_length_type_and_strong_etag(
    api: Client, link: str, whole: bytes
) -> None:
    for method in ("GET", "HEAD"):
        answer = api.plain.request(method, link)
        assert answer.status_code == 200
        assert answer.headers["Content-Length"] == str(len(whole))
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert answer.headers["ETag"] == f'"{hashlib.sha1(whole).hexdigest()}"'
        assert "Content-Encoding" not in answer.headers
        assert answer.content == (whole if method == "GET" else b"")


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [("0-0", 0, 1), ("10-19", 10, 20), ("100-", 100, None), ("-7", -7, None), ("5-999999", 5, None),
     ("-999999", 0, None)],
)  # fmt: skip
def test_a_range_is_answered_in_part(
    api: Client, link: str, whole: bytes, asked: str, start: int, stop: int | None
) -> None:
    answer = api.plain.get(link, headers={"Range": f"bytes={asked}"})
    assert answer.status_code == 206
    part = whole[start:stop]
    assert answer.content == part
    assert answer.headers["Content-Length"] == str(len(part))
    first = start % len(whole)
    last = first + len(part) - 1
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(whole)}"


@pytest.mark.parametrize("asked", ["bytes=999999-", "bytes=-0"])
def test_a_range_outside_is_refused(api: Client, link: str, whole: bytes, asked: str) -> None:
    answer = api.plain.get(link, headers={"Range": asked})
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(whole)}"


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,3-4", "bytes=-", "bytes=9-3", "lines=1-2", "bytes=a-b"]
)
def test_other_ranges_are_answered_in_full(
    api: Client, link: str, whole: bytes, asked: str
) -> None:
    answer = api.plain.get(link, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, whole)


def test_if_range_continues_only_the_same_output(api: Client, link: str, whole: bytes) -> None:
    etag = api.plain.head(link).headers["ETag"]
    same = api.plain.get(link, headers={"Range": "bytes=5-", "If-Range": etag})
    assert (same.status_code, same.content) == (206, whole[5:])
    other = api.plain.get(link, headers={"Range": "bytes=5-", "If-Range": '"other"'})
    assert (other.status_code, other.content) == (200, whole)


def test_conditions_on_the_etag(api: Client, link: str) -> None:
    etag = api.plain.head(link).headers["ETag"]
    for value in (etag, f"W/{etag}", "*", f'"a", {etag}'):
        answer = api.plain.get(link, headers={"If-None-Match": value})
        assert (answer.status_code, answer.content) == (304, b"")
    assert api.plain.get(link, headers={"If-None-Match": '"a"'}).status_code == 200
    assert api.plain.get(link, headers={"If-Match": etag}).status_code == 200
    assert api.plain.get(link, headers={"If-Match": '"a"'}).status_code == 412


def test_a_link_cannot_be_guessed_or_changed(api: Client, link: str) -> None:
    """Another expiry, job, mark or name gives nothing."""
    expiry, job, mark, name = link.removeprefix(api.origin + "/").split("/")
    other = api.upload().json()["id"]
    for parts in (
        (str(int(expiry) + 1), job, mark, name),
        (expiry, other, mark, name),
        (expiry, job, mark[::-1], name),
        (expiry, job, "é", name),
        (expiry, job, mark, "other.jpeg"),
        (expiry, job, mark, "..%2F..%2Fkey"),
        (expiry, "..%2Fkey", mark, name),
    ):
        assert api.plain.get("/".join((api.origin, *parts))).status_code == 404


def test_a_key_on_a_link_is_refused(api: Client, two_ports: Client) -> None:
    """As a storage service refuses two permissions at once, on either port."""
    assert api.http.get(api.upload().json()["url"]).status_code == 400
    job = two_ports.ended(two_ports.upload().json()["id"])
    assert job["url"].startswith(two_ports.sandbox.outputs_url + "/")
    assert two_ports.sandbox.outputs_url != two_ports.origin
    assert two_ports.http.get(job["url"]).status_code == 400
    assert two_ports.plain.get(job["url"]).status_code == 200


@pytest.fixture(scope="module")
def short_lived() -> Iterator[Client]:
    with running(SandboxOptions(link_seconds=0)) as sandbox, client_of(sandbox) as client:
        yield client


def test_an_ended_link_is_forbidden(short_lived: Client) -> None:
    body = short_lived.upload().json()
    assert short_lived.plain.get(body["url"]).status_code == 403


def test_a_later_link_lives_longer() -> None:
    """The same output has a fresh link at each look; the old one ends by itself."""
    now = [1000.0]
    links = Links("http://127.0.0.1:1", b"secret", 60, clock=lambda: now[0])
    first = links.make("job", "a b.png")
    expiry = first.split("/")[3]
    assert (expiry, first.rpartition("/")[2]) == ("1060", "a%20b.png")
    now[0] = 1059.9
    assert not links.expired(expiry)
    now[0] = 1060.0
    assert links.expired(expiry)
    assert not links.expired(links.make("job", "a b.png").split("/")[3])
