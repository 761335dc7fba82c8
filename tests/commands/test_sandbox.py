"""`sandbox exec` and `sandbox start`: the API on this machine."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import File
from running import KEY, Compressor, until
from sandbox.pictures import opened


@pytest.fixture
def stranger(compressor: Compressor) -> Compressor:
    """The command as on a new machine: no key, no configuration, nothing of ours on the PATH."""
    for name in list(compressor.env):
        if name.startswith("COMPRESSOR_"):
            del compressor.env[name]
    compressor.env["PATH"] = "/usr/bin:/bin"
    return compressor


def executed(compressor: Compressor, script: str, *options: str) -> str:
    done = compressor("sandbox", "exec", *options, "--", "sh", "-c", script)
    assert done.code == 0, done.stderr
    return done.stdout


def test_exec_runs_the_whole_road(stranger: Compressor, file: File) -> None:
    """`compressor` in it is this one, with a key, a service and a ledger of its own."""
    file("photo.png")
    done = stranger(
        "sandbox", "exec", "--", "sh", "-ec",
        "compressor submit photo.png -o small.png; compressor jobs --json",
    )  # fmt: skip
    assert done.code == 0
    assert len(done.ids) == 2
    assert "photo.png  37.3 kB → 11.4 kB  −69.3 %" in done.stderr
    assert opened((stranger.folder / "small.png").read_bytes()).format == "PNG"
    assert not (Path(stranger.env["HOME"]) / ".local").exists()
    assert list(Path(stranger.env["TMPDIR"]).iterdir()) == []


def test_exec_sets_the_environment_and_hides_the_users_own(compressor: Compressor) -> None:
    """Neither the user's key nor settings reach the command; the rest of the environment does."""
    script = "env; command -v compressor"
    text = executed(
        Compressor(compressor.home, compressor.folder, {
            **compressor.env, "COMPRESSOR_PROFILE": "work", "MINE": "yes",
        }),
        script,
    )  # fmt: skip
    seen = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/1\.0", seen["COMPRESSOR_API_URL"])
    assert seen["COMPRESSOR_API_KEY"] != KEY
    assert len(seen["COMPRESSOR_API_KEY"]) > 20
    assert "COMPRESSOR_PROFILE" not in seen
    assert seen["MINE"] == "yes"
    assert seen["PATH"].split(os.pathsep)[0] == str(Path(text.splitlines()[-1]).parent)


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 42", 42), ("kill -9 $$", 137)])
def test_exec_leaves_with_the_exit_code(compressor: Compressor, script: str, code: int) -> None:
    done = compressor("sandbox", "exec", "--", "sh", "-c", script)
    assert (done.code, done.stdout, done.stderr) == (code, "", "")


