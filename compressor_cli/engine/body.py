"""A file as a request body: streamed in constant memory, hashed beside, complete or not sent.

The last boundary is handed over on its own, after the file was found unchanged: until then the
service cannot have accepted anything, which is what makes sending it again safe.
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import secrets
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from compressor_cli.api.contract import Json
from compressor_cli.errors import InputProblem

PIECE = 1024 * 1024
"""Bytes read, sent and hashed at a time."""
_AHEAD = 4
_LONGEST_NAME = 255


class Digest:
    """SHA-1 of pieces that are given in order; from the second piece on in a thread of its own."""

    def __init__(self) -> None:
        self._hash = hashlib.sha1(usedforsecurity=False)
        self._pieces: queue.Queue[bytes | None] | None = None
        self._thread: threading.Thread | None = None
        self._begun = False

    def update(self, piece: bytes) -> None:
        if not self._begun:
            self._begun = True
            self._hash.update(piece)
            return
        if self._pieces is None and not self._started():
            self._hash.update(piece)
        elif self._pieces is not None:
            self._pieces.put(piece)

    def _started(self) -> bool:
        """Whether there is a thread now: the system may allow no more."""
        self._pieces = queue.Queue(_AHEAD)
        self._thread = threading.Thread(target=self._run, name="digest", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            self._pieces = self._thread = None
        return self._thread is not None

    def hex(self) -> str:
        """The digest of all pieces so far, as 40 hex digits."""
        self.settle()
        return self._hash.hexdigest()

    def settle(self) -> None:
        """Wait until all pieces so far are hashed; the thread ends, a later piece starts one."""
        if self._pieces is not None and self._thread is not None:
            self._pieces.put(None)
            self._thread.join()
            self._pieces = self._thread = None

    def _run(self) -> None:
        pieces = self._pieces
        while pieces is not None and (piece := pieces.get()) is not None:
            self._hash.update(piece)


class UploadBody:
    """The multipart body of `POST /upload`: the part `data`, then the part `file`.

    A context manager that holds the file open; iterating sends it once. `sent` is told the file's
    bytes sent so far, and all of them. `sealed` is told their SHA-1 and size just before the last
    bytes are handed over, and `complete` turns true; until then it may raise, and nothing was sent
    that counts. Raises InputProblem while iterating when the file cannot be read on, or is not the
    same as at the start.
    """

    def __init__(
        self,
        path: Path,
        *,
        label: str,
        name: str,
        options: Json,
        sent: Callable[[int, int], None],
        sealed: Callable[[str, int], None] = lambda _sha1, _size: None,
    ) -> None:
        self._path = path
        self._label = label
        self._sent = sent
        self._sealed = sealed
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._head = _head(boundary, name=name, options=options)
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._digest = Digest()
        self.complete = False

    def __enter__(self) -> UploadBody:
        try:
            self._file: BinaryIO = self._path.open("rb", buffering=0)
        except OSError as error:
            raise InputProblem(f"{self._label} cannot be read: {error.strerror}") from None
        self._stat = os.fstat(self._file.fileno())
        self.length = len(self._head) + self._stat.st_size + len(self._tail)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        self._digest.settle()

    def sha1(self) -> str:
        """The digest of the bytes that were sent."""
        return self._digest.hex()

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        done, size = 0, self._stat.st_size
        while done < size:
            piece = self._read(min(PIECE, size - done))
            self._digest.update(piece)
            yield piece
            done += len(piece)
            self._sent(done, size)
        if not self._unchanged():
            raise self._changed()
        self._sealed(self.sha1(), size)
        self.complete = True
        yield self._tail

    def _read(self, most: int) -> bytes:
        try:
            piece = self._file.read(most)
        except OSError as error:
            raise InputProblem(f"{self._label} cannot be read: {error.strerror}") from None
        if not piece:
            raise self._changed()
        return piece

    def _unchanged(self) -> bool:
        before, now = self._stat, os.fstat(self._file.fileno())
        return (before.st_size, before.st_mtime_ns) == (now.st_size, now.st_mtime_ns)

    def _changed(self) -> InputProblem:
        return InputProblem(
            f"{self._label} changed while it was sent; nothing was accepted",
            hint="run it again when the file is at rest",
        )


def _head(boundary: str, *, name: str, options: Json) -> bytes:
    return b"".join(
        (
            f"--{boundary}\r\n".encode(),
            b'Content-Disposition: form-data; name="data"\r\n',
            b"Content-Type: application/json\r\n\r\n",
            json.dumps(options).encode(),
            f"\r\n--{boundary}\r\n".encode(),
            b'Content-Disposition: form-data; name="file"; filename="' + _quoted(name) + b'"\r\n',
            b"Content-Type: application/octet-stream\r\n\r\n",  # the service looks at the content
        )
    )


def _quoted(name: str) -> bytes:
    """A file name for a header: escaped as browsers do (WHATWG HTML, multipart/form-data).

    Backslashes too: half the parsers take them for escapes, at the end of the closing quote.
    """
    clean = "".join("_" if (ord(c) < 32 and c not in "\r\n") or ord(c) == 127 else c for c in name)
    escaped = clean.encode("utf-8", "replace").replace(b'"', b"%22")
    escaped = escaped.replace(b"\r", b"%0D").replace(b"\n", b"%0A").replace(b"\\", b"%5C")
    return escaped[-_LONGEST_NAME:].decode("utf-8", "ignore").encode()
