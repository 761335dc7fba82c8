"""Start-up: our smallest commands beside an empty Python, curl, httpie, twine and hf."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from environments import peer
from loopback import JOB
from measuring import Command, alternating
from place import KEY, Missing, Place, tool
from servers import loopback
from table import Line, Target, times

STATUS, VERSION, HELP = "status ID, over loopback", "--version", "--help"
EMPTY, CURL, HTTPIE = "python -c pass", "curl, the same GET", "http GET, the same"
TWINE, HF = "twine --version", "hf version"

COMPARED = (
    (VERSION, EMPTY, Target(7)),
    (HELP, EMPTY, Target(7)),
    (STATUS, EMPTY, None),
    (STATUS, CURL, None),
    (STATUS, HTTPIE, Target(0.55)),
    (STATUS, TWINE, Target(0.9)),
    (STATUS, HF, Target(0.9)),
)
"""Against twine and hf, which make no request there, 0.9 stands for a clear margin."""


def measure(place: Place) -> Iterator[Line]:
    with loopback(job={"status": "processing"}) as api:
        url = f"{api.url}/jobs/{JOB}"
        env = place.env(api.url)
        commands = {
            EMPTY: place.theirs(place.python, "-c", "pass"),
            VERSION: place.ours("--version", env=env),
            HELP: place.ours("--help", env=env),
            STATUS: place.ours("status", JOB, env=env),
        }
        absent: dict[str, str] = {}
        header = f"Authorization: Bearer {KEY}"
        others: dict[str, Callable[[], Command]] = {
            CURL: lambda: place.theirs(tool("curl"), "-sSf", "-H", header, url),
            HTTPIE: lambda: place.theirs(peer("http"), "--ignore-stdin", "GET", url, header),
            TWINE: lambda: place.theirs(peer("twine"), "--version"),
            HF: lambda: place.theirs(peer("hf"), "version"),
        }
        for name, make in others.items():
            try:
                commands[name] = make()
            except Missing as missing:
                absent[name] = str(missing)
        runs = alternating(commands, rounds=place.rounds(3, 21))
    for what, beside, target in COMPARED:
        title = f"{what}, beside {beside}"
        if beside in absent:
            yield Line(title, "", absent[beside], target=target)
        else:
            yield times(title, runs[what], (beside, runs[beside]), target)
