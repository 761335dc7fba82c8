"""Draws the pictures of the README from real runs of the installed command.

    cd tests && python -m pictures.draw

Each scene of `scenes.py` is acted out on a terminal of its own against a sandbox; what its screen
shows at the end becomes `NAME.svg`. Ids, ports and times stay as they were in the picture before,
and so do sizes and shares that are about the same, so that a picture only changes when what is
shown does.
"""

from __future__ import annotations

import re
import shlex
import tempfile
from collections.abc import Iterator
from itertools import groupby, zip_longest
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pexpect
import pyte
from running import ID, KEY, Box, boxed, environment, secrets_of

from pictures.scenes import SCENES, Scene, furnish

HERE = Path(__file__).parent
COLUMNS, ROWS = 80, 40
ALIKE = 0.2
"""Share by which a size may differ from the picture's before it counts as another one."""

_SIZE, _LINE, _CELL = 14, 20, 8.4  # pixels: of the letters, from line to line, of a column
_PAD, _BAR = 18, 34  # pixels: around the text, of the title bar
_GROUND, _INK, _FRAME, _QUIET = "#16181d", "#d7dae0", "#262a31", "#9aa1ad"
_DOTS = ("#ff5f57", "#febc2e", "#28c840")
_FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_COLOURS = {
    "default": _INK,
    "black": "#5c6370",
    "red": "#ff7b72",
    "green": "#7ee787",
    "brown": "#e3b341",
    "blue": "#79c0ff",
    "magenta": "#d2a8ff",
    "cyan": "#76e3ea",
    "white": _INK,
}

_FIGURE = re.compile(r" *(?<![\w.])(\d+(?:\.\d)?) (B|kB|MB|s|%)(?!\w)")
_PORT = re.compile(r"127\.0\.0\.1:\d+")


def acted(scene: Scene) -> pyte.Screen:
    """The screen that a scene leaves behind."""
    with tempfile.TemporaryDirectory() as name, boxed(**scene.box) as box:
        box.script(*scene.faults)
        return _played(scene, Path(name), box)


def _played(scene: Scene, home: Path, box: Box) -> pyte.Screen:
    for part in ("user", "tmp", "work"):
        (home / part).mkdir()
    furnish(home / "work")
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.Stream(screen)
    child = pexpect.spawn(
        "sh", ["-c", _script(scene)], timeout=30, encoding="utf-8", cwd=str(home / "work"),
        dimensions=(ROWS, COLUMNS), env=environment(home, url=box.url, key=KEY),
    )  # fmt: skip
    shown = child.read()  # to its end
    child.close()
    assert not [secret for secret in secrets_of(KEY) if secret.decode() in shown]
    stream.feed(shown)
    return screen


def _script(scene: Scene) -> str:
    """Its lines for a shell, each shown as if somebody had typed it after a prompt."""
    said = "printf '\\033[32m$\\033[0m \\033[1m%s\\033[0m\\n' "
    lines = [part for line in scene.typed for part in (said + shlex.quote(line), _kept(line))]
    return "\n".join([scene.before, "code=0", *lines])


def _kept(line: str) -> str:
    """The line, and its exit code for an `echo $?` that comes after the next prompt."""
    return line.replace("$?", "$code") + "\ncode=$?"


def texts(screen: pyte.Screen) -> list[str]:
    return "\n".join(line.rstrip() for line in screen.display).rstrip("\n").split("\n")


def steady(new: str, old: str) -> str:
    """The line of the picture before, if what is new in it are only ids, times and trifles."""
    if _bones(new) != _bones(old):
        return new
    pairs = zip(_FIGURE.findall(new), _FIGURE.findall(old), strict=True)
    near = (unit == "s" or _alike(float(a), float(b)) for (a, unit), (b, _) in pairs)
    return old if all(near) else new


def _bones(line: str) -> str:
    return _FIGURE.sub(r" # \2", _PORT.sub("<PORT>", ID.sub("<ID>", line)))


def _alike(new: float, old: float) -> bool:
    return abs(new - old) <= ALIKE * old + 0.1


def picture(screen: pyte.Screen, *, title: str, before: str = "") -> str:
    """The screen as SVG. `before`: the SVG that is there, whose figures stay if they still hold."""
    shown = texts(screen)
    pairs = zip_longest(shown, _texts_of(before)[: len(shown)], fillvalue="")
    lines = [steady(new, old) for new, old in pairs]
    width = round(COLUMNS * _CELL + 2 * _PAD)
    height = _BAR + len(lines) * _LINE + 2 * _PAD - 8
    dots = (
        f'<circle cx="{20 + 18 * number}" cy="{_BAR // 2}" r="5.5" fill="{colour}"/>'
        for number, colour in enumerate(_DOTS)
    )
    body = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="{_FONT}" font-size="{_SIZE}">',
        f"<title>{escape(title)}</title>",
        f"<desc>{escape(chr(10).join(lines))}</desc>",
        f'<rect width="{width}" height="{height}" rx="9" fill="{_GROUND}"/>',
        f'<path d="M0 {_BAR}V9a9 9 0 0 1 9-9H{width - 9}a9 9 0 0 1 9 9V{_BAR}z" fill="{_FRAME}"/>',
        *dots,
        f'<text x="{width // 2}" y="{_BAR // 2 + 5}" fill="{_QUIET}" text-anchor="middle" '
        f'font-size="13">{escape(title)}</text>',
    ]
    for number, line in enumerate(lines):
        body += _drawn(screen, number, line.ljust(COLUMNS))
    return "\n".join([*body, "</svg>", ""])


def _texts_of(svg: str) -> list[str]:
    if not svg:
        return []
    found = ElementTree.fromstring(svg).findtext("{http://www.w3.org/2000/svg}desc")
    return (found or "").split("\n")


def _drawn(screen: pyte.Screen, row: int, line: str) -> Iterator[str]:
    """A row's words, each at its column whatever the font: what is one style stays one text."""
    cells = [(line[column], screen.buffer[row][column]) for column in range(COLUMNS)]
    column = 0
    for (colour, bold), group in groupby(cells, key=lambda cell: (cell[1].fg, cell[1].bold)):
        run = "".join(character for character, _ in group)
        for word in re.finditer(r"\S+(?: \S+)*", run):
            text = word.group()
            yield (
                f'<text x="{_PAD + (column + word.start()) * _CELL:.1f}" '
                f'y="{_BAR + _PAD + row * _LINE + _SIZE - 3}" fill="{_colour(colour)}" '
                f"{'font-weight=' + chr(34) + 'bold' + chr(34) + ' ' if bold else ''}"
                f'textLength="{len(text) * _CELL:.1f}" lengthAdjust="spacingAndGlyphs">'
                f"{escape(text)}</text>"
            )
        column += len(run)


def _colour(name: str) -> str:
    plain = name.removeprefix("bright")
    return _COLOURS.get(plain, f"#{plain}")


def drawn(name: str) -> str:
    """The picture of a scene as it is now."""
    file = HERE / f"{name}.svg"
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    return picture(acted(SCENES[name]), title=SCENES[name].title, before=before)


def main() -> None:
    for name in SCENES:
        (HERE / f"{name}.svg").write_text(drawn(name), encoding="utf-8")


if __name__ == "__main__":
    main()
