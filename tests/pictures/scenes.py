"""What the pictures show: files, a sandbox, and the lines that somebody types."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.pictures import encoded

COFFEE = Path(__file__).parents[1] / "data" / "coffee.png"
_ASSETS: dict[str, tuple[str, int]] = {  # name: format and width, saved by clearly different sizes
    "hero/back.webp": ("webp", 900),
    "hero/front.jpg": ("jpeg", 800),
    "logo.png": ("png", 200),
    "steps.gif": ("gif", 120),
}


@dataclass(frozen=True)
class Scene:
    """One picture. `before` is run unseen; `box` and `faults` make the sandbox what it must be."""

    title: str
    typed: tuple[str, ...]
    before: str = ""
    box: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[Mapping[str, Any], ...] = ()


def furnish(folder: Path) -> None:
    """The files that every scene finds."""
    shutil.copy(COFFEE, folder / "photo.png")
    assets = folder / "assets"
    (assets / "hero").mkdir(parents=True)
    shutil.copy(COFFEE, assets / "coffee.png")
    for name, (format, width) in _ASSETS.items():
        (assets / name).write_bytes(encoded(format, width=width, height=width * 3 // 4))


_TO_PUBLIC = "assets/ -o public/ --compression ultra"
SCENES = {
    "submit": Scene(
        title="submit, wait, get",
        typed=(
            "id=$(compressor submit photo.png)",
            'compressor wait "$id"',
            'compressor get "$id" -o small.png',
        ),
        box={"answers": "later"},
    ),
    "batch": Scene(
        title="a folder, and the same again",
        typed=(f"compressor compress -j 1 {_TO_PUBLIC}", f"compressor compress {_TO_PUBLIC}"),
    ),
    "check": Scene(
        title="check",
        before=f"compressor compress -q {_TO_PUBLIC} > /dev/null; cp photo.png assets/new.png "
        "&& cp assets/hero/front.jpg assets/logo.png",
        typed=(f"compressor check {_TO_PUBLIC}", "echo $?"),
    ),
    "error": Scene(
        title="when something goes wrong",
        typed=(
            "compressor submit photo.png -o small.png --timeout 1s",
            "echo $?",
            "compressor submit photo.pgn -o small.png",
            "echo $?",
        ),
        faults=({"on": "upload", "states": ["processing"] * 99},),
    ),
}
