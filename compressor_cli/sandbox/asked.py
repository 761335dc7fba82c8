"""What is asked of one compression: the level, and for pictures and video the size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compressor_cli.sandbox.kinds import Kind
from compressor_cli.sandbox.limits import CannotCompress

LEVELS = ("medium", "high", "ultra")
DEFAULT_LEVEL = "high"
MAX_SIDE = 16_000  # pixels that may be asked of resize; WebP itself ends at 16,383


@dataclass(frozen=True, slots=True)
class Asked:
    """`width` and `height` are 0 where they are not given, both if there is no resize."""

    level: str
    width: int = 0
    height: int = 0

    @property
    def resized(self) -> bool:
        return bool(self.width or self.height)


def parse(options: Mapping[str, object], kind: Kind) -> Asked:
    """What `options` ask of a file of `kind`, under the name of its type. Raises CannotCompress."""
    section = options.get(kind.type, {})
    if not isinstance(section, Mapping):
        raise CannotCompress(f"the option {kind.type} must be an object")
    level = section.get("compression", DEFAULT_LEVEL)
    if level not in LEVELS:
        raise CannotCompress(f"{kind.type}.compression must be one of: {', '.join(LEVELS)}")
    return Asked(str(level), *_box(section, kind)) if "resize" in section else Asked(str(level))


def _box(section: Mapping[str, object], kind: Kind) -> tuple[int, int]:
    name = f"{kind.type}.resize"
    if not kind.resizable:
        raise CannotCompress(f"{name} is not possible: this is {kind.name}")
    box = section["resize"]
    if not isinstance(box, Mapping) or not ({"width", "height"} & box.keys()):
        raise CannotCompress(f"{name} must be an object with width, height or both")
    for word in ("width", "height"):
        side = box.get(word, 1)
        if type(side) is not int or not 1 <= side <= MAX_SIDE:
            raise CannotCompress(f"{name}.{word} must be a whole number, 1 to {MAX_SIDE:,}")
    return box.get("width", 0), box.get("height", 0)
