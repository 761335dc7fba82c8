"""Our key in the service's own words: hidden, as it is and in base64 whatever stands around it."""

from __future__ import annotations

import base64
import re

_HIDDEN = "[key]"
_SHORTEST = 8
"""A key of fewer characters protects nothing; hiding it would only spoil words that hold it."""


class Hiding:
    """Takes `key` out of what is shown or kept; safe in many threads."""

    def __init__(self, key: str) -> None:
        forms = [re.escape(key), *(_encoded(key, pad) for pad in range(3))]
        self._forms = re.compile("|".join(forms)) if len(key) >= _SHORTEST else None

    def text(self, text: str) -> str:
        return self._forms.sub(_HIDDEN, text) if self._forms else text

    def json(self, value: object) -> object:
        """The same of every text in a JSON value. Raises RecursionError if it is nested deeply."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {name: self.json(inner) for name, inner in value.items()}
        return [self.json(inner) for inner in value] if isinstance(value, list) else value


def _encoded(key: str, pad: int) -> str:
    """A pattern for the key's base64 behind so many bytes, of both alphabets.

    Characters in which a neighbour has a part are hidden too, but need not be there.
    """
    content = key.encode()
    whole = base64.b64encode(bytes(pad) + content + bytes(3)).decode()
    core = whole[-(pad * 8 // -6) : (pad + len(content)) * 8 // 6]
    either = re.escape(core).replace(r"\+", "[+-]").replace("/", "[/_]")
    edge = "[A-Za-z0-9+/_-]"
    return f"{edge}?{either}{edge}{{0,2}}=*" if pad else f"{either}{edge}{{0,2}}=*"
