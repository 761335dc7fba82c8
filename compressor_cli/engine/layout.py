"""Where each result of a batch goes: one target an asset, every danger found before sending."""

from __future__ import annotations

import os
import stat
import string
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from compressor_cli.engine.gather import Asset
from compressor_cli.engine.names import split
from compressor_cli.engine.target import must_be_writable
from compressor_cli.errors import OutputProblem, UsageProblem

PLACEHOLDERS = ("dir", "name", "stem", "ext")


@dataclass(frozen=True, slots=True)
class Layout:
    """Exactly one of: `file` (one source), `folder` (the tree mirrored in it), `in_place`, or
    `template` with PLACEHOLDERS, as `{dir}/{stem}.min{ext}`."""

    file: Path | None = None
    folder: Path | None = None
    in_place: bool = False
    template: str | None = None

    def target(self, asset: Asset) -> Path:
        """The path of the asset's result."""
        if self.in_place:
            return asset.path
        if self.file is not None:
            return self.file
        if self.folder is not None:
            return self.folder / asset.within
        stem, extension = split(asset.path.name)
        return Path(
            (self.template or "").format_map(
                {
                    "dir": str(asset.path.parent),
                    "name": asset.path.name,
                    "stem": stem,
                    "ext": extension,
                }
            )
        )


def check_template(text: str) -> None:
    """Raises UsageProblem for a template with unknown placeholders, or the same name for all."""
    try:
        fields = [each[1:] for each in string.Formatter().parse(text) if each[1] is not None]
    except ValueError as error:
        raise UsageProblem(f"--name {text!r} is not a template: {error}") from None
    known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
    for name, form, how in fields:
        if name not in PLACEHOLDERS:
            raise UsageProblem(f"--name has no placeholder {{{name}}}", hint=f"there are: {known}")
        if form or how:
            raise UsageProblem(
                f"--name takes {{{name}}} as it is, without ! or :", hint=f"there are: {known}"
            )
    if not {"name", "stem"} & {name for name, _, _ in fields}:
        raise UsageProblem(
            "--name gives every result the same name",
            hint="for example: --name '{dir}/{stem}.min{ext}'",
        )


def check_layout(
    pairs: Sequence[tuple[Asset, Path]],
    *,
    in_place: bool,
    real: RealNames | None = None,
    others: Sequence[tuple[str, Path]] = (),
) -> None:
    """Finds what would go wrong with the results.

    Raises UsageProblem when two of them would be one file, one would lie in another, or one would
    replace a source or what is no file; OutputProblem when a place cannot be looked at. Names that
    differ only in case or in Unicode form count as one: on some systems they are. `real`: those
    that are known already. `others`: what sources are called that are no files, and their results.
    """
    real = real or RealNames()
    results: list[tuple[Path | str, Path]] = [
        *((asset.path, path) for asset, path in pairs),
        *others,
    ]
    taken: dict[str, Path | str] = {}
    for named, path in results:
        other = taken.setdefault(_folded(real.of(path)), named)
        if other is not named:
            raise UsageProblem(f"the results of {other} and {named} would both be {path}")
    if in_place:
        return
    folders: set[str] = set()
    sources: dict[object, Path] = {}
    for asset, _ in pairs:
        sources[_folded(real.of(asset.path))] = asset.path
        sources[asset.identity or _identity(asset.path) or asset.path] = asset.path
    for named, path in results:
        name = _folded(real.of(path))
        _check_folders(name, path, taken, folders)
        source = sources.get(name, sources.get(_identity(path)))
        if source is not None:
            whose = "itself" if source == named else f"the source {source}"
            raise UsageProblem(
                f"the result of {named} would replace {whose}",
                hint="choose another destination, or --in-place to replace the sources",
            )


def _check_folders(name: str, path: Path, taken: dict[str, Path | str], seen: set[str]) -> None:
    """Refuse a result in a folder that another result would be. `seen`: those known as good."""
    folder = os.path.dirname(name)  # noqa: PTH120 - names, not paths
    while folder not in seen:
        if folder in taken:
            raise UsageProblem(f"the result of {taken[folder]} would be a folder of {path}")
        seen.add(folder)
        folder = os.path.dirname(folder)  # noqa: PTH120


def check_writable(targets: Iterable[Path]) -> None:
    """Raises OutputProblem for the first result that could not be written, before it is paid for.

    Folders that are still to be made count by the first above them that is there.
    """
    seen: set[Path] = set()
    for target in targets:
        folder = (target.resolve() if target.is_symlink() else target.absolute()).parent
        while folder not in seen:
            seen.add(folder)
            if folder.exists():
                must_be_writable(folder)
                break
            folder = folder.parent


class RealNames:
    """One absolute name a file, however it is reached through links; each is looked at once."""

    def __init__(self) -> None:
        self._files: dict[str, str] = {}
        self._folders: dict[str, str] = {}

    def of(self, path: Path) -> str:
        """The name of a file, which need not be there."""
        text = str(path)
        found = self._files.get(text)
        if found is None:
            found = self._files[text] = self._found(text)
        return found

    def _found(self, text: str) -> str:
        cut = text.rfind(os.sep) + 1
        folder, name = text[:cut], text[cut:]
        if name in ("", os.curdir, os.pardir) or ":" in name or os.path.islink(text):  # noqa: PTH114
            return os.path.realpath(text)
        real = self._folders.get(folder)
        if real is None:
            real = os.path.join(os.path.realpath(folder), "")  # noqa: PTH118
            self._folders[folder] = real
        return real + name


def _folded(name: str) -> str:
    """One text for what differs only in case and Unicode form."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _identity(path: Path) -> object:
    """What makes two names one file, also by hard links; None where nothing is yet."""
    try:
        status = os.stat(path)  # noqa: PTH116 - quick, for many
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OutputProblem(f"{path} cannot be written: {error.strerror}") from None
    if not stat.S_ISREG(status.st_mode):
        raise UsageProblem(f"the result {path} would replace what is not a regular file")
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(path)
