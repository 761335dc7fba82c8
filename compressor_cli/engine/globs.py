"""Globs over relative paths, as in .gitignore: `*.png`, `img/**`, `**/x?.jpg`, `/top/[a-c]*`.

`*` and `?` stay within a component, `**` as a component spans any number of them. A glob without a
`/` matches anywhere, others from the top. Case counts. A set takes away the meaning: `[*]`, `[[]`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from compressor_cli.errors import UsageProblem

_SET = re.compile(r"\[([!^]?+)(\][^\]]*|[^\]]+)\]")
_MEMBER = re.compile(r"(.)-(.)|(.)", re.DOTALL)
_STARS = re.compile(r"\*+")


def matches(path: str, glob: str) -> bool:
    """Whether the relative, `/`-separated path, or a folder that it lies in, fits the glob.

    Raises UsageProblem when the glob makes no sense.
    """
    return _pattern(glob).match(f"{path}/") is not None


@lru_cache(maxsize=256)
def _pattern(glob: str) -> re.Pattern[str]:
    """Fits the beginning of a path that ends with `/`.

    Of what follows a `**` or a `*` the first fit is taken for good: another would not help what
    comes after it, and no glob takes long.
    """
    body = glob.removeprefix("./").rstrip("/")
    components = body.lstrip("/").split("/")
    if "/" not in glob.rstrip("/"):
        components.insert(0, "**")
    regex, chunk, spans = "", "", False
    try:
        for component in components:
            if component == "**":
                regex, chunk, spans = regex + _spanned(chunk, spans), "", True
            else:
                chunk += _component(component) + "/"
        regex += _spanned(chunk or "[^/]+/", spans)
        return re.compile(regex, re.DOTALL)
    except re.error:
        raise UsageProblem(
            f"{glob!r} is not a glob", hint="as '**/*.png' or 'raw/[a-z]*'"
        ) from None


def _spanned(chunk: str, spans: bool) -> str:
    return f"(?>(?:[^/]+/)*?{chunk})" if spans and chunk else chunk


def _component(text: str) -> str:
    first, *others = (_starless(part) for part in _split_at_stars(text))
    if not others:
        return first
    *middle, last = others
    return first + "".join(f"(?>[^/]*?{part})" for part in middle) + f"[^/]*{last}"


def _split_at_stars(text: str) -> list[str]:
    """`text` without its stars, which a set may hold."""
    parts, at, begin = [], 0, 0
    while at < len(text):
        if (found := _SET.match(text, at)) is not None:
            at = found.end()
        elif (found := _STARS.match(text, at)) is not None:
            parts.append(text[begin:at])
            at = begin = found.end()
        else:
            at += 1
    return [*parts, text[begin:]]


def _starless(text: str) -> str:
    regex, at = "", 0
    while at < len(text):
        found = _SET.match(text, at)
        if found is not None:
            members = _MEMBER.sub(_member, found[2])
            regex, at = regex + f"(?!/)[{'^' if found[1] else ''}{members}]", found.end()
        else:
            regex, at = regex + ("[^/]" if text[at] == "?" else re.escape(text[at])), at + 1
    return regex


def _member(found: re.Match[str]) -> str:
    if found[3] is not None:
        return re.escape(found[3])
    return f"{re.escape(found[1])}-{re.escape(found[2])}"
