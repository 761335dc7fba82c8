"""Rows E3, E4: no variable of the environment changes a result."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Mapping, Sequence

import pytest
from running import ID, Box, Result

from .scene import Scene
from .terminal import AtTerminal

Environment = Mapping[str, str | None]

AXES: dict[str, Sequence[str | None]] = {
    "COLUMNS": (None, "0", "1", "abc"),
    "TERM": ("xterm-256color", "dumb", None),
    "FORCE_COLOR": (None, "0", "1"),
    "NO_COLOR": (None, "1"),
    "CI": (None, "1"),
    "GITHUB_ACTIONS": (None, "true"),
    "TERMINAL_WIDTH": (None, "abc"),
    "PYTHONUNBUFFERED": (None, "1"),
}
LANGUAGES: dict[str, Sequence[str | None]] = {
    "PYTHONIOENCODING": (None, "ascii", "cp1252", "latin-1:strict"),
    "LC_ALL": (None, "C", "xx_XX"),
    "PYTHONUTF8": (None, "0", "1"),
    "PYTHONCOERCECLOCALE": (None, "0"),
}
NAME = "ünï → " + "long " * 40 + "name.png"


def covering(axes: Mapping[str, Sequence[str | None]], strength: int) -> list[Environment]:
    """Few environments in which every combination of so many variables' values occurs."""
    product = [dict(zip(axes, row, strict=True)) for row in itertools.product(*axes.values())]
    groups = list(itertools.combinations(axes, strength))

    def combinations(env: Environment) -> set[object]:
        return {(group, *(env[name] for name in group)) for group in groups}

    left = set().union(*map(combinations, product))
    chosen: list[Environment] = []
    while left:
        best = max(product, key=lambda env: len(left & combinations(env)))
        chosen.append(best)
        left -= combinations(best)
    return chosen


def together(scene: Scene, envs: Sequence[Environment], *words: str) -> list[Result]:
    """The same command in each environment, all at work at once."""
    going = [scene.start(*words, env=env) for env in envs]
    return [scene.held(each.ended(), 0) for each in going]


def unlinked(done: Result) -> bytes:
    """stdout without the link to the output, which is another one at each look."""
    return re.sub(rb'"url": "http[^"]*"', b'"url": ""', done.out)


def check_alike(scene: Scene, box: Box, envs: Sequence[Environment]) -> None:
    """The same bytes of JSON; no control code; the path in one piece in lines of its own."""
    source = str(scene.source(NAME))
    box.script({"on": "upload", "states": ["processing"] * len(envs)})  # one look of each
    job = scene.run("submit", "-q", source, code=0).ids[0]
    results = together(scene, envs, "wait", job, "--json")
    usual = scene.run("wait", job, "--json", code=0)
    assert usual.record["source"] == source
    for env, done in zip(envs, results, strict=True):
        assert unlinked(done) == unlinked(usual), env
        *before, closing = done.stderr.splitlines()
        assert closing.startswith(f"{source}  "), env
        assert before in ([], [f"{source}: processing"]), env
    assert sum("processing" in done.stderr for done in results) > len(envs) / 2


@pytest.mark.row("E3")
def test_pairs_of_variables(scene: Scene, box: Box) -> None:
    """Each value of a variable beside each of every other."""
    check_alike(scene, box, covering(AXES, 2))


@pytest.mark.slow
@pytest.mark.row("E3")
def test_triples_of_variables(scene: Scene, box: Box) -> None:
    """And three at a time."""
    check_alike(scene, box, covering(AXES, 3))


@pytest.mark.row("E3")
@pytest.mark.usefixtures("box")
def test_a_list_in_any_environment(scene: Scene) -> None:
    """Its columns are as wide as they must be."""
    source = str(scene.source(NAME))
    scene.run("submit", "-q", source, code=0)
    envs = covering(AXES, 2)
    for env, done in zip(envs, together(scene, envs, "jobs"), strict=True):
        assert [line.split("\t")[3] for line in done.lines] == [source], env


