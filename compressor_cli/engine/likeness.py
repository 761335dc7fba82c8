"""Whether what came is of the promised kind, where no SHA-1 tells: no page, and it begins rightly.

Expired sessions, gateways and storage services answer 200 with a page in HTML, XML or JSON. A
format that is not in the table may begin with anything.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from compressor_cli.api.contract import Artifact

LOOKED_AT = 1024
"""So many of the first bytes are looked at."""

_ZIP = rb"PK(?:\x03\x04|\x05\x06|\x07\x08)"
_OFFICE = rb"(?:" + _ZIP + rb"|\xd0\xcf\x11\xe0)"  # the second is one with a password
_BOXES = rb".{4}(?:ftyp|styp|moov|mdat|free|skip|wide|pnot|uuid)"
_BEGINNINGS = {
    "png apng": rb"\x89PNG\r\n\x1a\n",
    "jpg jpeg jpe jfif pjpeg": rb"\xff\xd8\xff",
    "gif": rb"GIF8[79]a",
    "webp": rb"RIFF.{4}WEBP",
    "avif heic heif": rb".{4}ftyp",
    "tif tiff": rb"II[*+]\x00|MM\x00[*+]",
    "bmp ms-bmp": rb"BM",
    "ico icon vnd.microsoft.icon": rb"\x00\x00\x01\x00",
    "pdf": rb".{0,1019}%PDF-",
    "zip zip-compressed epub": _ZIP,
    "docx xlsx pptx odt ods odp": _OFFICE,
    "mp4 m4v m4a mov quicktime 3gp": _BOXES,
    "webm mkv matroska": rb"\x1aE\xdf\xa3",
    "mp3": rb"ID3|APETAGEX|RIFF|\x00*\xff[\xe0-\xff]",
    "wav wave": rb"(?:RIFF|RF64).{4}WAVE",
    "flac": rb"fLaC|ID3",
    "ogg oga ogv opus": rb"OggS",
}
"""By format, its names apart by blanks: how every file of it begins."""

_BEGINS = {
    name: re.compile(beginning, re.DOTALL)
    for names, beginning in _BEGINNINGS.items()
    for name in names.split()
}

_BEFORE_MARKUP = rb"(?:\xef\xbb\xbf|\s|(?><!--.*?-->)|(?><\?.*?\?>))*+"
_PAGES = {
    "HTML": re.compile(_BEFORE_MARKUP + rb"<(?:!doctype\s+html|html|head|body)\b", re.I | re.S),
    "XML": re.compile(_BEFORE_MARKUP + rb"<(?!(?:!doctype\s+)?svg\b)[a-z!?]", re.I | re.S),
    "JSON": re.compile(rb"(?:\xef\xbb\xbf)?\s*+[{\[]\s*+[\"{}\]]"),
}
_PAGE_TYPE = re.compile(r"(?:text|application)/(?:[a-z0-9.-]+\+)?(html|xml|json)\b")


def page_type(content_type: str) -> str | None:
    """HTML, XML or JSON where a Content-Type says so of an answer; a drawing (SVG) is no page."""
    lowered = content_type.strip().lower()
    if lowered.startswith("application/xhtml"):
        return "HTML"
    found = _PAGE_TYPE.match(lowered)
    return found[1].upper() if found else None


def page(begin: bytes) -> str | None:
    """HTML, XML or JSON where the first bytes are of such; a drawing (SVG) is no page."""
    return next((kind for kind, pattern in _PAGES.items() if pattern.match(begin)), None)


def may_be(output: Artifact, kind: str) -> bool:
    """Whether the promised output may be HTML, XML or JSON by its type, format or name."""
    said = " ".join(word.lower() for word in _words(output))
    return (
        re.search({"HTML": "html?", "XML": "xml|svg|html?", "JSON": "json"}[kind], said) is not None
    )


def misfit(output: Artifact, begin: bytes) -> str | None:
    """The promised format, if it is a well-known one and no file of it begins so; else None."""
    format_ = next(iter(_words(output)), "").lower().removeprefix("x-")
    beginning = _BEGINS.get(format_)
    return format_ if beginning is not None and not beginning.match(begin) else None


def _words(output: Artifact) -> list[str]:
    """What tells the kind of the promised output, the surest first."""
    mime = (output.mime or "").partition(";")[0].rpartition("/")[2].strip()
    extension = PurePosixPath(output.name or "").suffix.removeprefix(".")
    return [word for word in (output.format, mime, extension) if word]
