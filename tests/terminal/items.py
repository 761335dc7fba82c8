"""Jobs and items as the engine would hand them over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from compressor_cli.api.contract import Job, read_job
from compressor_cli.engine.saving import Saved
from compressor_cli.engine.updates import Item


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def job(state: str = "processing", *, before: int = 80_600_000, after: int = 29_800_000) -> Job:
    """A job in the service's words."""
    body: dict[str, Any] = {"id": "j-1", "status": state}
    if state == "completed":
        body |= {"url": "https://h/x", "input": {"size": before}, "output": {"size": after}}
    if state == "failed":
        body |= {"success": False, "message": "too red"}
    return read_job(body)


def item(label: str = "input.mp4", state: str | None = "processing", **more: Any) -> Item:
    """An item since second 1000."""
    return Item(label, job=job(state) if state is not None else None, since=1000.0, **more)


def saved(path: str | None, size: int = 29_800_000) -> Saved:
    return Saved(Path(path) if path is not None else None, size)
