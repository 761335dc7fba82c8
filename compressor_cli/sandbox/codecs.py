"""Compresses one file as its options ask; run as a program, in a process with hard limits.

The program takes `SOURCE TARGET` and, on stdin, `{"options": {…}, "limits": {…}}`; it prints
`{"format": "jpeg"}` or `{"message": "why not"}`. The API's words are those of the service.
"""

from __future__ import annotations

import importlib
import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from compressor_cli.sandbox import asked, kinds
from compressor_cli.sandbox.limits import (
    CannotCompress,
    Limits,
    end_with_parent,
    isolate,
    restrain,
    writing,
)


def compress(source: Path, target: Path, options: Mapping[str, object], limits: Limits) -> str:
    """Write the compressed `source` to `target` and return the name of its format.

    The original bytes are written when nothing smaller was found and no other size asked for.
    Raises CannotCompress.
    """
    kind = kinds.of(source)
    if kind is None:
        with source.open("rb") as file:
            raise CannotCompress(kinds.refusal(file.read(kinds.HEAD_BYTES)))
    codec = _codec(kind)
    if kind.format == "zip":
        kind = codec.inside(source)
    wish = asked.parse(options, kind)
    try:
        codec.compress(source, target, kind, wish, limits)
    except MemoryError:
        raise CannotCompress(
            f"compressing this {kind.name} needs more memory than allowed"
        ) from None
    if not wish.resized and target.stat().st_size >= source.stat().st_size:
        with writing():
            shutil.copyfile(source, target)
    return kind.format


def _codec(kind: kinds.Kind) -> Any:
    """The module for `kind`; the others, and what they need, stay out."""
    try:
        return importlib.import_module(f"compressor_cli.sandbox.{kind.codec}")
    except ModuleNotFoundError as error:
        raise CannotCompress(
            f"{kind.name} needs {error.name}: pip install 'compressor-cli[sandbox]'"
        ) from None


def run(source: Path, target: Path, asked: str) -> dict[str, Any]:
    """Compress as the JSON text `asked` says and return what the program prints."""
    order = json.loads(asked)
    limits = Limits(**order["limits"])
    restrain(limits)
    isolate()
    end_with_parent()
    try:
        return {"format": compress(source, target, order["options"], limits)}
    except CannotCompress as refusal:
        return {"message": str(refusal)}


def order(options: Mapping[str, object], limits: Limits) -> str:
    """The JSON text that `run` takes."""
    return json.dumps({"options": options, "limits": asdict(limits)})


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(Path(sys.argv[1]), Path(sys.argv[2]), sys.stdin.read())))
