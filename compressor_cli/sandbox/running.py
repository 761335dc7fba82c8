"""Starts and stops a sandbox: its folder, its key, its ports and the thread it lives in."""

from __future__ import annotations

import asyncio
import secrets
import socket
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from compressor_cli.sandbox.faults import FaultPlan
from compressor_cli.sandbox.jobs import JobStore
from compressor_cli.sandbox.journal import Journal
from compressor_cli.sandbox.links import Links
from compressor_cli.sandbox.listening import serve
from compressor_cli.sandbox.options import SandboxOptions
from compressor_cli.sandbox.service import Service
from compressor_cli.sandbox.workers import Workers

Stop = Callable[[], object]

HOST = "127.0.0.1"
KEY_BYTES = 24
_BACKLOG = 512


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running one."""

    api_url: str  # "http://127.0.0.1:PORT/1.0"
    outputs_url: str  # the origin of output links
    key: str


@contextmanager
def running(
    options: SandboxOptions, *, on_request: Callable[[str], None] | None = None
) -> Iterator[Sandbox]:
    """A sandbox in a thread of its own, on loopback only, stopped at the end within a second.

    `on_request` gets one line of printable ASCII for each request, webhook and change of a job,
    in the sandbox's thread; it must not raise. Raises OSError if a port is in use.
    """
    with ExitStack() as stack:
        folder = options.state_dir
        if folder is None:
            folder = Path(
                stack.enter_context(
                    tempfile.TemporaryDirectory(prefix="compressor-", ignore_cleanup_errors=True)
                )
            )
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sockets = [stack.enter_context(closing(_listening(options.port)))]
        if options.outputs_port is not None:
            sockets.append(stack.enter_context(closing(_listening(options.outputs_port))))
        origins = [f"http://{HOST}:{sock.getsockname()[1]}" for sock in sockets]
        key = options.key or _kept_secret(folder / "key")
        links = Links(origins[-1], _kept_secret(folder / "secret").encode(), options.link_seconds)
        journal = Journal(on_request)

        async def live(ready: Future[Stop]) -> None:
            # Made here: what they hold belongs to this loop.
            store = JobStore(folder)
            workers = Workers(options, store, links, journal)
            service = Service(options, key, store, links, FaultPlan(), journal, workers)
            loop, over = asyncio.get_running_loop(), asyncio.Event()
            async with serve(service, sockets):
                ready.set_result(partial(loop.call_soon_threadsafe, over.set))
                await over.wait()

        with _thread(live):
            yield Sandbox(f"{origins[0]}/1.0", origins[-1], key)


@contextmanager
def _thread(live: Callable[[Future[Stop]], Coroutine[None, None, None]]) -> Iterator[None]:
    """Run `live` in a daemon thread until the end; it hands over what ends it."""
    ready: Future[Stop] = Future()

    def body() -> None:
        try:
            asyncio.run(live(ready))
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    thread = threading.Thread(target=body, name="sandbox", daemon=True)
    thread.start()
    stop = ready.result()
    try:
        yield
    finally:
        stop()
        thread.join()


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port), backlog=_BACKLOG)
    except OSError as error:
        raise OSError(error.errno, f"port {port} cannot be used: {error.strerror}") from None


def _kept_secret(file: Path) -> str:
    """The random text in `file`, made at the first start."""
    text = file.read_text("utf-8").strip() if file.exists() else ""
    if not text:  # also when an earlier start ended before it was written
        text = secrets.token_urlsafe(KEY_BYTES)
        file.touch(mode=0o600)
        file.write_text(text, "utf-8")
    return text
