"""What a project says about its own compression."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor_cli.errors import UsageProblem
from compressor_cli.memory.project import Project, byte_size, describe, find, share

SECRET = "hunter2"
EVERYTHING = """
sources = ["assets", "img/**/*.png", "https://h.example/x.png"]
include = ["*.png"]
exclude = ["old/**"]
output = "public/small"
max-size = { "*.png" = "200 kB", "*.mp4" = 5000000 }
budget = "5 MB"
min-savings = "5%"
lock = "build/compressor.lock"
jobs = 4
timeout = "1h30m"
allow-larger = true

[options]
"**/*.png" = { compression = "ultra" }
"hero/*" = { image = { resize = { width = 1600 } }, store = { service = "s3" } }
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder is the test's own, so that nothing above it is looked at."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def project(folder: Path, text: str) -> Project:
    """The project of a folder whose compressor.toml is this."""
    (folder / "compressor.toml").write_text(text)
    return find(folder)


def refused(folder: Path, text: str) -> UsageProblem:
    """What is said about a compressor.toml: its path, and no value."""
    with pytest.raises(UsageProblem) as caught:
        project(folder, text)
    said = caught.value
    assert str(folder / "compressor.toml") in said.message
    assert SECRET not in said.message.replace(str(folder), "") + said.hint
    return said


def test_everything(tmp_path: Path) -> None:
    """Each key is read, in the unit that its field has."""
    found = project(tmp_path, EVERYTHING)
    assert (found.path, found.root) == (tmp_path / "compressor.toml", tmp_path)
    assert found.sources == ("assets", "img/**/*.png", "https://h.example/x.png")
    assert (found.include, found.exclude) == (("*.png",), ("old/**",))
    assert (found.output, found.in_place, found.name) == ("public/small", False, None)
    assert found.max_size == (("*.png", 200_000), ("*.mp4", 5_000_000))
    assert (found.budget, found.min_savings) == (5_000_000, 0.05)
    assert (found.lock, found.jobs, found.timeout) == ("build/compressor.lock", 4, 5400)
    assert found.allow_larger
    assert [rule.glob for rule in found.rules] == ["**/*.png", "hero/*"]


def test_numbers_in_place_of_texts(tmp_path: Path) -> None:
    """A share, a time and a size may be numbers; no end is 0."""
    found = project(tmp_path, "min-savings = 0.05\ntimeout = 1.5\nbudget = 7\nin-place = true")
    assert (found.min_savings, found.timeout, found.budget) == (0.05, 1.5, 7)
    assert found.in_place
    found = project(tmp_path, 'timeout = 0\nmin-savings = 1\nname = "{dir}/{stem}.min{ext}"')
    assert (found.timeout, found.min_savings) == (0, 1)
    assert found.name == "{dir}/{stem}.min{ext}"


def test_nothing(tmp_path: Path) -> None:
    """Without a file all is at its default; an empty file is one all the same."""
    assert find(tmp_path) == Project(None, tmp_path)
    assert find(tmp_path).options_for("a.png", "a.png") == {}
    assert project(tmp_path, "") == Project(tmp_path / "compressor.toml", tmp_path)


def test_found_upwards(tmp_path: Path) -> None:
    """The nearest counts; a pyproject.toml without the table is passed over, also a broken one."""
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "pyproject.toml").write_text("[tool.other]\nx = 1\n")
    (tmp_path / "a" / "pyproject.toml").write_text("not toml [")
    (tmp_path / "pyproject.toml").write_text("[tool.compressor]\njobs = 2\n")
    found = find(deep)
    assert (found.path, found.root, found.jobs) == (tmp_path / "pyproject.toml", tmp_path, 2)
    assert project(tmp_path, "jobs = 3").jobs == 3
    (deep / "pyproject.toml").write_text("[tool.compressor]\n")
    assert find(deep).root == deep


@pytest.mark.parametrize("file", [True, False])
def test_not_above_the_repository(tmp_path: Path, file: bool) -> None:
    """The folder with .git, a folder or a work tree's file, is the last."""
    inner = tmp_path / "repo" / "src"
    inner.mkdir(parents=True)
    git = tmp_path / "repo" / ".git"
    git.write_text("gitdir: x") if file else git.mkdir()
    project(tmp_path, "jobs = 2")
    assert find(inner).path is None
    project(tmp_path / "repo", "jobs = 3")
    assert find(inner).jobs == 3


