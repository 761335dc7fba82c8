"""The kinds of files that the service takes, by the extension of their names.

Images are documented one by one; video, audio, PDF, office documents and archives are documented as
accepted without a list, so these are the usual extensions. The service itself looks at the content.
"""

from __future__ import annotations

EXTENSIONS = {
    "image": "jpg jpeg jpe jfif png apng webp avif heic heif gif tif tiff bmp svg ico",
    "video": "mp4 m4v mov mkv webm avi mpg mpeg wmv flv ogv 3gp",
    "audio": "mp3 m4a aac wav flac ogg oga opus wma aif aiff",
    "pdf": "pdf",
    "document": "docx xlsx pptx doc xls ppt odt ods odp",
    "archive": "zip tar gz tgz bz2 xz 7z",
}
"""By kind: the extensions, apart by blanks. The pre-commit hook has the same list."""

_KIND_OF = {ext: kind for kind, exts in EXTENSIONS.items() for ext in exts.split()}

NAMESPACES = ("image", "video")
"""The kinds whose options the API documents under a name of their own."""


def kind_of(name: str) -> str | None:
    """The kind of a file or URL path, from its extension; None for what is not known."""
    stem, _, extension = name.rpartition(".")
    return _KIND_OF.get(extension.lower()) if stem and not stem.endswith("/") else None
