"""Every connection that a sandbox opens itself: retrieving a source, delivering a webhook."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from compressor_cli.sandbox.options import SandboxOptions

MAX_REDIRECTS = 5
WEBHOOK_SECONDS = 5.0
WEBHOOK_AGENT = "Compressor/1.0 (+https://compressor.app)"
_CHUNK = 1 << 18


class CannotRetrieve(Exception):
    """The source of a fetch did not come; the text is meant for the user."""


async def retrieve(
    url: str, headers: Mapping[str, str], target: Path, options: SandboxOptions
) -> tuple[int, str]:
    """Store what `url` answers in `target`; its size and SHA-1. Raises CannotRetrieve."""
    timeout = aiohttp.ClientTimeout(total=options.fetch_seconds)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(url, headers=headers, max_redirects=MAX_REDIRECTS) as answer,
        ):
            if answer.status != 200:
                raise CannotRetrieve(f"the source answered with HTTP {answer.status}")
            return await _store(answer, target, options.max_body)
    except TimeoutError:
        raise CannotRetrieve("the source took too long to answer") from None
    except aiohttp.TooManyRedirects:
        raise CannotRetrieve("the source redirects too often") from None
    except (aiohttp.InvalidURL, aiohttp.RedirectClientError):
        raise CannotRetrieve("the source leads to an address that is not usable") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise CannotRetrieve(f"the source cannot be reached: {type(error).__name__}") from None


async def _store(answer: aiohttp.ClientResponse, target: Path, limit: int) -> tuple[int, str]:
    size, digest = 0, hashlib.sha1(usedforsecurity=False)
    with target.open("wb") as file:
        async for chunk in answer.content.iter_chunked(_CHUNK):
            size += len(chunk)
            if size > limit:
                raise CannotRetrieve(f"the source is larger than {limit:,} bytes")
            digest.update(chunk)
            file.write(chunk)
    return size, digest.hexdigest()


async def deliver(url: str, body: Mapping[str, Any], options: SandboxOptions) -> dict[str, Any]:
    """Send a webhook if its exact target is allowed; what came of it, for the journal.

    One attempt, no redirects: `delivered` says that it was sent and answered, `status` how.
    """
    try:
        target = URL(url)
        address = f"{target.host}:{target.port}"
    except ValueError:
        return {"delivered": False, "status": None, "reason": "not a URL"}
    if target.scheme != "http" or address not in options.allow_webhook:
        return {"delivered": False, "status": None, "reason": "target not allowed"}
    timeout = aiohttp.ClientTimeout(total=WEBHOOK_SECONDS)
    headers = {"User-Agent": WEBHOOK_AGENT, "Content-Type": "application/json"}
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(
                target, data=json.dumps(body), headers=headers, allow_redirects=False
            ) as answer,
        ):
            return {"delivered": True, "status": answer.status, "reason": ""}
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        return {"delivered": False, "status": None, "reason": type(error).__name__}