@pytest.mark.row("E3")
def test_help_and_errors_in_any_environment(scene: Scene) -> None:
    """No colours, no frames, no crash."""
    envs = covering(AXES, 2)
    helps = together(scene, envs, "submit", "--help")
    assert len({"".join(done.stdout.split()) for done in helps}) == 1, "folded otherwise at most"
    going = [scene.start("submit", "--nothing-like-it", env=env) for env in envs]
    for done in [scene.held(each.ended(), 2) for each in going]:
        assert done.lines == []
        assert done.stderr.splitlines() == [
            "compressor: No such option: --nothing-like-it",
            "  see: compressor submit --help",
        ]


@pytest.mark.row("E3")
@pytest.mark.usefixtures("box")
def test_terminals_of_any_size_and_kind(scene: Scene) -> None:
    """Where there is a terminal: nothing crashes, and what stays is plain."""
    scene.source("photo.png")
    job = scene.run("submit", "photo.png", code=0).ids[0]
    envs = covering({name: AXES[name] for name in ("COLUMNS", "TERM", "FORCE_COLOR", "CI")}, 2)
    for at, env in [(AtTerminal(scene, "wait", job, env=env), env) for env in envs]:
        text = at.ended(0)
        assert f"{job}\tcompleted".expandtabs() in text.replace("\n", ""), env


def told(scene: Scene, envs: Sequence[Environment], *words: str) -> list[tuple[bytes, bytes]]:
    """Both streams of a command in each environment, in whatever encoding."""
    files = [scene.compressor.home / "tmp" / f"{n}.err" for n in range(len(envs))]
    going = []
    for env, file in zip(envs, files, strict=True):
        with file.open("wb") as stream:
            going.append(scene.start(*words, env=env, stderr=stream))
    results = [scene.held(each.ended(), 0) for each in going]
    return [(done.out, file.read_bytes()) for done, file in zip(results, files, strict=True)]


@pytest.mark.row("E4")
@pytest.mark.usefixtures("box")
def test_languages_that_lack_the_characters(scene: Scene) -> None:
    """JSON as ever; in text what an encoding lacks is shown as an escape."""
    source = str(scene.source(NAME))
    job = scene.run("submit", "-q", source, code=0).ids[0]
    usual = scene.run("wait", job, "--json", code=0).out
    envs = covering(LANGUAGES, 2)
    for env, (out, err) in zip(envs, told(scene, envs, "wait", job, "--json"), strict=True):
        assert out == usual, env
        assert b"Traceback" not in err
        assert "ünï → ".encode() in err or rb" \u2192 long long" in err, env
        if env["PYTHONIOENCODING"] == "ascii":
            assert rb"\xfcn\xef \u2192 long" in err


ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.row("E4")
@pytest.mark.parametrize(
    ("env", "shown"),
    [
        ({"PYTHONIOENCODING": "ascii"}, rb"\xfcn\xef \u2192 \udcff.png  "),
        ({"PYTHONIOENCODING": "cp1252:strict"}, b"\xfcn\xef \\u2192 \\udcff.png  "),
        (ASCII, rb"\udcc3\udcbcn\udcc3\udcaf \udce2\udc86\udc92 \udcff.png  "),
        ({"LC_ALL": "POSIX"}, "ünï → \\udcff.png  ".encode()),
    ],
    ids=["ascii", "cp1252", "C", "POSIX"],
)
@pytest.mark.usefixtures("box")
def test_a_road_in_another_language(scene: Scene, env: Environment, shown: bytes) -> None:
    """Names are bytes: the result lies under the very name, whatever can be printed of it."""
    name = os.fsdecode("ünï → ".encode() + b"\xff.png")
    scene.source(name)
    ((out, err),) = told(scene, [env], "submit", name, "-o", f"small {name}")
    assert ID.fullmatch(out.decode().strip())
    assert shown in err
    assert (scene.folder / f"small {name}").stat().st_size < (scene.folder / name).stat().st_size
