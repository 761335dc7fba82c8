"""Globs over relative paths, as in .gitignore: `*.png`, `img/**`, `**/x?.jpg`."""

from __future__ import annotations

import re
from functools import lru_cache

from compressor_cli.errors import UsageProblem


@lru_cache(maxsize=256)
def _pattern(glob: str) -> re.Pattern[str]:
    """`*` and `?` stay within a component, `**` spans them; a glob without `/` matches anywhere."""
    anywhere = "/" not in glob.rstrip("/")
    regex, at = "", 0
    body = glob.removeprefix("./").rstrip("/")
    while at < len(body):
        if body.startswith("**/", at):
            regex, at = regex + "(?:[^/]+/)*", at + 3
        elif body.startswith("**", at):
            regex, at = regex + ".*", at + 2
        elif body[at] == "*":
            regex, at = regex + "[^/]*", at + 1
        elif body[at] == "?":
            regex, at = regex + "[^/]", at + 1
        elif (found := _SET.match(body, at)) is not None:
            negated, inside = found[1], _SPECIAL.sub(r"\\\g<0>", found[2])
            regex, at = regex + f"(?!/)[{'^' if negated else ''}{inside}]", found.end()
        else:
            regex, at = regex + re.escape(body[at]), at + 1
    prefix = "(?:.*/)?" if anywhere else ""
    try:
        return re.compile(f"{prefix}{regex}(?:/.*)?", re.DOTALL)
    except re.error:
        raise UsageProblem(
            f"{glob!r} is not a glob", hint="as '**/*.png' or 'raw/[a-z]*'"
        ) from None


_SPECIAL = re.compile(r"[\\\[\]&~|]")
_SET = re.compile(r"\[([!^]?)([^\]/]+)\]")


def matches(path: str, glob: str) -> bool:
    """Whether the relative, `/`-separated path, or a folder that it lies in, fits the glob."""
    return _pattern(glob).fullmatch(path) is not None
