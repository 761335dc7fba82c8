"""Request bodies for the tests."""

from __future__ import annotations

from collections.abc import Iterator

BOUNDARY = "a-boundary-of-the-tests"


class Pieces:
    """A body of `count` equal pieces; like the real ones it knows whether the last has gone."""

    content_type = "application/octet-stream"

    def __init__(self, count: int, *, piece: bytes = bytes(1 << 20)) -> None:
        self._count = count
        self._piece = piece
        self.length = count * len(piece)
        self.complete = False

    def __iter__(self) -> Iterator[bytes]:
        for number in range(1, self._count + 1):
            self.complete = number == self._count
            yield self._piece


class Form(Pieces):
    """The multipart body of an upload, in one piece."""

    content_type = f"multipart/form-data; boundary={BOUNDARY}"

    def __init__(self, content: bytes) -> None:
        head = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="data"\r\n\r\n{{}}\r\n'
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        )
        super().__init__(1, piece=head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode())
