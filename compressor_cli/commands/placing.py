"""Where the results and the lock of a batch lie: as typed, else as the project file says."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from compressor_cli.commands.batchoptions import Locking, Placement
from compressor_cli.engine.gather import Gathered
from compressor_cli.engine.inside import Inside
from compressor_cli.engine.layout import Layout, check_template
from compressor_cli.engine.source import is_url
from compressor_cli.errors import UsageProblem
from compressor_cli.memory.lockfile import FILE_NAME, Lock
from compressor_cli.memory.project import Project


def layout_of(
    placement: Placement, project: Project, found: Gathered, named: Sequence[str]
) -> Layout:
    """As it was given, else as the project says. `named`: the sources. Raises UsageProblem."""
    if placement.count > 1:
        raise UsageProblem("-o, --in-place and --name say where results go: give one of them")
    output, in_place, name = placement.output, placement.in_place, placement.name
    if not placement.count:
        in_place, name = project.in_place, project.name
        output = below(project.root, project.output) if project.output is not None else None
    if name is not None:
        check_template(name)
        return Layout(template=name)
    if in_place:
        return Layout(in_place=True)
    if output is None:
        if found.assets:
            raise UsageProblem(
                "where shall the results go?",
                hint="-o DIR, --in-place, or --name '{dir}/{stem}.min{ext}'",
            )
        return Layout()
    is_folder = os.path.isdir(output)  # noqa: PTH112 - never raises, however long the name
    one = len(named) == 1 and not os.path.isdir(named[0]) and len(found.assets) <= 1  # noqa: PTH112
    if one and not is_folder and not output.endswith(("/", os.sep)):
        return Layout(file=Path(output))
    if os.path.exists(output) and not is_folder:  # noqa: PTH110
        raise UsageProblem(f"-o {output} is a file, and there may be several results")
    return Layout(folder=Path(output))


def lock_of(locking: Locking, project: Project, inside: Inside) -> Lock | None:
    """As it was given, else as the project says; None for none. Raises UsageProblem."""
    if locking.no_lock:
        return None
    if locking.lock is not None:
        return Lock(locking.lock)
    name = project.lock or FILE_NAME
    if project.path is not None:  # what was cloned with it is written through a link, too
        inside.check(below(project.root, name))
    return Lock(project.root / name)


def below(root: Path, text: str) -> str:
    """A path of the project file as seen from the working directory."""
    return text if is_url(text) else os.path.relpath(root / text)
