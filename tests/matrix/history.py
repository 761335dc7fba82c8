"""A history: commands, faults and signals one after another, and what must hold all along."""

from __future__ import annotations

import signal
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from running import KEY, Box, Compressor, Result, environment

from .proxy import FINE, Proxy, Way, Weather
from .scene import Scene, sha1

TROUBLES: dict[str, dict[str, Any]] = {
    "upload 429": {"on": "upload", "status": 429, "headers": {"Retry-After": "1"}},
    "upload 503": {"on": "upload", "status": 503},
    "upload html": {"on": "upload", "status": 502, "body": "<html>bad gateway</html>"},
    "upload dropped before": {"on": "upload", "drop": "before"},
    "upload dropped after": {"on": "upload", "drop": "after"},
    "upload unreadable": {"on": "upload", "after_work": True, "status": 201, "body": "{"},
    "upload stalls": {"on": "upload", "stall": 1.0},
    "look 503": {"on": "job", "status": 503, "headers": {"Retry-After": "1"}},
    "look dropped": {"on": "job", "drop": "before"},
    "look html": {"on": "job", "status": 200, "body": "<html>login</html>"},
    "look of another job": {"on": "job", "merge": {"id": "another-job"}},
    "look at strange states": {"on": "upload", "states": ["enqueued", "thawing", "enqueued"]},
    "output cut": {"on": "output", "truncate": 700},
    "output wrong": {"on": "output", "corrupt": True, "times": 2},
    "output expired": {"on": "output", "status": 403},
    "output html": {"on": "output", "status": 200, "body": "<html>session expired</html>"},
    "output dropped": {"on": "output", "drop": "before"},
    "output gzip": {"on": "output", "gzip": True},
    "output slow": {"on": "output", "throttle": 20_000},
}
WEATHERS = {
    "reset at once": Weather(reset_before_server=True),
    "reset on the way up": Weather(up=Way(reset_at=4_000)),
    "reset on the way down": Weather(down=Way(reset_at=60)),
    "cut on the way down": Weather(down=Way(close_at=60)),
    "slow": Weather(up=Way(latency=0.02, piece=4096), down=Way(latency=0.05, piece=512)),
    "stalls": Weather(down=Way(stall_at=40)),
}
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
LIMIT = 2.5
"""Seconds that each command has."""


@dataclass(frozen=True)
class Add:
    """A new source appears."""

    kind: str


@dataclass(frozen=True)
class Trouble:
    """The service will do this at the next occasion."""

    name: str


