"""A thousand images against a sandbox of fixed service time, beside the ideal: work ÷ workers.

The second run over files that have not changed is measured in unchanged.py.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from measuring import Command, Ratio, Run, ratio, run, seconds
from place import KEY, Missing, Place
from servers import ending
from table import Line, Target, duration, memory

WORKERS = 4
WIDTH, HEIGHT = 420, 315
"""Pixels of an image that takes about 50 kB as a JPEG of quality 95."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """How it serves. `seconds`: added to each job's compression, which takes some 60 ms itself."""

    answers: str
    seconds: float
    at_once: int = 8  # so many jobs does the command have on their road


def measure(place: Place) -> Iterator[Line]:
    images, service = place.rounds(100, 1000), 0.05 if place.quick else 0.3
    try:
        folder = _images(place.new_folder("images"), images)
        # The first look comes after 1 s, as documented: 8 jobs at once are then at most 8 a second.
        for answers, at_once in (("auto", 8), ("later", 8), ("later", 16)):
            yield from _batch(place, folder, images, Sandbox(answers, service, at_once))
    except Missing as missing:
        yield Line("batch", "", str(missing))


def _batch(place: Place, folder: Path, images: int, sandbox: Sandbox) -> Iterator[Line]:
    settings = {
        "key": KEY,
        "workers": WORKERS,
        "work_seconds": sandbox.seconds,
        "answers": sandbox.answers,
    }
    script = str(Path(__file__).with_name("sandboxed.py"))
    runs: list[Run] = []
    ideals: list[float] = []
    with ending([sys.executable, script, json.dumps(settings)]) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        command = _command(place, folder, process.stdout.readline().strip(), sandbox.at_once)
        for _ in range(place.rounds(1, 3)):
            runs.append(run(command))
            process.stdin.write("\n")
            process.stdin.flush()
            done: dict[str, Any] = json.loads(process.stdout.readline())
            if done["jobs"] != images:
                raise Missing(f"{done['jobs']} of {images} images were compressed")
            ideals.append(done["seconds"] / WORKERS)
    how = "answered at once" if sandbox.answers == "auto" else "answered later"
    how += f", -j {sandbox.at_once}"
    what = f"batch, {images} images of 50 kB, {how}, {WORKERS} workers, {sandbox.seconds} s each"
    compared: Ratio = ratio([each.seconds for each in runs], ideals)
    ideal = f"work ÷ workers {duration(sorted(ideals)[len(ideals) // 2])}"
    yield Line(what, duration(seconds(runs)), ideal, compared, Target(1.15))
    yield memory(f"batch, {images} images, {how}: peak memory", runs)


def _command(place: Place, folder: Path, url: str, at_once: int) -> Command:
    out, state = place.folder / "batch-out", place.folder / "batch-state"
    lock = place.folder / "batch.lock"
    env = {**place.env(url), "COMPRESSOR_STATE_DIR": str(state)}

    def before() -> None:
        """As if it had never run: else jobs are taken up, not made."""
        shutil.rmtree(out, ignore_errors=True)
        shutil.rmtree(state, ignore_errors=True)
        lock.unlink(missing_ok=True)

    words = (
        "compress",
        str(folder),
        "-o",
        str(out),
        "--lock",
        str(lock),
        "--quiet",
        "-j",
        str(at_once),
    )
    return replace(place.ours(*words, env=env), before=before)


def _images(folder: Path, number: int) -> Path:
    """Photo-like pictures: gradients with noise, all different. Raises Missing without Pillow."""
    try:
        from PIL import Image
    except ImportError:
        raise Missing("Pillow is not installed: it comes with the extra [sandbox]") from None
    chance = random.Random(7)
    slopes = [Image.linear_gradient("L").rotate(turn) for turn in (0, 90, 180)]
    smooth = Image.merge("RGB", [slope.resize((WIDTH, HEIGHT)) for slope in slopes])
    for each in range(number):
        noise = [Image.frombytes("L", smooth.size, chance.randbytes(WIDTH * HEIGHT)) for _ in "RGB"]
        picture = Image.blend(smooth, Image.merge("RGB", noise), 0.08)
        picture.save(folder / f"{each:04}.jpg", quality=95)
    return folder
