"""Which kinds of file the sandbox takes: told by their first bytes, never by their name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

HEAD_BYTES = 4096  # enough for every signature below


@dataclass(frozen=True, slots=True)
class Kind:
    """A format as the API names it, which is also the extension of its file."""

    format: str
    type: str  # as the API shows it; the name of the options, too
    mime: str
    codec: str  # the module of this package that compresses it
    reader: str = ""  # which of the codec's readers must take it, whatever else it looks like

    @property
    def name(self) -> str:
        """For people."""
        return self.format.upper()

    @property
    def slow(self) -> bool:
        """Whether it is answered later, whatever its size."""
        return self.type in ("pdf", "video", "audio")

    @property
    def resizable(self) -> bool:
        return self.codec == "pictures" or self.type == "video"


_PICTURES = ("Jpeg", "Png", "WebP", "Avif", "Gif", "Tiff", "Bmp")
_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN = "application/vnd.oasis.opendocument"
_ALL = (
    *(
        Kind(word.lower(), "image", f"image/{word.lower()}", "pictures", f"PIL.{word}ImagePlugin")
        for word in _PICTURES
    ),
    Kind("svg", "image", "image/svg+xml", "drawings"),
    Kind("pdf", "pdf", "application/pdf", "pdfs"),
    Kind("zip", "archive", "application/zip", "archives"),
    Kind("docx", "document", f"{_OFFICE}.wordprocessingml.document", "archives"),
    Kind("xlsx", "document", f"{_OFFICE}.spreadsheetml.sheet", "archives"),
    Kind("pptx", "document", f"{_OFFICE}.presentationml.presentation", "archives"),
    Kind("odt", "document", f"{_OPEN}.text", "archives"),
    Kind("ods", "document", f"{_OPEN}.spreadsheet", "archives"),
    Kind("odp", "document", f"{_OPEN}.presentation", "archives"),
    Kind("mp4", "video", "video/mp4", "media", "mov"),
    Kind("mov", "video", "video/quicktime", "media", "mov"),
    Kind("webm", "video", "video/webm", "media", "matroska"),
    Kind("mkv", "video", "video/x-matroska", "media", "matroska"),
    Kind("mp3", "audio", "audio/mpeg", "media", "mp3"),
    Kind("m4a", "audio", "audio/mp4", "media", "mov"),
    Kind("wav", "audio", "audio/x-wav", "media", "wav"),
    Kind("flac", "audio", "audio/flac", "media", "flac"),
    Kind("ogg", "audio", "audio/ogg", "media", "ogg"),
)
KINDS = {kind.format: kind for kind in _ALL}

_SIGNATURES = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"BM", "bmp"),
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),  # an empty one
    (b"ID3", "mp3"),
    (b"fLaC", "flac"),
)
_OTHERS = (
    (b"\x1f\x8b", "a gzip archive"),
    (b"OggS", "an Ogg video"),
    (b"RIFF", "a RIFF file, but neither WebP nor WAV"),
    (b"\x00\x00\x01\x00", "an ICO icon"),
    (b"#EXTM3U", "a playlist"),
    (b"ffconcat", "a playlist"),
    (b"[playlist]", "a playlist"),
)
_SVG = re.compile(  # atomic groups: no input makes it try again and again
    rb"(?>\s*)(?><\?xml[^>]*>\s*)?(?><!--.*?-->\s*|<!DOCTYPE[^>\[]*>\s*)*+<svg[\s>/]", re.S
)
_MP4_BRANDS = (b"isom", b"iso", b"mp4", b"avc1", b"M4V", b"3gp", b"dash")
_MOV_ATOMS = (b"moov", b"mdat", b"wide")  # without a brand, as old cameras write it


def of(path: Path) -> Kind | None:
    """The kind of a file. A ZIP may still turn out to be an office document."""
    with path.open("rb") as file:
        return sniff(file.read(HEAD_BYTES))


def slow(path: Path) -> bool:
    """Whether a file is of a kind that is answered later."""
    kind = of(path)
    return kind is not None and kind.slow


def sniff(head: bytes) -> Kind | None:
    """The kind that a file beginning with `head` is, or None if the sandbox does not take it."""
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return KINDS[name]
    name = _riff(head) or _ogg(head) or _mp3(head) or _matroska(head) or _branded(head)
    if not name and _SVG.match(head.removeprefix(b"\xef\xbb\xbf")):
        name = "svg"
    return KINDS[name] if name else None


def refusal(head: bytes) -> str:
    """Why a file beginning with `head` is not taken, and what would be."""
    taken = ", ".join(kind.name for kind in KINDS.values())
    return f"this is {_guess(head)}; the sandbox compresses only: {taken}"


def _riff(head: bytes) -> str:
    forms = {b"WEBP": "webp", b"WAVE": "wav"}
    return forms.get(head[8:12], "") if head[:4] == b"RIFF" else ""


def _ogg(head: bytes) -> str:
    sound = head[28:36].startswith((b"\x01vorbis", b"OpusHead"))
    return "ogg" if head[:4] == b"OggS" and sound else ""


def _mp3(head: bytes) -> str:
    """A frame of layer III with a bit rate and a sample rate that exist."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return ""
    return "mp3" if head[2] & 0xF0 not in (0x00, 0xF0) and head[2] & 0x0C != 0x0C else ""


def _matroska(head: bytes) -> str:
    if not head.startswith(b"\x1aE\xdf\xa3"):
        return ""
    return "webm" if b"webm" in head[:64] else "mkv"


def _branded(head: bytes) -> str:
    brands = _brands(head)
    if brands & {b"avif", b"avis"}:
        return "avif"
    first = head[8:12] if brands else b""
    if first in (b"M4A ", b"M4B "):
        return "m4a"
    if first == b"qt  " or head[4:8] in _MOV_ATOMS:
        return "mov"
    return "mp4" if first.startswith(_MP4_BRANDS) else ""


def _brands(head: bytes) -> set[bytes]:
    if head[4:8] != b"ftyp":
        return set()
    box = head[8 : int.from_bytes(head[:4], "big")]
    return {box[:4]} | {box[at : at + 4] for at in range(8, len(box), 4)}


def _guess(head: bytes) -> str:
    if not head:
        return "an empty file"
    if head[4:8] == b"ftyp":
        heic = _brands(head) & {b"heic", b"heix", b"mif1"}
        return "a HEIC picture" if heic else "an MP4 of an unknown brand"
    for signature, words in _OTHERS:
        if head.startswith(signature):
            return words
    if b"<MPD" in head:
        return "a playlist"
    if b"<svg" in head:
        return "an SVG drawing that defines entities, or none at its beginning"
    return "of no known type" if b"\x00" in head else "text"
