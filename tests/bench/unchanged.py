"""The second run over files that have not changed, beside `git status` over the same tree."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from measuring import Command, Failed, alternating, run
from place import Missing, Place, tool
from table import Line, Target, limit, times

FOLDERS = 100
SOURCES, RESULTS, LOCK = "assets", "public", "compressor.lock"
AT_REST = 2.5
"""Seconds after which neither git nor we take a file's time for one that may hide a change."""
GIT = "git status"


@dataclass(frozen=True, slots=True)
class Tree:
    """A git tree of files that were all compressed before, `in_place` or into another folder."""

    folder: Path
    in_place: bool
    files: int

    def words(self) -> list[str]:
        return ["compress", SOURCES, *(["--in-place"] if self.in_place else ["-o", RESULTS])]


def measure(place: Place) -> Iterator[Line]:
    files = place.rounds(1000, 10_000)
    try:
        tool("git")
        trees = [_written_tree(place, in_place=each, files=files) for each in (True, False)]
    except Missing as missing:
        yield Line("second run", "", str(missing))
        return
    time.sleep(AT_REST)
    for tree in trees:
        how = "in place" if tree.in_place else "with -o, results too"
        what = f"second run, {files} files, {how}"
        _commit(place, tree)
        ours = _ours(place, tree)
        commands = {"ours": ours, GIT: _git(place, tree.folder, "status", "--porcelain")}
        runs = alternating(commands, rounds=place.rounds(2, 11))
        yield times(f"{what}, beside {GIT}", runs["ours"], (GIT, runs[GIT]), Target(3))
        yield _reads(f"{what}: files read", place, ours, tree)


def _commit(place: Place, tree: Tree) -> None:
    identity = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
    for words in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", "all"]):
        run(_git(place, tree.folder, *words))


def _ours(place: Place, tree: Tree) -> Command:
    """The command that has nothing to do. There is no API that it could ask."""
    env = place.env("http://127.0.0.1:1/1.0")
    return Command([place.program, *tree.words(), "--quiet"], env, tree.folder)


def _git(place: Place, folder: Path, *words: str) -> Command:
    return Command([tool("git"), "-c", "gc.auto=0", *words], place.env(), folder)


def _written_tree(place: Place, *, in_place: bool, files: int) -> Tree:
    folder = place.new_folder("tree-in-place" if in_place else "tree-mirrored")
    lines = [json.dumps({LOCK: 1})]
    for number in range(files):
        name = f"{number % FOLDERS:03}/{number:05}.png"
        source = _written(folder / SOURCES / name, f"{name} and what is in it\n" * 50)
        target, result = f"{SOURCES}/{name}", source
        if not in_place:
            target = f"{RESULTS}/{name}"
            result = _written(folder / target, f"{name}, made smaller\n" * 20)
        lines.append(_locked(f"{SOURCES}/{name}", source, target, result))
    (folder / LOCK).write_text("\n".join([lines[0], *sorted(lines[1:])]) + "\n")
    return Tree(folder, in_place, files)


def _written(path: Path, text: str) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = text.encode()
    path.write_bytes(content)
    return content


def _locked(path: str, source: bytes, target: str, result: bytes) -> str:
    """A line of the lock."""
    return json.dumps(
        {
            "path": path,
            "input": hashlib.sha1(source).hexdigest(),
            "input_size": len(source),
            "options": {},
            "target": target,
            "output": hashlib.sha1(result).hexdigest(),
            "output_size": len(result),
        }
    )


def _reads(what: str, place: Place, ours: Command, tree: Tree) -> Line:
    """How many of the tree's files are opened, as the kernel sees it."""
    try:
        strace = tool("strace")
    except Missing as missing:
        return Line(what, "", str(missing))
    calls = place.folder / "calls"
    traced = [strace, "-f", "-qq", "-e", "trace=open,openat", "-o", str(calls), *ours.words]
    done = subprocess.run(
        traced, env=dict(ours.env), cwd=ours.folder, capture_output=True, check=False
    )
    if done.returncode:
        raise Failed(f"under strace: {done.stderr.decode()[-500:]}")
    opened = sum('.png"' in line for line in calls.read_text("utf-8", "replace").splitlines())
    return limit(what, str(opened), opened, bound=tree.files, shown="none")
