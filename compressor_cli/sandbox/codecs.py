"""Compresses one file as its options ask; run as a program, in a process with hard limits.

The program takes `SOURCE TARGET` and, on stdin, `{"options": {…}, "limits": {…}}`; it prints
`{"format": "jpeg"}` or `{"message": "why not"}`. The API's words are those of the service.
"""

from __future__ import annotations

import importlib
import json
import struct
import sys
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

from compressor_cli.sandbox import images, kinds

MAX_FRAMES = 2_000
MAX_SIDE = 16_000  # pixels that may be asked of resize; WebP itself ends at 16,383
DEFAULT_LEVEL = "high"
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError,
           AttributeError, OverflowError, RuntimeError, struct.error)  # fmt: skip


class CannotCompress(Exception):
    """The file or its options are not fit for use; the text is meant for the user."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one compression may use: pixels over all frames, seconds of CPU, bytes."""

    pixels: int
    cpu_seconds: int
    memory: int
    file_size: int


def compress(source: Path, target: Path, options: Mapping[str, object], limits: Limits) -> str:
    """Write the compressed `source` to `target` and return the name of its format.

    The original bytes are written when nothing smaller was found and no other size asked for.
    Raises CannotCompress.
    """
    with source.open("rb") as file:
        head = file.read(kinds.HEAD_BYTES)
    kind = kinds.sniff(head)
    if kind is None:
        raise CannotCompress(kinds.refusal(head))
    section = options.get("image", {})
    if not isinstance(section, Mapping):
        raise CannotCompress("the option image must be an object")
    level = _level(section)
    resize = _resize(section, limits)
    try:
        data = _encoded(source, kind, level, resize, limits)
    except UnidentifiedImageError:
        raise CannotCompress(f"the file begins like {kind.pillow} but cannot be read") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise CannotCompress(_too_large("the image", limits)) from None
    except MemoryError:
        raise CannotCompress("compressing this image needs more memory than allowed") from None
    except _DAMAGE as error:
        raise CannotCompress(f"the {kind.pillow} file is damaged or unusual: {error}") from None
    if resize is None and len(data) >= source.stat().st_size:
        data = source.read_bytes()
    try:
        target.write_bytes(data)
    except OSError as error:
        raise CannotCompress(f"the output cannot be written: {error.strerror}") from None
    return kind.format


def _encoded(
    source: Path,
    kind: kinds.Kind,
    level: str,
    resize: Callable[[Image.Image], Image.Image] | None,
    limits: Limits,
) -> bytes:
    def change(frame: Image.Image) -> Image.Image:
        upright = ImageOps.exif_transpose(frame)
        return resize(upright) if resize else upright

    importlib.import_module(kind.plugin)  # the others stay out
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(source, formats=(kind.pillow,)) as image:
            _check_size(image, limits)
            return images.encode(images.read(image, change), kind.format, level)


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


def _level(section: Mapping[str, object]) -> str:
    level = section.get("compression", DEFAULT_LEVEL)
    if level not in images.LEVELS:
        allowed = ", ".join(images.LEVELS)
        raise CannotCompress(f"image.compression must be one of: {allowed}")
    return str(level)


def _resize(
    section: Mapping[str, object], limits: Limits
) -> Callable[[Image.Image], Image.Image] | None:
    """What brings a frame to the size asked for: covering the box and cropped, as `fit` does."""
    if "resize" not in section:
        return None
    box = section["resize"]
    if not isinstance(box, Mapping) or not ({"width", "height"} & box.keys()):
        raise CannotCompress("image.resize must be an object with width, height or both")
    for word in ("width", "height"):
        side = box.get(word, 1)
        if type(side) is not int or not 1 <= side <= MAX_SIDE:
            raise CannotCompress(f"image.resize.{word} must be a whole number, 1 to {MAX_SIDE:,}")
    width, height = box.get("width", 0), box.get("height", 0)

    def change(frame: Image.Image) -> Image.Image:
        size = (
            width or max(1, round(frame.width * height / frame.height)),
            height or max(1, round(frame.height * width / frame.width)),
        )
        if size[0] * size[1] > limits.pixels:
            raise CannotCompress(_too_large("the size asked for", limits))
        coloured = images.true_colour(frame)
        return ImageOps.fit(coloured, size, Image.Resampling.LANCZOS)

    return change


def restrain(limits: Limits) -> None:
    """Let the system end this process when it uses more than `limits`, where systems can."""
    try:
        import resource
    except ImportError:  # not on Windows: the wall limit of the parent remains
        return
    for what, amount in (
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_FSIZE, limits.file_size),
    ):
        _, most = resource.getrlimit(what)
        soft = amount if most == resource.RLIM_INFINITY else min(amount, most)
        with suppress(ValueError, OSError):  # macOS refuses some of them
            resource.setrlimit(what, (soft, most))


def run(source: Path, target: Path, asked: str) -> dict[str, Any]:
    """Compress as the JSON text `asked` says and return what the program prints."""
    order = json.loads(asked)
    limits = Limits(**order["limits"])
    restrain(limits)
    try:
        return {"format": compress(source, target, order["options"], limits)}
    except CannotCompress as refusal:
        return {"message": str(refusal)}


def order(options: Mapping[str, object], limits: Limits) -> str:
    """The JSON text that `run` takes."""
    return json.dumps({"options": options, "limits": asdict(limits)})


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(Path(sys.argv[1]), Path(sys.argv[2]), sys.stdin.read())))
