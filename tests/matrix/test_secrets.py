"""Rows E7 to E10: the key and other secrets, where they might be seen."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import Faults
from running import KEY, PROGRAM, Elsewhere, until

from .scene import Scene
from .tools import needs

SIGNATURE = "X-Amz-Signature=5f3c0ffee5f3c0ffee"
WAYS = (KEY, f"Bearer {KEY}", f":{KEY}", f"user:{KEY}", f"api:{KEY}", f"{KEY}\n")
ECHOES: dict[str, dict[str, Any]] = {
    "JSON": {"body": {"message": f"no: Authorization: Bearer {KEY}"}},
    "text": {"body": f"401\nAuthorization: Bearer {KEY}\n"},
    **{
        f"base64 of {way}": {"body": {"message": f"no: {base64.b64encode(way.encode()).decode()}"}}
        for way in WAYS
    },
    "page": {"body": f"<html>Bearer {KEY}</html>", "content_type": "text/html"},
    "cookie": {"headers": {"Set-Cookie": "session=5e551015; Path=/", "X-Echo": f"Bearer {KEY}"}},
}


@pytest.mark.row("E7")
@pytest.mark.parametrize(
    ("how", "auth"), [*((how, "bearer") for how in ECHOES), ("JSON", "basic"), ("text", "basic")]
)
def test_a_refusal_that_repeats_what_we_sent(
    scene: Scene, faults: Faults, how: str, auth: str
) -> None:
    """Also with -v, as text and as JSON: the key is `[key]`, a cookie is not shown."""
    scene.source("a.png")
    scene.run("config", "set", "auth", auth, code=0)
    fault = {"status": 401, "times": 2, **ECHOES[how]}
    faults({"on": "upload", **fault}, {"on": "account", **fault})
    for words in (["submit", "-v", "a.png"], ["auth", "status", "-v"]):
        for more in ([], ["--json"]):
            done = scene.run(*words, *more, code=4, env={"PYTHONDEVMODE": "1"})
            assert "the service answered 401" in done.stderr
            assert ("[key]" in done.stderr) == (how not in ("page", "cookie"))
            assert "5e551015" not in done.stderr + done.stdout


@pytest.mark.row("E7")
@pytest.mark.parametrize("words", [[], ["-v"], ["-v", "--json"]])
def test_a_signed_link_that_fails(
    scene: Scene, faults: Faults, elsewhere: Elsewhere, words: list[str]
) -> None:
    """What was wrong is told without the link's signature; JSON has the field as it came."""
    scene.source("a.png")
    url = f"{elsewhere.url}/gone.png?{SIGNATURE}&X-Amz-Expires=60"
    faults(
        {"on": "upload", "merge": {"url": url}, "headers": {"Set-Cookie": "session=5e551015"}},
        {"on": "job", "times": 3, "merge": {"url": url}},
    )
    done = scene.run("submit", *words, "a.png", "-o", "x.png", code=6)
    assert "the output's server answered 404" in done.stderr
    assert "Amz" not in done.stderr
    assert ("Amz" in done.stdout) == ("--json" in words)
    assert "5e551015" not in done.stderr + done.stdout
    assert not [seen for seen in elsewhere.seen if {"cookie", "authorization"} & set(seen)]
    assert "Amz" not in scene.run("jobs", "--json", code=0).stdout


@pytest.mark.row("E7")
@pytest.mark.parametrize(
    "url", [f"https://me:pa55w0rd@example.com/x?{SIGNATURE}", f"ftp://example.com/x?{SIGNATURE}"]
)
def test_a_link_that_is_refused(scene: Scene, faults: Faults, url: str) -> None:
    """Neither a password nor a signature is repeated."""
    scene.source("a.png")
    faults({"on": "upload", "merge": {"url": url}})
    done = scene.run("submit", "-v", "a.png", "-o", "x.png", code=6)
    assert "the output's URL " in done.stderr
    assert not [word for word in ("pa55", "Amz") if word in done.stderr]


HOOKS = {
    "network": ("import socket", "socket.socket.connect", ["submit", "a.png"]),
    "ledger": ("import sqlite3", "sqlite3.connect", ["jobs"]),
    "hashing": ("import hashlib", "hashlib.sha1", ["compress", "a.png", "-o", "out"]),
}
HOOK = """
{module}, os
def broken(*args, **more):
    token = os.environ["COMPRESSOR_API_KEY"]
    raise RuntimeError("broken with " + token)
{place} = broken
"""


