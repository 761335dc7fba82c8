"""One row of the fault table acted out, and the one checker of what must hold after every row."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from raw import RawServer
from running import Box, Compressor, Going, Result, secrets_of
from sandbox.pictures import encoded

from .ownership import Digests, Run, kept_sources, made_by

OWN_FILES = re.compile(r"compressor\.lock$|report\.(md|json)$")
"""Names in the working folder that the command writes besides results."""

_PAUSE = 1.5  # seconds that an ending may take past a deadline


def sha1(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


class Scene:
    """Runs the command and checks each run: its exit code, and (i) to (viii) of FAULTS.md.

    (i) without other origins, (iv), (vii) and (viii) are checked in `running` for every command of
    every test; the rest here, over everything in the command's folder, so that no test has to name
    its sources and targets.
    """

    def __init__(self, compressor: Compressor) -> None:
        self.compressor = compressor
        for name in [name for name in compressor.env if name.startswith("COV")]:
            del compressor.env[name]  # what is measured elsewhere is not measured again: it costs
        self.folder = compressor.folder
        self._boxes: list[Box] = []
        self._strangers: list[RawServer] = []
        self._played: list[RawServer] = []
        self._promised: set[str] = set()
        self._before = self._tree()
        self._open: list[tuple[str, ...]] = []  # the runs since none was under way
        self._ended = 0
        self.known: set[str] = set()  # digests of what lay there before a run
        self._checked = 0

    def source(self, name: str = "photo.png", content: bytes | None = None, **size: int) -> Path:
        """A file in the command's folder: a picture by its extension, or what is given."""
        path = self.folder / name
        if content is None:
            kind = path.suffix.removeprefix(".")
            content = encoded({"jpg": "jpeg", "tif": "tiff"}.get(kind, kind), **size)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def api(self, server: Box | RawServer | str) -> None:
        """Let the command talk to this. Each script of a raw server must then be played."""
        if isinstance(server, Box):
            self._boxes.append(server)
        if isinstance(server, RawServer):
            self._played.append(server)
        url = server if isinstance(server, str) else server.url
        self.compressor.env["COMPRESSOR_API_URL"] = url if url.endswith("/1.0") else f"{url}/1.0"

    def watch(self, box: Box) -> None:
        """This sandbox stands behind whatever `api` named (a proxy, say)."""
        self._boxes.append(box)

    def stranger(self, server: RawServer) -> None:
        """Another origin, or a proxy: it must never learn the key."""
        self._strangers.append(server)

    def promise(self, *outputs: bytes) -> None:
        """Outputs that a server other than a sandbox vouches for."""
        self._promised |= {sha1(output) for output in outputs}

    def run(
        self,
        *words: str | Path,
        code: int | Collection[int],
        within: float = 20.0,
        stdin: bytes = b"",
        env: Mapping[str, str | None] | None = None,
    ) -> Result:
        """Run it to its end, at most `within` seconds; it must end with `code` (or one of them)."""
        self._begins(map(str, words))
        result = self.compressor(*words, stdin=stdin, env=env)
        return self.held(result, code, within=within, stdin=stdin)

    def shell(
        self,
        script: str,
        *,
        code: int | Collection[int],
        within: float = 20.0,
        stdin: bytes = b"",
        env: Mapping[str, str | None] | None = None,
        foreign: bool = False,
    ) -> Result:
        """The same of a shell script in which `compressor` is the installed command.

        `foreign`: its stdout is a result, or another program's.
        """
        self._begins([script])
        result = self.compressor.shell(script, stdin=stdin, env=env, foreign=foreign)
        return self.held(result, code, within=within, stdin=stdin)

    def start(
        self, *words: str | Path, env: Mapping[str, str | None] | None = None, **options: Any
    ) -> Going:
        """Start it and go on; give its Result to `held` when it has ended."""
        self._begins(map(str, words))
        return self.compressor.start(*words, env=env, **options)

    def _begins(self, words: Iterable[str]) -> None:
        if self._ended == len(self._open):
            self._open, self._ended = [], 0
            self._before = self._tree()
        self._open.append(tuple(words))

    def held(
        self,
        result: Result,
        code: int | Collection[int],
        *,
        within: float = 20.0,
        stdin: bytes = b"",
    ) -> Result:
        """Check the end of a command that was started. A death by signal n is code 128 + n."""
        self._ended += 1
        late = result.seconds - within
        codes = {code} if isinstance(code, int) else set(code)
        shown = result.code if result.code >= 0 else 128 - result.code
        assert shown in codes, f"exit {result.code}\n{result.stdout}\n{result.stderr}"
        assert late <= _PAUSE, f"(vi) ended {late:.1f} s late"
        self._files_are_old_or_verified(result, stdin)
        self._nothing_was_sent_twice()
        self.check_strangers()
        self._checked += 1
        return result

    def _files_are_old_or_verified(self, result: Result, stdin: bytes) -> None:
        """(ii) and (iii): nothing is changed but by an output of this run; nothing else is new."""
        digests = Digests(self._before, self._tree())
        self.known |= set(digests.before.values())
        lost = set(digests.before) - set(digests.after)
        assert not lost, f"(ii) is gone: {lost}"
        run = Run.of([word for words in self._open for word in words], result)
        kept_sources(run, self.folder, digests)
        changed = {
            path: digest
            for path, digest in digests.after.items()
            if digest != digests.before.get(path) and not OWN_FILES.search(path.name)
        }
        if not changed:
            return
        good = made_by(run, self.folder, digests, self._boxes, sha1(stdin)) | self._promised
        for path, digest in changed.items():
            assert digest in good, f"(ii, iii) neither old nor this run's: {path}"

    def _nothing_was_sent_twice(self) -> None:
        """(v), in all runs together."""
        for box in self._boxes:
            counts = box.stats()["accepted_by_sha1"]
            assert all(count <= 1 for count in counts.values()), f"(v) accepted: {counts}"
        posts = Counter(post for server in self._played for post in server.whole_posts())
        assert all(count <= 1 for count in posts.values()), "(v) sent whole more than once"

    def check_strangers(self) -> None:
        """(i) and what other origins got to see."""
        for server in self._strangers:
            for received in server.received:
                for secret in secrets_of(self.compressor.key):
                    assert secret not in received, "(i) the key went to another origin"

    def close(self) -> None:
        """At the end of a test: something was checked, and each scripted server was met."""
        assert self._checked, "no run was checked"
        self.check_strangers()
        for server in self._played:
            assert len(server.received) >= server.scripted, "a scripted answer was never asked for"

    def _tree(self) -> dict[Path, str]:
        files = [file for file in self.folder.rglob("*") if file.is_file()]
        return {file: sha1(file.read_bytes()) for file in files if file.stat().st_size < 1 << 28}
