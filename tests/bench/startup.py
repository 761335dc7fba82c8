"""Start-up: our smallest commands beside an empty Python, curl, httpie, twine and hf."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from environments import peer
from loopback import JOB
from measuring import Command, alternating, seconds
from place import KEY, Missing, Place, tool
from servers import loopback
from table import Line, Target, duration, limit, times

from compressor_cli.api.contract import Job
from compressor_cli.memory.ledger import Ledger

STATUS, VERSION, HELP = "status ID, over loopback", "--version", "--help"
TAB_COMMAND, TAB_OPTION, TAB_JOB = "TAB at a command", "TAB at an option", "TAB at a job id"
JOBS = 1000
"""So many jobs are in the ledger in which a TAB looks for ids."""
TAB = 0.15
"""Seconds that a TAB may take when all it reads is in the system's cache."""
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
            TAB_COMMAND: _tab(place, env, "compressor su"),
            TAB_OPTION: _tab(place, env, "compressor submit --compr"),
            TAB_JOB: _tab(place, _with_jobs(place, env), "compressor get 0000"),
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
    for what in (TAB_COMMAND, TAB_OPTION, TAB_JOB):
        took = seconds(runs[what])
        yield limit(f"{what}, warm", duration(took), took, bound=TAB, shown=duration(TAB))


def _tab(place: Place, env: Mapping[str, str], line: str) -> Command:
    """What a bash asks at a TAB after `line`."""
    asked = {"_COMPRESSOR_COMPLETE": "complete_bash", "COMP_WORDS": line}
    place_of_word = str(len(line.split()) - 1)
    return place.ours(env={**env, **asked, "COMP_CWORD": place_of_word})


def _with_jobs(place: Place, env: Mapping[str, str]) -> dict[str, str]:
    """The variables that name a ledger of many jobs."""
    state = place.folder / "many"
    ledger = Ledger(state)
    api_url = env["COMPRESSOR_API_URL"]
    ledger.observed(api_url, [Job(f"{n:08}", "pending") for n in range(JOBS)])
    ledger.close()
    return {**env, "COMPRESSOR_STATE_DIR": str(state)}
