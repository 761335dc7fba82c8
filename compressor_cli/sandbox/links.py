"""Output links: unguessable, ending by themselves, and still good after a restart."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

_MARK_LENGTH = 32  # hex digits: 128 bits


@dataclass(frozen=True, slots=True)
class Links:
    """Makes and judges `{origin}/{expiry}/{job id}/{mark}/{name}`; expiry is in epoch seconds."""

    origin: str
    secret: bytes
    life: float
    clock: Callable[[], float] = time.time

    def make(self, job_id: str, name: str) -> str:
        expiry = str(int(self.clock() + self.life))
        mark = self._mark(expiry, job_id, name)
        return f"{self.origin}/{expiry}/{job_id}/{mark}/{quote(name, safe='')}"

    def genuine(self, expiry: str, job_id: str, mark: str, name: str) -> bool:
        """Whether a link of these parts was made here; it may have ended since."""
        ours = self._mark(expiry, job_id, name)
        return hmac.compare_digest(mark.encode(), ours.encode())

    def expired(self, expiry: str) -> bool:
        return self.clock() >= int(expiry)

    def _mark(self, *parts: str) -> str:
        text = "/".join(parts).encode()
        return hmac.new(self.secret, text, hashlib.sha256).hexdigest()[:_MARK_LENGTH]
