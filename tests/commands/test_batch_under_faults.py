"""A large batch under random trouble, and killed at random moments. Slow: for CI."""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image
from running import Compressor, boxed
from sandbox.pictures import encoded

KINDS = {"png": "png", "jpg": "jpeg", "webp": "webp", "gif": "gif", "bmp": "bmp"}
TROUBLE = [
    {"on": "upload", "status": 429, "headers": {"Retry-After": "1"}, "probability": 0.02},
    {"on": "upload", "status": 503, "headers": {"Retry-After": "1"}, "probability": 0.02},
    {"on": "upload", "drop": "before", "probability": 0.02},
    {"on": "upload", "drop": "after", "probability": 0.02},
    {"on": "upload", "fail": "out of luck", "probability": 0.03},
    {"on": "job", "status": 503, "probability": 0.03},
    {"on": "job", "drop": "before", "probability": 0.03},
    {"on": "output", "drop": "before", "probability": 0.03},
    {"on": "output", "truncate": 700, "probability": 0.03},
]

pytestmark = pytest.mark.slow


def forest(folder: Path, count: int) -> dict[Path, str]:
    """So many pictures of mixed formats in a tree, each with its SHA-1; all are different."""
    made = {}
    kinds = list(KINDS.items())
    for number in range(count):
        extension, kind = kinds[number % len(kinds)]
        path = folder / f"dir{number % 7}" / f"sub{number % 3}" / f"p{number}.{extension}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(kind, width=40 + number % 50, height=30 + number // 50))
        made[path] = hashlib.sha1(path.read_bytes()).hexdigest()
    return made


def trouble(seed: int) -> list[dict[str, object]]:
    return [{**fault, "seed": seed + at, "times": 10_000} for at, fault in enumerate(TROUBLE)]


def test_five_hundred_images_under_random_trouble(compressor: Compressor) -> None:
    """Each has a verified target or a named failure, none is accepted twice, none is changed."""
    made = forest(compressor.folder / "in", 500)
    with boxed(answers="later", workers=2) as box:
        compressor.env["COMPRESSOR_API_URL"] = box.url
        box.script(*trouble(1))
        done = compressor.start("compress", "in", "-o", "out", "--json", "-j", "32").ended(300)
        fired, stats = box.fired(), box.stats()
    assert all(fired), "every kind of trouble happened"
    rows = {row["path"]: row for row in done.records if row["kind"] == "file"}
    assert len(rows) == len(made)
    for path, digest in made.items():
        row = rows[str(path.relative_to(compressor.folder))]
        target = compressor.folder / "out" / path.relative_to(compressor.folder / "in")
        assert hashlib.sha1(path.read_bytes()).hexdigest() == digest
        assert stats["accepted_by_sha1"].get(digest, 0) <= 1
        if row["state"] == "failed":
            assert row["detail"]
            assert row["exit_code"] in (6, 7)
            assert not target.exists()
        else:
            assert target.stat().st_size == row["after"] <= row["before"]
    assert done.code in (1, 6, 7)


def test_killed_in_place_each_source_is_old_or_new(compressor: Compressor) -> None:
    """Never a mixture, never gone: what lies there is a whole picture, at every moment."""
    made = forest(compressor.folder / "in", 60)
    moments = random.Random(3)
    with boxed(workers=2) as box:
        compressor.env["COMPRESSOR_API_URL"] = box.url
        for _ in range(8):
            going = compressor.start("compress", "in", "--in-place", "-j", "2")
            with suppress(subprocess.TimeoutExpired):
                going.process.wait(moments.uniform(0.3, 0.6))
            going.process.send_signal(signal.SIGKILL)
            going.ended()
            for path in made:
                with Image.open(path) as picture:
                    picture.load()
        compressor.start("compress", "in", "--in-place").ended(60)
        new = [path for path, old in made.items() if sha1(path) != old]
        counts = box.stats()["accepted_by_sha1"]
    assert len(new) > len(made) / 3
    assert all(count == 1 for count in counts.values())


def sha1(path: Path) -> str:
    return hashlib.sha1(path.read_bytes()).hexdigest()


def test_killed_at_ten_random_moments_and_run_again(compressor: Compressor) -> None:
    """It ends with every file done or, where a kill hit the moment of acceptance, named.

    No source is accepted twice, whatever happens: who cannot know does not send again.
    """
    made = forest(compressor.folder / "in", 120)
    moments = random.Random(7)
    with boxed(answers="later", workers=2) as box:
        compressor.env["COMPRESSOR_API_URL"] = box.url
        words = ("compress", "in", "-o", "out", "--json")
        for _ in range(10):
            going = compressor.start(*words)
            with suppress(subprocess.TimeoutExpired):
                going.process.wait(moments.uniform(0.3, 1.2))
            going.process.send_signal(signal.SIGKILL)
            going.ended()
        done = compressor.start(*words).ended(120)
        counts = box.stats()["accepted_by_sha1"]
    assert set(counts.values()) == {1}
    failed = [row for row in done.records if row["kind"] == "file" and row["state"] == "failed"]
    assert all(row["exit_code"] == 7 for row in failed), "in doubt, and said so"
    in_doubt = {row["path"] for row in failed}
    for path, digest in made.items():
        name = str(path.relative_to(compressor.folder))
        assert counts.get(digest) == 1 or name in in_doubt
    targets = [path for path in (compressor.folder / "out").rglob("*") if path.is_file()]
    assert len(targets) == len(made) - len(failed)
