"""A history: commands, faults and signals one after another, and what must hold all along."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from running import KEY, Box, Compressor, Result, environment

from .happenings import TROUBLES, WEATHERS, Add, Begin, Run, Step, Storm, Trouble
from .proxy import FINE, Proxy
from .scene import Scene, sha1
from .watcher import Watcher

LIMIT = 2.5
"""Seconds that each command has."""
_EARLY = {"pending": 10, "error": 10, "unknown": 7, "not-sent": 5}
"""States of what had not ended when a command ended early (`error`: no look at it came through),
and the exit code that may tell it."""
_ROOM = "size=2m"


def worst(codes: set[int]) -> int:
    """The exit code that README.md promises for several."""
    failures = codes - {0}
    return failures.pop() if len(failures) == 1 else min(1, len(failures))


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A disk of its own at `folder`."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", _ROOM, "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


class History:
    """Plays steps against one sandbox behind two proxies, in a folder of its own.

    `fired` counts what really happened: server, network, downloads (of these), local, signal.
    """

    def __init__(self, home: Path, box: Box, *, in_place: bool) -> None:
        self._box = box
        for name in ("user", "tmp", "work/room"):
            (home / name).mkdir(parents=True)
        env = environment(home, url="", key=KEY)
        self._scene = Scene(Compressor(home, home / "work", env))
        self._scene.watch(box)
        self._folder = home / "work"
        self._room = self._folder / "room"
        place = ["--in-place"] if in_place else ["-o", "room/out"]
        self._compress = ["compress", "room/in", *place]
        self._in_place = in_place
        self._sources: dict[Path, str] = {}
        self.fired: Counter[str] = Counter()
        self.runs: Counter[str] = Counter()

    def play(self, steps: list[Step]) -> None:
        """All steps, and at the end, when all is calm, a last run that must set all right."""
        self._box.forget()
        outputs = self._box.sandbox.outputs_url
        with (
            small_disk(self._room),
            Proxy(outputs) as storage,
            Proxy(self._box.origin, rename=(outputs, storage.origin)) as proxy,
        ):
            self._scene.api(proxy.url)
            for step in steps:
                self._do(step, proxy, storage)
            self.fired["server"] += sum(self._box.fired())
            self.fired["network"] += proxy.fired + storage.fired
            self.fired["downloads"] += storage.fired
            self._box.calm()
            proxy.plan(FINE)
            storage.plan(FINE)
            self._set_right(lost=proxy.fired)

    def _do(self, step: Step, proxy: Proxy, storage: Proxy) -> None:
        match step:
            case Begin(command, kinds):
                self._begin(command, kinds)
            case Add(kind):
                self._add("in", kind)
            case Trouble(name):
                self._box.script(TROUBLES[name])
            case Storm(names, outputs):
                met = storage if outputs else proxy
                met.plan(*(WEATHERS[name] for name in names), FINE)
            case Run():
                self._run(step)

    def _begin(self, command: str, kinds: tuple[str, ...]) -> None:
        """What was submitted lies apart: compress would hand it over for itself."""
        made = [self._add("in" if command == "compress" else "sent", kind) for kind in kinds]
        names = [str(source.relative_to(self._folder)) for source in made]
        self._scene.run(*(self._compress if command == "compress" else ["submit", *names]), code=0)

    def _add(self, folder: str, kind: str) -> Path:
        number = len(self._sources)
        size = {"width": 60 + number, "height": 50, "seed": number}
        source = self._scene.source(f"room/{folder}/p{number}.{kind}", **size)
        self._sources[source] = sha1(source.read_bytes())
        return source

    def _run(self, run: Run) -> None:
        if not (words := self._words_of(run.command)):
            return
        self.runs[run.command] += 1
        ballast = self._room / ".ballast"
        if run.full:
            with suppress(OSError), ballast.open("wb", buffering=0) as file:
                while file.write(bytes(4096)):
                    pass
        watcher = Watcher(self._room)
        going = self._scene.start(*words, "--json", "--timeout", str(LIMIT))
        if run.number:
            with suppress(subprocess.TimeoutExpired):
                going.process.wait(run.after)
            with suppress(ProcessLookupError):
                going.process.send_signal(run.number)
        result = going.ended(LIMIT + 8)
        seen = watcher.stop()
        died = run.number and result.code in (-run.number, 128 + run.number)
        codes = {128 + run.number} if died else set(range(11)) - {2, 3, 4}
        self._scene.held(result, code=codes, within=LIMIT + 2)
        self.fired["signal"] += bool(died)
        self.fired["local"] += run.full and b"no space" in (result.out + result.err).lower()
        self._only_own_results_were_seen(seen)
        if not died:
            self._the_exit_code_tells_the_truth(run.command, result)
        ballast.unlink(missing_ok=True)

    def _words_of(self, command: str) -> list[str]:
        if command == "compress":
            return self._compress
        listed = self._scene.compressor("jobs", "--json")
        ids = [record["id"] for record in listed.records if record["id"]]
        if not ids:
            return []
        more = ["--wait", "-o", "room/got/", "--force"] if command == "get" else []
        return [command, *ids, *more]

    def _results(self) -> dict[str, set[str]]:
        """What the service made of each input, by SHA-1."""
        made: dict[str, set[str]] = {}
        for result in self._box.stats()["results"]:
            made.setdefault(result["input"], set()).add(result["output"])
        return made

    def _only_own_results_were_seen(self, seen: set[tuple[Path, str]]) -> None:
        """Under a final name stood nothing, ever, but the source or the result of that source."""
        made = self._results()
        own = {source.stem: digest for source, digest in self._sources.items()}
        for path, digest in seen:
            good = {own[path.stem]} | made.get(own[path.stem], set())
            assert digest in good, f"not a result of its source: {path}"

    def _the_exit_code_tells_the_truth(self, command: str, result: Result) -> None:
        rows = [record for record in result.records if record.get("kind", "file") == "file"]
        codes = {_code_of(row) for row in rows}
        early = {_early(row, command) for row in rows if not _code_of(row)} - {0}
        if command != "compress" and result.code == 0:
            assert {row["state"] for row in rows} == {"completed"}
        if early:
            assert result.code in {*early, *codes, 1} - {0}, f"exit {result.code}: {result.stdout}"
            return
        assert result.code == worst(codes), f"exit {result.code} for {codes}: {result.stdout}"
        made = {each["id"]: each["output"] for each in self._box.stats()["results"]}
        for row in rows:
            if row.get("saved_to"):
                assert sha1((self._folder / row["saved_to"]).read_bytes()) == made[row["id"]]
            if row.get("kind") and row["state"] in ("compressed", "kept", "unchanged"):
                assert self._target(self._folder / row["path"]).exists()

    def _target(self, source: Path) -> Path:
        return source if self._in_place else self._room / "out" / source.name

    def _set_right(self, *, lost: int) -> None:
        """Every source is done, but for those that may have been accepted: they are named.

        `lost`: connections to the service that the network broke. Beside these, an upload that
        arrived, and one that the service broke off, leave the command in doubt.
        """
        if not (self._room / "in").exists():
            return
        going = self._scene.start(*self._compress, "--json", "--timeout", "30")
        done = self._scene.held(going.ended(40), code=(0, 7), within=30)
        rows = {row["path"]: row for row in done.records if row["kind"] == "file"}
        doubted = {path for path, row in rows.items() if row["exit_code"]}
        assert {rows[path]["exit_code"] for path in doubted} <= {7}
        assert done.code == (7 if doubted else 0)
        uploads = [each for each in self._box.requests if each["route"] == "upload"]
        arrived = Counter(each.get("sha1") for each in uploads)
        lost += arrived[None]
        made = self._results()
        for source, digest in self._sources.items():
            if source.parent.name == "in" and str(source.relative_to(self._folder)) in doubted:
                lost -= not arrived[digest]
                assert lost >= 0, f"nothing left {source} in doubt"
            elif source.parent.name == "in":
                now = sha1(self._target(source).read_bytes())
                assert now in made.get(digest, set()) | {digest}, f"not done: {source}"


def _code_of(row: dict[str, Any]) -> int:
    """The exit code that a row tells of its file or job."""
    if "kind" in row:
        return int(row["exit_code"])
    return int(row["error"]["exit_code"]) if row["error"] else 0


def _early(row: dict[str, Any], command: str) -> int:
    """The exit code that may tell of a row that is no failure: 0 if it had ended."""
    if command == "get" and row["state"] == "completed" and not row["saved_to"]:
        return 10
    return _EARLY.get(row["state"], 0)
