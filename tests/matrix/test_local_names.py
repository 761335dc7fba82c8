"""Row E1: names of this machine that try to act on the terminal where they are shown."""

from __future__ import annotations

import pytest
from running import Box

from .scene import Scene
from .terminal import IN_A_NAME, MARKS, AtTerminal

pytestmark = pytest.mark.row("E1")

NAME = f"a{IN_A_NAME[-120:].replace(';', '')}.png"
"""Short enough for a file: without the plain controls, which only arguments hold here."""
ROOMY = 500  # columns: what is cut to the terminal's width is tried elsewhere


ARGUMENTS: dict[str, tuple[list[str], int]] = {
    "a missing source": (["submit", IN_A_NAME], 3),
    "an option": (["submit", f"--{IN_A_NAME}"], 2),
    "a command": ([f"x{IN_A_NAME}"], 2),
    "a subcommand": (["config", f"x{IN_A_NAME}"], 2),
    "a job id": (["status", f"x{IN_A_NAME}"], 2),
    "a level": (["submit", "a.png", "--compression", IN_A_NAME], 2),
    "a size": (["submit", "a.png", "--resize", IN_A_NAME], 2),
    "an option of the API": (["submit", "a.png", "--set", f"{IN_A_NAME[:60]}"], 2),
    "JSON": (["submit", "a.png", "--data", IN_A_NAME], 2),
    "a file of JSON": (["submit", "a.png", "--data", f"@{IN_A_NAME}"], 2),
    "a header": (["submit", "http://127.0.0.1/", "--header", IN_A_NAME], 2),
    "a time": (["wait", "--last", "--timeout", IN_A_NAME], 2),
    "an API URL": (["jobs", "--api-url", f"https://{IN_A_NAME}"], 2),
    "a profile": (["jobs", "--profile", IN_A_NAME], 2),
    "a place": (["submit", "a.png", "-o", f"{IN_A_NAME}/x.png"], 9),
    "a URL": (["submit", f"http://x/{IN_A_NAME}"], 2),
    "a glob": (["compress", f"{IN_A_NAME}*", "-o", "out"], 3),
    "a list of files": (["compress", "--files-from", IN_A_NAME, "-o", "out"], 3),
    "a report": (["compress", "a.png", "-o", "out", "--report", IN_A_NAME], 2),
    "a lock": (["check", "a.png", "-o", "out", "--lock", f"{IN_A_NAME}/x"], 9),
    "a budget": (["check", "a.png", "-o", "out", "--budget", IN_A_NAME], 2),
    "a setting": (["config", "set", IN_A_NAME, "1"], 2),
    "a value": (["config", "set", "timeout", IN_A_NAME], 2),
    "a program": (["sandbox", "exec", "--", f"x{IN_A_NAME}"], 2),
    "a shell": (["completions", IN_A_NAME], 2),
}


def test_what_is_typed(scene: Scene) -> None:
    """Each argument that a message may repeat; all at once, since none sends anything."""
    scene.source("a.png")
    tried = [
        (AtTerminal(scene, *words, width=ROOMY), code, what)
        for what, (words, code) in ARGUMENTS.items()
    ]
    for at, code, what in tried:
        text = at.ended(code)
        assert text.startswith(("compressor: ", "file ")), (what, text)
        assert "owned" not in text or MARKS[0] in text.replace("\n", ""), (what, text)


VARIABLES = {
    "COMPRESSOR_CONFIG": 0,
    "COMPRESSOR_STATE_DIR": 9,
    "COMPRESSOR_API_URL": 2,
    "COMPRESSOR_API_KEY_FILE": 4,
    "COMPRESSOR_API_KEY": 4,
    "COMPRESSOR_PROFILE": 2,
}


def test_variables(scene: Scene) -> None:
    """What the environment names. A value that may be a password is not repeated at all."""
    scene.source("a.png")
    blocked = scene.source("file", b"x") / IN_A_NAME
    tried = []
    for name, code in VARIABLES.items():
        value = str(blocked) if name == "COMPRESSOR_STATE_DIR" else IN_A_NAME
        keyless = {"COMPRESSOR_API_KEY": None} if name.endswith("KEY_FILE") else {}
        words = ["config", "path"] if name == "COMPRESSOR_CONFIG" else ["submit", "a.png"]
        tried.append((AtTerminal(scene, *words, env={**keyless, name: value}), code, name))
    for at, code, name in tried:
        text = at.ended(code)
        assert ("owned" in text) != (name in ("COMPRESSOR_API_URL", "COMPRESSOR_API_KEY")), text


def quoted(text: str) -> str:
    """As a TOML string."""
    return '"' + "".join(f"\\u{ord(c):04x}" if ord(c) < 65536 else "x" for c in text) + '"'


FILES = {
    "compressor.toml": "sources = [{0}]\n{0} = {0}\n",
    "config.toml": "{0} = 1\nauth = {0}\n",
    "compressor.lock": '{{"input": {0}, {0}: {0}}}\n',
}


@pytest.mark.parametrize("file", FILES)
def test_files_of_ours(scene: Scene, file: str) -> None:
    """Names and values of a project, of the configuration, of the lock."""
    scene.source("a.png")
    place = scene.compressor.config if file == "config.toml" else scene.folder / file
    place.parent.mkdir(exist_ok=True)
    hostile = quoted(IN_A_NAME.encode(errors="ignore").decode())
    place.write_text(FILES[file].format(hostile))
    words = ["check", "a.png", "-o", "out"] if file != "config.toml" else ["config", "list"]
    text = AtTerminal(scene, *words, width=ROOMY).ended({2, 3})
    assert text.startswith(("compressor: ", "file ")), text


NAMES = (NAME, "::error::[red].png", "##[section]\r\n::x.png")


def test_a_source_on_its_road(scene: Scene, box: Box) -> None:
    """In the live region, the closing line, the table, the list of jobs."""
    for seed, name in enumerate(NAMES):
        scene.source(name, seed=seed)
    box.script({"on": "upload", "states": ["processing"], "times": 3})
    at = AtTerminal(scene, "submit", *NAMES, "-o", "out/", width=ROOMY)
    text = at.ended(0)
    assert box.fired() == [3]
    for mark in (r"\x9b32m\u202e", r"\x3a:error::[red].png", r"\x23#[section]\x0d\x0a::x.png"):
        assert mark in text
        assert any(mark[:12] in seen and "→" not in seen for seen in at.seen)
    AtTerminal(scene, "compress", ".", "--in-place").ended(0)
    AtTerminal(scene, "jobs", width=ROOMY).ended(0)
    rows = scene.run("jobs", code=0).lines
    assert [row.count("\t") for row in rows] == [4] * len(rows)
    assert len(rows) >= 3
