"""Which contents a run may leave behind: those of its own jobs, and where they may stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from running import ID, Box, Result

_REPLACES = {"--in-place", "--force", "in-place"}


@dataclass(frozen=True)
class Digests:
    """What stood in the folder: the SHA-1 of each file before the run and after it."""

    before: Mapping[Path, str]
    after: Mapping[Path, str]


@dataclass(frozen=True)
class Run:
    """One command, or several at once, as far as its words tell what it was about."""

    words: frozenset[str]
    text: str

    @classmethod
    def of(cls, words: Iterable[str], result: Result) -> Run:
        """A script's words are parted as a shell would, roughly."""
        given = list(words)
        parts = [part for word in given for part in re.split(r"[\s;&|<>'\"]+", word)]
        said = (result.out + result.err).decode(errors="replace")
        return cls(frozenset([*given, *parts]), "\n".join([*given, said]))

    def sources(self, folder: Path, files: Iterable[Path]) -> set[Path]:
        """The files among these that it was given, by name or in a folder."""
        named = {folder / word for word in self.words - self._targets() if word not in ("", ".")}
        return {file for file in files if named & {file, *file.parents} - {folder}}

    def _targets(self) -> set[str]:
        found = re.findall(r"(?:-o|--output)[\s=]+'?([^\s';&|]+)", self.text)
        return set(found)

    @property
    def replaces(self) -> bool:
        """Whether a source may give way to its result."""
        return bool(_REPLACES & self.words)


def kept_sources(run: Run, folder: Path, digests: Digests) -> None:
    """(ii) A source is what it was, unless it was to be replaced."""
    if not run.replaces:
        for source in run.sources(folder, digests.before):
            assert digests.after.get(source) == digests.before[source], f"(ii) changed: {source}"


def made_by(run: Run, folder: Path, digests: Digests, boxes: Iterable[Box], stdin: str) -> set[str]:
    """What the run may have written: results of its sources and jobs, and copies of sources.

    Where neither is told (`--last`, a URL, names from a file), those of everything in the folder.
    """
    sources = run.sources(folder, digests.before) | run.sources(folder, digests.after)
    inputs = {
        tree[file] for tree in (digests.before, digests.after) for file in sources & set(tree)
    }
    ids = set(ID.findall(run.text))
    if not sources and not ids:
        inputs = {*digests.before.values(), *digests.after.values()}
    results = [result for box in boxes for result in box.stats()["results"]]
    fetched = any("://" in word for word in run.words)
    made = {
        result["output"]
        for result in results
        if fetched or result["id"] in ids or result["input"] in inputs | {stdin}
    }
    copies = set(inputs) if "compress" in run.words else set()
    return made | copies
