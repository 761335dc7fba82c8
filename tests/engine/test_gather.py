"""Which files a batch is about, and where their results go."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from running import plain_environment

from compressor_cli.api.kinds import kind_of
from compressor_cli.engine.gather import Choice, Gathered, gather
from compressor_cli.engine.globs import matches
from compressor_cli.engine.layout import Layout, check_layout, check_template
from compressor_cli.errors import UsageProblem


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of files in disorder; the working directory."""
    for name in ("b.png", "a.jpg", "z/c.webp", "z/.h.png", ".git/x.png", "notes.txt", "raw/d.bmp"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def within(found: Gathered) -> list[str]:
    return [asset.within for asset in found.assets]


@pytest.mark.usefixtures("tree")
def test_a_folder_is_walked_in_the_order_of_names_without_hidden_ones() -> None:
    found = gather(["in"], Choice())
    assert within(found) == ["a.jpg", "b.png", "raw/d.bmp", "z/c.webp"]
    assert [path.name for path in found.other] == ["notes.txt"]
    assert found.problems == []
    assert [asset.size for asset in found.assets] == [len(name) for name in within(found)]


@pytest.mark.usefixtures("tree")
def test_include_takes_other_kinds_and_exclude_leaves_out() -> None:
    assert within(gather(["in"], Choice(include=("*.txt", "*.bmp")))) == ["notes.txt", "raw/d.bmp"]
    assert within(gather(["in"], Choice(exclude=("raw", "z/**")))) == ["a.jpg", "b.png"]


@pytest.mark.usefixtures("tree")
def test_a_file_that_is_named_is_taken_whatever_its_kind_and_once() -> None:
    """Also when a folder and a glob name it again."""
    found = gather(["in/notes.txt", "./in/notes.txt", "in/*.png", "in"], Choice())
    assert within(found) == ["notes.txt", "b.png", "a.jpg", "raw/d.bmp", "z/c.webp"]


def test_links_in_a_circle_are_walked_once(tree: Path) -> None:
    (tree / "in/z/loop").symlink_to(tree / "in")
    (tree / "in/link.png").symlink_to(tree / "in/b.png")
    assert within(gather(["in"], Choice())) == ["a.jpg", "b.png", "raw/d.bmp", "z/c.webp"]


def test_hard_links_are_files_of_their_own(tree: Path) -> None:
    """Each needs a target."""
    (tree / "in/c.png").hardlink_to(tree / "in/b.png")
    assert {"b.png", "c.png"} <= set(within(gather(["in"], Choice())))


def test_what_cannot_be_used_is_named_and_the_others_are_taken(tree: Path) -> None:
    (tree / "in/empty.png").touch()
    os.mkfifo(tree / "in/pipe.png")
    found = gather(["in", "nope.png", "in/*.xyz"], Choice())
    said = {name: error.message for name, error in found.problems}
    assert "is empty" in said["in/empty.png"]
    assert "a pipe" in said["in/pipe.png"]
    assert "No such file" in said["nope.png"]
    assert "matches no file" in said["in/*.xyz"]
    assert len(found.assets) == 4


@pytest.mark.parametrize(
    ("path", "glob", "fits"),
    [
        ("a/b/c.png", "*.png", True),
        ("a/b/c.png", "a/*.png", False),
        ("a/b/c.png", "a/**/*.png", True),
        ("a/c.png", "a/**/*.png", True),
        ("a/b/c.png", "b", True),
        ("a/b/c.png", "a/b/", True),
        ("a/b/c.png", "./a/**", True),
        ("c.png", "[a-c].png", True),
        ("c.png", "[!a-c].png", False),
        ("d.png", "?.png", True),
        ("dd.png", "?.png", False),
        ("a.jpng", "*.png", False),
        ("x[1].png", "x[[]1].png", True),
    ],
)
def test_globs(path: str, glob: str, fits: bool) -> None:
    assert matches(path, glob) == fits


def test_a_glob_that_makes_no_sense_is_told() -> None:
    with pytest.raises(UsageProblem, match="is not a glob"):
        matches("a", "[z-a]")


def test_kinds_are_told_by_the_extension() -> None:
    assert kind_of("a/B.JPeG") == "image"
    assert kind_of("a.tar.gz") == "archive"
    assert kind_of("Makefile") is None


@pytest.mark.usefixtures("tree")
def test_targets_of_each_layout() -> None:
    (asset,) = [a for a in gather(["in"], Choice()).assets if a.within == "z/c.webp"]
    assert Layout(folder=Path("out")).target(asset) == Path("out/z/c.webp")
    assert Layout(in_place=True).target(asset) == Path("in/z/c.webp")
    assert Layout(file=Path("x")).target(asset) == Path("x")
    named = Layout(template="{dir}/{stem}.min{ext}")
    assert named.target(asset) == Path("in/z/c.min.webp")
    assert Layout(template="o/{name}").target(asset) == Path("o/c.webp")


@pytest.mark.parametrize(
    "text", ["{dir}/{size}", "{0}", "{stem!r}", "{stem:>9}", "plain", "{dir}", "{", "{stem.x}"]
)
def test_templates_that_make_no_sense(text: str) -> None:
    with pytest.raises(UsageProblem):
        check_template(text)


def test_a_template_may_hold_braces() -> None:
    check_template("{dir}/{{x}}{stem}{ext}")


def test_two_results_of_one_name_are_found(tree: Path) -> None:
    """Also where only some systems take them for one: by case, by Unicode form."""
    found = gather(["in/a.jpg", "in/b.png"], Choice()).assets
    for first, second in (
        ("o/A.png", "o/a.png"),
        ("o/\u00e9.png", "o/" + unicodedata.normalize("NFD", "\u00e9.png")),
        ("o/x.png", "o/y/../x.png"),
    ):
        with pytest.raises(UsageProblem, match="would both be"):
            check_layout([(found[0], Path(first)), (found[1], Path(second))], in_place=False)
    assert tree.exists()


def test_a_result_never_replaces_a_source(tree: Path) -> None:
    """By whatever name: links are followed."""
    found = gather(["in/a.jpg", "in/b.png"], Choice()).assets
    (tree / "hard.png").hardlink_to(tree / "in/b.png")
    (tree / "soft.png").symlink_to(tree / "in/a.jpg")
    with pytest.raises(UsageProblem, match=r"would replace the source in/b\.png"):
        check_layout([(found[0], Path("hard.png")), (found[1], Path("x"))], in_place=False)
    with pytest.raises(UsageProblem, match="would replace itself"):
        check_layout([(found[0], Path("soft.png")), (found[1], Path("x"))], in_place=False)
    check_layout([(asset, asset.path) for asset in found], in_place=True)


def test_one_name_after_another_finds_more_and_repeats_nothing(tree: Path) -> None:
    """Through links to files and folders, from inside and outside, in the order given."""
    (tree / "link.png").symlink_to("in/b.png")
    (tree / "folder").symlink_to("in")
    found = gather(["link.png", "folder/z", "in", "in"], Choice())
    assert [str(asset.path) for asset in found.assets] == [
        "link.png",
        "folder/z/c.webp",
        "in/a.jpg",
        "in/raw/d.bmp",
    ]
    assert [str(path) for path in found.other] == ["in/notes.txt"]


def test_hidden_ones_are_taken_when_they_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hidden means: not by a folder that they lie in."""
    monkeypatch.chdir(tmp_path)
    hidden = Path(".store/.a.png")
    hidden.parent.mkdir()
    hidden.write_text("x")
    Path(".store/b.png").write_text("x")
    assert within(gather([str(hidden), ".store"], Choice())) == [".a.png", "b.png"]
    assert within(gather(["."], Choice(include=("**",)))) == []


@pytest.mark.parametrize(
    ("glob", "names"),
    [
        ("in/*.png", ["b.png"]),
        ("in/**/*.webp", ["z/c.webp"]),
        ("in/**/*.*", ["a.jpg", "b.png", "raw/d.bmp", "z/c.webp"]),
        ("in/**", ["a.jpg", "b.png", "raw/d.bmp", "z/c.webp"]),
        ("in/*", ["a.jpg", "b.png", "raw/d.bmp", "z/c.webp"]),
        ("in/[rz]", ["z/c.webp"]),
        ("in/[rz]*/", ["raw/d.bmp", "z/c.webp"]),
        ("*/*/c.*", ["in/z/c.webp"]),
        ("*/**/c.*", ["in/z/c.webp"]),
        ("**/b.png", ["in/b.png"]),
        ("in/*.txt", ["notes.txt"]),
        ("in/**/*.txt", ["notes.txt"]),
        ("in/.*.png", []),
        ("in/z/.*.png", [".h.png"]),
    ],
)
@pytest.mark.usefixtures("tree")
def test_a_quoted_glob_finds_what_the_shell_would(glob: str, names: list[str]) -> None:
    """Paths are kept from where the glob begins, so that results of one name do not meet."""
    assert within(gather([glob], Choice())) == names


@pytest.mark.usefixtures("tree")
def test_include_and_exclude_hold_for_globs_too() -> None:
    found = gather(["in/**"], Choice(include=("*.txt", "*.webp"), exclude=("z",)))
    assert within(found) == ["notes.txt"]
    assert gather(["in/*.png"], Choice(exclude=("*.png",))) == Gathered()
    assert gather(["in/**/*.png"], Choice(exclude=("*.png",))) == Gathered()


def test_a_glob_is_not_caught_in_circles(tree: Path) -> None:
    """Two circles in one folder would be more ways than anybody waits for."""
    for number in range(4):
        (tree / f"in/z/{number}").symlink_to(tree / "in")
    assert within(gather(["in/**/*.webp"], Choice())) == ["z/c.webp"]


def test_a_file_whose_name_looks_like_a_glob_is_that_file(tree: Path) -> None:
    (tree / "in/[a]*.png").write_text("x")
    assert within(gather(["in/[a]*.png"], Choice())) == ["[a]*.png"]


@pytest.mark.usefixtures("tree")
def test_an_empty_text_is_not_this_folder() -> None:
    """As an unset variable of a shell script gives; in place that would be everything."""
    found = gather([""], Choice())
    assert (found.assets, [name for name, _ in found.problems]) == ([], [""])


@pytest.mark.usefixtures("tree")
def test_what_is_no_path_is_told() -> None:
    found = gather(["a\0b", "\ud800", "x" * 300, "in/a.jpg/x"], Choice())
    assert (len(found.problems), found.assets) == (4, [])


def test_a_link_to_itself_does_not_end_the_walk(tree: Path) -> None:
    """Named if it would be taken; what has another kind is counted."""
    (tree / "in/c.png").symlink_to("c.png")
    (tree / "in/c").symlink_to("c")
    (tree / "in/d.png").symlink_to("nowhere")
    found = gather(["in"], Choice())
    assert [name for name, _ in found.problems] == ["in/c.png", "in/d.png"]
    assert within(found) == ["a.jpg", "b.png", "raw/d.bmp", "z/c.webp"]
    assert Path("in/c") in found.other


AS_NOBODY = """
import os, sys
from compressor_cli.engine.gather import Choice, gather
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
found = gather(["."], Choice(exclude=tuple(sys.argv[1:])))
print([asset.within for asset in found.assets], [name for name, _ in found.problems])
"""


def test_a_folder_that_cannot_be_read_is_named_and_the_others_are_taken(tree: Path) -> None:
    """Unless it is left out. Root can read everything, so the test gives that up."""
    (tree / "in/raw").chmod(0)
    descriptor = os.open(tree / "in", os.O_RDONLY)
    try:
        for exclude, problems in (([], ["raw"]), (["raw"], [])):
            done = subprocess.run(
                [sys.executable, "-c", AS_NOBODY, *exclude],
                preexec_fn=lambda: os.fchdir(descriptor),
                capture_output=True,
                text=True,
                env=plain_environment(),
            )
            assert (done.stdout, done.stderr) == (
                f"['a.jpg', 'b.png', 'z/c.webp'] {problems}\n",
                "",
            )
    finally:
        os.close(descriptor)
        (tree / "in/raw").chmod(0o755)


def test_names_hold_anything(tree: Path) -> None:
    name = os.fsdecode(b"in/new\nline \xff.png")
    (tree / name).write_text("x")
    assert within(gather(["in/*.png"], Choice())) == ["b.png", name.removeprefix("in/")]
    assert name.removeprefix("in/") in within(gather(["in"], Choice()))


def test_a_deep_tree_is_walked_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deeper than Python calls itself."""
    monkeypatch.chdir(tmp_path)
    deep = "/".join(["d"] * 1500)
    folders = [Path(deep[:length]) for length in range(1, len(deep) + 1, 2)]
    for folder in folders:
        folder.mkdir()
    file = Path(deep, "a.png")
    file.write_text("x")
    assert within(gather(["d"], Choice())) == [str(file)[2:]]
    file.unlink()
    for folder in reversed(folders):  # too deep for who cleans up
        folder.rmdir()