@dataclass(frozen=True)
class Storm:
    """The next connections meet this, in their order."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Run:
    """A command; `number` is a signal that it gets after so many seconds, or 0."""

    command: str  # compress, wait, get, full: compress on a disk that takes 2 KiB a file
    number: int = 0
    after: float = 0.0


Step = Add | Trouble | Storm | Run


class History:
    """Plays steps against one sandbox behind one proxy, in a folder of its own."""

    def __init__(self, home: Path, box: Box, *, in_place: bool) -> None:
        self._box = box
        for name in ("user", "tmp", "work", "work/in"):
            (home / name).mkdir(parents=True)
        env = environment(home, url="", key=KEY)
        self._scene = Scene(Compressor(home, home / "work", env))
        self._scene.watch(box)
        self._folder = home / "work"
        self._words = ["compress", "in", *(["--in-place"] if in_place else ["-o", "out"])]
        self._in_place = in_place
        self._sources: list[Path] = []
        self._seen: set[str] = set()

    def play(self, steps: list[Step]) -> None:
        """All steps, and at the end, when all is calm, a last run that must set all right."""
        self._box.forget()
        with Proxy(self._box.origin) as proxy:
            self._scene.api(proxy.url)
            for step in steps:
                self._do(step, proxy)
            self._box.calm()
            proxy.plan(FINE)
            self._set_right()

    def _do(self, step: Step, proxy: Proxy) -> None:
        match step:
            case Add(kind):
                number = len(self._sources)
                size = {"width": 60 + number, "height": 50, "seed": number}
                self._sources.append(self._scene.source(f"in/p{number}.{kind}", **size))
            case Trouble(name):
                self._box.script(TROUBLES[name])
            case Storm(names):
                proxy.plan(*(WEATHERS[name] for name in names), FINE)
            case Run(command, number, after):
                self._run(command, number, after)

    def _run(self, command: str, number: int, after: float) -> None:
        if not (words := self._words_of(command)):
            return
        watcher = Watcher(self._folder)
        going = self._scene.start(*words, "--json", "--timeout", str(LIMIT))
        if command == "full":
            subprocess.run(["prlimit", "--pid", str(going.process.pid), "--fsize=2048"], check=True)
        if number:
            with suppress(subprocess.TimeoutExpired):
                going.process.wait(after)
            with suppress(ProcessLookupError):
                going.process.send_signal(number)
        result = going.ended(LIMIT + 8)
        self._seen |= watcher.stop()
        self._scene.held(result, code={*range(11), *(128 + n for n in (number,) if n)})
        self._nothing_partial_was_seen()
        if not number:
            self._the_exit_code_tells_the_truth(command, result)

    def _words_of(self, command: str) -> list[str]:
        if command in ("compress", "full"):
            return self._words
        listed = self._scene.compressor("jobs", "--json")
        ids = [record["id"] for record in listed.records if record["id"]]
        if not ids:
            return []
        return ["wait", *ids] if command == "wait" else ["get", *ids, "-o", "got/", "--force"]

    def _nothing_partial_was_seen(self) -> None:
        """What had a final name at any moment was a source or a verified output."""
        good = set(self._box.stats()["outputs"]) | set(self._scene.known)
        assert self._seen <= good, "something unverified had a final name"

    def _the_exit_code_tells_the_truth(self, command: str, result: Result) -> None:
        if result.code == 0 and command in ("compress", "full"):
            assert all(self._target(source).exists() for source in self._sources)
        for record in result.records:
            if record.get("kind") == "file":
                assert (record["state"] == "failed") == bool(record["exit_code"])
            if command == "get" and record.get("saved_to"):
                assert (self._folder / record["saved_to"]).exists()
            if command == "wait" and result.code == 0:
                assert record["state"] == "completed"

    def _target(self, source: Path) -> Path:
        return source if self._in_place else self._folder / "out" / source.name

    def _set_right(self) -> None:
        """Every source is done, but for those that may have been accepted: they are named."""
        if not self._sources:
            return
        going = self._scene.start(*self._words, "--json", "--timeout", "30")
        done = self._scene.held(going.ended(40), code=(0, 7))
        rows = [record for record in done.records if record["kind"] == "file"]
        doubted = {record["path"] for record in rows if record["state"] == "failed"}
        assert all(record["exit_code"] in (0, 7) for record in rows)
        outputs = set(self._box.stats()["outputs"])
        for source in self._sources:
            if str(source.relative_to(self._folder)) not in doubted:
                content = self._target(source).read_bytes()
                assert sha1(content) in outputs or content == source.read_bytes()


class Watcher:
    """Looks at a folder all the time: the digests of all that had a final name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._over = threading.Event()
        self._digests: set[str] = set()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        known: dict[tuple[int, int, int], str] = {}
        while not self._over.wait(0.01):
            for path in self._folder.rglob("*"):
                with suppress(FileNotFoundError):
                    if path.name.startswith(".") or path.name == "compressor.lock":
                        continue
                    if path.is_file():
                        facts = path.stat()
                        key = (facts.st_ino, facts.st_mtime_ns, facts.st_size)
                        if key not in known:
                            known[key] = sha1(path.read_bytes())
                        self._digests.add(known[key])

    def stop(self) -> set[str]:
        self._over.set()
        self._thread.join(10)
        return self._digests
