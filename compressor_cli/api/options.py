"""The processing options of a job: how flags become the JSON that the service is sent.

Merged in this order, the later over the earlier, objects key by key:
  1. `--data` JSON, the base
  2. named options: `--compression`, `--resize`, `--webhook`
  3. `--set a.b.c=VALUE`, in the order given
No option name is invented: documented are `image.compression`, `image.resize`, `video.resize`,
`webhook`, `store`; anything else that the service knows passes through `--data` and `--set`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Literal

from compressor_cli.api.contract import Json
from compressor_cli.api.kinds import NAMESPACES, kind_of
from compressor_cli.errors import UsageProblem

Compression = Literal["medium", "high", "ultra"]

_SIZE = re.compile(r"([1-9][0-9]{0,5})?[xX×]([1-9][0-9]{0,5})?")
_MAX_DEPTH = 32


def guess_type(name: str) -> str | None:
    """The namespace of a name's options, from its extension: `image`, `video` or None.

    For other kinds of files the API documents no names, so the user has to give one.
    """
    kind = kind_of(name)
    return kind if kind in NAMESPACES else None


def named_options(
    kind: str | None,
    *,
    compression: str | None = None,
    resize: str | None = None,
    mode: str | None = None,
    webhook: str | None = None,
) -> Json:
    """The JSON of the named flags. `kind` is the namespace, as `image`; `resize` is `WxH`.

    Raises UsageProblem when a namespace is needed and unknown, or a value makes no sense.
    """
    work: Json = {}
    if compression is not None:
        work["compression"] = compression
    if resize is not None:
        work["resize"] = _box(resize) | {"mode": mode or "fit"}
    elif mode is not None:
        raise UsageProblem("--mode says how to resize, but there is no --resize")
    options: Json = {}
    if work and kind is None:
        raise UsageProblem(
            "cannot tell from the name what kind of file this is, so --compression and --resize "
            "have no namespace",
            hint="name it, for example: --type image",
        )
    if work and kind:
        options[kind] = work
    if webhook is not None:
        if not webhook.startswith(("https://", "http://")):
            raise UsageProblem("--webhook takes a URL that begins with https://")
        options["webhook"] = {"url": webhook}
    return options


def _box(text: str) -> Json:
    match = _SIZE.fullmatch(text)
    if match is None or not any(match.groups()):
        raise UsageProblem(
            f"--resize takes WIDTHxHEIGHT in pixels, not {text!r}",
            hint="for example: --resize 800x600",
        )
    sides = zip(("width", "height"), match.groups(), strict=True)
    return {side: int(value) for side, value in sides if value is not None}


def base_options(text: str | None) -> Json:
    """The JSON object given to `--data`. Raises UsageProblem when it is anything else."""
    if text is None:
        return {}
    try:
        value = _parsed(text)
    except RecursionError:
        raise UsageProblem("--data is nested too deeply") from None
    except ValueError as error:
        raise UsageProblem(f"--data is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise UsageProblem('--data must be a JSON object, as {"image": {…}}')
    return value


def set_options(assignments: Sequence[str]) -> Json:
    """The JSON of `--set a.b.c=VALUE` flags; VALUE is JSON if it parses, else text."""
    options: Json = {}
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        keys = path.split(".")
        if not equals or not all(keys) or len(keys) > _MAX_DEPTH:
            raise UsageProblem(
                f"--set takes NAME=VALUE with a dotted name, not {assignment!r}",
                hint="for example: --set image.compression=ultra",
            )
        value = _value(text)
        for key in reversed(keys[1:]):
            value = {key: value}
        options = merged(options, {keys[0]: value})
    return options


def _value(text: str) -> object:
    try:
        return _parsed(text)
    except RecursionError:
        raise UsageProblem("the value of --set is nested too deeply") from None
    except ValueError:
        return text


def _parsed(text: str) -> object:
    """JSON that can be sent as JSON again. Raises ValueError, or RecursionError if too deep."""
    value = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
    if level:
        raise RecursionError
    return value


def _inside(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large a number")
    return number


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def merged(*layers: Mapping[str, object]) -> Json:
    """The layers as one object: later over earlier, objects key by key, all else whole."""
    result: Json = {}
    for layer in layers:
        for key, value in layer.items():
            old = result.get(key)
            both = isinstance(old, dict) and isinstance(value, dict)
            result[key] = merged(old, value) if both else value  # type: ignore[arg-type]
    return result


def canonical(options: Mapping[str, object]) -> str:
    """The one text of these options: equal options give equal text, whatever their order."""
    return json.dumps(options, sort_keys=True, separators=(",", ":"))
