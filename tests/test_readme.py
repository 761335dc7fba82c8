"""Every shell block and configuration file of the README does what is said of it.

A block of shell is run by `RUNS`, as it stands or with the substitutions that are written there,
each with its reason, or it is in `LEFT_OUT`. A new block fails until it has been put in one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest
from conftest import File
from readme import ROOT, TEXT, block, blocks, languages
from running import KEY, Compressor, Elsewhere, Result
from sandbox.pictures import encoded

LEFT_OUT = {
    ".venv/bin/python -m pytest": "runs these very tests; .ci/run runs the line as it stands",
}
"""By a sign of the block: why it is not run here."""


@dataclass(frozen=True)
class Run:
    """How a block is run: files and folders before, and what must be there after."""

    files: tuple[str, ...] = ("photo.png",)
    made: tuple[str, ...] = ("small.png",)
    instead: Mapping[str, str] = field(default_factory=dict)
    stdin: bytes = b""
    env: Mapping[str, str | None] = field(default_factory=dict)
    said: Callable[[Result], bool] = lambda _: True


RUNS = {
    "tests/data/coffee.png": Run(
        files=("tests/data/coffee.png",),
        made=("coffee.small.png",),
        # this environment is installed already; .ci/run runs the line as it stands
        instead={
            "python3 -m venv .venv && .venv/bin/pip install -q '.[sandbox]' && .venv/bin/": "",
        },
        said=lambda result: "coffee.png" in result.stderr,
    ),
    "compressor auth login": Run(
        stdin=KEY.encode() + b"\n",  # a pipe gets no hidden prompt
        env={"COMPRESSOR_API_KEY": None},
    ),
    'compressor wait "$id"': Run(said=lambda result: "\tcompleted\n" in result.stdout),
    "compressor check assets/": Run(
        files=("assets/a.png", "assets/deep/b.jpg"), made=("public/a.png", "public/deep/b.jpg")
    ),
    "compressor jobs --state pending": Run(
        files=("a.png", "b.png", "c.png"), made=("out/a.png", "out/b.png", "out/c.png")
    ),
    "case $? in": Run(said=lambda result: result.stdout.endswith("done\n")),
    "curl -s": Run(
        files=(),
        made=("small.jpg",),
        instead={"https://example.com": "$ELSEWHERE"},  # the network is blocked in tests
    ),
    "compressor completions": Run(
        # the folders are there where a shell reads such files
        files=(
            "../user/.local/share/bash-completion/completions/",
            "../user/.zsh/completions/",
            "../user/.config/fish/completions/",
        ),
        made=(
            "../user/.local/share/bash-completion/completions/compressor",
            "../user/.zsh/completions/_compressor",
            "../user/.config/fish/completions/compressor.fish",
        ),
    ),
    "photo.png -o small.png\n": Run(said=lambda result: "photo.png" in result.stderr),
}
"""By a sign of the block, the most telling first."""


def sign_of(script: str) -> str:
    """The sign that a block bears; "" for one that nothing here knows."""
    return next((sign for sign in (*LEFT_OUT, *RUNS) if sign in script), "")


def test_every_block_is_run_or_left_out_with_a_reason() -> None:
    """Nothing is left out by mistake, and nothing stays here that the README has lost."""
    assert not [script for script in blocks("sh") if not sign_of(script)]
    assert sorted(map(sign_of, blocks("sh"))) == sorted((*LEFT_OUT, *RUNS))
    assert all(LEFT_OUT.values())


def test_every_language_has_tests() -> None:
    """`sh`, `toml` here; `make`, `yaml`, `json` in test_recipes; `python` in test_client."""
    assert languages() == {"sh", "toml", "make", "yaml", "json", "python", "text"}


@pytest.mark.usefixtures("box")
@pytest.mark.parametrize("script", [s for s in blocks("sh") if sign_of(s) in RUNS], ids=sign_of)
def test_shell_block_runs(compressor: Compressor, elsewhere: Elsewhere, script: str) -> None:
    """With what it names before it; each of its lines succeeds, and its files are there after."""
    run = RUNS[sign_of(script)]
    elsewhere.pages["/photo.jpg"] = encoded("jpeg")
    prepare(compressor, run.files)
    for old, new in run.instead.items():
        assert old in script
        script = script.replace(old, new)
    done = compressor.shell(
        "set -e\n" + script, stdin=run.stdin, env={"ELSEWHERE": elsewhere.url, **run.env}
    )
    assert done.code == 0, done.whole
    assert run.said(done), done.whole
    for name in run.made:
        path = compressor.folder / name
        assert any(path.iterdir()) if name.endswith("/") else path.stat().st_size, name


def prepare(compressor: Compressor, names: tuple[str, ...]) -> None:
    """Make folders, which end in a slash, and pictures, each another one."""
    for seed, name in enumerate(names):
        path = compressor.folder / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            kind = path.suffix.removeprefix(".")
            path.write_bytes(encoded({"jpg": "jpeg"}.get(kind, kind), seed=seed))


def test_the_ci_runs_the_marked_lines() -> None:
    """What is substituted or left out here is run there as it stands."""
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    marks = re.findall(r"^<!-- command: (\w+) -->\n```sh$", TEXT, re.MULTILINE)
    assert marks == ["main", "tests"]
    for mark in marks:
        assert f'"$(readme {mark})"' in script


def test_the_project_file_is_understood(compressor: Compressor, file: File) -> None:
    """It makes arguments needless, and every one of its lines is in force."""
    (compressor.folder / "assets" / "raw").mkdir(parents=True)
    for name in ("assets/a.png", "assets/raw/b.png"):
        file(name)
    project = block("toml", "sources")
    (compressor.folder / "compressor.toml").write_text(project, "utf-8")
    done = compressor("compress", "--dry-run", "--json")
    assert done.code == 0, done.whole
    assert [r["path"] for r in done.records if r["kind"] == "file"] == ["assets/a.png"]
    explained = compressor("config", "explain").stdout
    for key in re.findall(r"^([\w-]+) = ", project, re.MULTILINE):
        assert re.search(rf"^project\.{key}[.\t].*compressor\.toml$", explained, re.MULTILINE), key


def test_the_configuration_file_is_understood(compressor: Compressor) -> None:
    """Its profile too."""
    compressor.config.parent.mkdir(0o700, parents=True)
    compressor.config.touch(0o600)
    compressor.config.write_text(block("toml", "profiles.work"), "utf-8")
    done = compressor(
        "config", "list", "--profile", "work", "--json", env={"COMPRESSOR_API_URL": None}
    )
    assert (done.code, done.stderr) == (0, "")
    values = {record["name"]: record["value"] for record in done.records}
    assert values["api_url"] == "https://compressor.example.com/1.0"
    assert (values["auth"], values["timeout"]) == ("basic", "30m")
