"""Rows A12 and A14: a key that cannot be one, and a key that is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from conftest import Faults
from running import KEY, Box

from .scene import Scene

MARK = "hunter2"
"""Stands in each value that must not be shown."""
HOW = (
    "  run `compressor auth login`, or set COMPRESSOR_API_KEY; to try things without a key: "
    "`compressor sandbox exec -- compressor …`\n"
)
SPACED = "holds a space, a control character or a non-ASCII character, as no key does"
LONG = "is longer than 4096 characters"
Given = Callable[[Scene, bytes], dict[str, str | None]]


def in_environment(_: Scene, value: bytes) -> dict[str, str | None]:
    return {"COMPRESSOR_API_KEY": value.decode(errors="surrogateescape")}


def in_key_file(scene: Scene, value: bytes) -> dict[str, str | None]:
    path = scene.compressor.home / "key.txt"
    path.write_bytes(value)
    return {"COMPRESSOR_API_KEY": None, "COMPRESSOR_API_KEY_FILE": str(path)}


@pytest.mark.row("A12")
@pytest.mark.parametrize(
    ("given", "value", "said"),
    [
        (in_environment, b"", ""),
        (in_environment, b" \r\n", "is empty"),
        (in_environment, f"{MARK} {MARK}".encode(), SPACED),
        (in_environment, f"{MARK}\n{MARK}".encode(), SPACED),
        (in_environment, f"{MARK}\x1b[31m".encode(), SPACED),
        (in_environment, f"{MARK}é".encode(), SPACED),
        (in_environment, MARK.encode() + b"\xff", SPACED),
        (in_environment, MARK.encode() * 14_000, LONG),
        (in_key_file, b"", "is empty"),
        (in_key_file, f"{MARK}\0".encode(), SPACED),
        (in_key_file, MARK.encode() + b"\xff", SPACED),
        (in_key_file, MARK.encode() * 1_000, LONG),
        (in_key_file, MARK.encode() * 14_000, "is longer than any key"),
    ],
    ids=[
        "empty",
        "blank",
        "space",
        "newline",
        "escape",
        "accent",
        "bytes",
        "98kB",
        "file-empty",
        "file-NUL",
        "file-bytes",
        "file-7kB",
        "file-98kB",
    ],
)
def test_what_cannot_be_a_key(
    scene: Scene, box: Box, given: Given, value: bytes, said: str
) -> None:
    """Refused with the name of its place and the reason, before any request; never repeated."""
    scene.source("photo.png")
    done = scene.run("submit", "photo.png", code=4, within=3, env=given(scene, value))
    place = "COMPRESSOR_API_KEY" + ("_FILE" if given is in_key_file else "")
    if given is in_environment and not value:
        assert done.stderr == f"compressor: there is no API key\n{HOW}"  # empty is not given
    else:
        assert done.stderr.startswith(f"compressor: the API key from environment {place} ")
        assert said in done.stderr
        assert done.stderr.endswith(HOW)
    assert MARK not in done.stdout + done.stderr
    assert box.requests == []


@pytest.mark.row("A12")
@pytest.mark.parametrize("end", ["\n", " \t\r\n"], ids=repr)
def test_white_space_around_a_key_is_not_part_of_it(scene: Scene, box: Box, end: str) -> None:
    """As it comes from `echo`, from an editor, or out of a file with the ends of another system."""
    scene.api(box)
    source = {"COMPRESSOR_API_KEY": None, "COMPRESSOR_API_KEY_FILE": "/dev/stdin"}
    given = f"{KEY}{end}"
    from_file = scene.run("auth", "status", code=0, env=source, stdin=given.encode())
    from_environment = scene.run("auth", "status", code=0, env={"COMPRESSOR_API_KEY": given})
    for done in (from_file, from_environment):
        assert done.stdout.endswith(f" is accepted by {box.url}\n")


REFUSALS = pytest.mark.parametrize("status", [401, 403])
CHECK = "  check the key: compressor auth status\n"


@pytest.mark.row("A14")
@REFUSALS
def test_a_key_that_is_refused_at_the_check(
    scene: Scene, box: Box, faults: Faults, status: int
) -> None:
    """`auth status` asks once; before a large file it is asked too, and no byte of it is sent."""
    scene.source("photo.bmp", width=2400, height=1200)
    faults({"on": "account", "status": status, "times": 2, "body": {"message": "no such key"}})
    done = scene.run("auth", "status", code=4, within=3)
    assert done.stderr == (
        f"compressor: the service answered {status}: no such key\n"
        "  check the key in the dashboard of the service, then: compressor auth login\n"
    )
    done = scene.run("submit", "photo.bmp", code=4, within=3)
    told = f"compressor: photo.bmp: the service answered {status}: no such key\n{CHECK}"
    assert done.stderr == told
    assert done.stdout == ""
    assert box.routes() == ["account", "account"]


@pytest.mark.row("A14")
@REFUSALS
def test_a_key_that_is_refused_with_the_upload(
    scene: Scene, box: Box, faults: Faults, status: int
) -> None:
    """Final: it is not sent again."""
    scene.source("photo.png")
    faults({"on": "upload", "status": status})
    done = scene.run("submit", "photo.png", code=4, within=3)
    assert f"compressor: photo.png: the service answered {status}" in done.stderr
    assert done.stderr.endswith(CHECK)
    assert box.routes() == ["upload"]


@pytest.mark.row("A14")
def test_a_key_that_the_service_does_not_know(scene: Scene, box: Box) -> None:
    """Without any script: the sandbox knows one key only."""
    scene.source("photo.png")
    env = {"COMPRESSOR_API_KEY": f"{MARK}-another"}
    done = scene.run("submit", "photo.png", code=4, within=3, env=env)
    assert "the service answered 401" in done.stderr
    assert MARK not in done.stderr
    assert box.stats()["accepted"] == 0


@pytest.mark.row("A14")
@pytest.mark.parametrize(
    ("status", "words"),
    [(401, []), (403, ["-o", "out/"]), (401, ["-q", "-o", "out/"]), (403, ["--json"])],
)
def test_a_key_that_is_refused_in_mid_poll(
    scene: Scene, box: Box, faults: Faults, status: int, words: list[str]
) -> None:
    """Looked at no more, but the job is kept: its id is told, and with a good key it goes on."""
    scene.source("photo.png")
    withdrawn = {"status": status, "body": {"message": "the key was withdrawn"}}
    faults(
        {"on": "upload", "states": ["processing"]},
        {"on": "job", **withdrawn, "after_work": True},  # which makes it ready
    )
    done = scene.run("submit", "photo.png", "--wait", *words, code=4, within=6)
    assert box.routes() == ["upload", "job"]
    (job,) = done.ids
    told = f"compressor: photo.png: the service answered {status}: the key was withdrawn\n{CHECK}"
    assert done.stderr.endswith(told)
    assert (f"photo.png: submitted as {job}\n" in done.stderr) == ("-q" not in words)
    scene.run("get", "--last", "-o", "small.png", code=0)
    assert box.stats()["accepted"] == 1
