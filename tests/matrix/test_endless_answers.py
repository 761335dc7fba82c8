"""Row C10: answers that come so slowly, or are so long, that no time-out ends them."""

from __future__ import annotations

import contextlib
import re
import time

import pytest
from raw import Connection, RawServer, Script, message, says

from .scene import Scene
from .storage import JOB, RESULT, finished, promised


def floods(connection: Connection) -> None:
    """Interim answers without end."""
    connection.request()
    with contextlib.suppress(OSError):
        while True:
            connection.sock.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n")
            time.sleep(0.01)


def drips(content: bytes, *, after: int = 0) -> Script:
    """A byte now and then, `after` the first ones, which come at once."""

    def script(connection: Connection) -> None:
        connection.request()
        with contextlib.suppress(OSError):
            connection.sock.sendall(content[:after])
            for byte in content[after:]:
                connection.sock.sendall(bytes([byte]))
                time.sleep(0.5)

    return script


ANSWER = message(200, {"id": "38a8bb5e", "message": "x" * 200})
ENDLESS: dict[str, Script] = {
    "interim answers": floods,
    "a head that drips": drips(ANSWER),
    "a body that drips": drips(ANSWER, after=ANSWER.index(b"{")),
}


@pytest.mark.row("C10")
@pytest.mark.parametrize("script", ENDLESS.values(), ids=ENDLESS)
def test_a_wait_is_cut_by_its_deadline(scene: Scene, script: Script) -> None:
    """The job runs on, and how to go on is said."""
    with RawServer(script) as server:
        scene.api(server)
        done = scene.run("wait", "38a8bb5e", "--timeout", "0.3", code=10, within=1)
    assert done.stderr.splitlines() == [
        "compressor: 0.3 s are over, and the job is not at an end; the service works on",
        "  go on with: compressor wait 38a8bb5e",
    ]


@pytest.mark.row("C10")
def test_an_upload_whose_answer_never_ends_leaves_doubt(scene: Scene) -> None:
    """All of it was sent."""
    scene.source("photo.png")
    with RawServer(floods) as server:
        scene.api(server)
        done = scene.run("submit", "photo.png", "--timeout", "0.5", code=7, within=1)
    assert "0.5 s are over, and the answer to an upload had not come" in done.stderr


@pytest.mark.slow
@pytest.mark.row("C10")
def test_the_key_check_ends_by_itself(scene: Scene) -> None:
    """It has no deadline from the user, but its own of half a minute; all of these at once."""
    going = []
    with contextlib.ExitStack() as stack:
        for script in ENDLESS.values():
            scene.api(stack.enter_context(RawServer(script)))
            going.append(scene.start("auth", "status"))
        for each in going:
            done = scene.held(each.ended(40), code=5, within=40)
            assert done.stdout == ""
            assert re.search("30 s|too slowly|timed out", done.stderr)


GIVEN_UP = {
    "interim answers": "does not answer: timed out; next try in",
    "a head that drips": "does not answer: timed out; next try in",
    "a body that drips": "sends too slowly; next try in",
}


@pytest.mark.slow
@pytest.mark.row("C10")
def test_a_look_that_never_ends_is_a_missed_look(scene: Scene) -> None:
    """After half a minute it is given up, and the next one answers; all of these at once."""
    going = []
    with contextlib.ExitStack() as stack:
        done = message(200, {"id": JOB, "status": "completed", "url": "https://example.com/x"})
        for script in ENDLESS.values():
            scene.api(stack.enter_context(RawServer(script, says(done))))
            going.append(scene.start("wait", JOB, "--timeout", "60"))
        for each, said in zip(going, GIVEN_UP.values(), strict=True):
            ended = scene.held(each.ended(45), code=0, within=45)
            assert said in ended.stderr
            assert ended.stdout == f"{JOB}\tcompleted\n"


@pytest.mark.slow
@pytest.mark.row("C10")
def test_an_output_that_never_ends_is_fetched_again(scene: Scene) -> None:
    """The same for where outputs lie."""
    picture = message(200, RESULT)
    scripts: dict[str, Script] = {
        **ENDLESS,
        "a head that drips": drips(picture),
        "a body that drips": drips(picture, after=picture.index(b"\x89PNG")),
    }
    scene.promise(RESULT)
    sources = [scene.source(f"photo{number}.png", seed=number) for number in range(len(scripts))]
    going = []
    with contextlib.ExitStack() as stack:
        for number, script in enumerate(scripts.values()):
            source = sources[number].read_bytes()
            storage = stack.enter_context(RawServer(script, says(picture)))
            answer = finished(source, f"{storage.url}/out.png", promised())
            scene.api(stack.enter_context(RawServer(says(answer))))
            going.append(scene.start("submit", f"photo{number}.png", "-o", f"{number}.png"))
        for each in going:  # all, since the end of one looks for the others' litter
            each.process.wait(45)
        for each, said in zip(going, GIVEN_UP.values(), strict=True):
            assert said in scene.held(each.ended(45), code=0, within=45).stderr
    for number in range(len(going)):
        assert (scene.folder / f"{number}.png").read_bytes() == RESULT


@pytest.mark.row("C10")
def test_a_head_without_end_is_left(scene: Scene) -> None:
    """More than 100 KB of headers are not read."""
    head = b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 990) for n in range(300))
    with RawServer(says(head + b"Content-Length: 2\r\n\r\n{}")) as server:
        scene.api(server)
        done = scene.run("auth", "status", code=5)
    assert done.stderr.startswith(f"compressor: the connection to 127.0.0.1:{server.port} broke")
