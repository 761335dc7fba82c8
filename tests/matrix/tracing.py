"""System calls of a command that go wrong from a moment on: strace, attached while it waits.

Attached late, since the first calls of each kind belong to the interpreter's own start.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from raw import Connection, RawServer, message
from running import Result, until

from .scene import Scene
from .storage import finished, promised
from .tools import needs

Moment = Literal["answer", "output"]
_SCOPE = Path("/proc/sys/kernel/yama/ptrace_scope")


class Tracer:
    """Lets calls of a process and its threads fail: `inject` as strace takes it. A context manager.

    `fsync:error=EIO:when=1` is the first fsync of each thread from now on.
    """

    def __init__(self, pid: int, inject: Collection[str], log: Path) -> None:
        needs("strace")
        if os.geteuid() and _SCOPE.exists() and _SCOPE.read_text().strip() != "0":
            pytest.skip("this user may not trace the programs it started")
        calls = ",".join(sorted({each.partition(":")[0] for each in inject}))
        faults = [word for each in inject for word in ("-e", f"inject={each}")]
        self._words = ["strace", "-f", "-y", "-p", str(pid), "-e", f"trace={calls}", *faults]
        self._log = log

    def __enter__(self) -> Tracer:
        self._process = subprocess.Popen(
            [*self._words, "-o", str(self._log)], stderr=subprocess.PIPE
        )
        assert self._process.stderr is not None
        said = self._process.stderr.readline()
        if b"attached" not in said:
            self.__exit__()
            raise AssertionError(said)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stderr is not None
        self._process.stderr.close()

    def failed(self) -> list[str]:
        """The calls that were made to fail, each whole, also where another came between."""
        self._process.wait(10)
        begun: dict[str, str] = {}
        calls = []
        for line in self._log.read_text().splitlines():
            thread = line.partition(" ")[0]
            if line.endswith("<unfinished ...>"):
                begun[thread] = line
            else:
                calls.append(begun.pop(thread, "") + line)
        return [call for call in calls if "(INJECTED)" in call]


@dataclass(frozen=True)
class Faulty:
    """How a command ended, and the calls that failed on the way."""

    result: Result
    failed: list[str]

    def on(self, name: str) -> bool:
        """Whether a call failed that named a file like this."""
        return any(re.search(name, line) for line in self.failed)


@contextmanager
def faulty(
    scene: Scene,
    *words: str,
    inject: str | Collection[str],
    code: int | Collection[int],
    content: tuple[bytes, bytes],
    before: Moment = "output",
    meanwhile: Callable[[], object] = lambda: None,
) -> Iterator[Faulty]:
    """`photo.png` is handed over; from a moment on, calls fail. The service stays up.

    `content`: the source's and the result's. `before`: the moment before the service's answer to
    the upload, or before the output comes. `meanwhile` is done in that moment.
    """
    source, result = content
    calls = [inject] if isinstance(inject, str) else inject
    if not (scene.folder / "photo.png").exists():
        scene.source("photo.png", source)
    scene.promise(result)
    arrived, attached = threading.Event(), threading.Event()

    def held(connection: Connection, content: bytes, *, here: bool) -> None:
        connection.request()
        if here:
            arrived.set()
            attached.wait(20)
        connection.send(content)

    def output(connection: Connection) -> None:
        held(connection, message(200, result), here=before == "output")

    with RawServer(output) as storage:
        answer = finished(source, f"{storage.url}/out.png", promised(result))
        with RawServer(lambda it: held(it, answer, here=before == "answer")) as api:
            scene.api(api)
            going = scene.start(*words)
            until(lambda: arrived.is_set() or going.process.poll() is not None)
            with Tracer(going.process.pid, calls, scene.compressor.home / "calls") as tracer:
                meanwhile()
                attached.set()
                ended = scene.held(going.ended(), code)
                yield Faulty(ended, tracer.failed())
            posts = [request for request in api.received if request.startswith(b"POST")]
            assert len(posts) == 1, "it was sent again"
