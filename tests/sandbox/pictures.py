"""Pictures for the tests: drawn from a seed, and as hard to compress as photographs."""

from __future__ import annotations

import io
import random
import struct
import zlib
from typing import Any

from PIL import Image, ImageCms

FORMATS = ("jpeg", "png", "webp", "avif", "gif", "tiff", "bmp")
_BEST: dict[str, dict[str, Any]] = {
    "jpeg": {"quality": 95},
    "webp": {"quality": 95},
    "avif": {"quality": 90, "speed": 9},
}


def photo(width: int = 160, height: int = 120, *, seed: int = 1, mode: str = "RGB") -> Image.Image:
    """Gradients with noise."""
    chance = random.Random(seed)
    slopes = [Image.linear_gradient("L").rotate(turn) for turn in (0, 90, 180)]
    smooth = Image.merge("RGB", [slope.resize((width, height)) for slope in slopes])
    bands = [Image.frombytes("L", smooth.size, chance.randbytes(width * height)) for _ in "RGB"]
    picture = Image.blend(smooth, Image.merge("RGB", bands), 0.08)
    if mode in ("RGBA", "LA"):
        picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    return picture.convert(mode)


def saved(picture: Image.Image, format: str, **settings: Any) -> bytes:
    sink = io.BytesIO()
    picture.save(sink, format, **settings)
    return sink.getvalue()


def encoded(format: str, **size: Any) -> bytes:
    """A photo-like picture at high quality in the format."""
    return saved(photo(**size), format, **_BEST.get(format, {}))


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def colour_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def huge_png(side: int) -> bytes:
    """A well-formed header that promises `side` x `side` pixels, and hardly any data."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + check

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body
