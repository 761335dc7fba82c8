"""The control routes under `/_sandbox`: faults to script, and what has been seen."""

from __future__ import annotations

from aiohttp import web

from compressor_cli.sandbox.answers import Refused
from compressor_cli.sandbox.faults import NotAFault
from compressor_cli.sandbox.guard import CONTROL
from compressor_cli.sandbox.intake import read_json
from compressor_cli.sandbox.server import SERVICE
from compressor_cli.sandbox.service import Service

FAULTS_LIMIT = 64 << 20  # a fault may carry a large answer


def control_routes() -> list[web.RouteDef]:
    return [
        web.get(f"{CONTROL}/faults", list_faults),
        web.post(f"{CONTROL}/faults", add_faults),
        web.delete(f"{CONTROL}/faults", clear_faults),
        web.get(f"{CONTROL}/stats", stats),
        web.delete(f"{CONTROL}/stats", clear_stats),
    ]


async def list_faults(request: web.Request) -> web.Response:
    return web.json_response(request.app[SERVICE].faults.report())


async def add_faults(request: web.Request) -> web.Response:
    service = request.app[SERVICE]
    given = await read_json(request, service.options.idle_seconds, FAULTS_LIMIT)
    try:
        service.faults.add(given)
    except NotAFault as reason:
        raise Refused(400, str(reason)) from None
    return web.json_response(service.faults.report())


async def clear_faults(request: web.Request) -> web.Response:
    request.app[SERVICE].faults.clear()
    return web.json_response([])


async def stats(request: web.Request) -> web.Response:
    return _report(request.app[SERVICE])


async def clear_stats(request: web.Request) -> web.Response:
    """Forget requests, counts and webhooks; the jobs stay."""
    service = request.app[SERVICE]
    service.journal.clear()
    return _report(service)


def _report(service: Service) -> web.Response:
    store = service.store
    report = service.journal.report(
        jobs=len(store), outputs=store.outputs(), results=store.results()
    )
    return web.json_response(report)
