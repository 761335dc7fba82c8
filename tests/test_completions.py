"""The completion scripts: current, and understood by the shells that are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from compressor_cli.memory.ledger import Ledger

ROOT = Path(__file__).parents[1]
SCRIPTS = {
    "bash": "compressor.bash",
    "zsh": "_compressor",
    "fish": "compressor.fish",
    "powershell": "compressor.ps1",
}
BIN = str(Path(sys.executable).parent)


def run(*words: str, home: Path) -> str:
    """What a command prints, with our `compressor` on its PATH."""
    env = {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(home), "TERM": "dumb", "LANG": "C.UTF-8"}
    done = subprocess.run(
        words, env=env, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def need(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")


@pytest.mark.parametrize("shell", SCRIPTS)
def test_scripts_in_the_repository_are_what_the_command_prints(shell: str, tmp_path: Path) -> None:
    """A change of the command line's completion cannot be forgotten in completions/."""
    printed = run("compressor", "completions", shell, home=tmp_path)
    assert (ROOT / "completions" / SCRIPTS[shell]).read_text() == printed


def test_wheel_installs_each_script_where_its_shell_looks() -> None:
    """pyproject.toml names every file in completions/."""
    import tomllib

    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    shipped = build["targets"]["wheel"]["shared-data"]
    assert set(shipped) == {f"completions/{name}" for name in SCRIPTS.values()}
    assert {path.split("/")[0] for path in shipped.values()} == {"share"}


def test_bash_completes_commands_options_and_choices(tmp_path: Path) -> None:
    """In a real bash, through the function that the script defines."""
    lines = run(
        "bash",
        "--norc",
        "-c",
        """
        source completions/compressor.bash
        try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _compressor_completion compressor
                echo "${COMPREPLY[@]}"; }
        try compressor su
        try compressor submit --compr
        try compressor submit --compression u
        complete -p compressor
        """,
        home=tmp_path,
    ).splitlines()
    assert lines[:3] == ["submit", "--compression", "ultra"]
    assert "-o default" in lines[3], "what we do not know is completed as a file name"


def test_fish_completes_commands_options_and_choices(tmp_path: Path) -> None:
    """In a real fish, which shows the help beside each."""
    need("fish")
    script = "source completions/compressor.fish; complete -C 'compressor {}'"
    for typed, expected in (
        ("su", "submit"),
        ("submit --compr", "--compression"),
        ("submit --compression u", "ultra"),
    ):
        found = run("fish", "--no-config", "-c", script.format(typed), home=tmp_path)
        assert found.split("\t")[0].strip() == expected


def test_zsh_completes_at_the_very_first_tab(tmp_path: Path) -> None:
    zsh = zsh_at_work(tmp_path)
    zsh.send("compressor comple\t")
    zsh.expect("completions")
    zsh.sendline("zsh >/dev/null; echo got:''zsh")
    zsh.expect("got:zsh")
    zsh.close(force=True)


def zsh_at_work(home: Path, **env: str) -> pexpect.spawn[str]:
    """A real, interactive zsh that finds the script in its fpath."""
    need("zsh")
    env |= {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(home), "TERM": "xterm", "PS1": "> "}
    zsh = pexpect.spawn("zsh", ["-f", "-i"], env=env, cwd=str(ROOT), encoding="utf-8", timeout=20)
    zsh.sendline(
        f"PS1='> '; fpath=({ROOT}/completions $fpath); autoload -U compinit; compinit -D -u"
    )
    zsh.sendline("echo re''ady")
    zsh.expect("ready")
    return zsh


