"""Row B16: hostile names of sources, in the request and beside the result."""

from __future__ import annotations

import os
import re
from email import message_from_bytes
from email.message import Message

import pytest
from raw import RawServer, message, says
from running import Box

from .scene import Scene

NAMES = {
    "quotes": "a\"b'.png",
    "line breaks": "a\r\nX-Evil: 1\r\n\r\nb.png",
    "a second name": 'a.png"; filename="b.png',
    "no UTF-8": os.fsdecode(b"b\xff\xfe.png"),
    "255 bytes": "x" * 251 + ".png",
    "bidi": "c\u202egnp.exe.png",
    "a leading dash": "-o.png",
    "a backslash": "d\\e.png",
    "control characters": "f\x1b[2J\x07\x7f.png",
    "percent": "g%22%0d%0a.png",
    "spaces": "  a b .png",
    "a boundary": "--boundary--\r\n.png",
}


PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .,;=%'\\[_-]{0,250}\.png")


@pytest.mark.row("B16")
def test_the_result_of_a_hostile_name_has_a_plain_one(scene: Scene, box: Box) -> None:
    """Every job goes well, and nothing acts on a screen."""
    for seed, name in enumerate(NAMES.values()):
        scene.source(name, width=24, height=18, seed=seed)
    done = scene.run("submit", "-o", "out/", "--", *NAMES.values(), code=0)
    assert len(done.ids) == box.stats()["accepted"] == len(NAMES)
    results = [path.name for path in (scene.folder / "out").iterdir()]
    assert len(results) == len(NAMES)
    assert not [name for name in results if not PLAIN.fullmatch(name)]


@pytest.mark.row("B16")
def test_a_hostile_name_names_one_part(scene: Scene) -> None:
    """Read by another program, the request has two parts, and one of them one name."""
    contents = [scene.source(name, b"%d" % n).read_bytes() for n, name in enumerate(NAMES.values())]
    answers = [says(message(201, {"id": f"job-{n}"})) for n in range(len(NAMES))]
    with RawServer(*answers) as server:
        scene.api(server)
        scene.run("submit", "--", *NAMES.values(), code=0)
        requests = server.received
    for name, content, request in zip(NAMES.values(), contents, requests, strict=True):
        head, _, body = request.partition(b"\r\n\r\n")
        assert b"X-Evil" not in head, name
        data, file = _parts(head, body)
        assert data.get_param("name", header="content-disposition") == "data", name
        assert file.get_param("name", header="content-disposition") == "file", name
        assert file.get_payload(decode=True) == content, name
        assert file.keys() == ["Content-Disposition", "Content-Type"], name
        assert f'filename="{_as_a_browser_says_it(name)}"\r\n'.encode() in body, name
        disposition = str(file["Content-Disposition"])
        assert disposition.count("filename=") == 1 + name.count("filename="), name
        assert disposition.count('"') == 4, name


def _as_a_browser_says_it(name: str) -> str:
    """How the HTML standard writes it in a header; what no header can hold is `_`, and a backslash,
    which half of all programs take for more than it is, is escaped too."""
    escapes = {'"': "%22", "\r": "%0D", "\n": "%0A", "\\": "%5C"}
    marks = ["_" if (ord(c) < 32 and c not in escapes) or ord(c) == 127 else c for c in name]
    text = "".join(escapes.get(mark, mark) for mark in marks)
    return text.encode("utf-8", "replace")[-255:].decode()


def _parts(head: bytes, body: bytes) -> list[Message]:
    """The parts of a multipart body, as another program reads them."""
    (content_type,) = [line for line in head.split(b"\r\n") if line.startswith(b"Content-Type")]
    whole = message_from_bytes(content_type + b"\r\n\r\n" + body)
    parts = whole.get_payload()
    assert isinstance(parts, list)
    return [part for part in parts if isinstance(part, Message)]
