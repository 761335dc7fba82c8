"""The pictures in the README show what the command does now."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pictures.draw import HERE, drawn, steady
from pictures.scenes import SCENES

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize("name", SCENES)
def test_a_picture_is_as_the_command_is(name: str) -> None:
    """Red: something else is shown now. Look, then `cd tests && python -m pictures.draw`."""
    committed = (HERE / f"{name}.svg").read_text(encoding="utf-8")
    assert drawn(name) == committed


def test_the_readme_shows_every_picture() -> None:
    """Each once, with words for those who cannot see it."""
    shown = re.findall(r"!\[([^\]]+)\]\(tests/pictures/(\w+)\.svg\)", README.read_text("utf-8"))
    assert sorted(name for _, name in shown) == sorted(SCENES)
    assert all(len(said) > 40 for said, _ in shown)
    assert sorted(file.stem for file in HERE.glob("*.svg")) == sorted(SCENES)


def test_figures_stay_while_they_hold() -> None:
    """Times and ids do not count; sizes and shares count when they are clearly others."""
    old = "a.png  466.7 kB → 158.0 kB  −66.1 %  in 0.7 s"
    assert steady("a.png  466.7 kB → 151.9 kB  −67.5 %  in 12 s", old) == old
    assert steady("a.png  466.7 kB → 90.0 kB  −80.7 %  in 0.7 s", old) != old
    assert steady("b.png  466.7 kB → 158.0 kB  −66.1 %  in 0.7 s", old) != old