@pytest.fixture
def three_jobs(tmp_path: Path) -> dict[str, str]:
    """A ledger with three jobs, the newest last; the environment that names it."""
    state = tmp_path / "state"
    ledger = Ledger(state)
    for number, source in enumerate(("old.png", "a b.pdf", "new:one\x1b.mp4")):
        entry = ledger.begin(
            source=source, source_path=None, input_sha1=None, input_size=None, options={},
            api_url="https://api.compressor.app/1.0",
        )  # fmt: skip
        ledger.accepted(entry, job_id=f"job-{number}", state="pending", word="x", result=None)
    ledger.close()
    return {"COMPRESSOR_STATE_DIR": str(state), "COMPRESSOR_CONFIG": str(tmp_path / "none.toml")}


def test_bash_completes_job_ids_newest_first(tmp_path: Path, three_jobs: dict[str, str]) -> None:
    """Without network and key; those that begin so; and where there is no ledger, none."""
    script = """
        source completions/compressor.bash
        try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _compressor_completion compressor
                echo "${COMPREPLY[@]}"; }
        try compressor get job
        try compressor wait job-1
        """
    script = "".join(f"export {name}={value}\n" for name, value in three_jobs.items()) + script
    found = run("bash", "--norc", "-c", script, home=tmp_path).splitlines()
    assert found == ["job-2 job-1 job-0", "job-1"]
    empty = script.replace(three_jobs["COMPRESSOR_STATE_DIR"], str(tmp_path / "nothing"))
    assert run("bash", "--norc", "-c", empty, home=tmp_path).split() == []
    assert not (tmp_path / "nothing").exists(), "a TAB makes no files"


def test_fish_shows_source_and_state_beside_each_id(
    tmp_path: Path, three_jobs: dict[str, str]
) -> None:
    need("fish")
    script = "".join(f"set -x {name} {value}; " for name, value in three_jobs.items())
    script += "source completions/compressor.fish; complete -C 'compressor status job'"
    found = run("fish", "--no-config", "-c", script, home=tmp_path).splitlines()
    rows = dict(line.split("\t") for line in found)
    assert list(rows) == ["job-2", "job-1", "job-0"]
    assert rows["job-1"].strip() == "a b.pdf, pending"
    assert rows["job-2"].strip() == r"new:one\x1b.mp4, pending"


def test_zsh_shows_the_newest_first_with_source_and_state(
    tmp_path: Path, three_jobs: dict[str, str]
) -> None:
    zsh = zsh_at_work(tmp_path, **three_jobs)
    zsh.send("compressor status job\t\t")
    zsh.expect(r"job-2 +-- new:one\\?x1b.mp4, pending")  # it swallows a backslash
    zsh.expect(r"job-1 +-- a b.pdf, pending")
    zsh.expect(r"job-0 +-- old.png, pending")
    zsh.close(force=True)


def test_an_interactive_bash_shows_the_newest_first(
    tmp_path: Path, three_jobs: dict[str, str]
) -> None:
    env = {**three_jobs, "PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(tmp_path), "TERM": "xterm"}
    bash = pexpect.spawn("bash", ["--norc"], env=env, cwd=str(ROOT), encoding="utf-8", timeout=20)
    bash.sendline("bind 'set show-all-if-ambiguous on'; source completions/compressor.bash")
    bash.sendline("echo re''ady")
    bash.expect("ready")
    bash.send("compressor wait job\t")
    bash.expect(r"job-2 +job-1 +job-0")
    bash.close(force=True)


@pytest.mark.parametrize("words", ["compressor su", "compressor submit --c"])
def test_completion_opens_no_socket_and_imports_no_http(words: str, tmp_path: Path) -> None:
    """TAB runs the program: it must cost little and touch nothing."""
    code = (
        "import sys, socket\n"
        "def refuse(*args, **kw): raise AssertionError('a socket')\n"
        "socket.socket.connect = refuse\n"
        "sys.argv = ['compressor']\n"
        "import atexit, os\n"
        "os._exit = lambda code: print('httpx' in sys.modules or 'rich' in sys.modules, code)\n"
        "from compressor_cli.app import main\n"
        "main()\n"
    )
    env = dict(os.environ) | {
        "_COMPRESSOR_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
        "HOME": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=env,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "False 0"
