"""Compresses one video or sound with ffmpeg, which is told what to read and nothing else."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
from pathlib import Path

from compressor_cli.sandbox.asked import Asked
from compressor_cli.sandbox.kinds import HEAD_BYTES, Kind
from compressor_cli.sandbox.limits import CannotCompress, Limits, end_with_parent

_THREADS = "2"
_KBITS = {"medium": "128k", "high": "96k", "ultra": "64k"}
_SPEECH = {"medium": "96k", "high": "64k", "ultra": "40k"}  # Opus needs less for the same
_VORBIS = {"medium": "4", "high": "2", "ultra": "0"}
_FLAC = {"medium": ("5", "anull"), "high": ("12", "anull"),  # both without any loss
         "ultra": ("12", "aformat=s16:8000|11025|16000|22050|32000")}  # fmt: skip
_X264 = {"medium": "26", "high": "30", "ultra": "34"}
_VP9 = {"medium": "36", "high": "44", "ultra": "52"}
_WAV = {
    "medium": ("pcm_s16le", "aformat=sample_rates=8000|11025|16000|22050|32000"),
    "high": ("adpcm_ms", "anull"),
    "ultra": ("adpcm_ms", "aformat=sample_rates=8000|11025|16000|22050"),
}
_STRICT = ("-xerror", "-err_detect", "crccheck+explode")  # or half a video would count as done
_CUT = b"File ended prematurely"  # the one damage after which it still ends with 0
_COVERS = ("mp3", "flac", "m4a")  # the sounds that may carry a picture
_MUXERS = {"m4a": "ipod", "mkv": "matroska"}  # where it is not the format's name


def compress(source: Path, target: Path, kind: Kind, asked: Asked, limits: Limits) -> None:
    """Write the video or sound to `target`. Raises CannotCompress."""
    if asked.width * asked.height > limits.pixels:
        raise CannotCompress(f"the size asked for is more than {limits.pixels:,} pixels")
    with source.open("rb") as file:
        head = file.read(HEAD_BYTES)
    words = _video(kind, asked) if kind.type == "video" else _sound(kind, asked.level, head)
    done = subprocess.run(
        [
            program(), "-hide_banner", "-nostdin", "-v", "error", "-threads", _THREADS,
            *_STRICT, "-max_pixels", str(limits.pixels), "-protocol_whitelist", "file,pipe",
            "-f", kind.reader, "-i", f"file:{source}",
            *words, "-threads", _THREADS, "-f", _MUXERS.get(kind.format, kind.format),
            "-y", f"file:{target}",
        ],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        preexec_fn=end_with_parent if os.name == "posix" else None, check=False,
    )  # fmt: skip
    if done.returncode < 0:
        raise CannotCompress(f"the compression was ended by its limits (code {done.returncode})")
    if done.returncode or _CUT in done.stderr:
        reason = _reason(done.stderr, source)
        raise CannotCompress(f"the {kind.name} file is damaged or unusual: {reason}")


def program() -> str:
    """The ffmpeg of this machine, or the one of the extra. Raises CannotCompress without either."""
    found = shutil.which("ffmpeg")
    if found:
        return found
    try:
        return str(importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        raise CannotCompress(
            "video and audio need ffmpeg: install it, or pip install "
            "'compressor-cli[sandbox-media]'"
        ) from None


def _video(kind: Kind, asked: Asked) -> list[str]:
    if kind.format == "webm":
        picture = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "0",
                   "-crf", _VP9[asked.level]]  # fmt: skip
        sound = ["-c:a", "libopus", "-b:a", _SPEECH[asked.level]]
    else:
        picture = ["-c:v", "libx264", "-preset", "veryfast", "-crf", _X264[asked.level]]
        sound = ["-c:a", "aac", "-b:a", _KBITS[asked.level]]
        if kind.reader == "mov":
            sound += ["-movflags", "+faststart"]
    streams = ["-map", "0:v:0?", "-map", "0:a?", "-map", "0:s?", "-c:s", "copy"]
    return [*streams, *picture, "-pix_fmt", "yuv420p", "-vf", _scale(asked), *sound]


def _scale(asked: Asked) -> str:
    """The filter that gives the size: covering the box and cropped; even, as the codecs want it."""
    width, height = asked.width + asked.width % 2, asked.height + asked.height % 2
    if width and height:
        box = f"{width}:{height}"
        return f"scale={box}:force_original_aspect_ratio=increase,crop={box}"
    if asked.resized:
        return f"scale={width or -2}:{height or -2}"
    return "scale=trunc(iw/2)*2:trunc(ih/2)*2"


def _sound(kind: Kind, level: str, head: bytes) -> list[str]:
    cover = ["-map", "0:v?", "-c:v", "copy"] if kind.format in _COVERS else []
    streams = ["-map", "0:a:0", *cover]
    if kind.format == "wav":
        codec, rate = _WAV[level]
        return [*streams, "-c:a", codec, "-af", rate]
    if kind.format == "flac":
        effort, rate = _FLAC[level]
        return [*streams, "-c:a", "flac", "-compression_level", effort, "-af", rate]
    if kind.format == "ogg" and b"OpusHead" not in head:
        return [*streams, "-c:a", "libvorbis", "-q:a", _VORBIS[level]]
    codecs = {"mp3": "libmp3lame", "ogg": "libopus", "m4a": "aac"}
    rates = _SPEECH if kind.format == "ogg" else _KBITS
    return [*streams, "-c:a", codecs[kind.format], "-b:a", rates[level]]


def _reason(said: bytes, source: Path) -> str:
    """The last line of ffmpeg, without where the file lies."""
    lines = said.decode(errors="replace").replace(str(source), "the file").splitlines() or [""]
    line = "".join(mark if mark.isprintable() else "?" for mark in lines[-1])
    return line[:200] or "ffmpeg gives no reason"
