"""The routes of the API under `/1.0`, and how a scripted fault changes their answers."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from aiohttp import web
from multidict import CIMultiDict

from compressor_cli.sandbox import answers, intake
from compressor_cli.sandbox.answers import Refused
from compressor_cli.sandbox.faults import Fault
from compressor_cli.sandbox.jobs import plain_name
from compressor_cli.sandbox.journal import amount
from compressor_cli.sandbox.service import Reply, Service

_T = TypeVar("_T")


@dataclass(slots=True)
class Visit:
    """What a handler adds to the record of its request."""

    note: str = ""
    sha1: str | None = None  # of the uploaded file, once it is here whole
    unanswered: bool = False


SERVICE = web.AppKey("service", Service)
VISIT = web.RequestKey("visit", Visit)
BASE = "/1.0"
_NO_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


def api_routes() -> list[web.RouteDef]:
    return [
        web.post(f"{BASE}/upload", upload, name="upload"),
        web.post(f"{BASE}/fetch", fetch, name="fetch"),
        web.get(f"{BASE}/jobs/{{id}}", look, name="job"),
        web.get(f"{BASE}/account", account, name="account"),
    ]


async def upload(request: web.Request) -> web.StreamResponse:
    service = request.app[SERVICE]

    async def read(fault: Fault) -> intake.Upload:
        store, options = service.store, service.options
        got = await intake.receive(request, store.incoming, options, fault.throttle)
        request[VISIT].sha1 = got.sha1
        request[VISIT].note = f"{got.name} {amount(got.size)}"
        return got

    async def work(got: intake.Upload, fault: Fault) -> Reply:
        job = service.store.make(
            got.name, got.options, got.body, size=got.size, sha1=got.sha1, **_script(fault)
        )
        return await service.submit(job)

    def discard(got: intake.Upload) -> None:
        got.body.unlink(missing_ok=True)

    return await _scripted(request, read, work, discard)


async def fetch(request: web.Request) -> web.StreamResponse:
    service = request.app[SERVICE]

    async def read(_: Fault) -> dict[str, Any]:
        idle = service.options.idle_seconds
        asked = intake.as_object(await intake.read_json(request, idle), "the body")
        request[VISIT].note = _check_source(asked)
        return asked

    async def work(asked: dict[str, Any], fault: Fault) -> Reply:
        options = {word: value for word, value in asked.items() if word not in ("url", "headers")}
        job = service.store.make(
            _source_name(asked["url"]), options, None,
            source_url=asked["url"], source_headers=asked.get("headers", {}), **_script(fault),
        )  # fmt: skip
        return await service.submit(job)

    return await _scripted(request, read, work)


async def look(request: web.Request) -> web.StreamResponse:
    service = request.app[SERVICE]

    async def read(_: Fault) -> None:
        return None

    async def work(_: None, __: Fault) -> Reply:
        job = service.store.get(request.match_info["id"])
        if job is None:
            raise Refused(404, "no job with this id")
        if job.states:
            word, *rest = job.states
            job = service.store.update(job.id, states=tuple(rest))
            request[VISIT].note = word
            return 200, answers.pending(job, word)
        request[VISIT].note = job.status
        return 200, answers.look(job, service.links)

    return await _scripted(request, read, work)


async def account(request: web.Request) -> web.StreamResponse:
    async def read(_: Fault) -> None:
        return None

    async def work(_: None, __: Fault) -> Reply:
        return 200, {"account": "sandbox", "jobs": len(request.app[SERVICE].store)}

    return await _scripted(request, read, work)


async def _scripted(
    request: web.Request,
    read: Callable[[Fault], Awaitable[_T]],
    work: Callable[[_T, Fault], Awaitable[Reply]],
    discard: Callable[[_T], None] | None = None,
) -> web.StreamResponse:
    """Read the request, do the work and answer: each step as the fault that is due wants it."""
    name = request.match_info.route.name or ""
    fault = request.app[SERVICE].faults.take(name)
    if fault.drop == "before" or (fault.early and fault.replaces):
        await asyncio.sleep(fault.stall)
        return dropped(request) if fault.drop else canned(fault)
    got = await read(fault)
    try:
        reply = None if fault.replaces else await work(got, fault)
    finally:
        if discard is not None:
            discard(got)
    await asyncio.sleep(fault.stall)
    if fault.drop:
        return dropped(request)
    if reply is None or fault.answers:
        return canned(fault)
    status, answer = reply
    content = replace(fault, body=fault.merged(answer), body_base64=None, content_type=None)
    return canned(replace(content, status=status))


def canned(fault: Fault) -> web.Response:
    """The answer that `fault` describes; 200 if it names no code."""
    body, content_type = fault.content()
    headers = scripted_headers(fault.headers)
    headers.setdefault("Content-Type", content_type)
    return web.Response(status=fault.status or 200, body=body, headers=headers)


def scripted_headers(given: Mapping[str, str | list[str]]) -> CIMultiDict[str]:
    """As header lines; a list gives several of one name."""
    headers: CIMultiDict[str] = CIMultiDict()
    for name, value in given.items():
        for text in [value] if isinstance(value, str) else value:
            headers.add(name, text)
    return headers


def dropped(request: web.Request) -> web.Response:
    """Reset the connection; the answer that is returned reaches nobody."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        transport.abort()
    request[VISIT].unanswered = True
    return web.Response()


def _script(fault: Fault) -> dict[str, Any]:
    return {"fail": fault.fail or "", "states": fault.states}


def _check_source(asked: Mapping[str, Any]) -> str:
    """The source's host. Raises Refused for what cannot be retrieved at all."""
    url, headers = asked.get("url"), asked.get("headers", {})
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise Refused(400, "url must be an http or https URL")
    texts = [*headers, *headers.values()] if isinstance(headers, dict) else [None]
    if not all(isinstance(text, str) and text.isprintable() for text in texts):
        raise Refused(400, "headers must be an object of one-line texts")
    return parts.hostname or ""


def _source_name(url: str) -> str:
    return plain_name(unquote(urlsplit(url).path))
