"""A running sandbox for each module, and clients that know its key."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from compressor_cli.sandbox import codecs
from compressor_cli.sandbox.limits import Limits
from compressor_cli.sandbox.options import SandboxOptions
from compressor_cli.sandbox.running import Sandbox, running

from .pictures import encoded

Script = Callable[..., None]
LIMITS = Limits(pixels=1_000_000, cpu_seconds=60, memory=4 << 30, file_size=1 << 30)
Squeeze = Callable[..., bytes]


class Client:
    """What a client of the API would do, with plain httpx."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.origin = sandbox.api_url.removesuffix("/1.0")
        # A connection for each request: none is reused just when the sandbox ends it as idle.
        limits = httpx.Limits(max_keepalive_connections=0)
        self.plain = httpx.Client(trust_env=False, timeout=20, limits=limits)
        self.http = httpx.Client(
            trust_env=False,
            timeout=20,
            limits=limits,
            headers={"Authorization": f"Bearer {sandbox.key}"},
        )

    def get(self, path: str) -> httpx.Response:
        return self.http.get(self.sandbox.api_url + path)

    def upload(
        self, content: bytes = b"", data: str = "{}", name: str = "photo.jpg"
    ) -> httpx.Response:
        parts = {"file": (name, content or encoded("jpeg"))}
        return self.http.post(f"{self.sandbox.api_url}/upload", files=parts, data={"data": data})

    def fetch(self, body: object) -> httpx.Response:
        return self.http.post(f"{self.sandbox.api_url}/fetch", json=body)

    def ended(self, job_id: str) -> dict[str, Any]:
        """The job's answer once it is completed or failed."""
        answer: dict[str, Any] = until(lambda: self._terminal(self.get(f"/jobs/{job_id}").json()))
        return answer

    def _terminal(self, answer: dict[str, Any]) -> dict[str, Any] | None:
        return answer if answer.get("status") in ("completed", "failed") else None

    def control(self, method: str, name: str, body: object = None) -> httpx.Response:
        return self.http.request(method, f"{self.origin}/_sandbox/{name}", content=json.dumps(body))

    def stats(self) -> dict[str, Any]:
        report: dict[str, Any] = self.control("GET", "stats").json()
        return report

    def close(self) -> None:
        self.plain.close()
        self.http.close()


def until(look: Callable[[], Any], seconds: float = 15.0) -> Any:
    """The first thing that `look` finds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come in time")


def working_in(folder: Path) -> int | None:
    """The id of a process that works on the job whose folder is `folder`."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "cwd").readlink().parent == folder:
                return int(process.name)
    return None


@contextmanager
def client_of(sandbox: Sandbox) -> Iterator[Client]:
    client = Client(sandbox)
    try:
        yield client
    finally:
        client.close()


@pytest.fixture(scope="module")
def api() -> Iterator[Client]:
    """A sandbox with outputs on its API port."""
    with running(SandboxOptions(key="a-key-of-the-tests")) as sandbox, client_of(sandbox) as client:
        yield client


@pytest.fixture(scope="module")
def two_ports() -> Iterator[Client]:
    """A sandbox with outputs on a port of their own, answering every submit later."""
    with (
        running(SandboxOptions(outputs_port=0, answers="later")) as sandbox,
        client_of(sandbox) as client,
    ):
        yield client


@pytest.fixture
def script(api: Client) -> Iterator[Script]:
    """Scripts faults; after the test each must have fired as often as it was to."""

    def add(*faults: dict[str, Any]) -> None:
        assert api.control("POST", "faults", list(faults)).status_code == 200

    yield add
    report = api.control("GET", "faults").json()
    api.control("DELETE", "faults")
    assert report, "nothing was scripted"
    assert [fault["fired"] for fault in report] == [fault.get("times", 1) for fault in report]


class Elsewhere:
    """Another server on loopback: a source to fetch from, a receiver of webhooks."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.pages: dict[str, tuple[int, dict[str, str], bytes]] = {}
        seen, pages = self.seen, self.pages

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                seen.append((self.command, self.path, dict(self.headers.items()), body))
                status, headers, content = pages.get(self.path, (404, {}, b""))
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = handle_any

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"
        self.url = f"http://{self.address}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Elsewhere]:
    server = Elsewhere()
    yield server
    server.close()


@pytest.fixture
def squeeze(tmp_path: Path) -> Squeeze:
    """Compress bytes with the given `image` options; the output's bytes."""

    def run(content: bytes, limits: Limits = LIMITS, **image: Any) -> bytes:
        source, target = tmp_path / "source", tmp_path / "target"
        source.write_bytes(content)
        codecs.compress(source, target, {"image": image} if image else {}, limits)
        return target.read_bytes()

    return run
