"""Compresses one PDF: streams are packed again, pictures get fewer pixels and lower quality."""

from __future__ import annotations

import io
import zlib
from pathlib import Path
from typing import Any

import pikepdf
from pikepdf import Name, Pdf, PdfImage
from PIL import Image

from compressor_cli.sandbox.asked import Asked
from compressor_cli.sandbox.kinds import Kind
from compressor_cli.sandbox.limits import CannotCompress, Limits, writing
from compressor_cli.sandbox.pictures import DAMAGE

MAX_OBJECTS = 200_000
_SIDES = {"high": 1754, "ultra": 1123}  # the long side of A4 at 150 and 96 dots an inch
_QUALITY = {"medium": 80, "high": 65, "ultra": 45}
_CHUNK = 1 << 20
_PACKED = ("/FlateDecode", "/DCTDecode")  # pictures that are read; the others are small already
_MODES = {Name.DeviceRGB: "RGB", Name.DeviceGray: "L", Name.CalRGB: "RGB", Name.CalGray: "L"}


def compress(source: Path, target: Path, _: Kind, asked: Asked, limits: Limits) -> None:
    """Write the document to `target`. Raises CannotCompress or MemoryError."""
    try:
        # Repaired, a damaged file could lose pages without a word.
        with Pdf.open(source, attempt_recovery=False) as pdf:
            _check(pdf)
            _repacked(pdf, asked.level, limits)
            if found := pdf.get_warnings():
                raise ValueError(found[0])
            if asked.level == "ultra":
                _bared(pdf)
            with writing():
                pdf.save(
                    target,
                    object_stream_mode=pikepdf.ObjectStreamMode.generate,
                    # Both are done here, within limits.
                    compress_streams=False,
                    stream_decode_level=pikepdf.StreamDecodeLevel.none,
                )
    except pikepdf.PasswordError:
        raise CannotCompress("the PDF is encrypted") from None
    except (pikepdf.PdfError, zlib.error, *DAMAGE) as error:
        raise CannotCompress(f"the PDF is damaged or unusual: {error}") from None


def _check(pdf: Pdf) -> None:
    if pdf.is_encrypted:
        raise CannotCompress("the PDF is encrypted")
    if len(pdf.objects) > MAX_OBJECTS:
        raise CannotCompress(f"the PDF has more than {MAX_OBJECTS:,} objects")
    if len(pdf.attachments) or "/Collection" in pdf.Root:
        raise CannotCompress("the PDF carries other files; take them out first")
    form = pdf.Root.get("/AcroForm")
    if form is not None and int(form.get("/SigFlags", 0)) & 1:
        raise CannotCompress("the PDF is signed, and compressed it would no longer be")


def _repacked(pdf: Pdf, level: str, limits: Limits) -> None:
    """Make each stream smaller, as long as all of them unpack to what `limits` allow."""
    left = limits.file_size
    for item in pdf.objects:
        if not isinstance(item, pikepdf.Stream):
            continue
        raw = item.read_raw_bytes()
        filters = _filters(item)
        if filters in ([], ["/FlateDecode"]):
            content = _inflated(raw, left) if filters else raw
            left -= len(content)
            packed = zlib.compress(content, 9)
            if len(packed) < len(raw):
                # A predictor says what the content means, and that stays.
                parameters: Any = item.get("/DecodeParms")
                item.write(packed, filter=Name.FlateDecode, decode_parms=parameters)
        elif "/FlateDecode" in filters or "/LZWDecode" in filters:
            raise CannotCompress("the PDF packs a stream more than once")
        if item.get("/Subtype") == Name.Image and filters in ([name] for name in _PACKED):
            _picture(item, level, limits)


def _filters(stream: pikepdf.Stream) -> list[str]:
    given = stream.get("/Filter")
    if given is None:
        return []
    return [str(given)] if isinstance(given, Name) else [str(name) for name in given]


def _inflated(raw: bytes, most: int) -> bytes:
    unpacker, content, rest = zlib.decompressobj(), bytearray(), raw
    while rest and not unpacker.eof:
        content += unpacker.decompress(rest, _CHUNK)
        rest = unpacker.unconsumed_tail
        if len(content) > most:
            raise CannotCompress("the PDF unpacks to more than this sandbox takes")
    return bytes(content)


def _picture(stream: Any, level: str, limits: Limits) -> None:
    """Replace a picture of plain colours by a smaller JPEG, if that is smaller."""
    width, height = int(stream.Width), int(stream.Height)
    if width * height > limits.pixels:
        raise CannotCompress(
            f"the PDF has a picture of {width * height:,} pixels, which is more than the "
            f"{limits.pixels:,} pixels that this sandbox takes"
        )
    mode = _mode(stream)
    if mode is None or {"/Decode", "/Mask", "/ImageMask"} & set(stream.keys()):
        return
    image = PdfImage(stream).as_pil_image()
    if image.mode != mode:
        return
    longest = _SIDES.get(level, max(image.size))
    image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    sink = io.BytesIO()
    image.save(sink, "JPEG", quality=_QUALITY[level], optimize=True)
    if sink.tell() < len(stream.read_raw_bytes()):
        stream.write(sink.getvalue(), filter=Name.DCTDecode)
        stream.Width, stream.Height = image.size


def _mode(stream: Any) -> str | None:
    """Pillow's for the colours of a picture; None for those that are left as they are."""
    colours = stream.get("/ColorSpace")
    if stream.get("/BitsPerComponent") != 8 or colours is None:
        return None
    if isinstance(colours, pikepdf.Array):
        if colours[0] == Name.ICCBased:
            return {1: "L", 3: "RGB"}.get(int(colours[1].get("/N", 0)))
        colours = colours[0]
    return _MODES.get(colours)


def _bared(pdf: Pdf) -> None:
    """Take away what no page shows: thumbnails and what editors keep for themselves."""
    for page in pdf.pages:
        for name in ("/Thumb", "/PieceInfo"):
            if name in page:
                del page[name]
    for name in ("/PieceInfo", "/Metadata"):
        if name in pdf.Root:
            del pdf.Root[name]
    pdf.remove_unreferenced_resources()
