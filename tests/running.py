"""The installed command in a process of its own, and a sandbox for it on a real port.

Every run is checked for what must hold whatever happens: the key is in no byte of the output and in
no file but the configuration, nothing half-written is left, pipes get no control codes, nothing is
a traceback, and what stands on stdout is whole.
"""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any, TypeVar

import httpx

from compressor_cli.sandbox.options import SandboxOptions
from compressor_cli.sandbox.running import Sandbox, running

KEY = "sk-test-7Qm2xV9aLr4Tz8"
PROGRAM = Path(sys.executable).with_name("compressor")
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_TIME = re.compile(r"(?<![\w.])\d+(\.\d)? s\b(?! are over)|\d+ min \d\d s")
_HALF = (".part", ".spool")
T = TypeVar("T")


def until(look: Callable[[], T], seconds: float = 15.0) -> T:
    """The first true thing that `look` finds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.01)
    raise AssertionError("it did not come in time")


def secrets_of(key: str) -> list[bytes]:
    """The ways in which a key must not be seen: as it is, and in base64 whatever stands around it.

    A byte of base64 begins at one of three places; what neighbours have a part in is cut off.
    """
    forms = [key.encode()]
    for pad in range(3):
        whole = base64.b64encode(bytes(pad) + key.encode() + bytes(3))
        core = whole[-(pad * 8 // -6) : (pad + len(key)) * 8 // 6]
        forms += [core, core.translate(bytes.maketrans(b"+/", b"-_"))]
    return list(dict.fromkeys(forms))


@dataclass(frozen=True)
class Result:
    """How a command ended. `code` is negative if it died of that signal."""

    code: int
    out: bytes
    err: bytes
    places: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0  # from its start to its end
    words: tuple[str, ...] = ()  # of its command line

    @property
    def stdout(self) -> str:
        return self.out.decode()

    @property
    def stderr(self) -> str:
        return self.err.decode()

    @property
    def lines(self) -> list[str]:
        return self.stdout.splitlines()

    @property
    def ids(self) -> list[str]:
        """The job ids on stdout."""
        return ID.findall(self.stdout)

    @property
    def records(self) -> list[dict[str, Any]]:
        """The JSON objects on stdout."""
        return [json.loads(line) for line in self.lines]

    @property
    def record(self) -> dict[str, Any]:
        (only,) = self.records
        return only

    @property
    def commands(self) -> list[str]:
        """The commands that stderr says to go on with."""
        return re.findall(r"(?:go on with|not sent yet): (compressor .*)", self.stderr)

    @property
    def whole(self) -> str:
        """Exit code and both streams as one text, with all that differs from run to run named."""
        text = f"exit {self.code}\n-- stdout\n{self.stdout}-- stderr\n{self.stderr}"
        for place, name in self.places.items():
            text = text.replace(place, name)
        text = _TIME.sub("<TIME>", ID.sub("<ID>", text))
        return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:<PORT>", text)


@dataclass
class Compressor:
    """Runs the installed command in `folder`, with an environment built from nothing."""

    home: Path
    folder: Path
    env: dict[str, str]
    key: str = KEY
    buggy: bool = False  # a bug of the command is what the test asks for
    config: Path = field(init=False)

    def __post_init__(self) -> None:
        self.config = Path(self.env["COMPRESSOR_CONFIG"])

    def environment(self, more: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """`more` over the usual one; None takes a variable away."""
        mixed: dict[str, str | None] = {**self.env, **(more or {})}
        return {name: value for name, value in mixed.items() if value is not None}

    def __call__(
        self,
        *arguments: str | Path,
        stdin: bytes = b"",
        env: Mapping[str, str | None] | None = None,
        cwd: Path | None = None,
    ) -> Result:
        """Run it to its end."""
        return self._run([str(PROGRAM), *map(str, arguments)], stdin=stdin, env=env, cwd=cwd)

    def shell(
        self,
        script: str,
        *,
        stdin: bytes = b"",
        env: Mapping[str, str | None] | None = None,
        foreign: bool = False,
    ) -> Result:
        """Run a shell script in which `compressor` is the installed command.

        `foreign`: stdout is a result, or another program's, and is not looked at.
        """
        words = ["sh", "-c", script]
        return self._run(words, stdin=stdin, env=env, cwd=None, foreign=foreign)

    def _run(
        self,
        words: list[str],
        *,
        stdin: bytes,
        env: Mapping[str, str | None] | None,
        cwd: Path | None,
        foreign: bool = False,
    ) -> Result:
        begun = time.monotonic()
        done = subprocess.run(
            words,
            input=stdin,
            capture_output=True,
            env=self.environment(env),
            cwd=cwd or self.folder,
            timeout=40,
            check=False,
        )
        result = Result(
            done.returncode,
            done.stdout,
            done.stderr,
            self.places,
            time.monotonic() - begun,
            tuple(words),
        )
        return self.checked(result, foreign=foreign)

    @property
    def places(self) -> dict[str, str]:
        """What differs from test to test in what is said."""
        return {str(self.folder): "<DIR>", str(self.home): "<HOME>"}

    def start(
        self,
        *arguments: str | Path,
        env: Mapping[str, str | None] | None = None,
        **options: Any,
    ) -> Going:
        """Start it and go on with the test. `options` go to Popen."""
        return Going(self, [str(PROGRAM), *map(str, arguments)], self.environment(env), options)

    def checked(self, result: Result, *, foreign: bool = False) -> Result:
        """The result of a run, once it keeps what every run must keep."""
        words, out = result.words, result.out
        self.check_secrets(out, result.err)
        assert b"Traceback" not in result.err, result.stderr
        assert b"Exception ignored" not in result.err, result.stderr
        assert (b"this is a bug" in result.err) == self.buggy, result.stderr
        assert not _CONTROL.search(result.stderr), ascii(result.stderr)
        if result.code == -signal.SIGKILL:
            self.sweep()  # the one end after which something may lie about
        self.check_tree()
        to_stdout = foreign or (bool({"-o", "--output"} & set(words)) and "-" in words)
        if not to_stdout:
            assert not _CONTROL.search(result.stdout), ascii(result.stdout)
            assert not out or out.endswith(b"\n"), result.stdout
            if "--json" in (words[2].split() if words[0] == "sh" else words):
                assert all(record["schema"] == 1 for record in result.records)
        return result

    def check_secrets(self, *texts: bytes) -> None:
        for secret in secrets_of(self.key):
            assert not [text for text in texts if secret in text]
            for file in self.files():
                if file != self.config:
                    with suppress(FileNotFoundError):  # another command has just removed it
                        assert secret not in file.read_bytes(), file

    def check_tree(self) -> None:
        """Nothing half-written is anywhere."""
        assert not [file for file in self.files() if file.name.endswith(_HALF)]

    def sweep(self) -> None:
        for file in self.files():
            if file.name.endswith(_HALF):
                file.unlink()

    def files(self) -> list[Path]:
        """Of the whole home; a folder that another command removes meanwhile is passed over."""
        named = (Path(at, name) for at, _, names in os.walk(self.home) for name in names)
        return [file for file in named if file.is_file() and not file.is_symlink()]


class Going:
    """A command at work."""

    def __init__(
        self, owner: Compressor, words: list[str], env: dict[str, str], options: dict[str, Any]
    ) -> None:
        self._owner = owner
        self._words = words
        streams: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        }
        self._begun = time.monotonic()
        self.process: subprocess.Popen[bytes] = subprocess.Popen(
            words, env=env, cwd=owner.folder, **{**streams, **options}
        )
        self._texts = {1: bytearray(), 2: bytearray()}
        self._readers = [
            threading.Thread(target=self._read, args=(number, stream), daemon=True)
            for number, stream in ((1, self.process.stdout), (2, self.process.stderr))
            if stream is not None
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, number: int, stream: IO[bytes]) -> None:
        while piece := os.read(stream.fileno(), 65536):
            self._texts[number] += piece

    @property
    def stdout(self) -> str:
        return bytes(self._texts[1]).decode(errors="replace")

    @property
    def stderr(self) -> str:
        return bytes(self._texts[2]).decode(errors="replace")

    def says(self, text: str) -> None:
        """Wait until stderr holds `text`."""
        until(lambda: text in self.stderr or self._died())
        assert text in self.stderr, self.stderr

    def _died(self) -> bool:
        return self.process.poll() is not None and not any(r.is_alive() for r in self._readers)

    def signalled(self, number: int = signal.SIGINT, *, within: float = 2.0) -> Result:
        """Send it a signal; it must end in time."""
        begun = time.monotonic()
        self.process.send_signal(number)
        result = self.ended(within + 10)
        assert time.monotonic() - begun < within
        return result

    def ended(self, seconds: float = 20.0) -> Result:
        """Its result, once it has ended."""
        try:
            code = self.process.wait(seconds)
        finally:
            self.process.kill()
        seconds = time.monotonic() - self._begun
        for reader in self._readers:
            reader.join(5)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        out, err = bytes(self._texts[1]), bytes(self._texts[2])
        places, words = self._owner.places, tuple(self._words)
        return self._owner.checked(Result(code, out, err, places, seconds, words))


class Box:
    """A running sandbox and its control route."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.url = sandbox.api_url
        self.origin = sandbox.api_url.removesuffix("/1.0")
        self._http = httpx.Client(
            trust_env=False, timeout=20, headers={"Authorization": f"Bearer {sandbox.key}"}
        )

    def close(self) -> None:
        self._http.close()

    def _control(self, method: str, name: str, body: object = None) -> Any:
        url = f"{self.origin}/_sandbox/{name}"
        answer = self._http.request(method, url, content=json.dumps(body))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def script(self, *faults: Mapping[str, Any]) -> None:
        """Script faults; `fired` reads them back."""
        self._control("POST", "faults", list(faults))

    def fired(self) -> list[int]:
        """How often each scripted fault was done."""
        return [fault["fired"] for fault in self._control("GET", "faults")]

    def stats(self) -> dict[str, Any]:
        report: dict[str, Any] = self._control("GET", "stats")
        return report

    @property
    def requests(self) -> list[dict[str, Any]]:
        seen: list[dict[str, Any]] = self.stats()["requests"]
        return seen

    def routes(self) -> list[str]:
        """The routes that were asked for, in order."""
        return [request["route"] for request in self.requests]

    def calm(self) -> None:
        """Clear the faults; what was counted stays."""
        self._control("DELETE", "faults")

    def forget(self) -> None:
        """Clear faults and counts; the jobs stay."""
        self.calm()
        self._control("DELETE", "stats")


