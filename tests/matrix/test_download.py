"""Rows D1, D2, D5, D6: outputs that come cut, wrong, as a page, or by a link that has ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import Faults
from raw import RawServer, message, says
from running import Box

from .gateway import Gateway
from .scene import Scene
from .storage import HEAD, RESULT, chunk, finished, promised, stored

CUTS = {
    "declared length": message(200, RESULT[:-9], length=len(RESULT)),
    "chunked": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(RESULT[:-9]),
    "to the end of the connection": HEAD + b"\r\n" + RESULT[:-9],
}
WHOLE = message(200, RESULT)
OLD = b"what was there before"


@pytest.mark.row("D1")
@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS.keys())
def test_a_cut_output_is_fetched_again_from_its_first_byte(scene: Scene, cut: bytes) -> None:
    """The server gave nothing that proves that the rest would be of the same file."""
    scene.source("x.png", OLD)
    with stored(scene, cut, WHOLE) as storage:
        done = scene.run("submit", "photo.png", "-o", "x.png", code=0)
    assert (scene.folder / "x.png").read_bytes() == RESULT
    assert not [request for request in storage.received if b"\r\nrange:" in request.lower()]
    assert "next try in" in done.stderr


@pytest.mark.row("D1")
def test_a_cut_output_goes_on_where_the_server_allows_it(
    scene: Scene, box: Box, faults: Faults
) -> None:
    """Its ETag says that it is the same file: only the rest is fetched."""
    scene.source("photo.png")
    faults({"on": "output", "truncate": 5000})
    scene.run("submit", "photo.png", "-o", "x.png", code=0)
    assert [r["range"] for r in box.requests if r["route"] == "output"] == [None, "bytes=5000-"]


@pytest.mark.row("D1")
@pytest.mark.parametrize(
    ("known", "said"),
    [({"size": None}, "SHA-1"), ({"size": None, "sha1": None}, "nothing tells")],
    ids=["the SHA-1", "nothing"],
)
def test_a_cut_that_only_the_sha1_shows(scene: Scene, known: dict[str, Any], said: str) -> None:
    """Without a size nothing tells a cut from an end but the SHA-1; without both: not believed."""
    old = scene.source("x.png", OLD)
    with stored(scene, CUTS["to the end of the connection"], **known) as storage:
        done = scene.run("submit", "photo.png", "-o", "x.png", code=8)
    assert said in done.stderr
    assert old.read_bytes() == OLD
    assert len(storage.received) == 1


@pytest.mark.slow
@pytest.mark.row("D1")
def test_an_output_that_is_always_cut(scene: Scene) -> None:
    """Given up after five tries without headway; the job can be fetched later."""
    old = scene.source("x.png", OLD)
    with stored(scene, CUTS["chunked"]) as storage:
        done = scene.run("submit", "photo.png", "-o", "x.png", code=5, within=30)
    assert old.read_bytes() == OLD
    assert len(storage.received) == 5
    assert done.commands == [f"compressor get --wait {done.ids[0]} --output x.png"]


@pytest.mark.row("D2")
@pytest.mark.parametrize(
    "words",
    [
        ("submit", "photo.png", "-o", "x.png"),
        ("submit", "photo.png", "-o", "-"),
        ("compress", "photo.png", "--in-place"),
    ],
    ids=["file", "stdout", "in place"],
)
def test_one_wrong_byte(scene: Scene, box: Box, faults: Faults, words: tuple[str, ...]) -> None:
    """Discarded and told in one line; what was there stays, and stdout gets nothing of it."""
    scene.source("photo.png")
    old = scene.source("x.png", OLD)
    faults({"on": "output", "corrupt": True})
    done = scene.run(*words, code=8)
    assert (
        "compressor: photo.png: the output's SHA-1 is not the promised one; discarded\n"
        in done.stderr
    )
    assert old.read_bytes() == OLD
    assert b"PNG" not in done.out
    box.calm()
    (job,) = [record["id"] for record in scene.compressor("jobs", "--json").records]
    scene.run("get", job, "-o", "again.png", code=0)
    box.script({"on": "output", "corrupt": True})
    scene.run("get", job, "-o", "x.png", code=8)


PAGE = "<!DOCTYPE html> <html><title>Sign in</title>Your session expired.</html>"
PAGES = f"""
location = /page {{ default_type text/html; return 200 "{PAGE}"; }}
location = /page.png {{ default_type image/png; return 200 "{PAGE}"; }}
location = /empty.png {{ default_type image/png; return 200 ""; }}
"""


@pytest.mark.row("D5")
@pytest.mark.parametrize(
    ("path", "size", "said"),
    [
        ("page", len(PAGE), "the output's server sent a web page instead"),
        ("page.png", len(PAGE), "the output's server sent a web page instead"),
        ("empty.png", 0, "the output is empty"),
    ],
)
@pytest.mark.parametrize("is_promised", [True, False], ids=["promised", "nothing promised"])
def test_a_page_or_nothing_instead_of_the_file(
    scene: Scene, tmp_path: Path, path: str, size: int, said: str, is_promised: bool
) -> None:
    """Also where the server calls the page a picture, and the service promised nothing."""
    old = scene.source("x.png", OLD)
    source = scene.source("photo.png").read_bytes()
    output = promised() if is_promised else promised(size=None, sha1=None)
    (tmp_path / "nginx").mkdir()
    with Gateway(tmp_path / "nginx", PAGES) as storage:
        with RawServer(says(finished(source, f"{storage.url}/{path}", output))) as api:
            scene.api(api)
            done = scene.run("submit", "photo.png", "-o", "x.png", code=8)
        assert storage.answered() == [f"GET /{path} 200"]
    assert (f"the output has {size} bytes" if is_promised else said) in done.stderr
    assert done.commands == [f"compressor get --wait {done.ids[0]} --output x.png"]
    assert done.stderr.count("\n") == 3
    assert old.read_bytes() == OLD


@pytest.mark.row("D6")
def test_a_link_that_has_ended_is_renewed(scene: Scene, box: Box, faults: Faults) -> None:
    """The job is asked once for a fresh one. No signature is printed, not even with --verbose."""
    scene.source("photo.png")
    signed = "?X-Amz-Expires=60&X-Amz-Signature=5ec4e7"
    expired = message(403, b"<Error><Code>AccessDenied</Code><Message>expired</Message></Error>")
    with RawServer(says(expired)) as storage:
        faults({"on": "upload", "merge": {"url": f"{storage.url}/out.png{signed}"}})
        scene.stranger(storage)
        done = scene.run("submit", "photo.png", "-o", "x.png", "--verbose", code=0)
        assert len(storage.received) == 1
    assert box.routes() == ["upload", "job", "output"]
    assert "5ec4e7" not in done.stdout + done.stderr


@pytest.mark.row("D6")
def test_links_that_are_all_refused(scene: Scene, box: Box, faults: Faults) -> None:
    """The job is asked for three fresh ones, since one may end on its way here; then it is said.

    The job itself is well, so it is not called unknown. No signature is printed.
    """
    scene.source("photo.png")
    expired = message(403, b"<Error><Code>AccessDenied</Code><Message>expired</Message></Error>")
    with RawServer(says(expired)) as storage:
        scene.stranger(storage)
        links = [f"{storage.url}/out.png?X-Amz-Signature=5ec4e7{number}" for number in range(4)]
        faults({"on": "upload", "merge": {"url": links[0]}})
        faults(*({"on": "job", "merge": {"url": link}} for link in links[1:]))
        done = scene.run("submit", "photo.png", "-o", "x.png", "--verbose", code=6)
        asked = [request.split(b" ", 2)[1].decode() for request in storage.received]
        assert [f"{storage.url}{path}" for path in asked] == links
    assert box.routes() == ["upload", "job", "job", "job"]
    assert "each link that the job named was refused" in done.stderr
    assert "5ec4e7" not in done.stdout + done.stderr
    assert not (scene.folder / "x.png").exists()
