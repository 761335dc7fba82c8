"""Where a result goes: checked before anything is sent.

A regular file appears whole (landing.py). A device, FIFO or stdout is written to, never replaced,
and only after the result was verified.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from compressor_cli.engine.names import beside_source, result_name
from compressor_cli.errors import OutputProblem, UsageProblem

STDOUT = ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")
"""What `-o` may say to mean stdout: no path is printed among the bytes of a result."""


@dataclass(frozen=True, slots=True)
class Destination:
    """What `-o` says, for all jobs of a command. None of both: stdout.

    `file`: this path, for one job, whatever is there. `folder`: derived names in it. `force`:
    replace what is there, even the source; `skip_existing`: leave it and be content.
    """

    file: Path | None = None
    folder: Path | None = None
    force: bool = False
    skip_existing: bool = False

    @property
    def is_stdout(self) -> bool:
        return self.file is None and self.folder is None


@dataclass(frozen=True, slots=True)
class Target:
    """One result's place. `path` None: stdout. `special`: exists and is not a regular file."""

    path: Path | None
    replace: bool = False
    special: bool = False
    mode: int | None = None  # permission bits of the file that is replaced
    owner: tuple[int, int] | None = None  # its user and group


def destination(
    output: str | None, *, jobs: int, force: bool = False, skip_existing: bool = False
) -> Destination:
    """Read `-o`: stdout, a folder (existing, or written with a slash at its end), or a file.

    None is the working directory. Raises UsageProblem for many jobs into one file, and
    OutputProblem when the folder cannot be written to.
    """
    if output in STDOUT:
        if jobs > 1:
            raise UsageProblem(f"-o {output} takes the result of one job only")
        return Destination()
    path = Path(output) if output is not None else Path()
    if _is_folder(path) or (output or "").endswith(("/", os.sep)):
        must_be_writable(_nearest(path))
        return Destination(folder=path, force=force, skip_existing=skip_existing)
    if jobs > 1:
        raise UsageProblem(
            f"-o {output} is not a folder, and there are {jobs} jobs",
            hint=f"name a folder: -o {output}/",
        )
    if not _is_special(path):
        must_be_writable(_real(path).parent)
    return Destination(file=path, force=force, skip_existing=skip_existing)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long
        return False


def _real(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # before Python 3.13 a circle is a RuntimeError
        raise OutputProblem(f"{path} is a symbolic link that leads nowhere") from None


def _nearest(folder: Path) -> Path:
    """The folder, or that in which it, or the first of those above it, will be made.

    Raises OutputProblem when it cannot be.
    """
    near = folder
    for near in (folder, *folder.parents):
        try:
            near.lstat()
            break
        except FileNotFoundError:
            continue
        except OSError as error:
            raise _not_made(folder, error.strerror) from None
    if not _is_folder(near):
        raise _not_made(folder, f"{near} is not a folder")
    return near


def _not_made(folder: Path, why: str | None) -> OutputProblem:
    return OutputProblem(f"the folder {folder} cannot be made: {why}")


def make_folder(path: Path) -> None:
    """Make it, and those above it. Raises OutputProblem."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_made(path, error.strerror) from None


def must_be_writable(folder: Path) -> None:
    """Raises OutputProblem unless new files can be made in the folder."""
    if not _is_folder(folder):
        raise OutputProblem(
            f"the folder {folder} does not exist", hint=f"make it first: mkdir -p {folder}"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputProblem(f"the folder {folder} cannot be written to: permission denied")


def target(
    place: Destination,
    *,
    source: Path | None,
    source_name: str | None,
    server_name: str | None,
    job_id: str,
) -> Target | None:
    """The target of one job. None: it exists and may stay (`skip_existing`).

    Raises OutputProblem when it exists and may not be replaced, and UsageProblem when it is the
    source itself, by whatever name.
    """
    if place.is_stdout:
        return Target(None)
    if place.folder is not None:
        name = result_name(source_name=source_name, server_name=server_name, job_id=job_id)
        path = place.folder / name
        if _same(path, source):
            path = place.folder / beside_source(name)
        return _checked(path, replace=place.force, skip=place.skip_existing)
    path = place.file or Path()
    if _same(path, source) and not place.force:
        raise UsageProblem(
            f"{path} is the source itself",
            hint="give the result another name with -o, or replace the source with --force",
        )
    return _checked(path, replace=True, skip=place.skip_existing)


def _checked(path: Path, *, replace: bool, skip: bool) -> Target | None:
    if _is_special(path):
        return Target(path, special=True)
    try:
        final = _followed(path)
        mode = stat.S_IMODE(final.stat().st_mode)
    except FileNotFoundError:
        return Target(final, replace=replace)
    except OSError as error:
        raise OutputProblem(f"{path} cannot be written: {error.strerror}") from None
    if skip:
        return None
    if not replace:
        raise _exists(path)
    return Target(final, replace=True, mode=mode)


def _followed(path: Path) -> Path:
    """The file that a symlink leads to. Raises OutputProblem when it leads nowhere."""
    if not path.is_symlink():
        return path
    if not path.exists():
        raise OutputProblem(f"{path} is a symbolic link that leads nowhere")
    return path.resolve()


def _exists(path: Path) -> OutputProblem:
    return OutputProblem(
        f"{path} exists already", hint="add --force to replace it, or choose a name with -o FILE"
    )


def _is_special(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _same(path: Path, other: Path | None) -> bool:
    try:
        return other is not None and path.samefile(other)
    except OSError:
        return False