def test_exec_passes_words_and_streams_untouched(compressor: Compressor) -> None:
    """Also words that look like options of ours, without the two dashes."""
    done = compressor("sandbox", "exec", "printf", "%s\\n", "--port", "-v", "a b")
    assert (done.code, done.stdout) == (0, "--port\n-v\na b\n")
    dashed = compressor("sandbox", "exec", "--", "printf", "%s\\n", "--", "--answers")
    assert (dashed.code, dashed.stdout) == (0, "--\n--answers\n")
    assert compressor("sandbox", "exec", "--", "cat", stdin=b"through\n").stdout == "through\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["exec", "--", "no-such-command"], "there is no command no-such-command"),
        (["exec", "--", "./text"], "./text"),
        (["exec", "--allow-webhook", "example.com:80", "--", "true"], "webhook target"),
        (["start", "--key", "two words"], "the API key from option --key holds a space"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_run(
    compressor: Compressor, file: File, words: list[str], said: str
) -> None:
    file("text", b"\x00\x01").chmod(0o755)
    done = compressor("sandbox", *words)
    assert (done.code in (2, 4), done.stdout) == (True, "")
    assert said in done.stderr


def test_exec_options_shape_the_service(compressor: Compressor, file: File) -> None:
    """Later answers, added work, outputs on a second port."""
    file("a.png")
    text = executed(
        compressor,
        "compressor submit -q a.png --json | jq -r .state; compressor wait -q --last --json",
        "--answers", "later", "--work-seconds", "0.1", "--outputs-port", "0",
        "--allow-webhook", "127.0.0.1:9",
    )  # fmt: skip
    first, second = text.splitlines()
    record = json.loads(second)
    assert (first, record["state"]) == ("pending", "completed")


def test_ctrl_c_at_exec_is_the_commands(compressor: Compressor) -> None:
    """The terminal sends it to both: the command decides, and its code is passed on."""
    going = compressor.start(
        "sandbox", "exec", "--", "sh", "-c",
        "trap 'echo tidied; exit 7' INT; echo ready >&2; while :; do sleep 0.05; done",
        start_new_session=True,
    )  # fmt: skip
    going.says("ready")
    os.killpg(going.process.pid, signal.SIGINT)
    done = going.ended()
    assert (done.code, done.stdout) == (7, "tidied\n")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_to_exec_is_handed_on(
    compressor: Compressor, number: signal.Signals, code: int
) -> None:
    going = compressor.start("sandbox", "exec", "--", "sh", "-c", "echo ready >&2; exec sleep 30")
    going.says("ready")
    done = going.signalled(number)
    assert done.code == code
    assert "the sandbox and its jobs ended with the command" in done.stderr
    assert list((compressor.home / "tmp").iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_start_prints_what_to_export_and_serves_until_it_is_ended(
    compressor: Compressor, file: File, number: signal.Signals
) -> None:
    """The two lines can be given to a shell; each request is a line on stderr."""
    compressor.key = "none of the tests' own"
    going = compressor.start("sandbox", "start", "--port", "0")
    until(lambda: going.stdout.count("\n") == 2)
    file("a.png")
    path = compressor.folder / "exports"
    path.write_text(going.stdout)
    other = Compressor(
        compressor.home, compressor.folder,
        {**compressor.env, "COMPRESSOR_API_KEY": "", "COMPRESSOR_API_URL": ""},
        key=compressor.key,
    )  # fmt: skip
    script = f". {path}; compressor submit a.png -o b.png"
    assert other.shell(script).code == 0
    going.says("POST /1.0/upload  200  a.png")
    path.unlink()
    done = going.signalled(number)
    assert done.code == -number
    assert re.fullmatch(
        r"export COMPRESSOR_API_URL=http://127\.0\.0\.1:\d+/1\.0\nexport COMPRESSOR_API_KEY=\S+\n",
        done.stdout,
    )
    assert "Ctrl-C ends it" in done.stderr


def test_start_keeps_jobs_and_a_chosen_key(compressor: Compressor, tmp_path: Path) -> None:
    """The key is an argument here, and this one is for nothing else."""
    compressor.key = "none of the tests' own"
    state = tmp_path / "kept"
    for _ in range(2):
        going = compressor.start(
            "sandbox", "start", "--port", "0", "--key", "chosen", "--state", state
        )
        until(lambda going=going: going.stdout.count("\n") == 2)
        assert "export COMPRESSOR_API_KEY=chosen\n" in going.stdout
        going.signalled()
    assert (state / "jobs").is_dir()


def test_a_port_in_use_is_told(compressor: Compressor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = compressor("sandbox", "start", "--port", port)
    assert (done.code, done.stdout) == (9, "")
    assert f"port {port} cannot be used" in done.stderr
    assert "--port 0" in done.stderr


def test_without_the_extra_it_says_what_to_install(compressor: Compressor, tmp_path: Path) -> None:
    """A finder that does not find aiohttp stands for an environment without it."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "aiohttp.py").write_text(
        "raise ModuleNotFoundError('gone', name='aiohttp')"
    )
    done = compressor("sandbox", "exec", "--", "true", env={"PYTHONPATH": str(tmp_path / "site")})
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr == (
        "compressor: the sandbox is not installed: aiohttp is missing\n"
        "  pip install 'compressor-cli[sandbox]'\n"
    )


def test_exec_works_as_a_module_too(compressor: Compressor) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "compressor_cli", "sandbox", "exec", "compressor", "--version"],
        env=compressor.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("compressor ")
