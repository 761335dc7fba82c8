"""Row D7: where outputs lie, and what is sent there and what is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from raw import Connection, RawServer, Script, message
from running import Box

from .scene import Scene
from .storage import RESULT, finished, promised

COOKIE = {"Set-Cookie": "session=c00k1e; Path=/"}
PRIVATE = (b"\r\nauthorization:", b"\r\ncookie:", b"\r\nx-mine:")
SOURCE = "https://example.com/photo.png"


def redirect(url: str) -> bytes:
    return message(302, b"", {"Location": url, **COOKIE})


def pages(table: dict[str, bytes | tuple[bytes, bytes]]) -> Script:
    """Answers by path, or to a POST; a pair: without and with an Authorization."""

    def script(connection: Connection) -> None:
        request = connection.request()
        method, path, _ = request.decode("latin-1").split(" ", 2)
        page = table[path if method == "GET" else method]
        if isinstance(page, tuple):
            page = page[b"\r\nauthorization:" in request.lower()]
        connection.send(page)

    return script


@dataclass(frozen=True)
class Origins:
    """The API's and another one, each with its pages."""

    api: RawServer
    api_pages: dict[str, bytes | tuple[bytes, bytes]]
    other: RawServer
    other_pages: dict[str, bytes | tuple[bytes, bytes]]

    def output_at(self, url: str) -> None:
        """Every submit is answered at once: the output is there."""
        accepted = finished(b"", url, promised()).replace(
            b"Connection: close", b"Connection: close\r\nSet-Cookie: session=c00k1e; Path=/"
        )
        self.api_pages["POST"] = accepted

    @property
    def gets(self) -> list[bytes]:
        """The API's requests for outputs."""
        return [request for request in self.api.received if request.startswith(b"GET")]


@pytest.fixture
def origins(scene: Scene) -> Iterator[Origins]:
    scene.promise(RESULT)
    ours: dict[str, bytes | tuple[bytes, bytes]] = {}
    theirs: dict[str, bytes | tuple[bytes, bytes]] = {}
    with RawServer(pages(ours)) as api, RawServer(pages(theirs)) as other:
        scene.api(api)
        scene.stranger(other)
        yield Origins(api, ours, other, theirs)
        for request in [*other.received, *api.received]:
            assert not request.startswith(b"GET") or b"c00k1e" not in request
            assert not request.startswith(b"GET") or b"v3ry-0wn" not in request
        for request in other.received:
            assert not [name for name in PRIVATE if name in request.lower()]


def submitted(scene: Scene) -> None:
    """A URL is compressed, with a header of its own for whoever serves it."""
    words = ("submit", SOURCE, "--header", "X-Mine: v3ry-0wn", "-o", "x.png")
    scene.run(*words, code=0)
    assert (scene.folder / "x.png").read_bytes() == RESULT


@pytest.mark.row("D7")
def test_an_output_on_another_port(scene: Scene, later: Box) -> None:
    """No credentials go there."""
    scene.source("photo.png")
    scene.run("submit", "photo.png", "-o", "x.png", code=0)
    seen = {request["route"]: request for request in later.requests}
    assert seen["output"]["host"] != seen["upload"]["host"]
    assert seen["output"]["authorization"] == "none"


@pytest.mark.row("D7")
def test_an_output_on_the_apis_own_port(scene: Scene, box: Box) -> None:
    """Asked for without the key, which storage services refuse beside a signature."""
    scene.source("photo.png")
    scene.run("submit", "photo.png", "-o", "x.png", code=0)
    assert [(r["route"], r["authorization"]) for r in box.requests][1:] == [("output", "none")]


@pytest.mark.row("D7")
def test_the_key_only_where_the_api_asks_for_it(scene: Scene, origins: Origins) -> None:
    origins.output_at(f"{origins.api.url}/out")
    origins.api_pages["/out"] = (message(401), message(200, RESULT))
    submitted(scene)
    assert [b"authorization:" in request.lower() for request in origins.gets] == [False, True]
    assert origins.other.received == []


@pytest.mark.row("D7")
def test_redirects_from_the_api_and_back(scene: Scene, origins: Origins) -> None:
    """The API had the key; the next place does not get it, and the API not again unasked."""
    origins.output_at(f"{origins.api.url}/out")
    origins.api_pages["/out"] = (message(403), redirect(f"{origins.other.url}/a"))
    origins.other_pages["/a"] = redirect(f"{origins.api.url}/signed")
    origins.api_pages["/signed"] = (message(200, RESULT), message(400))
    submitted(scene)
    keyed = [b"authorization:" in request.lower() for request in origins.gets]
    assert keyed == [False, True, False]
    assert len(origins.other.received) == 1


@pytest.mark.row("D7")
def test_redirects_to_the_api_and_back(scene: Scene, origins: Origins) -> None:
    """Where the API asks for the key on the way, it gets it, and nobody after it."""
    origins.output_at(f"{origins.other.url}/out")
    origins.other_pages["/out"] = redirect(f"{origins.api.url}/a")
    origins.api_pages["/a"] = (message(401), redirect(f"{origins.other.url}/end"))
    origins.other_pages["/end"] = message(200, RESULT)
    submitted(scene)
    assert len(origins.gets) == len(origins.other.received) == 2
