"""What a compress or check is about: which files, with which options, and where results lie.

Options given win over the project file. Every danger is found here, before anything is sent.
"""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from compressor_cli.api.contract import Json
from compressor_cli.api.options import guess_type, merged
from compressor_cli.commands.batchoptions import Locking, Placement, Selection
from compressor_cli.commands.options import Processing
from compressor_cli.commands.placing import below, layout_of, lock_of
from compressor_cli.commands.standardinput import STDIN, stdin_source
from compressor_cli.engine.gather import Asset, Choice, Gathered, gather
from compressor_cli.engine.inside import Inside
from compressor_cli.engine.layout import Layout, RealNames, check_layout
from compressor_cli.engine.names import safe_name
from compressor_cli.engine.source import StdinSource, UrlSource, is_url, url_source
from compressor_cli.errors import InputProblem, UsageProblem
from compressor_cli.memory.digests import Digests
from compressor_cli.memory.lockfile import Lock
from compressor_cli.memory.made import Made
from compressor_cli.memory.project import Project
from compressor_cli.memory.relative import Relative


@dataclass(frozen=True, slots=True)
class Job:
    """One file of a batch, its options as they will be sent, and where its result lies."""

    asset: Asset
    options: Json
    target: Path

    @property
    def label(self) -> str:
        return str(self.asset.path)


@dataclass(frozen=True, slots=True)
class Stream:
    """A source that is no file here. `target`: None where the result goes to a storage connector,
    and nothing passes through this machine."""

    source: UrlSource | StdinSource
    options: Json
    target: Path | None


@dataclass(slots=True)
class Batch:
    """All of it. `other`: files left out by their kind; `problems`: what cannot be read; `stay`:
    where results must lie, when the project file says where they go."""

    project: Project
    layout: Layout
    lock: Lock | None
    stay: Inside | None
    jobs: list[Job] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    other: list[Path] = field(default_factory=list)
    problems: list[tuple[str, InputProblem]] = field(default_factory=list)
    base: Json = field(default_factory=dict)

    def target(self, asset: Asset) -> Path:
        """Where its result goes. Raises UsageProblem when a link takes it out of the project.

        Beside a source is always right: where that lies was checked, or is the user's word.
        """
        path = self.layout.target(asset)
        if self.stay is None or self.layout.in_place or self.stay.holds(path):
            return path
        if self.layout.template is None or not Inside(asset.path.parent).holds(path):
            self.stay.check(path)
        return path


def planned(
    sources: Sequence[str],
    *,
    project: Project,
    selection: Selection,
    placement: Placement,
    locking: Locking,
    processing: Processing,
    digests: Digests,
) -> Batch:
    """The batch that the options and the project file describe.

    Raises UsageProblem for what concerns it all, InputProblem for an empty or damaged one.
    """
    named = [*sources, *_listed(selection.files_from)]
    inside, typed = Inside(project.root), bool(named)
    if not typed:
        named = [below(project.root, each) for each in project.sources]
    if not named and selection.files_from is None:
        raise UsageProblem(
            "compress what?", hint="name files or folders, or sources in a project file"
        )
    choice = Choice(
        tuple(selection.include) or project.include, tuple(selection.exclude) or project.exclude
    )
    files = [each for each in named if not is_url(each) and each != STDIN]
    found = gather(files, choice, stay=None if typed else inside)
    layout = layout_of(placement, project, found, named)
    stay = None if placement.count else inside
    batch = Batch(project, layout, lock_of(locking, project, inside), stay, other=found.other)
    batch.base = processing.base()
    batch.problems = found.problems
    if STDIN in named:
        source = _stdin(layout, selection.files_from)
        options = processing.options(source.name, base=batch.base)
        asset = Asset(Path(source.name), source.name, 0)
        batch.streams.append(Stream(source, options, batch.target(asset)))
    urls = [url_source(each, headers=processing.headers()) for each in named if is_url(each)]
    batch.streams += [_stream(source, processing, batch) for source in urls]
    _fill(batch, found, processing, digests)
    if not (batch.jobs or batch.streams or batch.problems or selection.allow_empty):
        raise InputProblem(
            "there are no files to compress"
            + (f" ({len(found.other)} of other kinds)" if found.other else ""),
            hint="name others, widen --include, or allow it with --allow-empty",
        )
    return batch