def test_not_above_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What others may write beside the home folders is not ours."""
    work = tmp_path / "me" / "work"
    work.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    project(tmp_path, "jobs = 2")
    assert find(work).path is None
    assert project(tmp_path / "me", "jobs = 3").jobs == find(work).jobs == 3


def test_in_a_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said, since nothing can be found upwards from there."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(UsageProblem, match="working directory is gone"):
        find(Path())


NEVER = ["api_key", "api-key", "apiKey", "API_URL", "api-url", "auth", "profile", "profiles"]


@pytest.mark.parametrize("key", NEVER)
def test_never_the_key_or_the_api(tmp_path: Path, key: str) -> None:
    """However it is spelled, and the reason is told."""
    said = refused(tmp_path, f'{key} = "{SECRET}"')
    assert said.message.startswith(f"{key} in ")
    assert "cannot send your key elsewhere" in said.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sorces = ['hunter2']", "did you mean sources?"),
        ("max_size = {}", "did you mean max-size?"),
        ("colour = 'hunter2'", "known are: sources"),
        ("[tool.compressor]", "stand at the top"),
        ("sources = 'hunter2'", "sources in"),
        ("sources = ['']", "list of texts"),
        ("include = [1]", "list of texts"),
        ("exclude = ['[z-a]']", "made of globs"),
        ("output = 1", "text in quotes"),
        ("output = ''", "text in quotes"),
        ("in-place = 'hunter2'", "true or false"),
        ("output = 'a'\nin-place = true", "output and in-place"),
        ("output = 'hunter2'\nname = '{dir}/{name}'", "choose one destination"),
        ("jobs = 0", "whole number"),
        ("jobs = true", "whole number"),
        ("jobs = 2.0", "whole number"),
        ("timeout = 'hunter2'", "a length of time"),
        ("timeout = -1", "a length of time"),
        ("timeout = inf", "a length of time"),
        ("timeout = []", "a length of time"),
        ("budget = 'hunter2'", "budget"),
        ("budget = -1", "a size"),
        ("budget = true", "a size"),
        ("budget = 0x" + "f" * 9000, "a size"),
        ("max-size = 'hunter2'", "a table"),
        ("max-size = { '*.png' = 'hunter2' }", "max-size.'*.png'"),
        ("max-size = { '' = 1 }", "one is empty"),
        ("min-savings = 5", "for example: 5%"),
        ("min-savings = nan", "a share"),
        ("options = []", "a table"),
        ("options = { 'a' = 'hunter2' }", "options.'a' in"),
        ("options = { '[z-a]' = {} }", "made of globs"),
        ("options = { 'a' = { compression = 'hunter2' } }", "medium, high, ultra"),
        ("options = { 'a' = { compression = {} } }", "text in quotes"),
        ("options = { 'a' = { compresion = 'hunter2' } }", "did you mean compression?"),
        ("options = { 'a' = { resize = 'hunter2' } }", "WIDTHxHEIGHT"),
        ("options = { 'a' = { mode = 'fit' } }", "WIDTHxHEIGHT"),
        ("options = { 'a' = { image = { x = 2020-01-01 } } }", "lists and tables"),
        ("options = { 'a' = { image = { x = [nan] } } }", "64 bits"),
        ("options = { 'a' = { image = { x = 0x" + "f" * 9000 + " } } }", "64 bits"),
        ("[options.a" + ".b" * 400 + "]", "nested too deeply"),
        ("x = " + "[" * 5000, "nested too deeply"),
        ("jobs = 1\nhunter2 [", "not valid TOML (line 2)"),
    ],
    ids=lambda value: value[:40],
)
def test_refused(tmp_path: Path, text: str, said: str) -> None:
    """Names the file and the key, never a value."""
    error = refused(tmp_path, text)
    assert said in f"{error.message}\n{error.hint}"


OUTSIDE = ["../x", "a/../../x", "/etc/x", "\\\\x", "C:/x", "c:x", "a\\\\..\\\\..", "a\\u0000"]


@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.parametrize("key", ["sources", "output", "name", "lock"])
def test_paths_stay_inside(tmp_path: Path, key: str, path: str) -> None:
    """A cloned repository names no file of its user: neither to send nor to write."""
    value = f'["a", "{path}"]' if key == "sources" else f'"{path}"'
    assert "leads out of the project's folder" in refused(tmp_path, f"{key} = {value}").message


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """Not UTF-8, too large, a folder, no table: named, without a hint about another file."""
    file = tmp_path / "pyproject.toml"
    file.write_text("[tool]\ncompressor = 1\n")
    with pytest.raises(UsageProblem, match=r"tool\.compressor in .*pyproject\.toml must be"):
        find(tmp_path)
    file.write_bytes(b"# compressor\n\xff")
    with pytest.raises(UsageProblem, match=r"not UTF-8 \(line 2\)"):
        find(tmp_path)
    file.write_text("[tool.compressor]\nx = \n")
    with pytest.raises(UsageProblem, match=r"not valid TOML \(line 2\)"):
        find(tmp_path)
    file.write_text("[tool.compressor]\nauht = 1\n")
    with pytest.raises(UsageProblem, match=r"'auht' in \[tool\.compressor\] of .*pyproject\.toml"):
        find(tmp_path)
    (tmp_path / "compressor.toml").mkdir()
    with pytest.raises(UsageProblem, match="not a regular file") as caught:
        find(tmp_path)
    assert caught.value.hint == ""


def test_options_by_file(tmp_path: Path) -> None:
    """All rules that match, later over earlier, key by key; short names by each file's kind."""
    found = project(
        tmp_path,
        """
        [options]
        "*" = { webhook = { url = "https://h.example" } }
        "**/*.png" = { compression = "high", image = { x = 1 } }
        "*.mp4" = { resize = "640x" }
        "hero/**" = { image = { compression = "ultra", y = [1] } }
        """,
    )
    webhook = {"webhook": {"url": "https://h.example"}}
    assert found.options_for("a.pdf", "a.pdf") == webhook
    assert found.options_for("x/a.png", "a.png") == webhook | {
        "image": {"compression": "high", "x": 1}
    }
    assert found.options_for("hero/a.png", "a.png") == webhook | {
        "image": {"compression": "ultra", "x": 1, "y": [1]}
    }
    assert found.options_for("b/a.mp4", "a.mp4") == webhook | {
        "video": {"resize": {"width": 640, "mode": "fit"}}
    }


