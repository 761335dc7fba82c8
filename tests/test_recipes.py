"""The README's recipes do what is said of them: make, GitHub, GitLab, pre-commit, npm."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from conftest import File
from readme import ROOT, block, blocks
from running import Box, Compressor, Result
from sandbox.pictures import opened

from compressor_cli import __version__
from compressor_cli.api.kinds import EXTENSIONS

SANDBOX = ("sandbox", "exec", "--")
INSTALL = "pip install compressor-cli"
"""Not run: it is this checkout that is tested, and the network is blocked."""


@pytest.fixture
def assets(compressor: Compressor, file: File) -> Path:
    """A folder of two pictures."""
    folder = compressor.folder / "assets"
    folder.mkdir()
    for seed, name in enumerate(("a.png", "b.jpg")):
        file(f"assets/{name}", seed=seed)
    return folder


def offline(step: str) -> str:
    """A step without its installation."""
    return step.replace(f"{INSTALL} && ", "").replace(INSTALL, ":")


# make


def made(compressor: Compressor) -> Result:
    """Run `make -j4` against the running sandbox."""
    return compressor.shell("exec make -j4")


@pytest.fixture
def project(compressor: Compressor, file: File) -> Compressor:
    """Five pictures beside the README's Makefile."""
    (compressor.folder / "Makefile").write_text(block("make", "DELETE_ON_ERROR"), "utf-8")
    for seed in range(5):
        file(f"{seed}.png", seed=seed)
    return compressor


def test_make_rebuilds_only_what_has_changed(box: Box, project: Compressor) -> None:
    """All at first, four at once; nothing the second time; then the one that was touched."""
    assert made(project).code == 0
    targets = sorted((project.folder / "small").iterdir())
    assert [target.name for target in targets] == [f"{n}.png" for n in range(5)]
    assert all(opened(target.read_bytes()).format == "PNG" for target in targets)
    assert box.routes().count("upload") == 5

    again = made(project)
    assert (again.code, again.stdout) == (0, "make: Nothing to be done for 'all'.\n")

    later = targets[3].stat().st_mtime + 5
    os.utime(project.folder / "3.png", (later, later))
    third = made(project)
    assert third.code == 0
    assert re.findall(r"small/\d", third.stdout) == ["small/3"]
    assert box.routes().count("upload") == 6


@pytest.mark.usefixtures("box")
def test_make_keeps_no_target_of_what_failed(project: Compressor, file: File) -> None:
    """Neither a new one nor an old one, and the next run makes it."""
    file("3.png", b"no picture")
    failed = made(project)
    assert failed.code == 2
    assert not (project.folder / "small" / "3.png").exists()
    file("3.png", seed=3)
    assert made(project).code == 0
    assert (project.folder / "small" / "3.png").exists()


# GitHub and GitLab


def steps_of(workflow: str) -> list[str]:
    """The shell of a workflow's `run:` steps."""
    return re.findall(r"^ *- run: (.+)$", workflow, re.MULTILINE)


