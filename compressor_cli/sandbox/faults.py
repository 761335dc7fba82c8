"""Scripted faults: what a test may ask the sandbox to do wrong, and how often it was done."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

ROUTES = ("upload", "fetch", "job", "account", "output")


class NotAFault(ValueError):
    """The description cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, field by field as in the control route's JSON."""

    on: str = ""
    times: int = 1
    skip: int = 0  # matching requests left alone first
    probability: float = 1.0
    seed: int | None = None
    status: int | None = None  # answer this instead of doing the work
    headers: Mapping[str, str | list[str]] = field(default_factory=dict)
    body: Any = None  # text, or JSON
    body_base64: str | None = None
    content_type: str | None = None
    early: bool = False  # answer before reading the request's body
    after_work: bool = False  # do the work first, then answer status and body
    drop: Literal["before", "after"] | None = None  # reset the connection
    stall: float = 0.0  # seconds before the answer
    merge: Mapping[str, Any] = field(default_factory=dict)  # into the JSON answer; null removes
    fail: str | None = None  # the created job ends so
    states: tuple[str, ...] = ()  # what the next looks at the created job answer
    corrupt: bool = False  # one byte of the output is wrong
    truncate: int | None = None  # bytes sent before the connection ends
    no_length: bool = False
    no_range: bool = False
    gzip: bool = False
    throttle: float | None = None  # bytes a second

    @property
    def replaces(self) -> bool:
        """Whether the answer is given instead of the work."""
        return self.answers and not self.after_work and self.drop != "after"

    @property
    def answers(self) -> bool:
        given = (self.status, self.body, self.body_base64)
        return any(value is not None for value in given)

    def content(self) -> tuple[bytes, str]:
        """The scripted body and its type."""
        if self.body_base64 is not None:
            return base64.b64decode(self.body_base64), self.content_type or "application/json"
        if isinstance(self.body, str):
            return (
                self.body.encode(errors="surrogatepass"),
                self.content_type or "text/plain; charset=utf-8",
            )
        value = self.body
        if value is None:
            value = {"success": False, "message": "a scripted fault"}
        return json.dumps(value).encode(), self.content_type or "application/json"

    def merged(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        mixed = {**answer, **self.merge}
        return {word: value for word, value in mixed.items() if value is not None}


NO_FAULT = Fault()
_NUMBER = (int, float)
_TYPES: dict[str, tuple[type, ...]] = {
    "on": (str,), "times": (int,), "skip": (int,), "probability": _NUMBER, "seed": (int,),
    "status": (int,), "headers": (dict,), "body": (str, dict, list, int, float, bool),
    "body_base64": (str,), "content_type": (str,), "early": (bool,), "after_work": (bool,),
    "drop": (str,), "stall": _NUMBER, "merge": (dict,), "fail": (str,), "states": (list,),
    "corrupt": (bool,), "truncate": (int,), "no_length": (bool,), "no_range": (bool,),
    "gzip": (bool,), "throttle": _NUMBER,
}  # fmt: skip


def parse(given: object) -> Fault:
    """The fault that a JSON object describes. Raises NotAFault."""
    if not isinstance(given, dict):
        raise NotAFault("a fault is a JSON object")
    for word, value in given.items():
        _check_type(word, value)
    if given.get("on") not in ROUTES:
        raise NotAFault(f"on must be one of: {', '.join(ROUTES)}")
    if given.get("drop") not in (None, "before", "after"):
        raise NotAFault("drop must be before or after")
    if not 100 <= given.get("status", 200) <= 599:
        raise NotAFault("status must be an HTTP code")
    if any(not isinstance(word, str) for word in given.get("states", [])):
        raise NotAFault("states must be words")
    if min(given.get(word, 1) for word in ("stall", "throttle", "times")) < 0:
        raise NotAFault("stall, throttle and times cannot be negative")
    _check_headers(given.get("headers", {}))
    _check_base64(given.get("body_base64"))
    return Fault(**(given | {"states": tuple(given.get("states", ()))}))


def _check_type(word: str, value: object) -> None:
    if word not in _TYPES:
        raise NotAFault(f"unknown word {word!r}; known are: {', '.join(_TYPES)}")
    wanted = _TYPES[word]
    mixed_up = isinstance(value, bool) and bool not in wanted
    if mixed_up or not isinstance(value, wanted):
        raise NotAFault(f"{word} must be {' or '.join(kind.__name__ for kind in wanted)}")


def _check_headers(headers: Mapping[str, object]) -> None:
    for name, value in headers.items():
        values = value if isinstance(value, list) else [value]
        for text in (name, *values):
            if not isinstance(text, str) or any(mark in text for mark in "\r\n\x00"):
                raise NotAFault("headers must be texts of one line, or lists of them")


def _check_base64(text: str | None) -> None:
    try:
        base64.b64decode(text or "", validate=True)
    except ValueError:
        raise NotAFault("body_base64 is not base64") from None


@dataclass(slots=True)
class _Entry:
    given: Mapping[str, Any]
    fault: Fault
    dice: random.Random
    left_alone: int = 0
    fired: int = 0


class FaultPlan:
    """The scripted faults in order; each request meets at most one, the first that is due."""

    def __init__(self) -> None:
        self._entries: list[_Entry] = []

    def add(self, given: object) -> None:
        """Append one fault or a list of them, or none at all. Raises NotAFault."""
        many = given if isinstance(given, list) else [given]
        parsed = [(cast("dict[str, Any]", one), parse(one)) for one in many]
        self._entries += [_Entry(one, fault, random.Random(fault.seed)) for one, fault in parsed]

    def clear(self) -> None:
        self._entries.clear()

    def report(self) -> list[dict[str, Any]]:
        """The faults as they were given, with how often each was `fired`."""
        return [{**entry.given, "fired": entry.fired} for entry in self._entries]

    def take(self, route: str) -> Fault:
        """The fault that a request on `route` meets, counted as fired; NO_FAULT if none is due."""
        for entry in self._entries:
            fault = entry.fault
            if fault.on != route or entry.fired >= fault.times:
                continue
            if entry.left_alone < fault.skip:
                entry.left_alone += 1
            elif entry.dice.random() < fault.probability:
                entry.fired += 1
                return fault
        return NO_FAULT