@pytest.mark.row("E8")
@pytest.mark.parametrize("where", HOOKS)
@pytest.mark.usefixtures("box")
def test_an_error_that_nobody_expected(scene: Scene, where: str) -> None:
    """The standard library fails with the key in its message: its kind is told, no value of it."""
    scene.source("a.png")
    scene.compressor.buggy = True
    hooks = scene.compressor.home / "hooks"
    hooks.mkdir()
    module, place, words = HOOKS[where]
    (hooks / "sitecustomize.py").write_text(HOOK.format(module=module, place=place))
    env = {"PYTHONPATH": str(hooks)}
    done = scene.run(*words, code=1, env=env)
    assert done.stdout == ""
    assert done.stderr == (
        "compressor: unexpected RuntimeError; this is a bug\n"
        "  run it again with -v to see where, and report it\n"
    )
    told = scene.run(*words, "-v", code=1, env=env)
    assert told.stderr.startswith("compressor: unexpected RuntimeError; this is a bug\n")
    assert 'sitecustomize.py", line 5, in broken' in told.stderr
    assert "broken with" not in told.stderr.replace('RuntimeError("broken with " + token)', "")


def arguments_of(pid: int) -> bytes:
    """What anyone may read of a process and of those that it started."""
    place = Path(f"/proc/{pid}")
    below = (place / "task" / str(pid) / "children").read_text().split()
    return (place / "cmdline").read_bytes() + b"".join(arguments_of(int(child)) for child in below)


@pytest.mark.row("E9")
@pytest.mark.usefixtures("later")
def test_the_list_of_processes(scene: Scene) -> None:
    """A key that was logged in with is in no command line and in no environment."""
    needs("ps")
    scene.run("auth", "login", stdin=KEY.encode(), code=0)
    scene.source("a.png")
    going = scene.start("submit", "a.png", "--wait", env={"COMPRESSOR_API_KEY": None})
    going.says("submitted as")
    pid = going.process.pid
    assert b"submit\0a.png" in arguments_of(pid)
    assert KEY.encode() not in arguments_of(pid)
    assert KEY.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
    shown = subprocess.run(["ps", "-wwp", str(pid), "-o", "args"], capture_output=True, check=True)
    assert b"submit a.png" in shown.stdout
    assert KEY.encode() not in shown.stdout
    scene.held(going.ended(), 0)


@pytest.mark.row("E9")
@pytest.mark.usefixtures("box")
def test_a_login_that_waits_for_its_input(scene: Scene) -> None:
    """While the key comes in by a pipe."""
    out, into = os.pipe()
    going = scene.start("auth", "login", env={"COMPRESSOR_API_KEY": None}, stdin=out)
    os.close(out)
    until(lambda: b"login" in arguments_of(going.process.pid))
    os.write(into, KEY.encode())
    assert KEY.encode() not in arguments_of(going.process.pid)
    os.close(into)
    scene.held(going.ended(), 0)


@pytest.mark.row("E9")
def test_a_sandbox_hands_its_key_over_unseen(scene: Scene) -> None:
    """In the environment of the command that it runs, not in its arguments."""
    done = scene.run(
        *("sandbox", "exec", "--", "sh", "-c"),
        'cat /proc/$$/cmdline /proc/$PPID/cmdline | grep -c -F -e "$COMPRESSOR_API_KEY"',
        code=1,
    )
    assert done.stdout == "0\n"


TYPED = [
    ["auth", "login", KEY],
    ["config", "set", "api_key", KEY],
    ["auth", "login", f"--api-key={KEY}"],
    ["submit", "--key", KEY, "a.png"],
]


@pytest.mark.row("E9")
@pytest.mark.parametrize("words", TYPED, ids=[" ".join(words[:2]) for words in TYPED])
def test_a_key_on_the_command_line_is_refused(scene: Scene, words: list[str]) -> None:
    """The shell's history and the list of processes would show it; it is not repeated, nor is what
    stands in the input taken instead."""
    done = scene.run(*words, code=2, stdin=b"sk-another-5Hn8wQ3e")
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 2
    if words[-1] == KEY and words[0] != "submit":
        assert "compressor auth login" in done.stderr


@pytest.mark.row("E10")
@pytest.mark.parametrize("redirection", ["<&-", "</dev/null", "</dev/null >/dev/null"])
def test_a_prompt_without_a_terminal(scene: Scene, redirection: str) -> None:
    """It does not wait for anyone, and says how else the key comes in."""
    needs("setsid")
    done = scene.shell(f"exec setsid -w {PROGRAM} auth login {redirection}", code=2, within=5)
    message, hint = done.stderr.splitlines()
    assert message == "compressor: there is no terminal and no input to read the key from"
    assert "compressor auth login < key.txt" in hint
    assert "COMPRESSOR_API_KEY" in hint
    assert not scene.compressor.config.exists()


@pytest.mark.row("E10")
@pytest.mark.parametrize("line", [b"\n", b"  \r\n", b"two words\n"])
def test_input_that_holds_no_key_is_another_matter(scene: Scene, line: bytes) -> None:
    """Something came in, as from a variable that is not set: the key is what is missing."""
    done = scene.run("auth", "login", stdin=line, code=4, within=5)
    assert "the API key from the input" in done.stderr
    assert "compressor auth login < key.txt" in done.stderr
    assert not scene.compressor.config.exists()
