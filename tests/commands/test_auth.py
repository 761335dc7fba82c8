"""`auth`: the key goes in by a prompt or a pipe, and never comes out."""

from __future__ import annotations

import stat

import pexpect
import pytest
from conftest import File
from running import KEY, PROGRAM, Box, Compressor, until

ANOTHER = "sk-another-5Hn8wQ3e"


@pytest.fixture
def nobody(compressor: Compressor) -> Compressor:
    """The command without a key in its environment."""
    del compressor.env["COMPRESSOR_API_KEY"]
    return compressor


def test_login_from_a_pipe_saves_what_was_checked(nobody: Compressor, box: Box, file: File) -> None:
    """0600 in a 0700 folder; afterwards no environment is needed; logout takes it away."""
    done = nobody("auth", "login", stdin=f"  {KEY}\r\n".encode())
    assert done.whole == (
        "exit 0\n-- stdout\n-- stderr\nthe key is saved in <HOME>/config/config.toml\n"
    )
    assert KEY in nobody.config.read_text()
    assert stat.S_IMODE(nobody.config.stat().st_mode) == 0o600
    assert stat.S_IMODE(nobody.config.parent.stat().st_mode) == 0o700
    assert box.routes() == ["account"]
    status = nobody("auth", "status", "--json").record
    assert status.pop("account")
    assert status == {
        "schema": 1,
        "api_url": box.url,
        "profile": "default",
        "key_source": f"configuration file {nobody.config}",
        "accepted": True,
    }
    file("a.png")
    assert nobody("submit", "a.png").code == 0
    out = nobody("auth", "logout")
    assert (out.code, out.stdout) == (0, "")
    assert KEY not in nobody.config.read_text()
    gone = nobody("auth", "status")
    assert (gone.code, gone.stdout) == (4, "")
    assert "compressor auth login" in gone.stderr


@pytest.mark.usefixtures("box")
def test_status_says_where_the_key_is_from_never_what_it_is(compressor: Compressor) -> None:
    assert compressor("auth", "status").whole == (
        "exit 0\n-- stdout\n"
        "the key from environment COMPRESSOR_API_KEY is accepted by http://127.0.0.1:<PORT>/1.0\n"
        "-- stderr\n"
    )


@pytest.mark.usefixtures("box")
def test_a_refused_key_is_not_saved(nobody: Compressor) -> None:
    done = nobody("auth", "login", stdin=b"a-wrong-key\n")
    assert (done.code, done.stdout) == (4, "")
    assert "the service answered 401" in done.stderr
    assert "a-wrong-key" not in done.stderr
    assert not nobody.config.exists()


def test_without_a_network_a_key_can_be_saved_unchecked(nobody: Compressor) -> None:
    """Else it is temporary trouble, and nothing is saved."""
    assert nobody("auth", "login", stdin=KEY.encode()).code == 5
    assert not nobody.config.exists()
    assert nobody("auth", "login", "--no-check", stdin=KEY.encode()).code == 0
    assert KEY in nobody.config.read_text()


@pytest.mark.parametrize(
    "typed",
    [b"\n", b"a key", b"k\x00ey", "clé".encode(), b"\xff", b"k" * 100_000],
    ids=["newline", "space", "NUL", "accent", "no text", "long"],
)
def test_what_cannot_be_a_key_is_refused_unseen(nobody: Compressor, box: Box, typed: bytes) -> None:
    """By the name of its source, without a request."""
    done = nobody("auth", "login", stdin=typed)
    assert (done.code, done.stdout) == (4, "")
    assert done.stderr.startswith("compressor: the API key from the input ")
    assert "kkkk" not in done.stderr
    assert box.requests == []


@pytest.mark.usefixtures("box", "tmp_path")
def test_the_key_may_come_from_a_file(nobody: Compressor) -> None:
    """COMPRESSOR_API_KEY_FILE, also a descriptor that the shell made."""
    done = nobody.shell(
        f"compressor auth status >/dev/null && printf '%s\\n' 1; printf '{KEY}' | "
        "COMPRESSOR_API_KEY_FILE=/dev/stdin compressor auth status",
    )
    assert "COMPRESSOR_API_KEY_FILE (/dev/stdin) is accepted" in done.stdout
    missing = nobody("auth", "status", env={"COMPRESSOR_API_KEY_FILE": "/none"})
    assert (missing.code, missing.stdout) == (4, "")
    assert "/none" in missing.stderr


