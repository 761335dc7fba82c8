"""How each image format is made smaller at each level."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageChops, ImageSequence

Encode = Callable[[list[Image.Image], str, dict[str, Any]], list[bytes]]

_QUALITY = {
    "jpeg": {"medium": 82, "high": 70, "ultra": 50},
    "webp": {"medium": 80, "high": 66, "ultra": 45},
    "avif": {"medium": 66, "high": 52, "ultra": 36},
    "tiff": {"high": 75, "ultra": 50},
}
_PNG_COLOURS = {"high": 256, "ultra": 64}
_GIF_COLOURS = {"medium": 128, "high": 64, "ultra": 32}


@dataclass(frozen=True, slots=True)
class Clip:
    """The frames of an image, one for a still, and what has to be kept beside the pixels."""

    frames: list[Image.Image]
    kept: dict[str, Any]


def read(image: Image.Image, change: Callable[[Image.Image], Image.Image]) -> Clip:
    """Decode all frames of `image`, each passed through `change`, which must return a copy."""
    kept: dict[str, Any] = {}
    if image.info.get("icc_profile"):
        kept["icc_profile"] = image.info["icc_profile"]
    if not getattr(image, "is_animated", False):
        image.load()
        return Clip([change(image)], kept)
    frames, durations = [], []
    for frame in ImageSequence.Iterator(image):
        frame.load()
        durations.append(frame.info.get("duration", 0))
        frames.append(change(frame))
    if image.format != "TIFF":
        kept["duration"] = durations
        if "loop" in image.info:
            kept["loop"] = image.info["loop"]
    return Clip(frames, kept)


def encode(clip: Clip, name: str, level: str) -> bytes:
    """The smallest of the encodings that `level` allows, in the format `name`."""
    return min(_ENCODERS[name](clip.frames, level, clip.kept), key=len)


def has_alpha(image: Image.Image) -> bool:
    return image.has_transparency_data


def true_colour(image: Image.Image) -> Image.Image:
    """RGB, or RGBA if anything may be seen through: what can be resampled and counted."""
    deep = image.mode.startswith(("I", "F"))  # 16 bits and more: converting would clip them
    plain = image.mode in ("RGB", "RGBA", "L", "CMYK") and "transparency" not in image.info
    if deep or plain:
        return image
    return image.convert("RGBA" if has_alpha(image) else "RGB")


def _saved(frames: list[Image.Image], format: str, **settings: Any) -> bytes:
    sink = io.BytesIO()
    if len(frames) > 1:
        settings |= {"save_all": True, "append_images": frames[1:]}
    else:
        settings.pop("duration", None)
        settings.pop("loop", None)
    frames[0].save(sink, format, **settings)
    return sink.getvalue()


def _quantized(image: Image.Image, colours: int) -> Image.Image:
    coloured = true_colour(image)
    if coloured.mode == "RGBA":  # the only method that keeps transparency
        return coloured.quantize(colours, method=Image.Quantize.FASTOCTREE)
    return coloured.convert("RGB").quantize(colours, method=Image.Quantize.MEDIANCUT)


def _jpeg(frames: list[Image.Image], level: str, kept: dict[str, Any]) -> list[bytes]:
    quality = _QUALITY["jpeg"][level]
    # Only the first: further frames of an MPO file are previews or the other eye.
    return [
        _saved(frames[:1], "JPEG", quality=quality, optimize=True, progressive=True, **_icc(kept))
    ]


def _png(frames: list[Image.Image], level: str, kept: dict[str, Any]) -> list[bytes]:
    found = [_saved(frames, "PNG", optimize=True, **kept)]
    colours = _PNG_COLOURS.get(level)
    deep = frames[0].mode.startswith(("I", "F"))
    if colours and len(frames) == 1 and not deep:
        few = _quantized(frames[0], colours)
        found.append(_saved([few], "PNG", optimize=True, **kept))
    return found


def _lossy(name: str, **fixed: Any) -> Encode:
    def encoder(frames: list[Image.Image], level: str, kept: dict[str, Any]) -> list[bytes]:
        return [_saved(frames, name.upper(), quality=_QUALITY[name][level], **fixed, **kept)]

    return encoder


def _gif(frames: list[Image.Image], level: str, kept: dict[str, Any]) -> list[bytes]:
    few = [_quantized(frame, _GIF_COLOURS[level]) for frame in frames]
    # Only of true colour does the writer find out by itself what may be seen through.
    few = [frame.convert("RGBA") if has_alpha(frame) else frame for frame in few]
    settings = {word: kept[word] for word in ("duration", "loop") if word in kept}
    return [_saved(few, "GIF", optimize=True, **settings)]


def _tiff(frames: list[Image.Image], level: str, kept: dict[str, Any]) -> list[bytes]:
    found = [
        _saved(frames, "TIFF", compression=method, **_icc(kept))
        for method in ("tiff_adobe_deflate", "tiff_lzw")
    ]
    quality = _QUALITY["tiff"].get(level)
    if quality and all(frame.mode in ("RGB", "L") for frame in frames):
        found.append(_saved(frames, "TIFF", compression="jpeg", quality=quality, **_icc(kept)))
    return found


def _icc(kept: dict[str, Any]) -> dict[str, Any]:
    return {word: kept[word] for word in ("icc_profile",) if word in kept}


def _bmp(frames: list[Image.Image], level: str, _: dict[str, Any]) -> list[bytes]:
    """Fewer bits a pixel, as the format knows no useful packing: 16, 8 or 4."""
    image = frames[0].convert("RGB")
    if level == "medium":
        return [_bitmap(_five_bits(image), "LA", 16)]
    if level == "high":
        return [_bitmap(image.quantize(256), "P", 8)]
    return [_bitmap(image.quantize(16), "P;4", 4)]


def _five_bits(image: Image.Image) -> Image.Image:
    """The two bytes of 5-5-5 colour as two bands, which Pillow then interleaves."""
    red, green, blue = image.split()
    low = ImageChops.add(
        green.point([(value & 0x38) << 2 for value in range(256)]),
        blue.point([value >> 3 for value in range(256)]),
    )
    high = ImageChops.add(
        red.point([value >> 3 << 2 for value in range(256)]),
        green.point([value >> 6 for value in range(256)]),
    )
    return Image.merge("LA", (low, high))


def _bitmap(image: Image.Image, packing: str, bits: int) -> bytes:
    """A BMP file of `bits` a pixel: Pillow packs the rows but writes only 1, 8, 24 and 32."""
    stride = (image.width * bits + 31) // 32 * 4
    rows = image.tobytes("raw", packing, stride, -1)
    colours = (image.getpalette("RGB") or []) if image.mode == "P" else []
    table = b"".join(
        bytes((blue, green, red, 0))
        for red, green, blue in zip(colours[::3], colours[1::3], colours[2::3], strict=True)
    )
    start = 14 + 40 + len(table)
    head = struct.pack("<2sIHHI", b"BM", start + len(rows), 0, 0, start)
    info = struct.pack(
        "<IiiHHIIiiII", 40, image.width, image.height, 1, bits, 0, len(rows), 2835, 2835,
        len(table) // 4, 0,
    )  # fmt: skip
    return head + info + table + rows


_ENCODERS: dict[str, Encode] = {
    "jpeg": _jpeg,
    "png": _png,
    "webp": _lossy("webp", method=4),
    "avif": _lossy("avif", speed=8, max_threads=2),
    "gif": _gif,
    "tiff": _tiff,
    "bmp": _bmp,
}
