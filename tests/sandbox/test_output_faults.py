"""Scripted faults of downloads: each does what it says, and is read back as fired."""

from __future__ import annotations

import gzip
import time

import httpx
import pytest

from .conftest import Client, Script


@pytest.fixture
def link(api: Client) -> str:
    url: str = api.upload().json()["url"]
    return url


@pytest.fixture
def whole(api: Client, link: str) -> bytes:
    return api.plain.get(link).content


def test_a_corrupt_output_has_one_wrong_byte(
    api: Client, script: Script, link: str, whole: bytes
) -> None:
    script({"on": "output", "corrupt": True, "times": 2})
    wrong = api.plain.get(link).content
    assert len(wrong) == len(whole)
    assert sum(ours != theirs for ours, theirs in zip(whole, wrong, strict=True)) == 1
    part = api.plain.get(link, headers={"Range": "bytes=3-9"}).content
    assert part != whole[3:10]


@pytest.mark.parametrize("kept", [0, 1, 500])
def test_a_truncated_output_declares_more_than_it_sends(
    api: Client, script: Script, link: str, whole: bytes, kept: int
) -> None:
    script({"on": "output", "truncate": kept})
    got: list[bytes] = []
    with api.plain.stream("GET", link) as answer:
        assert answer.headers["Content-Length"] == str(len(whole))
        with pytest.raises(httpx.RemoteProtocolError):
            got.extend(answer.iter_raw())
    assert b"".join(got) == whole[:kept]


def test_a_download_is_reset_or_answered_otherwise(api: Client, script: Script, link: str) -> None:
    script(
        {"on": "output", "drop": "after"},
        {"on": "output", "status": 403, "body": "expired", "content_type": "text/xml"},
        {"on": "output", "body": "<html>sign in"},
    )
    with pytest.raises(httpx.NetworkError):
        api.plain.get(link)
    refused = api.plain.get(link)
    assert (refused.status_code, refused.text) == (403, "expired")
    assert api.plain.get(link).text == "<html>sign in"


def test_a_download_without_length(api: Client, script: Script, link: str, whole: bytes) -> None:
    script({"on": "output", "no_length": True})
    answer = api.plain.get(link)
    assert "Content-Length" not in answer.headers
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert answer.content == whole


def test_a_server_without_ranges(api: Client, script: Script, link: str, whole: bytes) -> None:
    script({"on": "output", "no_range": True})
    answer = api.plain.get(link, headers={"Range": "bytes=5-"})
    assert (answer.status_code, answer.content) == (200, whole)
    assert not {"etag", "accept-ranges"} & answer.headers.keys()


def test_an_encoding_that_was_not_asked_for(
    api: Client, script: Script, link: str, whole: bytes
) -> None:
    disposition = {"Content-Disposition": 'attachment; filename="../../evil"'}
    script({"on": "output", "gzip": True, "headers": disposition})
    with api.plain.stream("GET", link, headers={"Accept-Encoding": "identity"}) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["Content-Disposition"] == disposition["Content-Disposition"]
        assert gzip.decompress(b"".join(answer.iter_raw())) == whole


def test_slow_downloads_and_uploads(api: Client, script: Script, link: str, whole: bytes) -> None:
    script(
        {"on": "output", "throttle": len(whole) * 3},
        {"on": "upload", "throttle": 3 * len(whole)},
    )
    begun = time.monotonic()
    with api.plain.stream("GET", link) as answer:
        pieces = list(answer.iter_raw())
    assert b"".join(pieces) == whole
    assert len(pieces) > 1
    assert time.monotonic() - begun > 0.25
    begun = time.monotonic()
    assert api.upload(whole).status_code == 200
    assert time.monotonic() - begun > 0.3
