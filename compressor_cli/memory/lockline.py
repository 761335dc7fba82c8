"""A file's line in the lock: one JSON object in ASCII, read and written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

_SHA1 = re.compile(r"[0-9a-f]{40}")
_PLAIN = r"[ !#-\[\]-~]*"  # text in which JSON escapes nothing
_SIZE = r"0|[1-9][0-9]{0,17}"
_AS_WRITTEN = re.compile(
    rf'\{{"path": "({_PLAIN})", "input": "([0-9a-f]{{40}})", "input_size": ({_SIZE}), '
    rf'"options": (\{{.*\}}), "target": "({_PLAIN})", "output": "([0-9a-f]{{40}})", '
    rf'"output_size": ({_SIZE})(, "kept": true)?\}}'
)


@dataclass(frozen=True, slots=True)
class Locked:
    """One file that was compressed. Digests are SHA-1 as 40 hex digits, sizes in bytes.

    `target` is relative to the lock's folder too. `kept`: the result was not smaller, so the
    source's own bytes are the target.
    """

    input: str
    input_size: int
    options: Mapping[str, object]
    target: str
    output: str
    output_size: int
    kept: bool = False


class Reader:
    """Reads lines that are just as `line` writes them, which is quick; other lines it leaves."""

    def __init__(self) -> None:
        self._options: dict[str, Mapping[str, object] | None] = {}

    def entry(self, text: str) -> tuple[str, Locked] | None:
        """The path and the rest; None for a line that is not as written, or damaged."""
        found = _AS_WRITTEN.fullmatch(text)
        if found is None:
            return None
        path, source, source_size, written, target, output, output_size, kept = found.groups()
        if written not in self._options:
            self._options[written] = _options(written)
        options = self._options[written]
        if options is None:
            return None
        return path, Locked(
            source, int(source_size), options, target, output, int(output_size), kept is not None
        )


def _options(text: str) -> Mapping[str, object] | None:
    """The options, None if they are not as written."""
    try:
        options = json.loads(text)
        return options if text == json.dumps(options, sort_keys=True) else None
    except (ValueError, RecursionError):
        return None


def entry(record: Mapping[str, object]) -> tuple[str, Locked]:
    """The path and the rest of a line's object. Raises KeyError, TypeError or ValueError."""
    digests = [checked(record[name], str) for name in ("input", "output")]
    sizes = [checked(record[name], int) for name in ("input_size", "output_size")]
    if not all(_SHA1.fullmatch(digest) for digest in digests) or min(sizes) < 0:
        raise ValueError
    return checked(record["path"], str), Locked(
        input=digests[0],
        input_size=sizes[0],
        options=checked(record["options"], dict),
        target=checked(record["target"], str),
        output=digests[1],
        output_size=sizes[1],
        kept=checked(record.get("kept", False), bool),
    )


def checked(value: object, kind: type[T]) -> T:
    """Not a subclass: true is no number. Raises TypeError."""
    if type(value) is not kind:
        raise TypeError
    return value


def line(path: str, locked: Locked) -> str:
    """The line, with its end."""
    record = {field: getattr(locked, field) for field in Locked.__slots__}
    record["options"] = json.loads(json.dumps(locked.options, sort_keys=True))
    if not locked.kept:
        del record["kept"]
    return json.dumps({"path": path, **record}, ensure_ascii=True) + "\n"
