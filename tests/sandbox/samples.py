"""Documents, drawings, archives and media for the tests, each made here."""

from __future__ import annotations

import io
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pikepdf

from compressor_cli.sandbox import media

from .pictures import photo, saved

SOUND = "anoisesrc=color=pink:sample_rate=44100:duration=0.5:seed=1"
SIGHT = "testsrc2=size=64x64:rate=10:duration=0.5"
BEST = {
    "mp4": ["-c:v", "libx264", "-crf", "4", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "256k"],
    "webm": ["-c:v", "libvpx-vp9", "-crf", "4", "-b:v", "0", "-deadline", "realtime", "-cpu-used",
             "8", "-c:a", "libopus", "-b:a", "256k"],
    "mp3": ["-b:a", "320k"],
    "m4a": ["-c:a", "aac", "-b:a", "256k"],
    "wav": ["-c:a", "pcm_s24le"],
    "flac": ["-compression_level", "0"],
    "ogg": ["-c:a", "libvorbis", "-q:a", "9"],
}  # fmt: skip
BEST |= {"mov": BEST["mp4"], "mkv": BEST["mp4"], "opus": ["-c:a", "libopus", "-b:a", "256k"]}
VIDEO, AUDIO = ("mp4", "mov", "webm", "mkv"), ("mp3", "m4a", "wav", "flac", "ogg", "opus")


def clip(folder: Path, format: str, *more: str, sight: str = SIGHT, sound: str = "") -> Path:
    """Half a second of video or sound at high quality; `more` goes to ffmpeg."""
    target = folder / f"clip.{format}"
    inputs = ["-f", "lavfi", "-i", sight] if format in VIDEO else []
    subprocess.run(
        [media.program(), "-nostdin", "-v", "error", "-y", *inputs,
         "-f", "lavfi", "-i", sound or SOUND, *BEST[format], *more, target],
        check=True,
    )  # fmt: skip
    return target


def document(*pictures: tuple[int, int], text: str = "word ", **saving: object) -> bytes:
    """A PDF with a page for each picture, of this size, and plain text that can be packed."""
    pdf = pikepdf.new()
    for number, (width, height) in enumerate(pictures or [(0, 0)]):
        page = pdf.add_blank_page()
        words = f"BT ({text * 200}) Tj ET /Im Do".encode()
        page.obj.Contents = pdf.make_stream(words)
        if width:
            data = saved(photo(width, height, seed=number), "jpeg", quality=95)
            page.obj.Resources = pikepdf.Dictionary(
                XObject=pikepdf.Dictionary(Im=_image(pdf, data, width, height))
            )
    return stored(pdf, compress_streams=False, **saving)


def _image(pdf: pikepdf.Pdf, data: bytes, width: int, height: int) -> pikepdf.Stream:
    return pdf.make_stream(
        data,
        Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image, Width=width, Height=height,
        ColorSpace=pikepdf.Name.DeviceRGB, BitsPerComponent=8, Filter=pikepdf.Name.DCTDecode,
    )  # fmt: skip


def stored(pdf: pikepdf.Pdf, **saving: object) -> bytes:
    sink = io.BytesIO()
    pdf.save(sink, **saving)  # type: ignore[arg-type]
    return sink.getvalue()


def archive(members: Mapping[str, bytes], **options: object) -> bytes:
    """A ZIP with these members, packed quickly and badly."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for name, content in members.items():
            packed.writestr(name, content, **options)  # type: ignore[arg-type]
    return sink.getvalue()
