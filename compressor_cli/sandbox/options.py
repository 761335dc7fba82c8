"""What can be asked of a sandbox, and the limits it keeps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

LATER_ABOVE = 32_000_000  # bytes; documented: "over 32 MB" is answered later
MAX_BODY = 2 * 1024**3
MAX_PIXELS = 80_000_000  # below the 89,478,485 at which Pillow begins to warn
CODEC_SECONDS = 60.0
SLOW_SECONDS = 600.0
CODEC_MEMORY = 4 * 1024**3
FETCH_SECONDS = 120.0
IDLE_SECONDS = 60.0
LOOPBACK_NAMES = ("127.0.0.1", "localhost")


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """Everything that can be chosen; sizes in bytes, times in seconds.

    Raises ValueError for a webhook target that is not `127.0.0.1:PORT` or `localhost:PORT`.
    """

    port: int = 0  # 0: a free one
    key: str = ""  # "": a random one is made
    outputs_port: int | None = None  # None: outputs on the API port; 0: a second, free port
    answers: Literal["auto", "now", "later"] = "auto"  # auto: by the documented rules
    work_seconds: float = 0.0  # added to the work on each job
    workers: int = 2  # jobs compressed at once
    state_dir: Path | None = None  # None: a private folder, removed at the end
    link_seconds: float = 3600.0  # life of an output link, in whole seconds rounded down
    allow_webhook: tuple[str, ...] = ()  # exact "127.0.0.1:9000" targets
    max_body: int = MAX_BODY
    max_pixels: int = MAX_PIXELS  # width x height x frames
    codec_seconds: float = CODEC_SECONDS  # wall limit of one compression
    slow_seconds: float = SLOW_SECONDS  # the same for PDF, video and audio
    codec_memory: int = CODEC_MEMORY  # address space of one compression
    fetch_seconds: float = FETCH_SECONDS  # for retrieving one source
    idle_seconds: float = IDLE_SECONDS  # a client that is silent for longer is let go

    def __post_init__(self) -> None:
        for target in self.allow_webhook:
            host, _, port = target.rpartition(":")
            if host not in LOOPBACK_NAMES or not (port.isascii() and port.isdigit()):
                names = " or ".join(f"{name}:PORT" for name in LOOPBACK_NAMES)
                raise ValueError(f"webhook target {target!r} is not {names}")
