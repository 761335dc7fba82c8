"""The download route: links, ranges and conditions as storage services keep them."""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from compressor_cli.sandbox.answers import Refused
from compressor_cli.sandbox.faults import Fault
from compressor_cli.sandbox.jobs import Job
from compressor_cli.sandbox.server import SERVICE, VISIT, canned, dropped, scripted_headers
from compressor_cli.sandbox.service import Service

_CHUNK = 1 << 18
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


def output_routes() -> list[web.RouteDef]:
    return [web.get(r"/{expiry:\d{1,12}}/{id}/{mark}/{name:[^/]+}", download, name="output")]


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes to send, from `start` up to `stop`; `partial` if the request named them."""

    start: int
    stop: int
    partial: bool = False

    @property
    def length(self) -> int:
        return self.stop - self.start


async def download(request: web.Request) -> web.StreamResponse:
    """GET or HEAD of one output."""
    service = request.app[SERVICE]
    if "Authorization" in request.headers:  # as S3 does for a signed link
        raise Refused(400, "a link carries its own permission: send no Authorization header")
    fault = service.faults.take("output")
    await asyncio.sleep(fault.stall)
    if fault.drop:
        return dropped(request)
    if fault.answers:
        return canned(fault)
    job = _linked(request, service)
    size = int(job.output["size"])
    etag = f'"{job.output["sha1"]}"'
    headers = scripted_headers(fault.headers)
    headers.setdefault("Content-Type", job.output["mime"])
    if fault.no_range:
        span: Span | None = Span(0, size)
    else:
        headers["ETag"] = etag
        headers["Accept-Ranges"] = "bytes"
        if _named(request.headers.get("If-None-Match", ""), etag):
            return web.Response(status=304, headers=headers)
        if "If-Match" in request.headers and not _named(request.headers["If-Match"], etag):
            raise Refused(412, "the output is another one")
        span = _span(request, etag, size)
    if span is None:
        headers["Content-Range"] = f"bytes */{size}"
        return web.Response(status=416, headers=headers)
    if span.partial:
        headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{size}"
    request[VISIT].note = job.output["name"]
    answer = web.StreamResponse(status=206 if span.partial else 200, headers=headers)
    file = service.store.output_file(job.id)
    return await _send(request, answer, _bytes(file, span, fault), span.length, fault)


def _linked(request: web.Request, service: Service) -> Job:
    parts = request.match_info
    job = service.store.get(parts["id"])
    genuine = service.links.genuine(parts["expiry"], parts["id"], parts["mark"], parts["name"])
    if job is None or not job.output or not genuine:
        raise Refused(404, "there is nothing here")
    if service.links.expired(parts["expiry"]):
        raise Refused(403, "this link has ended; look at the job again for a fresh one")
    return job


def _named(condition: str, etag: str) -> bool:
    marks = [mark.strip().removeprefix("W/") for mark in condition.split(",")]
    return etag in marks or "*" in marks


def _span(request: web.Request, etag: str, size: int) -> Span | None:
    """What to send; None if the range lies outside. Several ranges are answered in full."""
    whole = Span(0, size)
    asked = _RANGE.fullmatch(request.headers.get("Range", ""))
    if asked is None or request.headers.get("If-Range", etag) != etag:
        return whole
    first, last = asked.groups()
    if not first:
        if not last:
            return whole
        return Span(max(0, size - int(last)), size, partial=True) if int(last) else None
    stop = min(int(last) + 1, size) if last else size
    if last and int(last) < int(first):
        return whole
    return Span(int(first), stop, partial=True) if int(first) < size else None


def _bytes(path: Path, span: Span, fault: Fault) -> Iterator[bytes]:
    chunk_size = _CHUNK if fault.throttle is None else max(1, min(_CHUNK, int(fault.throttle / 10)))
    wrong = span.start + span.length // 2 if fault.corrupt else -1
    with path.open("rb") as file:
        file.seek(span.start)
        at = span.start
        while chunk := file.read(min(chunk_size, span.stop - at)):
            if at <= wrong < at + len(chunk):
                flipped = bytearray(chunk)
                flipped[wrong - at] ^= 0xFF
                chunk = bytes(flipped)
            at += len(chunk)
            yield chunk


async def _send(
    request: web.Request,
    answer: web.StreamResponse,
    content: Iterator[bytes],
    length: int,
    fault: Fault,
) -> web.StreamResponse:
    if fault.gzip:
        packed = gzip.compress(b"".join(content))
        answer.headers["Content-Encoding"] = "gzip"
        content, length = iter([packed]), len(packed)
    if fault.no_length:
        answer.enable_chunked_encoding()
    else:
        answer.content_length = length
    await answer.prepare(request)
    if request.method == "HEAD":
        return answer
    left = length if fault.truncate is None else fault.truncate
    for chunk in content:
        try:
            async with asyncio.timeout(request.app[SERVICE].options.idle_seconds):
                await answer.write(chunk[:left])
        except TimeoutError:  # it reads no more
            return dropped(request)
        left -= min(left, len(chunk))
        if fault.throttle:
            await asyncio.sleep(len(chunk) / fault.throttle)
        if fault.truncate is not None and left == 0:
            break
    if fault.truncate is not None and request.transport is not None:
        request.transport.close()  # what was written still leaves, unlike with abort
        request[VISIT].unanswered = True
    return answer
