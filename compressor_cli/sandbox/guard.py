"""Who may ask at all: the checks before every route, and the record of every request."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

from compressor_cli.sandbox import answers
from compressor_cli.sandbox.answers import Refused
from compressor_cli.sandbox.options import LOOPBACK_NAMES
from compressor_cli.sandbox.server import BASE, SERVICE, VISIT, Visit

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CONTROL = "/_sandbox"
_LOOPBACK = re.compile(rf"({'|'.join(map(re.escape, LOOPBACK_NAMES))})(:\d{{1,5}})?", re.ASCII)
_KEYED = (f"{BASE}/", f"{CONTROL}/")


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Check, answer and record one request; errors become the API's JSON."""
    status: int | None = None
    visit = request[VISIT] = Visit()
    try:
        _check(request)
        answer = await handler(request)
        status = None if visit.unanswered else answer.status
    except Refused as refusal:
        status = refusal.status
        answer = web.json_response(answers.refused(refusal.message), status=status)
    except (ConnectionError, web.RequestPayloadError):  # the client has gone away
        answer = web.Response()
    except web.HTTPException as refusal:
        status = refusal.status
        answer = web.json_response(answers.refused(HTTPStatus(status).phrase), status=status)
    finally:
        _record(request, status)
    return answer


def _check(request: web.Request) -> None:
    # A web page can reach loopback by a name of its own; only the Host header then betrays it.
    # The port may be another: a forwarded port or a proxy of this machine has its own.
    hosts = request.headers.getall("Host", [])
    if len(hosts) != 1 or not _LOOPBACK.fullmatch(hosts[0]):
        raise Refused(403, "wrong Host: use the address that the sandbox printed")
    if "Origin" in request.headers:
        raise Refused(403, "web pages may not use the sandbox")
    if request.path.startswith(_KEYED):
        key = request.app[SERVICE].key.encode()
        if not hmac.compare_digest(_given_key(request), key):
            raise Refused(401, "the API key is missing or wrong")


def _given_key(request: web.Request) -> bytes:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    value = value.strip()
    if scheme.lower() == "bearer":
        return value.encode(errors="surrogateescape")
    try:
        user, _, password = base64.b64decode(value, validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return b""
    return user if scheme.lower() == "basic" and not password else b""


def _record(request: web.Request, status: int | None) -> None:
    journal = request.app[SERVICE].journal
    route = request.match_info.route.name or ""
    path = f"/.../{request.match_info['name']}" if route == "output" else request.path
    shown = status if status is not None else "---"
    journal.line(f"{request.method} {path}  {shown}  {request[VISIT].note}".rstrip())
    if request.path.startswith(CONTROL):
        return
    scheme = request.headers.get("Authorization", "none").partition(" ")[0].lower()
    journal.request(
        method=request.method,
        path=request.path,
        route=route,
        host=request.host,
        authorization=scheme if scheme in ("bearer", "basic", "none") else "other",
        range=request.headers.get("Range"),
        headers=sorted({name.lower() for name in request.headers}),
        sha1=request[VISIT].sha1,
        status=status,
    )
