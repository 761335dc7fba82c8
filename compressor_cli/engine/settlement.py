"""The last stage of a batch: a result is used only if it is worth it, a target always exists.

A result that is not smaller is not used: in place the source stays, elsewhere its bytes become the
target. Targets are newer than their sources, so that make is content.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from compressor_cli.api.contract import Job
from compressor_cli.engine.crew import Crew
from compressor_cli.engine.landing import put_in_place, temporary
from compressor_cli.engine.part import Part
from compressor_cli.engine.saving import Means, Saved, save
from compressor_cli.engine.source import file_sha1, pieces
from compressor_cli.engine.target import Target
from compressor_cli.engine.updates import Delayed, Item, Receiving, Update
from compressor_cli.engine.work import Terms, Work, make_newer
from compressor_cli.errors import InputProblem, OutputProblem

Signature = tuple[int, ...] | None


class Settlement:
    """Settles completed items. `note` is told of each, in the worker's thread.

    In place it is told just before the source is replaced: so an output is known as our own even if
    everything ends between the two. Elsewhere afterwards.
    """

    def __init__(
        self,
        terms: Terms,
        *,
        crew: Crew[Update],
        means: Means,
        note: Callable[[Work], None],
        sources: Iterable[Path] = (),
    ) -> None:
        """`sources`: no result may come in the place of one of these, but in place its own."""
        self._sources = sources
        self._terms = terms
        self._crew = crew
        self._means = means
        self._note = note

    def __call__(self, item: Item) -> None:
        """Put a completed item's result, or its source's bytes, in place.

        Raises what engine/saving.py raises, and InputProblem when the source changed meanwhile.
        """
        assert isinstance(item, Work)
        assert item.job is not None
        if item.target is not None:  # else the result lies in a storage of the user's
            self._settle(item, item.job, item.target)
        if item.saved is None or item.path != item.target:
            self._note(item)

    def _settle(self, item: Work, job: Job, target: Path) -> None:
        before, after = item.size or 0, job.output.size
        converted = _converted(job) or item.path is None  # of a URL there are no other bytes here
        in_place = item.path == target

        def worth(size: int, sha1: str) -> bool:
            if not (converted or self._terms.worth(before, size)):
                return False
            item.output = (sha1, size)
            if in_place:
                seen = self._unchanged(item)
                self._note(item)  # which may wait for the lock
                if _signature(target) != seen:
                    self._unchanged(item)
            else:
                self._spare_sources(goal)
            return True

        goal = _goal(target, replace=in_place or item.taken)
        if after is None or converted or self._terms.worth(before, after):
            item.saved = save(
                job,
                goal,
                means=self._means,
                received=lambda done, whole: self._crew.post(Receiving(item, done, whole)),
                delayed=lambda error, wait: self._crew.post(Delayed(item, error, wait)),
                worth=worth,
            )
        item.not_worth = item.saved is None
        if item.not_worth and item.sha1 is not None:
            item.output = (item.sha1, before)
        if item.not_worth and not in_place:
            item.saved = self._copy(item, goal)
        if item.saved is not None and item.path is not None:
            _like_its_source(goal, item.path, in_place=in_place)

    def _unchanged(self, item: Work) -> Signature:
        """Its signature; the source is still what was sent, or is by now what shall replace it,
        put there by another run. Raises InputProblem."""
        assert item.path is not None
        assert item.output is not None
        seen = _signature(item.path)
        sha1 = file_sha1(item.path, label=item.label, check=self._crew.check)
        if sha1 not in (item.sha1, item.output[0]):
            raise _changed(item)
        return seen

    def _spare_sources(self, goal: Target) -> None:
        """Raises OutputProblem where the place has become one of the sources, by a link."""
        assert goal.path is not None
        ours = _signature(goal.path)
        if ours is not None and ours[:2] in self._identities:
            raise OutputProblem(f"{goal.path} is a source by now; the result is not put there")

    @cached_property
    def _identities(self) -> set[tuple[int, ...]]:
        """The device and inode of each source."""
        return {seen[:2] for seen in map(_signature, self._sources) if seen is not None}

    def _copy(self, item: Work, goal: Target) -> Saved:
        """The source's bytes as the target. Raises InputProblem when they are not those sent."""
        assert item.path is not None
        assert goal.path is not None
        path = temporary(goal.path)
        with Part(path, self._crew, mode=goal.mode) as part:
            for piece in pieces(item.path, label=item.label, check=self._crew.check):
                part.write(piece)
            if part.sha1() != item.sha1:
                raise _changed(item)
            part.sync()
            part.close()
            self._spare_sources(goal)
            return Saved(put_in_place(path, goal), part.size)


def _changed(item: Work) -> InputProblem:
    return InputProblem(
        f"{item.label} changed while it was compressed; the result is not used",
        hint="run it again",
    )


def _converted(job: Job) -> bool:
    """Whether the result is of another format, and so wanted whatever its size."""
    before, after = job.input.format, job.output.format
    return before is not None and after is not None and before != after


def _signature(path: Path) -> Signature:
    """What is another one once a file was replaced or written to; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _goal(target: Path, *, replace: bool) -> Target:
    """The place of a result: its folder is made. `replace`: what is there may be replaced."""
    final = Path(os.path.realpath(target)) if target.is_symlink() else target
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        status = final.stat()
    except FileNotFoundError:
        return Target(final, replace=replace)
    except OSError as error:
        raise OutputProblem(f"{target} cannot be written: {error.strerror}") from None
    owner = (status.st_uid, status.st_gid)
    return Target(final, replace=replace, mode=stat.S_IMODE(status.st_mode), owner=owner)


def _like_its_source(goal: Target, source: Path, *, in_place: bool) -> None:
    """In place owner and mode stay, where that is allowed; elsewhere the target is newer."""
    assert goal.path is not None
    if not in_place:
        make_newer(goal.path, source)
    elif goal.owner is not None and goal.mode is not None and hasattr(os, "chown"):
        with suppress(OSError):
            os.chown(goal.path, *goal.owner)
            goal.path.chmod(goal.mode)  # chown took the set-id bits away
