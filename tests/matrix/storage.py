"""A service of the tests' own making: it takes one upload, and the output lies where it says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from raw import RawServer, Script, message, says
from sandbox.pictures import encoded

from .scene import Scene, sha1

JOB = "5d1f0c52-8a3e-4b0a-9f43-0d6c1f2b7a11"
RESULT = encoded("png", width=60, height=45)
HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"


def promised(content: bytes = RESULT, **other: Any) -> dict[str, Any]:
    """What the service tells of an output; `other` over that, None takes a word away."""
    facts = {
        "name": "photo.png",
        "format": "png",
        "mime": "image/png",
        "size": len(content),
        "sha1": sha1(content),
        **other,
    }
    return {word: value for word, value in facts.items() if value is not None}


def chunk(content: bytes) -> bytes:
    """One chunk of a body that comes in chunks; of nothing: its end."""
    return b"%x\r\n%s\r\n" % (len(content), content)


def chunked(content: bytes, *, head: bytes = HEAD) -> bytes:
    """An answer in one chunk, to its end."""
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(content) + chunk(b"")


def finished(source: bytes, url: str, output: dict[str, Any]) -> bytes:
    """The answer of a service that has done its work on `source` already."""
    told = {"size": len(source), "sha1": sha1(source), "format": "png"}
    return message(200, {"id": JOB, "url": url, "input": told, "output": output})


@contextmanager
def stored(
    scene: Scene, *answers: bytes | Script, query: str = "", **output: Any
) -> Iterator[RawServer]:
    """`photo.png` to submit, and a storage on a port of its own that gives these answers.

    `output` is told by the service, over what is true of RESULT. Every answer must be asked for.
    """
    source = scene.source("photo.png").read_bytes()
    scene.promise(RESULT)
    scripts = [says(answer) if isinstance(answer, bytes) else answer for answer in answers]
    with RawServer(*scripts) as storage:
        answer = finished(source, f"{storage.url}/out.png{query}", promised(**output))
        with RawServer(says(answer)) as api:
            scene.api(api)
            scene.stranger(storage)
            yield storage
            assert len(storage.received) >= storage.scripted, "an answer was never asked for"
