"""Upload of one large file to a loopback API that discards it, plain and over TLS, beside curl."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from measuring import Command, Run, alternating
from place import KEY, Missing, Place, tool
from servers import Api, Trust, certified, loopback
from table import Line, Target, memory, rates, times

PIECE = 1024 * 1024
CURL, PIPED, TERMINAL, NO_DIGEST = "curl -F", "piped", "terminal", "without digest"


def measure(place: Place) -> Iterator[Line]:
    source = large_file(place.folder / "source.mp4", place.size)
    try:
        yield from _over(place, source, None)
        yield from _over(place, source, certified(place))
    except Missing as missing:
        yield Line("upload", "", str(missing))
    finally:
        source.unlink(missing_ok=True)


def large_file(path: Path, size: int) -> Path:
    """A file of random bytes, the same in each run."""
    chance = random.Random(5)
    with path.open("wb") as file:
        for _ in range(size // PIECE):
            file.write(chance.randbytes(PIECE))
    return path


def _over(place: Place, source: Path, trust: Trust | None) -> Iterator[Line]:
    with loopback(trust) as api:
        commands = _commands(place, source, api, trust)
        runs = alternating(commands, rounds=place.rounds(2, 7), warm=not place.quick)
    way = "plain" if trust is None else "TLS"
    curl, size = (CURL, runs[CURL]), place.size
    alone = [replace(each, seconds=float(each.said.split()[-1])) for each in runs[NO_DIGEST]]
    what = f"upload, {way}, as shipped (whole command, with SHA-1)"
    yield rates(what, runs[PIPED], curl, size=size, target=Target(0.6, at_least=True))
    what = f"upload, {way}, the engine without digest (transfer alone, in process)"
    yield rates(what, alone, curl, size=size, target=Target(0.9, at_least=True))
    what = f"upload, {way}, peak memory"
    yield memory(what, [*runs[PIPED], *runs[TERMINAL]], runs[CURL])
    what = f"upload, {way}, CPU time, beside {CURL}"
    yield times(what, _cpu(runs[PIPED]), (CURL, _cpu(runs[CURL])))
    what = f"upload, {way}, live display's cost"
    yield times(what, runs[TERMINAL], ("piped", runs[PIPED]), Target(1.05))


def _commands(place: Place, source: Path, api: Api, trust: Trust | None) -> dict[str, Command]:
    env = place.env(api.url, trust=trust.ca if trust else None)
    believed = ["--cacert", str(trust.ca)] if trust else []
    script = str(Path(__file__).with_name("nodigest.py"))
    return {
        CURL: place.theirs(
            *(tool("curl"), "-sSf", "-o", "/dev/null", *believed),
            *("-H", f"Authorization: Bearer {KEY}", "-F", "data={};type=application/json"),
            *("-F", f"file=@{source}", f"{api.url}/upload"),
        ),
        PIPED: place.ours("submit", str(source), env=env),
        TERMINAL: place.ours("submit", str(source), env=env, terminal=True),
        NO_DIGEST: place.theirs(place.python, script, str(source), env=env),
    }


def _cpu(runs: list[Run]) -> list[Run]:
    """The same runs, with the CPU's seconds for the clock's."""
    return [replace(each, seconds=each.cpu) for each in runs]
