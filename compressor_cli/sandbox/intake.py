"""How the body of a submit is read: bounded, streamed to disk, and refused when it is not right."""

from __future__ import annotations

import asyncio
import hashlib
import json
import uuid
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http import HttpProcessingError

from compressor_cli.sandbox.answers import Refused
from compressor_cli.sandbox.jobs import plain_name
from compressor_cli.sandbox.options import SandboxOptions

_T = TypeVar("_T")
DATA_LIMIT = 1 << 20  # bytes of JSON in a submit
_CHUNK = 1 << 18
_SMALLEST_CHUNK = 4096  # aiohttp needs more than the length of the boundary


@dataclass(frozen=True, slots=True)
class Upload:
    """A whole upload; `body` is a temporary file of the one who asked for it."""

    name: str
    body: Path
    size: int
    sha1: str
    options: dict[str, Any]


async def receive(
    request: web.Request, folder: Path, options: SandboxOptions, rate: float | None
) -> Upload:
    """Read the multipart body into `folder`, at most `rate` bytes a second. Raises Refused."""
    if request.content_type != "multipart/form-data":
        raise Refused(400, "an upload is multipart/form-data with the parts file and data")
    if (request.content_length or 0) > options.max_body:
        raise _too_large(options.max_body)
    body = folder / uuid.uuid4().hex
    try:
        return await _Parts(request, body, options, rate).read()
    except BaseException:
        body.unlink(missing_ok=True)
        raise


async def read_json(request: web.Request, idle: float, limit: int = DATA_LIMIT) -> object:
    """The JSON of a whole body, at most `limit` bytes. Raises Refused."""
    content = bytearray()
    while chunk := await _in_time(request.content.readany(), idle):
        content += chunk
        if len(content) > limit:
            raise _too_large(limit)
    return parsed(bytes(content), "the body")


def parsed(content: bytes, what: str) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise Refused(400, f"{what} is not JSON") from None


def as_object(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refused(400, f"{what} must be a JSON object")
    return value


class _Parts:
    """Reads `file` and `data`, each once and in any order, and nothing else."""

    def __init__(
        self, request: web.Request, body: Path, options: SandboxOptions, rate: float | None
    ) -> None:
        self._request = request
        self._body = body
        self._limit = options.max_body
        self._idle = options.idle_seconds
        self._rate = rate
        self._name: str | None = None
        self._size = 0
        self._digest = hashlib.sha1(usedforsecurity=False)
        self._options: dict[str, Any] | None = None

    async def read(self) -> Upload:
        try:
            reader = await self._request.multipart()
            while (part := await _in_time(reader.next(), self._idle)) is not None:
                await self._take(part)
        except (ValueError, HttpProcessingError, AssertionError):
            raise Refused(400, "the body cannot be read as multipart/form-data") from None
        if self._name is None:
            raise Refused(400, "the part file is missing")
        if self._options is None:
            raise Refused(400, "the part data is missing: a JSON object, at least {}")
        sha1 = self._digest.hexdigest()
        return Upload(self._name, self._body, self._size, sha1, self._options)

    async def _take(self, part: MultipartReader | BodyPartReader) -> None:
        if isinstance(part, MultipartReader) or part.name not in ("file", "data"):
            raise Refused(400, "only the parts file and data are known")
        if part.name == "data" and self._options is None:
            self._options = await self._json(part)
        elif part.name == "file" and self._name is None:
            self._name = plain_name(part.filename or "")
            await self._file(part)
        else:
            raise Refused(400, f"the part {part.name} comes twice")

    async def _json(self, part: BodyPartReader) -> dict[str, Any]:
        content = bytearray()
        while not part.at_eof():
            content += await _in_time(part.read_chunk(_CHUNK), self._idle)
            if len(content) > DATA_LIMIT:
                raise _too_large(DATA_LIMIT)
        return as_object(parsed(bytes(content), "data"), "data")

    async def _file(self, part: BodyPartReader) -> None:
        chunk_size = _CHUNK
        if self._rate:
            chunk_size = max(_SMALLEST_CHUNK, min(_CHUNK, int(self._rate / 10)))
        with self._body.open("xb") as file:
            while not part.at_eof():
                chunk = await _in_time(part.read_chunk(chunk_size), self._idle)
                self._size += len(chunk)
                if self._size > self._limit:  # a chunked request has no length to refuse
                    raise _too_large(self._limit)
                self._digest.update(chunk)
                file.write(chunk)
                if self._rate:
                    await asyncio.sleep(len(chunk) / self._rate)


async def _in_time(reading: Awaitable[_T], seconds: float) -> _T:
    try:
        async with asyncio.timeout(seconds):
            return await reading
    except TimeoutError:
        raise Refused(408, f"nothing came for {seconds:g} seconds") from None


def _too_large(limit: int) -> Refused:
    return Refused(413, f"the body is larger than {limit:,} bytes")
