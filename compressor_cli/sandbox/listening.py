"""Listens: which routes answer on which port, and how long a silent connection is kept."""

from __future__ import annotations

import logging
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import web

from compressor_cli.sandbox import control, guard, outputs, server
from compressor_cli.sandbox.journal import Journal
from compressor_cli.sandbox.service import Service

_SHUTDOWN_SECONDS = 0.2  # for requests that are being answered
_LINGER_SECONDS = 5.0  # a refused body is read on for so long, so that the refusal is seen


@asynccontextmanager
async def serve(service: Service, sockets: list[socket.socket]) -> AsyncIterator[None]:
    """Answer the API on the first socket and the outputs on the last, until the end."""
    api = [*server.api_routes(), *control.control_routes()]
    routes = [api, outputs.output_routes()] if len(sockets) > 1 else [api + outputs.output_routes()]
    async with AsyncExitStack() as stack:
        for sock, part in zip(sockets, routes, strict=True):
            await stack.enter_async_context(_answering(service, sock, part))
        service.workers.start()
        # Entered last: the work ends before the ports close.
        stack.push_async_callback(service.workers.stop)
        yield


@asynccontextmanager
async def _answering(
    service: Service, sock: socket.socket, routes: list[web.RouteDef]
) -> AsyncIterator[None]:
    app = web.Application(middlewares=[guard.guarded])
    app[server.SERVICE] = service
    app.add_routes(routes)
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=_logger(service.journal),
        keepalive_timeout=service.options.idle_seconds,  # also until the first request is whole
        lingering_time=_LINGER_SECONDS,
        shutdown_timeout=_SHUTDOWN_SECONDS,
    )
    await runner.setup()
    try:
        await web.SockSite(runner, sock).start()
        yield
    finally:
        await runner.cleanup()


def _logger(journal: Journal) -> logging.Logger:
    """One that is known to nobody else: the server's errors become lines of the journal."""

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
            journal.line(f"error  {record.getMessage()}  {kind}")

    logger = logging.Logger("sandbox", logging.ERROR)
    logger.addHandler(Lines())
    return logger
