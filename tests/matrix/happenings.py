"""What may happen in a history: troubles of service, network and disk, signals, and commands."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Any

from .proxy import Way, Weather

TROUBLES: dict[str, dict[str, Any]] = {
    "upload 429": {"on": "upload", "status": 429, "headers": {"Retry-After": "1"}},
    "upload 503": {"on": "upload", "status": 503},
    "upload html": {"on": "upload", "status": 502, "body": "<html>bad gateway</html>"},
    "upload dropped before": {"on": "upload", "drop": "before"},
    "upload dropped after": {"on": "upload", "drop": "after"},
    "upload dropped late": {"on": "upload", "stall": 0.6, "drop": "after"},
    "upload unreadable": {"on": "upload", "after_work": True, "status": 201, "body": "{"},
    "upload stalls": {"on": "upload", "stall": 1.0},
    "look 503": {"on": "job", "status": 503, "headers": {"Retry-After": "1"}},
    "look dropped": {"on": "job", "drop": "before"},
    "look html": {"on": "job", "status": 200, "body": "<html>login</html>"},
    "look of another job": {"on": "job", "merge": {"id": "another-job"}},
    "look at strange states": {"on": "upload", "states": ["enqueued", "thawing", "enqueued"]},
    "output cut": {"on": "output", "truncate": 700},
    "output wrong": {"on": "output", "corrupt": True, "times": 2},
    "output expired": {"on": "output", "status": 403},
    "output html": {"on": "output", "status": 200, "body": "<html>session expired</html>"},
    "output dropped": {"on": "output", "drop": "before"},
    "output gzip": {"on": "output", "gzip": True},
    "output slow": {"on": "output", "throttle": 20_000},
}
WEATHERS = {
    "reset at once": Weather(reset_before_server=True),
    "reset on the way up": Weather(up=Way(reset_at=4_000)),
    "reset on the way down": Weather(down=Way(reset_at=60)),
    "cut on the way down": Weather(down=Way(close_at=60)),
    "slow": Weather(up=Way(latency=0.02, piece=4096), down=Way(latency=0.05, piece=512)),
    "stalls": Weather(down=Way(stall_at=40)),
}
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)


@dataclass(frozen=True)
class Begin:
    """How it begins, while all is calm: so many sources, and what is done with them."""

    command: str  # compress or submit
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Add:
    """A new source appears."""

    kind: str


@dataclass(frozen=True)
class Trouble:
    """The service will do this at the next occasion."""

    name: str


@dataclass(frozen=True)
class Storm:
    """The next connections to the service, or to where outputs lie, meet this in their order."""

    names: tuple[str, ...]
    outputs: bool = False


@dataclass(frozen=True)
class Run:
    """A command; `number` is a signal that it gets after so many seconds, or 0.

    `full`: the disk of its sources and results has no room left.
    """

    command: str  # compress, wait or get
    number: int = 0
    after: float = 0.0
    full: bool = False


Step = Begin | Add | Trouble | Storm | Run
