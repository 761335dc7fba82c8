"""Download of one large file from nginx, plain and over TLS, beside curl and httpie.

Ours is verified and on the disk when it ends, which theirs is not; `curl && sync` is on the disk.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from environments import peer
from loopback import JOB
from measuring import Command, Run, alternating
from place import Missing, Place, tool
from servers import Trust, certified, loopback, nginx
from table import Line, Target, memory, rates, times
from upload import large_file

CURL, SYNCED, HTTPIE = "curl -o", "curl -o && sync", "http --download"
PIPED, TERMINAL, IN_MEMORY, CURL_IN_MEMORY = "piped", "terminal", "in memory", "curl in memory"
MEMORY = Path("/dev/shm")


def measure(place: Place) -> Iterator[Line]:
    try:
        tool("curl"), tool("nginx")
        folder = place.new_folder("served")
        source = large_file(folder / "result.mp4", place.size)
        with source.open("rb") as file:
            sha1 = hashlib.file_digest(file, "sha1").hexdigest()
        yield from _over(place, folder, sha1, None)
        yield from _over(place, folder, sha1, certified(place))
    except Missing as missing:
        yield Line("download", "", str(missing))
    finally:
        _in_memory().unlink(missing_ok=True)


def _over(place: Place, folder: Path, sha1: str, trust: Trust | None) -> Iterator[Line]:
    absent = ""
    with ExitStack() as stack:
        origin = stack.enter_context(nginx(place, folder, trust))
        url = f"{origin}/result.mp4"
        job = {
            "status": "completed",
            "url": url,
            "output": {"size": place.size, "sha1": sha1, "type": "video"},
        }
        api = stack.enter_context(loopback(trust, job=job))
        env = place.env(api.url, trust=trust.ca if trust else None)
        commands = _commands(place, env, url, trust)
        try:
            commands[HTTPIE] = _httpie(place, url, trust)
        except Missing as missing:
            absent = str(missing)
        runs = alternating(commands, rounds=place.rounds(2, 7), warm=not place.quick)
    yield from _lines(place, runs, "plain" if trust is None else "TLS", absent)


def _lines(place: Place, runs: dict[str, list[Run]], way: str, absent: str) -> Iterator[Line]:
    size, curl = place.size, (CURL, runs[CURL])
    least = Target(0.65 if way == "plain" else 0.5, at_least=True)
    what = f"download, {way}, verified and synced"
    yield rates(f"{what}, beside {CURL}", runs[PIPED], curl, size=size, target=least)
    yield rates(f"{what}, beside {SYNCED}", runs[PIPED], (SYNCED, runs[SYNCED]), size=size)
    title, target = f"{what}, beside {HTTPIE}", Target(1, at_least=True)
    if absent:
        yield Line(title, "", absent, target=target)
    else:
        yield rates(title, runs[PIPED], (HTTPIE, runs[HTTPIE]), size=size, target=target)
    if IN_MEMORY in runs:
        what = f"download, {way}, verified, where the disk costs nothing ({MEMORY})"
        yield rates(what, runs[IN_MEMORY], (CURL, runs[CURL_IN_MEMORY]), size=size)
    yield memory(f"download, {way}, peak memory", [*runs[PIPED], *runs[TERMINAL]], runs[CURL])
    cpu = {name: [replace(each, seconds=each.cpu) for each in runs[name]] for name in runs}
    yield times(f"download, {way}, CPU time, beside {CURL}", cpu[PIPED], (CURL, cpu[CURL]))
    what = f"download, {way}, live display's cost"
    yield times(what, runs[TERMINAL], ("piped", runs[PIPED]), Target(1.05))


def _commands(
    place: Place, env: dict[str, str], url: str, trust: Trust | None
) -> dict[str, Command]:
    target = str(_target(place))
    curl = [tool("curl"), "-sSf", *(["--cacert", str(trust.ca)] if trust else []), "-o"]
    synced = f"{shlex.join([*curl, target, url])} && sync {shlex.quote(target)}"
    get = ("get", JOB, "-o")
    commands = {
        CURL: place.theirs(*curl, target, url),
        SYNCED: place.theirs("/bin/sh", "-c", synced),
        PIPED: place.ours(*get, target, env=env),
        TERMINAL: place.ours(*get, target, env=env, terminal=True),
    }
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK):
        there = str(_in_memory())
        commands[CURL_IN_MEMORY] = place.theirs(*curl, there, url)
        commands[IN_MEMORY] = place.ours(*get, there, env=env)
    return {name: _cleared(place, command) for name, command in commands.items()}


def _httpie(place: Place, url: str, trust: Trust | None) -> Command:
    believed = ["--verify", str(trust.ca)] if trust else []
    words = (peer("http"), "--ignore-stdin", "--download", *believed, "-o", str(_target(place)))
    return _cleared(place, place.theirs(*words, "GET", url))


def _target(place: Place) -> Path:
    return place.folder / "fetched"


def _in_memory() -> Path:
    return MEMORY / f"compressor-bench-{os.getpid()}"


def _cleared(place: Place, command: Command) -> Command:
    """The command on an empty place and a disk that is at rest."""

    def before() -> None:
        _target(place).unlink(missing_ok=True)
        _in_memory().unlink(missing_ok=True)
        os.sync()

    return replace(command, before=before)