def test_the_github_workflow(compressor: Compressor, assets: Path) -> None:
    """Its steps as a runner takes them; with what the cache keeps, a second run sends nothing."""
    steps = steps_of(block("yaml", ".github/workflows"))
    assert steps == [INSTALL, "compressor compress assets/ -o public/"]
    script = "\n".join(map(offline, steps))
    summary = compressor.home / "summary.md"
    env = {"GITHUB_ACTIONS": "true", "CI": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    first = compressor(*SANDBOX, "bash", "-e", "-c", script, env=env)
    assert first.code == 0, first.whole
    assert "2 compressed" in first.stdout
    assert "a.png" in summary.read_text("utf-8")
    assert {p.name for p in (compressor.folder / "public").iterdir()} == {"a.png", "b.jpg"}

    second = compressor(*SANDBOX, "bash", "-e", "-c", script, env=env)
    assert "2 files: 2 unchanged" in second.stdout

    (assets / "c.png").write_bytes(b"no picture")
    third = compressor(*SANDBOX, "bash", "-e", "-c", script, env=env)
    assert third.code == 6
    assert "::error" in third.stdout + third.stderr


def test_the_github_check(compressor: Compressor, assets: Path) -> None:
    """A pull request that brings an uncompressed file fails; neither key nor network is there."""
    (step,) = steps_of(block("yaml", "- run: pip install compressor-cli &&"))
    script = offline(step)
    assert compressor(*SANDBOX, "compressor", "compress", "assets/", "--in-place").code == 0
    keyless = {"COMPRESSOR_API_KEY": None}
    assert compressor.shell(f"set -e\n{script}", env=keyless).code == 0
    (assets / "new.png").write_bytes((ROOT / "tests" / "data" / "coffee.png").read_bytes())
    found = compressor.shell(f"set -e\n{script}", env=keyless)
    assert found.code == 11
    assert "assets/new.png" in found.stdout


@pytest.mark.usefixtures("assets")
def test_the_gitlab_job(compressor: Compressor) -> None:
    """Its script as a runner takes it; what it gives away and keeps is what the script makes."""
    job = block("yaml", ".gitlab-ci.yml")
    listed = job.partition("  script:\n")[2].partition("  cache:")[0]
    lines = re.findall(r"^    - (.+)$", listed, re.MULTILINE)
    assert lines[0] == INSTALL
    script = "\n".join(map(offline, lines))
    assert compressor(*SANDBOX, "sh", "-e", "-c", script).code == 0
    paths = {path for found in re.findall(r"paths: \[(.+)\]", job) for path in found.split(", ")}
    assert all((compressor.folder / path).exists() for path in paths)
    second = compressor(*SANDBOX, "sh", "-e", "-c", script)
    assert "2 files: 2 unchanged" in second.stdout


# pre-commit


def hook() -> dict[str, str]:
    """The fields of the one hook that this repository offers."""
    text = (ROOT / ".pre-commit-hooks.yaml").read_text("utf-8")
    fields = dict(re.findall(r"^[- ] (\w+): (.+)$", text, re.MULTILINE))
    assert text.count("- id:") == 1
    return fields


def test_the_hook_takes_every_kind_of_file_that_is_compressed() -> None:
    """The same extensions as in the code, whatever their case."""
    fields = hook()
    pattern = re.compile(fields["files"])
    (listed,) = re.findall(r"\(([\w|]+)\)\$$", fields["files"])
    assert listed.split("|") == " ".join(EXTENSIONS.values()).split()
    for name in ("a.png", "deep/a.PNG", "a.tar.gz"):
        assert pattern.search(name)
    for name in ("a.py", "png", "a.png.py", "README.md", "compressor.lock"):
        assert not pattern.search(name)
    assert fields["language"] == "python"


def test_the_hook_in_the_readme_is_the_one_offered() -> None:
    """With the release that this is."""
    recipe = block("yaml", ".pre-commit-config.yaml")
    assert f"- id: {hook()['id']}\n" in recipe
    assert f"rev: v{__version__}\n" in recipe


def committing(compressor: Compressor) -> Result:
    """What pre-commit runs: the entry, its args and the staged files that the hook takes."""
    fields = hook()
    listed = re.findall(r"args: \[(.+)\]", block("yaml", ".pre-commit-config.yaml"))
    staged = subprocess.run(
        ["git", "diff", "--cached", "--name-only", "--diff-filter=d", "-z"],
        cwd=compressor.folder, capture_output=True, check=True, text=True,
    )  # fmt: skip
    names = [name for name in staged.stdout.split("\0") if re.search(fields["files"], name)]
    words = [*shlex.split(fields["entry"]), *listed, *names]
    return compressor.shell(shlex.join(words), env={"COMPRESSOR_API_KEY": None})


def test_the_pre_commit_hook(compressor: Compressor, assets: Path) -> None:
    """An uncompressed file is refused with the command that mends it, and after it accepted."""
    git = ["git", "-c", "init.defaultBranch=main"]
    subprocess.run([*git, "init", "-q"], cwd=compressor.folder, check=True)
    (assets / "notes.txt").write_text("not for the hook")
    subprocess.run([*git, "add", "."], cwd=compressor.folder, check=True)
    refused = committing(compressor)
    assert refused.code == 11
    assert "notes.txt" not in refused.stdout
    mends = re.findall(r"not compressed yet: (compressor .*)$", refused.stdout, re.MULTILINE)
    assert len(mends) == 2
    assert compressor(*SANDBOX, "sh", "-e", "-c", "\n".join(mends)).code == 0
    subprocess.run([*git, "add", "."], cwd=compressor.folder, check=True)
    accepted = committing(compressor)
    assert accepted.code == 0, accepted.whole


# npm


@pytest.mark.usefixtures("assets")
def test_the_npm_script(compressor: Compressor) -> None:
    """npm hands the line to `sh -c`."""
    ((_, line),) = json.loads(block("json", "scripts"))["scripts"].items()
    done = compressor(*SANDBOX, "sh", "-c", line)
    assert done.code == 0, done.whole
    assert {p.name for p in (compressor.folder / "public").iterdir()} == {"a.png", "b.jpg"}


def test_every_recipe_is_here() -> None:
    """No block of these languages without a test above."""
    counted = {kind: len(blocks(kind)) for kind in ("make", "yaml", "json")}
    assert counted == {"make": 1, "yaml": 4, "json": 1}
