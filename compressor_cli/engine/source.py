"""What is handed over: a file, a URL or standard input, checked before anything is sent."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import unquote, urlsplit

from compressor_cli.api.contract import Json
from compressor_cli.api.origin import shown
from compressor_cli.engine.body import PIECE, UploadBody
from compressor_cli.errors import InputProblem, OutputProblem, UsageProblem

if TYPE_CHECKING:
    from compressor_cli.api.client import ApiClient, Look

SPOOL_LIMIT = 16 * 1024**3
"""Standard input is kept in a temporary file up to this many bytes."""


@dataclass(frozen=True, slots=True)
class FileSource:
    """A regular file. `label` as the user named it; `name` is what the service is told."""

    label: str
    path: Path
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class UrlSource:
    """A URL that the service retrieves itself, with `headers`. `label` shows no credentials."""

    label: str
    url: str
    name: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StdinSource:
    """Standard input, `stream`; spooled to a private file before it is sent."""

    stream: BinaryIO
    label: str = "-"
    name: str = "stdin"


Source = FileSource | UrlSource | StdinSource


def pieces(path: Path, *, label: str, check: Callable[[], None]) -> Iterator[bytes]:
    """A file's bytes; `check` is called at each piece. Raises InputProblem."""
    try:
        with path.open("rb", buffering=0) as file:
            while piece := file.read(PIECE):
                check()
                yield piece
    except OSError as error:
        raise unreadable(label, error) from None


def file_sha1(path: Path, *, label: str, check: Callable[[], None]) -> str:
    """A file's SHA-1 as 40 hex digits. Raises InputProblem."""
    digest = hashlib.sha1(usedforsecurity=False)
    for piece in pieces(path, label=label, check=check):
        digest.update(piece)
    return digest.hexdigest()


def is_url(text: str) -> bool:
    """Whether a source on the command line is a URL, not a path."""
    return text.lower().startswith(("http://", "https://"))


def file_source(text: str) -> FileSource:
    """The file at the path `text`. Raises InputProblem unless it can be read and has content."""
    path = Path(text)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise InputProblem(f"{text} is {_kind(path)}, not a regular file")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise unreadable(text, error) from None
    except ValueError:
        raise InputProblem(f"{text!r} is not a possible path") from None
    if size == 0:
        raise InputProblem(f"{text} is empty")
    return FileSource(text, path.absolute(), path.name, size)


def url_source(text: str, *, headers: dict[str, str]) -> UrlSource:
    """The URL `text`. Raises UsageProblem when no service could retrieve it."""
    try:
        parts = urlsplit(text)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not text.isprintable() or " " in text:
        raise UsageProblem(f"{shown(text)} is not a usable URL")
    name = PurePosixPath(unquote(parts.path)).name or str(parts.hostname)
    return UrlSource(shown(text), text, name, headers)


def spool_file() -> Path:
    """The name of a temporary file for standard input, in the system's folder for these."""
    return Path(tempfile.gettempdir()) / f"compressor-{secrets.token_hex(8)}.spool"


def spooled(
    source: StdinSource, path: Path, *, check: Callable[[], None], limit: int = SPOOL_LIMIT
) -> FileSource:
    """Standard input, copied whole to the new private file `path`; `check` is called at each piece.

    Raises InputProblem when there is nothing, or no end; OutputProblem when there is no space.
    """
    size = 0
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as file:
            while piece := _read(source):
                check()
                size += len(piece)
                if size > limit:
                    raise InputProblem(f"standard input does not end after {limit} bytes")
                file.write(piece)
    except OSError as error:
        raise OutputProblem(
            f"standard input cannot be kept in {path.parent}: {error.strerror}",
            hint="name a folder with more space in TMPDIR",
        ) from None
    if size == 0:
        raise InputProblem("standard input is empty")
    return FileSource(source.label, path, source.name, size)


def _read(source: StdinSource) -> bytes:
    try:
        return source.stream.read(PIECE)
    except OSError as error:
        raise unreadable("standard input", error) from None


def send(
    source: FileSource | UrlSource,
    api: ApiClient,
    options: Json,
    *,
    sent: Callable[[int, int], None],
    sealed: Callable[[str | None, int | None], None],
) -> Look:
    """Hand a source over once, with a fresh file handle.

    `sealed` is told SHA-1 and size, None for a URL, just before the request can be accepted.
    """
    if isinstance(source, UrlSource):
        sealed(None, None)
        return api.fetch(source.url, headers=source.headers, options=options)
    body = UploadBody(
        source.path,
        label=source.label,
        name=source.name,
        options=options,
        sent=sent,
        sealed=sealed,
    )
    with body:
        return api.upload(body)


def unreadable(label: str, error: OSError) -> InputProblem:
    return InputProblem(f"{label} cannot be read: {error.strerror or type(error).__name__}")


def _kind(path: Path) -> str:
    mode = path.stat().st_mode
    tests = {"a folder": stat.S_ISDIR, "a pipe": stat.S_ISFIFO, "a socket": stat.S_ISSOCK}
    return next((name for name, test in tests.items() if test(mode)), "a device")
