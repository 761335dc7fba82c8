"""The names of result files: one safe path component, whatever a server or a URL says."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

LONGEST = 200
"""Bytes of a derived name; leaves room for the temporary file's additions below 255."""

_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,10}")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]) *(\..*)?", re.IGNORECASE)


def safe_name(text: str) -> str:
    """The last component of `text`, made harmless on every system; "" if nothing is left.

    No separators, control, format or bidi characters, no drive or stream, no reserved device name,
    no leading dot or dash, no trailing dot or space; at most LONGEST bytes, extension kept.
    """
    last = PureWindowsPath(PurePosixPath(text.replace("\0", "")).name).name
    kept = "".join(c for c in last if unicodedata.category(c)[0] != "C" and c not in '<>:"/\\|?*')
    kept = "".join(" " if unicodedata.category(c)[0] == "Z" else c for c in kept)
    kept = _shortened(_unreserved(kept.lstrip(".- ").rstrip(". ")))
    return _unreserved(kept)  # being cut may have left nothing but a device's name


def _unreserved(name: str) -> str:
    return f"_{name}" if _RESERVED.fullmatch(name) else name


def _shortened(name: str) -> str:
    stem, extension = split(name)
    room = LONGEST - len(extension.encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip(". ") + extension


def split(name: str) -> tuple[str, str]:
    """Stem and extension (with its dot, "" if there is none that looks like one)."""
    path = PurePosixPath(name)
    return (path.stem, path.suffix) if _EXTENSION.fullmatch(path.suffix) else (name, "")


def result_name(*, source_name: str | None, server_name: str | None, job_id: str) -> str:
    """The name of a job's result: the source's stem with the result's extension.

    Without a known source the server's own name is used, and without that the job's id.
    """
    server = safe_name(server_name or "")
    source = safe_name(source_name or "")
    if not source:
        return server or safe_name(job_id) or "output"
    stem, extension = split(source)
    return stem + (_extension(extension, split(server)[1]) if server else extension)


def _extension(of_source: str, of_result: str) -> str:
    """The result's extension, but `.jpg` stays `.jpg` where the server prefers `.jpeg`."""
    alike = [{".jpg", ".jpeg", ".jpe", ".jfif"}, {".tif", ".tiff"}]
    pair = {of_source.lower(), of_result.lower()}
    same = len(pair) == 1 or any(pair <= names for names in alike)
    return of_source if same or not of_result else of_result


def beside_source(name: str) -> str:
    """The name of a result that lies beside a source of the same name: `photo.min.jpg`."""
    stem, extension = split(name)
    return f"{stem}.min{extension}"
