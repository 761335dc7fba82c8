"""Which kinds of file the sandbox takes: told by their first bytes, never by their name."""

from __future__ import annotations

from dataclasses import dataclass

HEAD_BYTES = 512  # enough for every signature below


@dataclass(frozen=True, slots=True)
class Kind:
    """A format as the API names it, which is also its file extension."""

    format: str
    plugin: str  # the one module of Pillow that reads and writes it

    @property
    def mime(self) -> str:
        return f"image/{self.format}"

    @property
    def pillow(self) -> str:
        return self.format.upper()


KINDS = {
    word.lower(): Kind(word.lower(), f"PIL.{word}ImagePlugin")
    for word in ("Jpeg", "Png", "WebP", "Avif", "Gif", "Tiff", "Bmp")
}

_SIGNATURES = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"BM", "bmp"),
)
_OTHERS = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
    (b"ID3", "MP3 audio"),
    (b"OggS", "an Ogg stream"),
    (b"fLaC", "FLAC audio"),
    (b"RIFF", "a RIFF video or sound"),
    (b"\x00\x00\x01\x00", "an ICO icon"),
    (b"#EXTM3U", "a playlist"),
)


def sniff(head: bytes) -> Kind | None:
    """The kind that a file beginning with `head` is, or None if the sandbox does not take it."""
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return KINDS[name]
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return KINDS["webp"]
    return KINDS["avif"] if _brands(head) & {b"avif", b"avis"} else None


def refusal(head: bytes) -> str:
    """Why a file beginning with `head` is not taken, and what would be."""
    taken = ", ".join(kind.pillow for kind in KINDS.values())
    return f"this is {_guess(head)}; the sandbox compresses only images: {taken}"


def _brands(head: bytes) -> set[bytes]:
    if head[4:8] != b"ftyp":
        return set()
    box = head[8 : int.from_bytes(head[:4], "big")]
    return {box[:4]} | {box[at : at + 4] for at in range(8, len(box), 4)}


def _guess(head: bytes) -> str:
    if not head:
        return "an empty file"
    if head[4:8] == b"ftyp":
        return "a HEIC picture" if _brands(head) & {b"heic", b"heix", b"mif1"} else "an MP4 video"
    for signature, words in _OTHERS:
        if head.startswith(signature):
            return words
    if b"<svg" in head:
        return "an SVG drawing"
    return "of no known type" if b"\x00" in head else "text"