def test_a_new_size_keeps_no_side_of_the_old_one(tmp_path: Path) -> None:
    """`resize` is one value: 400 wide is not 400 by 600. A table of the API's is merged."""
    text = """
    [options]
    "*.png" = { resize = "800x600", mode = "crop", compression = "high" }
    "s/*" = { resize = "400x" }
    "s/t/*" = { image = { resize = { height = 9 } } }
    """
    found = project(tmp_path, text)
    small = {"width": 400, "mode": "fit"}
    assert found.options_for("s/a.png", "a.png") == {
        "image": {"compression": "high", "resize": small}
    }
    assert found.options_for("s/t/a.png", "a.png") == {
        "image": {"compression": "high", "resize": small | {"height": 9}}
    }


def test_no_namespace(tmp_path: Path) -> None:
    """What a file's kind has no name for is not left out in silence."""
    found = project(tmp_path, '[options]\n"*" = { compression = "ultra" }\n')
    with pytest.raises(UsageProblem, match=r"compression for '\*' .* for a\.pdf") as caught:
        found.options_for("a.pdf", "a.pdf")
    assert "narrower glob" in caught.value.hint


def test_described(tmp_path: Path) -> None:
    """One row a value, one a glob; what is in the file says so, also where it is the default."""
    file = tmp_path / "compressor.toml"
    text = f"""
    in-place = false
    timeout = 90
    sources = ["https://u:{SECRET}@h.example/a?{SECRET}"]
    max-size = {{ "token" = "1 kB" }}
    [options]
    "*.png".webhook.url = "https://h.example?{SECRET}"
    "*.png".headers = {{ A = "{SECRET}" }}
    """
    rows = {name: (value, source) for name, value, source in describe(project(tmp_path, text))}
    source = f"project file {file}"
    assert rows["project"] == (str(file), source)
    assert rows["project.in-place"] == (False, source)
    assert rows["project.timeout"] == ("1m30s", source)
    assert rows["project.max-size.token"] == (1000, source)
    assert rows["project.jobs"] == (None, "default")
    assert rows["project.allow-larger"] == (False, "default")
    assert rows["project.options.*.png"][0] == {
        "webhook": {"url": "https://h.example"},
        "headers": {"A": "…"},
    }
    assert SECRET not in str(rows)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        (" 500 ", 500),
        ("500 B", 500),
        ("200 kB", 200_000),
        ("200KB", 200_000),
        ("1.5MB", 1_500_000),
        ("1.1 kb", 1100),
        ("2 MiB", 2_097_152),
        ("0.5 GiB", 536_870_912),
        ("3 TB", 3_000_000_000_000),
    ],
)
def test_sizes(text: str, value: int) -> None:
    """Decimal units are thousands, binary ones 1024s."""
    assert byte_size(text) == value


@pytest.mark.parametrize(
    "text", ["", "kB", "-1", "1k", "1.5", "1.5 B", "1e3", "١", "9" * 99, "1 m"]
)
def test_sizes_refused(text: str) -> None:
    """No guess at what was meant."""
    with pytest.raises(UsageProblem, match="not a size"):
        byte_size(text)


@pytest.mark.parametrize(("text", "value"), [("5%", 0.05), ("0.05", 0.05), (" 7.5 % ", 0.075)])
def test_shares(text: str, value: float) -> None:
    """Per cent or a number."""
    assert share(text) == value


@pytest.mark.parametrize("text", ["", "5", "101%", "-5%", "nan", "%", "1e-3"])
def test_shares_refused(text: str) -> None:
    """5 is not 5 %."""
    with pytest.raises(UsageProblem, match="not a share"):
        share(text)


@given(st.text())
def test_any_text(text: str) -> None:
    """A value in the unit, or a UsageProblem; nothing else."""
    for reader, longest in ((byte_size, 2**60), (share, 1)):
        try:
            assert 0 <= reader(text) <= longest
        except UsageProblem:
            continue
