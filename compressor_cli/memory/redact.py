"""What of a job's options and source may be kept: never a credential, a signature or a header."""

from __future__ import annotations

import re
from collections.abc import Mapping

from compressor_cli.api.origin import shown

HIDDEN = "…"

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://\S*")
_SECRET_NAME = re.compile(
    r"headers?|.*(?:authorization|password|passwd|secret|token|credential|api_?key|access_?key).*",
    re.IGNORECASE | re.DOTALL,
)


def redact_options(options: Mapping[str, object]) -> dict[str, object]:
    """The options with URLs cut to `shown` and the values of headers and secrets hidden."""
    return {
        name: _hidden(value) if _SECRET_NAME.fullmatch(name) else _redacted(value)
        for name, value in options.items()
    }


def redact_text(text: str) -> str:
    """The text with every URL in it cut to what may be shown of it."""
    return _URL.sub(lambda match: shown(match[0]), text)


def _redacted(value: object) -> object:
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return redact_options(value)
    if isinstance(value, (list, tuple)):
        return [_redacted(item) for item in value]
    return value


def _hidden(value: object) -> object:
    """The same shape with every value hidden: which headers were sent may be known."""
    if isinstance(value, Mapping):
        return {name: _hidden(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_hidden(item) for item in value]
    return value if value is None or isinstance(value, bool) else HIDDEN