def _fill(batch: Batch, found: Gathered, processing: Processing, digests: Digests) -> None:
    pairs = [(asset, batch.target(asset)) for asset in found.assets]
    real = RealNames()
    pairs = _without_results(pairs, batch, digests, real)
    others = [(each.source.label, each.target) for each in batch.streams if each.target]
    check_layout(pairs, in_place=batch.layout.in_place, real=real, others=others)
    options = _Options(processing, batch)
    batch.jobs = [Job(asset, options.of(asset), target) for asset, target in pairs]


def _stream(source: UrlSource, processing: Processing, batch: Batch) -> Stream:
    options = processing.options(source.name, base=batch.base)
    if "store" in options:
        return Stream(source, options, None)
    if batch.layout.in_place:
        raise UsageProblem(
            f"{source.label} is a URL and has no place here to be replaced in",
            hint="say where its result goes: -o DIR",
        )
    name = safe_name(source.name) or "output"
    return Stream(source, options, batch.target(Asset(Path(name), name, 0)))


class _Options:
    """The options of each file: the project's rules, then what was given for this run."""

    def __init__(self, processing: Processing, batch: Batch) -> None:
        self._processing = processing
        self._batch = batch
        self._within = Relative(batch.project.root)
        self._given: dict[str | None, Json] = {}

    def of(self, asset: Asset) -> Json:
        """Raises UsageProblem when an option has no namespace for the file."""
        project, name = self._batch.project, asset.path.name
        kind = guess_type(name)
        given = self._given.get(kind)
        if given is None:
            given = self._given[kind] = self._of_kind(kind, name)
        if not project.rules:
            return given
        return merged(project.options_for(self._within.name(asset.path), name), given)

    def _of_kind(self, kind: str | None, name: str) -> Json:
        """What was given, for a file called `name` or another of its kind."""
        processing = self._processing
        if processing.type is None and kind is None:
            processing = processing.without_named()
        return processing.options(name, base=self._batch.base)


def _without_results(
    pairs: list[tuple[Asset, Path]], batch: Batch, digests: Digests, real: RealNames
) -> list[tuple[Asset, Path]]:
    """Leave out what lies in the folder of results, or is the result of another by the lock."""
    layout = batch.layout
    if layout.in_place:
        return pairs
    folder = None if layout.folder is None else os.path.realpath(layout.folder)
    below = None if folder is None else os.path.join(folder, "")  # noqa: PTH118
    by_lock = Made(
        batch.lock,
        digests,
        sources=[asset.path for asset, _ in pairs],
        targets=[target for _, target in pairs],
    )

    def is_result(asset: Asset, target: Path) -> bool:
        name = real.of(asset.path)
        in_folder = below is not None and (name == folder or name.startswith(below))
        return (in_folder and real.of(target) != name) or by_lock.has(asset.path)

    return [(asset, target) for asset, target in pairs if not is_result(asset, target)]


def _stdin(layout: Layout, files_from: str | None) -> StdinSource:
    """Standard input as a source, which has no name of its own and so needs one for its result."""
    if layout.file is None:
        raise UsageProblem("- needs -o FILE, and no other source beside it")
    if files_from == STDIN:
        raise UsageProblem("standard input cannot be the list of sources and a source too")
    return stdin_source()


def _listed(place: str | None) -> list[str]:
    """The sources in a list: NUL-separated if there is a NUL, else a line each."""
    if place is None:
        return []
    try:
        content = sys.stdin.buffer.read() if place == STDIN else Path(place).read_bytes()
    except OSError as error:
        raise InputProblem(f"--files-from {place} cannot be read: {error.strerror}") from None
    content = content.removeprefix(codecs.BOM_UTF8)
    parts = content.split(b"\0") if b"\0" in content else content.splitlines()
    return [os.fsdecode(part) for part in parts if part]
