"""Compresses one picture or animation: opened as what it is, and by no more than its limits."""

from __future__ import annotations

import importlib
import struct
import warnings
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from compressor_cli.sandbox import images
from compressor_cli.sandbox.asked import Asked
from compressor_cli.sandbox.kinds import Kind
from compressor_cli.sandbox.limits import CannotCompress, Limits, writing

MAX_FRAMES = 2_000
DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError,
          AttributeError, OverflowError, RuntimeError, struct.error)  # fmt: skip


def compress(source: Path, target: Path, kind: Kind, asked: Asked, limits: Limits) -> None:
    """Write the picture to `target`. Raises CannotCompress or MemoryError."""
    try:
        data = _encoded(source, kind, asked, limits)
    except UnidentifiedImageError:
        raise CannotCompress(f"the file begins like {kind.name} but cannot be read") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise CannotCompress(_too_large("the image", limits)) from None
    except DAMAGE as error:
        raise CannotCompress(f"the {kind.name} file is damaged or unusual: {error}") from None
    with writing():
        target.write_bytes(data)


def _encoded(source: Path, kind: Kind, asked: Asked, limits: Limits) -> bytes:
    def change(frame: Image.Image) -> Image.Image:
        upright = ImageOps.exif_transpose(frame)
        return _fitted(upright, asked, limits) if asked.resized else upright

    importlib.import_module(kind.reader)  # the others stay out
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(source, formats=(kind.name,)) as image:
            _check_size(image, limits)
            return images.encode(images.read(image, change), kind.format, asked.level)


def _check_size(image: Image.Image, limits: Limits) -> None:
    pixels = image.width * image.height
    frames = getattr(image, "n_frames", 1)
    if frames > MAX_FRAMES:
        raise CannotCompress(f"the image has {frames:,} frames; the limit is {MAX_FRAMES:,}")
    if pixels * frames > limits.pixels:
        frame = f"{pixels:,} pixels" + (f" in each of {frames:,} frames" if frames > 1 else "")
        raise CannotCompress(_too_large(f"the image has {frame}, which", limits))


def _too_large(what: str, limits: Limits) -> str:
    return f"{what} is more than the {limits.pixels:,} pixels that this sandbox takes"


def _fitted(frame: Image.Image, asked: Asked, limits: Limits) -> Image.Image:
    """`frame` in the size asked for: covering the box and cropped, as `fit` does."""
    width, height = asked.width, asked.height
    size = (
        width or max(1, round(frame.width * height / frame.height)),
        height or max(1, round(frame.height * width / frame.width)),
    )
    if size[0] * size[1] > limits.pixels:
        raise CannotCompress(_too_large("the size asked for", limits))
    return ImageOps.fit(images.true_colour(frame), size, Image.Resampling.LANCZOS)