@pytest.mark.usefixtures("box")
def test_a_key_in_the_environment_that_hides_the_saved_one_is_told(compressor: Compressor) -> None:
    login = compressor("auth", "login", stdin=KEY.encode())
    assert login.code == 0
    assert "another key is in force: environment COMPRESSOR_API_KEY" in login.stderr
    logout = compressor("auth", "logout")
    assert "a key is still in force: environment COMPRESSOR_API_KEY" in logout.stderr


@pytest.mark.usefixtures("box")
def test_a_config_that_others_can_read_is_warned_of(compressor: Compressor) -> None:
    compressor("auth", "login", stdin=KEY.encode())
    compressor.config.chmod(0o644)
    done = compressor("auth", "status")
    assert done.code == 0
    assert done.stderr.startswith("compressor: warning: ")
    assert "0600" in done.stderr or "chmod 600" in done.stderr


@pytest.mark.row("E7")
@pytest.mark.parametrize("words", [[], ["--json"], ["-v"]])
def test_a_service_that_repeats_the_key_is_not_repeated(
    compressor: Compressor, box: Box, words: list[str]
) -> None:
    box.script({"on": "account", "status": 401, "body": {"message": f"bad token {KEY}"}})
    done = compressor("auth", "status", *words)
    assert done.code == 4
    assert "bad token [key]" in done.stderr
    assert box.fired() == [1]


@pytest.mark.row("E10")
@pytest.mark.usefixtures("box")
def test_login_without_any_input_is_a_usage_error(nobody: Compressor) -> None:
    done = nobody.shell("compressor auth login <&-; echo $?")
    assert done.stdout == "2\n"
    assert "there is no terminal and no input to read the key from" in done.stderr


@pytest.mark.parametrize("auth", ["bearer", "basic"])
def test_login_works_with_both_schemes(nobody: Compressor, box: Box, auth: str) -> None:
    nobody("config", "set", "auth", auth)
    assert nobody("auth", "login", stdin=KEY.encode()).code == 0
    assert box.requests[0]["authorization"] == auth


def at_prompt(compressor: Compressor) -> pexpect.spawn:
    """`auth login` at its hidden prompt, on a terminal of its own."""
    child = pexpect.spawn(
        str(PROGRAM), ["auth", "login"], timeout=15, encoding="utf-8",
        env={**compressor.env, "TERM": "xterm"}, cwd=str(compressor.folder),
    )  # fmt: skip
    child.expect_exact("API key: ")
    until(lambda: not child.getecho())
    return child


@pytest.mark.row("E9")
@pytest.mark.usefixtures("box")
def test_the_prompt_echoes_nothing(nobody: Compressor) -> None:
    child = at_prompt(nobody)
    child.sendline(KEY)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert child.before is not None
    assert KEY not in child.before
    assert "the key is saved in" in child.before
    assert KEY in nobody.config.read_text()


@pytest.mark.parametrize(
    ("typed", "ended"), [("\x03", (None, 2)), ("\x04", (4, None))], ids=["Ctrl-C", "Ctrl-D"]
)
@pytest.mark.usefixtures("box")
def test_the_prompt_can_be_left(
    nobody: Compressor, typed: str, ended: tuple[int | None, int | None]
) -> None:
    """By the signal itself or for want of a key; no traceback, no bug's confession, no file."""
    child = at_prompt(nobody)
    child.send(typed)
    child.expect(pexpect.EOF)
    child.close()
    assert (child.exitstatus, child.signalstatus) == ended
    assert child.before is not None
    assert "Traceback" not in child.before
    assert "bug" not in child.before
    assert not nobody.config.exists()


@pytest.mark.row("E9")
def test_a_key_is_not_taken_from_the_command_line(compressor: Compressor) -> None:
    """It would be in the process list and in the shell's history."""
    done = compressor("auth", "login", ANOTHER)
    assert done.code == 2
