"""Globs over relative paths."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compressor_cli.engine.globs import matches
from compressor_cli.errors import UsageProblem

WORDS = {
    "without a slash it matches anywhere": (
        "*.png",
        "a.png b/a.png b/.a.png .png a.png/x",
        "a.PNG a.jpng",
    ),
    "with one it begins at the top": ("b/*.png", "b/a.png b/c.png/x", "a/b/a.png b/c/a.png"),
    "a slash in front says that of one name": ("/*.png", "a.png", "b/a.png"),
    "so does a dot": ("./*.png", "a.png", "b/a.png"),
    "two stars span folders, or none": ("a/**/z", "a/z a/b/z a/b/c/z a/z/x", "z az b/a/z a/bz"),
    "two stars in front": ("**/z", "z a/z a/b/z", "az a/bz"),
    "two stars behind: something inside": ("a/**", "a/b a/b/c", "a b/a/c ab/c"),
    "two stars alone": ("**", "a a/b .a", ""),
    "again and again": ("**/**/z/**/**", "z/a a/z/b/c", "z a/z"),
    "stars within a name stay in it": ("a/x**y", "a/xy a/xby", "a/x/y a/b/xy"),
    "also before a slash": ("x**/y", "x/y xa/y", "xy xa/b/y a/x/y"),
    "a folder takes all below it": ("raw/", "raw raw/a b/raw/a", "raws/a craw"),
    "a question mark is one character": ("?.png", "a.png é.png a/b.png", ".png ab.png"),
    "a set": ("[a-c_].png", "a.png c.png _.png", "d.png -.png [.png"),
    "a negated set, never a slash": ("x[!a]y", "xby x]y", "xay x/y"),
    "a caret negates too": ("x[^a]y", "xby x^y", "xay"),
    "a closing bracket comes first": ("[]a]", "] a", "b []a]"),
    "a set of special characters": ("[[*?&~|\\^-]", "[ * ? & ~ | \\ ^ -", "a ]"),
    "a hyphen at an end": ("[--.]", "- .", "a /"),
    "no set": ("[ab", "[ab", "a b"),
    "an empty set is none": ("x[]", "x[]", "x"),
    "a negation of nothing is none": ("x[!]", "x[!]", "xa"),
    "nothing else is special": ("a.b+(c)$^", "a.b+(c)$^", "axb+(c)$^ a.bb(c)$^"),
}


@pytest.mark.parametrize("why", WORDS)
def test_what_fits(why: str) -> None:
    glob, fits, others = WORDS[why]
    assert [path for path in fits.split() if not matches(path, glob)] == []
    assert [path for path in others.split() if matches(path, glob)] == []


def test_names_hold_anything() -> None:
    assert matches("a\nb/c\udcff.png", "a?b/*.png")
    assert matches("a\nb", "a[\n]b")
    assert not matches("a", "")
    assert not matches("", "*/a")


@pytest.mark.parametrize("glob", ["[z-a]", "a/[9-0]/b"])
def test_a_glob_that_makes_no_sense_is_told(glob: str) -> None:
    with pytest.raises(UsageProblem, match=re.escape(repr(glob))):
        matches("a", glob)


@given(st.text("ab-]![*?.", max_size=8), st.text("ab-]![*?.", max_size=6))
@example("[a--]", "b")
@example("*a*b*", "xaxbx")
def test_in_one_component_it_is_as_fnmatch(glob: str, name: str) -> None:
    """Where that knows the glob: it takes a range from Z to A as empty."""
    try:
        fits = matches(name, f"/{glob}") if glob.strip(".") and name else False
    except UsageProblem:
        return
    if glob.strip(".") and name and "**" not in glob:
        assert fits == fnmatchcase(name, glob)


def slow(parts: list[str], globs: list[str]) -> bool:
    """What a path of components is held against, word for word."""
    if not globs:
        return True
    if globs[0] == "**":
        if len(globs) == 1:
            return bool(parts)
        return any(slow(parts[at:], globs[1:]) for at in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], globs[0]) and slow(parts[1:], globs[1:])


COMPONENT = st.sampled_from(["**", "*", "a", "b", "a*", "*b", "?", "*a*b", "[ab]"])


@given(st.lists(COMPONENT, min_size=2, max_size=5))
def test_two_stars_are_tried_in_every_place(globs: list[str]) -> None:
    """The quick way finds what the slow one does."""
    for depth in range(1, 5):
        for parts in product(["a", "b", "ab"], repeat=depth):
            assert matches("/".join(parts), "/".join(globs)) == slow(list(parts), globs)


def test_no_glob_takes_long() -> None:
    """A cloned project may hold any; trying every way would take longer than anybody waits."""
    assert not matches("a" * 250, "*a" * 40 + "b")
    assert not matches("a/" * 200 + "a", "**/a/" * 40 + "b")
