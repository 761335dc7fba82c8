"""Where each result of a batch goes, and what is found before anything is sent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor_cli.engine.gather import Asset
from compressor_cli.engine.layout import PLACEHOLDERS, Layout, check_layout, check_template
from compressor_cli.errors import OutputProblem, UsageProblem


def asset(path: str, within: str = "") -> Asset:
    """A source, which is made if it is missing."""
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        file.write_bytes(b"x")
    return Asset(file, within or file.name, 1)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(*pairs: tuple[str, str]) -> str:
    """What is said of these sources and targets."""
    with pytest.raises(UsageProblem) as caught:
        check_layout([(asset(source), Path(to)) for source, to in pairs], in_place=False)
    return caught.value.message


@pytest.mark.parametrize(
    ("layout", "target"),
    [
        (Layout(in_place=True), "in/z/a.tar.gz"),
        (Layout(file=Path("b")), "b"),
        (Layout(folder=Path("out")), "out/z/a.tar.gz"),
        (Layout(template="{dir}/{stem}.min{ext}"), "in/z/a.tar.min.gz"),
        (Layout(template="o/{name}{{}}"), "o/a.tar.gz{}"),
    ],
)
def test_each_layout(layout: Layout, target: str) -> None:
    assert layout.target(asset("in/z/a.tar.gz", "z/a.tar.gz")) == Path(target)


def test_names_with_braces_are_no_placeholders() -> None:
    source = asset("{ext}/{0}.png")
    assert Layout(template="{dir}/{stem}{ext}").target(source) == Path("{ext}/{0}.png")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{stem}{size}", "no placeholder {size}"),
        ("{0}{stem}", "no placeholder {0}"),
        ("{}{stem}", "no placeholder {}"),
        ("{stem.x}", "no placeholder {stem.x}"),
        ("{stem[0]}", "no placeholder {stem[0]}"),
        ("{stem!r}", "{stem} as it is"),
        ("{stem:>9}", "{stem} as it is"),
        ("{stem:{ext}}", "{stem} as it is"),
        ("{stem", "is not a template"),
        ("stem}", "is not a template"),
        ("{dir}/x{ext}", "the same name"),
        ("{{stem}}", "the same name"),
        ("", "the same name"),
    ],
)
def test_templates_that_make_no_sense(text: str, said: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        check_template(text)
    assert said in caught.value.message
    assert "{stem}" in caught.value.hint or "is not" in said


@given(st.text() | st.text("{}!:.[]", max_size=6).map(lambda text: "{stem}" + text))
def test_a_template_that_passes_gives_a_target(text: str) -> None:
    try:
        check_template(text)
    except UsageProblem:
        return
    words = {name: f"<{name}>" for name in PLACEHOLDERS}
    target = Layout(template=text).target(Asset(Path("<dir>/<stem>.png"), "", 1))
    assert "<stem>" in str(target)
    assert words.keys() == set(PLACEHOLDERS)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("o/x", "o/x"),
        ("o/x.png", "O/X.png"),
        ("o/x", "o/y/../x"),
        ("o/x", f"{os.curdir}/o//x"),
        ("o/é", "o/e\u0301"),
        ("o/É", "o/e\u0301"),
        ("o/straße", "o/STRASSE"),
        ("real/x", "link/x"),
        ("real/x", "link/../real/x"),
        ("real/x", "x-link"),
    ],
)
def test_two_results_of_one_name(first: str, second: str) -> None:
    """By case and Unicode form as on other systems, and by links as on this one."""
    Path("real").mkdir()
    Path("link").symlink_to("real")
    Path("x-link").symlink_to("real/x")
    assert "would both be" in refused(("a", first), ("b", second))


def test_a_result_cannot_be_a_folder_of_another() -> None:
    assert "would be a folder" in refused(("a", "o/x"), ("b", "O/X/y/z"))
    assert "would be a folder" in refused(("b", "o/x/y"), ("a", "o/x"))


def test_a_result_never_replaces_a_source() -> None:
    """By whatever name it is reached."""
    asset("in/a")
    Path("hard").hardlink_to("in/a")
    Path("soft").symlink_to("in/a")
    Path("folder").symlink_to("in")
    for name in ("in/a", "hard", "soft", "folder/a", "in/x/../a"):
        assert "replace itself" in refused(("in/a", name), ("b", "o/b"))
        assert "replace the source in/a" in refused(("in/a", "o/a"), ("b", name))


def test_a_result_that_other_systems_take_for_a_source() -> None:
    assert "replace itself" in refused(("in/a.png", "in/A.png"))


def test_a_result_replaces_only_regular_files() -> None:
    """A device would be lost, a folder be in the way."""
    os.mkfifo("pipe")
    Path("o/d").mkdir(parents=True)
    for name in ("pipe", "o/d"):
        assert "not a regular file" in refused(("a", name))


@pytest.mark.parametrize("name", ["a/b/c", "x" * 300, "loop"])
def test_a_place_that_cannot_be_is_told_before(name: str) -> None:
    Path("loop").symlink_to("loop")
    with pytest.raises(OutputProblem, match="cannot be written"):
        check_layout([(asset("a"), Path(name))], in_place=False)


def test_what_is_fine() -> None:
    """An older result, a link to nowhere, a folder inside the source folder, a vanished source."""
    asset("o/old")
    Path("dangling").symlink_to("o/new")
    names = [("in/a", "o/old"), ("in/b", "dangling"), ("in/c", "in/out/c"), ("in/d", "none/d")]
    pairs = [(asset(source), Path(target)) for source, target in names]
    Path("in/d").unlink()
    check_layout(pairs, in_place=False)
    check_layout([(each, each.path) for each, _ in pairs], in_place=True)
