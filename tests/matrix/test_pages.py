"""Rows D2 and D5: what comes instead of an output of which neither size nor SHA-1 is promised."""

from __future__ import annotations

from typing import Any

import pytest
from raw import message
from sandbox.pictures import encoded

from .scene import Scene
from .storage import RESULT, stored

OLD = b"what was there before"
UNTOLD: dict[str, Any] = {"size": None, "sha1": None}
NOTHING: dict[str, Any] = {**UNTOLD, "name": None, "format": None, "mime": None}
BINARY = "application/octet-stream"
XML = b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>'
PAGES = {
    "a BOM": (BINARY, b"\xef\xbb\xbf<!DOCTYPE html>Sign in"),
    "a comment": (BINARY, b"<!-- gw --><html>Sign in"),
    "blanks": (BINARY, b"\r\n" * 99 + b"<HTML>Sign in"),
    "a long comment": (BINARY, b"<!--" + b"x" * 2000 + b"--><html>Sign in"),
    "XML": (BINARY, XML),
    "XML by its type": ("application/xml", b"Error"),
    "JSON": ("application/json", b'{"error":"session expired"}'),
    "JSON by its content": (BINARY, b' {\n "error": "session expired"}'),
    "the type in capitals": ("TEXT/HTML", b"Sign in"),
    "XHTML": ("application/xhtml+xml; charset=utf-8", b"Sign in"),
}


@pytest.mark.row("D5")
@pytest.mark.parametrize("known", [UNTOLD, NOTHING], ids=["a picture", "nothing"])
@pytest.mark.parametrize(("content_type", "body"), PAGES.values(), ids=PAGES)
def test_a_page_is_no_result(
    scene: Scene, content_type: str, body: bytes, known: dict[str, Any]
) -> None:
    """However it begins and whatever the server calls it."""
    old = scene.source("x.png", OLD)
    with stored(scene, message(200, body, {"Content-Type": content_type}), **known) as storage:
        done = scene.run("submit", "photo.png", "-o", "x.png", code=8)
    assert "compressor: photo.png: the output's server sent a" in done.stderr
    assert done.commands == [f"compressor get --wait {done.ids[0]} --output x.png"]
    assert len(storage.received) == 1
    assert old.read_bytes() == OLD


SVG = b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg"/>'
MEANT = {
    "a drawing": ("image/svg+xml", SVG, {"mime": "image/svg+xml", "format": "svg"}),
    "a drawing by its name": ("text/xml", SVG, {"name": "photo.svg"}),
    "a drawing that nobody announced": ("image/svg+xml", SVG, {}),
    "a page": ("text/html", b"<!DOCTYPE html>", {"format": "html"}),
    "a page by its name": ("text/html", b"<html>", {"name": "index.htm"}),
    "JSON": ("application/json", b'{"a":1}', {"mime": "application/json"}),
    "XML": ("application/xml", XML, {"name": "feed.xml"}),
    "a format that nobody knows": (BINARY, b"JXL?", {"format": "jxl"}),
}


@pytest.mark.row("D5")
@pytest.mark.parametrize(("content_type", "body", "told"), MEANT.values(), ids=MEANT)
def test_a_page_may_be_what_was_compressed(
    scene: Scene, content_type: str, body: bytes, told: dict[str, Any]
) -> None:
    scene.promise(body)
    with stored(scene, message(200, body, {"Content-Type": content_type}), **{**NOTHING, **told}):
        scene.run("submit", "photo.png", "-o", "x.out", code=0)
    assert (scene.folder / "x.out").read_bytes() == body


@pytest.mark.row("D2")
@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"format": "png"}, "png"),
        ({"format": "JPEG"}, "jpeg"),
        ({"mime": "image/x-icon"}, "icon"),
        ({"name": "photo.pdf"}, "pdf"),
        ({"format": "mp4", "size": 9}, "mp4"),
    ],
)
def test_other_bytes_than_the_promised_format_begins_with(
    scene: Scene, told: dict[str, Any], said: str
) -> None:
    """Where no SHA-1 tells; also if the size is the promised one."""
    old = scene.source("x.png", OLD)
    with stored(scene, message(200, b"Try again"), **{**NOTHING, **told}):
        done = scene.run("submit", "photo.png", "-o", "x.png", code=8)
    assert f"the output does not begin as a {said} file does; discarded" in done.stderr
    assert old.read_bytes() == OLD


@pytest.mark.row("D2")
@pytest.mark.parametrize("format_", ["png", "jpeg", "gif", "webp", "avif", "tiff", "bmp"])
def test_every_picture_begins_as_its_format_does(scene: Scene, format_: str) -> None:
    """The first bytes count, also if they came in two parts."""
    content = encoded(format_)
    scene.promise(content)
    told = {**UNTOLD, "format": format_, "mime": None, "name": None}
    resumed = {"Content-Range": f"bytes 3-{len(content) - 1}/{len(content)}"}
    cut = message(200, content[:3], {"ETag": '"a"'}, length=len(content))
    with stored(scene, cut, message(206, content[3:], resumed), **told):
        scene.run("submit", "photo.png", "-o", "x.png", code=0)
    assert (scene.folder / "x.png").read_bytes() == content


@pytest.mark.row("D2")
def test_a_sha1_says_more_than_the_first_bytes(scene: Scene) -> None:
    """What has the promised one is the result, whatever it is called."""
    with stored(scene, message(200, RESULT, {"Content-Type": "text/html"}), format="jpeg"):
        scene.run("submit", "photo.png", "-o", "x.png", code=0)
    assert (scene.folder / "x.png").read_bytes() == RESULT
