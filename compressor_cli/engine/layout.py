"""Where each result of a batch goes: one target an asset, every danger found before sending."""

from __future__ import annotations

import os
import string
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from compressor_cli.engine.gather import Asset
from compressor_cli.engine.names import split
from compressor_cli.errors import UsageProblem

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
            return self.folder.joinpath(*PurePosixPath(asset.within).parts)
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
        fields = [
            field for _, field, spec, how in string.Formatter().parse(text) if field is not None
        ]
        plain = all(not spec and not how for _, field, spec, how in string.Formatter().parse(text))
    except ValueError as error:
        raise UsageProblem(f"--name {text!r} is not a template: {error}") from None
    for name in fields:
        if name not in PLACEHOLDERS or not plain:
            known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
            raise UsageProblem(f"--name has no placeholder {{{name}}}", hint=f"there are: {known}")
    if not {"name", "stem"} & set(fields):
        raise UsageProblem(
            "--name gives every result the same name",
            hint="for example: --name '{dir}/{stem}.min{ext}'",
        )


def check_layout(pairs: Sequence[tuple[Asset, Path]], *, in_place: bool) -> None:
    """Raises UsageProblem when two results would be one file, or a result would replace a source.

    Names that differ only in case or in Unicode form count as one: on some systems they are.
    """
    taken: dict[str, Path] = {}
    for asset, path in pairs:
        other = taken.setdefault(_folded(path), asset.path)
        if other is not asset.path:
            raise UsageProblem(f"the results of {other} and {asset.path} would both be {path}")
    if in_place:
        return
    sources = {_identity(asset.path): asset.path for asset, _ in pairs}
    for asset, path in pairs:
        source = sources.get(_identity(path)) if path.exists() else None
        if source is not None:
            whose = "itself" if source == asset.path else f"the source {source}"
            raise UsageProblem(
                f"the result of {asset.path} would replace {whose}",
                hint="choose another destination, or --in-place to replace the sources",
            )


def _folded(path: Path) -> str:
    return unicodedata.normalize("NFC", os.path.normpath(path.absolute())).casefold()


def _identity(path: Path) -> object:
    """What makes two names one file, also through links."""
    try:
        status = path.stat()
    except OSError:
        return os.path.realpath(path)
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(path)