@contextmanager
def boxed(**options: Any) -> Iterator[Box]:
    """A sandbox with the tests' key."""
    with running(SandboxOptions(**{"key": KEY, **options})) as sandbox:
        box = Box(sandbox)
        try:
            yield box
        finally:
            box.close()


class Elsewhere:
    """Another server on loopback, from which sources are fetched."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        self.seen: list[dict[str, str]] = []
        pages, seen = self.pages, self.seen

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append({name.lower(): value for name, value in self.headers.items()})
                content = pages.get(self.path)
                self.send_response(200 if content is not None else 404)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def environment(home: Path, *, url: str, key: str) -> dict[str, str]:
    """What a command needs and nothing else; coverage's own variables are let through."""
    path = os.pathsep.join([str(PROGRAM.parent), "/usr/bin", "/bin"])
    measuring = {name: value for name, value in os.environ.items() if name.startswith("COV")}
    return {
        **measuring,
        "PATH": path,
        "HOME": str(home / "user"),
        "TMPDIR": str(home / "tmp"),
        "TERM": "xterm-256color",  # as where people work: only the stream says that it is a pipe
        "COMPRESSOR_API_URL": url,
        "COMPRESSOR_API_KEY": key,
        "COMPRESSOR_STATE_DIR": str(home / "state"),
        "COMPRESSOR_CONFIG": str(home / "config" / "config.toml"),
    }


def plain_environment() -> dict[str, str]:
    """For a child that gives up root: it may write no coverage data, and finds this project."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    return {**others, "PYTHONPATH": str(Path(__file__).parents[1])}
