"""Compresses one ZIP archive or office document: every file in it is packed again, unchanged."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from compressor_cli.sandbox.asked import Asked
from compressor_cli.sandbox.kinds import KINDS, Kind
from compressor_cli.sandbox.limits import CannotCompress, Limits, writing

MAX_MEMBERS = 10_000
BOMB_FACTOR = 200  # no honest archive unpacks to so many times its size …
BOMB_FROM = 64 << 20  # … and to more than this
_CHUNK = 1 << 20
_TRIES = {  # zlib's level and memory: each finds other blocks, and the smallest is taken
    "medium": ((6, 8),),
    "high": ((6, 8), (9, 8)),
    "ultra": ((6, 8), (9, 7), (9, 8), (9, 9)),
}
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _UTF8 = 0x1, 0x800
_ZIP64, _UNICODE_NAME = 0x0001, 0x7075  # extra fields
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError,
           struct.error, RuntimeError)  # fmt: skip


def inside(source: Path) -> Kind:
    """Which document the archive is, or that it is none. Raises CannotCompress."""
    try:
        with zipfile.ZipFile(source) as archive:
            names = {info.filename for info in archive.infolist()}
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
                mime = archive.read("mimetype").decode("ascii", "replace")
                documents = (kind for kind in KINDS.values() if kind.type == "document")
                return next((kind for kind in documents if kind.mime == mime), KINDS["zip"])
    except _DAMAGE as error:
        raise _damaged(error) from None
    if "[Content_Types].xml" in names:
        for name, format in (("word/", "docx"), ("xl/", "xlsx"), ("ppt/", "pptx")):
            if any(member.startswith(name) for member in names):
                return KINDS[format]
    return KINDS["zip"]


def compress(source: Path, target: Path, _: Kind, asked: Asked, limits: Limits) -> None:
    """Write the archive to `target`: same names, order and content. Raises CannotCompress."""
    try:
        archive = zipfile.ZipFile(source)
    except _DAMAGE as error:
        raise _damaged(error) from None
    with archive, writing(), target.open("wb") as file:
        _check(archive.infolist(), source.stat().st_size, limits)
        writer = _Writer(file, asked.level)
        for info in archive.infolist():
            try:
                content = _read(archive, info)
            except _DAMAGE as error:
                raise _damaged(error) from None
            writer.add(info, content)
        writer.end(b"" if asked.level == "ultra" else archive.comment)


def _check(members: list[zipfile.ZipInfo], size: int, limits: Limits) -> None:
    """Refuse what cannot be read, and what unpacks to more than it should. By what is declared:
    `_read` holds the content to it."""
    if len(members) > MAX_MEMBERS:
        raise CannotCompress(f"the archive has more than {MAX_MEMBERS:,} files")
    if any(info.flag_bits & _ENCRYPTED for info in members):
        raise CannotCompress("the archive is encrypted")
    total = sum(info.file_size for info in members)
    most = min(limits.file_size, max(BOMB_FROM, size * BOMB_FACTOR))
    if total > most:
        raise CannotCompress(f"the archive unpacks to {total:,} bytes; the limit is {most:,}")


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with archive.open(info) as member:
        content = member.read(info.file_size + 1)
    if len(content) != info.file_size:
        raise ValueError(f"the size of {info.filename!r} is not as declared")
    return content


def _damaged(error: Exception) -> CannotCompress:
    return CannotCompress(f"the archive is damaged or unusual: {error}")


def _extra(extra: bytes, *, names_only: bool) -> bytes:
    """The extra fields that stay: none is about the packing, which is ours."""
    kept = b""
    while len(extra) >= 4:
        field, length = struct.unpack("<2H", extra[:4])
        if field == _UNICODE_NAME or not (names_only or field == _ZIP64):
            kept += extra[: 4 + length]
        extra = extra[4 + length :]
    return kept


class _Writer:
    """Writes the members with the names as they are, byte for byte, which `zipfile` would not."""

    def __init__(self, file: BinaryIO, level: str) -> None:
        self._file = file
        self._level = level
        self._directory: list[bytes] = []

    def add(self, info: zipfile.ZipInfo, content: bytes) -> None:
        # The first of an OpenDocument stays readable without unpacking.
        plain = info.filename == "mimetype" and not self._directory
        packed = content if plain else self._packed(content)
        method = _DEFLATED if len(packed) < len(content) else _STORED
        body = packed if method == _DEFLATED else content
        utf8 = info.flag_bits & _UTF8
        name = info.orig_filename.encode("utf-8" if utf8 else "cp437")
        year, month, day, hour, minute, second = info.date_time
        middle = struct.pack(
            "<5H3L", 20, utf8, method, hour << 11 | minute << 5 | second // 2,
            (year - 1980) << 9 | month << 5 | day, info.CRC, len(body), len(content),
        )  # fmt: skip
        start = self._file.tell()
        self._file.write(b"PK\x03\x04" + middle + struct.pack("<2H", len(name), 0) + name + body)
        extra = _extra(info.extra, names_only=self._level == "ultra")
        comment = b"" if self._level == "ultra" else info.comment
        if start + len(body) > 0xFFFF_FFFF - _CHUNK:
            raise CannotCompress("the archive is larger than this sandbox can write")
        self._directory.append(
            b"PK\x01\x02" + bytes((20, info.create_system)) + middle
            + struct.pack("<5H2L", len(name), len(extra), len(comment), 0, info.internal_attr,
                          info.external_attr, start) + name + extra + comment
        )  # fmt: skip

    def end(self, comment: bytes) -> None:
        start, directory = self._file.tell(), b"".join(self._directory)
        count = len(self._directory)
        self._file.write(directory + b"PK\x05\x06")
        self._file.write(
            struct.pack("<4H2LH", 0, 0, count, count, len(directory), start, len(comment))
        )
        self._file.write(comment)

    def _packed(self, content: bytes) -> bytes:
        found = []
        for effort, memory in _TRIES[self._level]:
            packer = zlib.compressobj(effort, zlib.DEFLATED, -15, memory)
            found.append(packer.compress(content) + packer.flush())
        return min(found, key=len)
