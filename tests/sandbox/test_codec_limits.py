"""What compression refuses: other kinds, damage, bombs, and work beyond its limits."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from compressor_cli.sandbox import codecs, kinds, limits, pictures
from compressor_cli.sandbox.limits import CannotCompress, Limits
from compressor_cli.sandbox.options import SandboxOptions
from compressor_cli.sandbox.running import running

from .conftest import LIMITS, Squeeze, client_of, until, working_in
from .pictures import FORMATS, encoded, huge_png, photo, saved


def test_kinds_are_told_by_content() -> None:
    for format in FORMATS:
        kind = kinds.sniff(encoded(format, width=8, height=8)[: kinds.HEAD_BYTES])
        assert kind is not None
        assert (kind.format, kind.mime) == (format, f"image/{format}")


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"", "an empty file"),
        (b"\x1f\x8b\x08", "a gzip archive"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC picture"),
        (b"\0\0\0\x18ftypxxxx\0\0\0\0xxxx", "an MP4 of an unknown brand"),
        (b"RIFF\0\0\0\0AVI ", "a RIFF file, but neither WebP nor WAV"),
        (b"#EXTM3U\nfile:///etc/passwd", "a playlist"),
        (b"ffconcat version 1.0\nfile '/etc/passwd'", "a playlist"),
        (b"<?xml?><MPD><BaseURL>file:///etc/</BaseURL></MPD>", "a playlist"),
        (b"<!DOCTYPE svg [<!ENTITY a 'b'>]><svg>&a;</svg>", "an SVG drawing that defines entities"),
        (b"hello", "text"),
        (b"\0\1\2", "of no known type"),
    ],
)
def test_what_is_not_taken_is_named_and_refused(squeeze: Squeeze, head: bytes, words: str) -> None:
    """Playlists and drawings that point to files are refused by their content, never opened."""
    with pytest.raises(CannotCompress, match=f"this is {words}.*JPEG, PNG"):
        squeeze(head)


@pytest.mark.parametrize("side", [1001, 9400, 65_500])
def test_too_many_pixels_are_refused_before_decoding(squeeze: Squeeze, side: int) -> None:
    """A few hundred bytes that promise gigabytes of pixels."""
    with pytest.raises(CannotCompress, match="more than the 1,000,000 pixels"):
        squeeze(huge_png(side))


def test_frames_count_as_pixels_and_are_limited(squeeze: Squeeze) -> None:
    frames = [photo(16, 16, seed=seed) for seed in range(5)]
    content = saved(frames[0], "gif", save_all=True, append_images=frames[1:])
    few = Limits(pixels=1000, cpu_seconds=60, memory=4 << 30, file_size=1 << 30)
    with pytest.raises(
        CannotCompress, match="in each of 5 frames, which is more than the 1,000 pixels"
    ):
        squeeze(content, few)
    dots = [Image.new("L", (1, 1), number % 2 * 255) for number in range(pictures.MAX_FRAMES + 1)]
    content = saved(dots[0], "gif", save_all=True, append_images=dots[1:])
    with pytest.raises(CannotCompress, match="2,001 frames; the limit is 2,000"):
        squeeze(content)


@pytest.mark.parametrize("format", FORMATS)
def test_damaged_files_are_refused_in_words(squeeze: Squeeze, format: str, tmp_path: Path) -> None:
    """Cut off, and with bytes changed at random: a reason or an image, never another exception."""
    content = encoded(format, width=48, height=32)
    chance = random.Random(5)
    reasons = []
    for number in range(60):
        broken = bytearray(content)
        if number < 10:
            broken = broken[: 16 + number * len(broken) // 20]
        else:
            for _ in range(8):
                broken[chance.randrange(16, len(broken))] = chance.randrange(256)
        try:
            squeeze(bytes(broken))
        except CannotCompress as refusal:
            reasons.append(str(refusal))
    assert reasons
    assert not [reason for reason in reasons if str(tmp_path) in reason]


def program(source: Path, target: Path, limits: Limits, **environment: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "compressor_cli.sandbox.codecs", source, target],
        input=codecs.order({"image": {"compression": "ultra"}}, limits),
        env={**environment, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_the_program_answers_in_json(tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_bytes(encoded("webp"))
    assert program(source, target, LIMITS, **os.environ) == {"format": "webp"}
    assert target.stat().st_size < source.stat().st_size
    source.write_text("text")
    assert "this is text" in program(source, target, LIMITS, **os.environ)["message"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_an_output_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.write_bytes(encoded("png"))
    with pytest.raises(CannotCompress, match="cannot be written: Is a directory"):
        codecs.compress(source, tmp_path, {}, LIMITS)
    small = Limits(pixels=1_000_000, cpu_seconds=60, memory=4 << 30, file_size=100)
    assert (
        "cannot be written: File too large" in program(source, tmp_path / "out", small)["message"]
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_the_limits_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Soft limits, never above the hard ones that are there; nothing where there are none."""
    import resource

    done: dict[int, tuple[int, int]] = {}
    monkeypatch.setattr(resource, "getrlimit", lambda what: (0, 70 if what == 0 else -1))
    monkeypatch.setattr(resource, "setrlimit", lambda what, pair: done.__setitem__(what, pair))
    limits.restrain(Limits(pixels=1, cpu_seconds=99, memory=2, file_size=3))
    assert done[resource.RLIMIT_CPU] == (70, 70)
    assert done[resource.RLIMIT_AS] == (2, -1)
    assert done[resource.RLIMIT_FSIZE] == (3, -1)
    monkeypatch.setitem(sys.modules, "resource", None)
    limits.restrain(LIMITS)


def test_a_compression_that_takes_too_long_is_ended() -> None:
    """Its process is killed at the limit, and the server goes on."""
    with running(SandboxOptions(codec_seconds=0.001)) as sandbox, client_of(sandbox) as client:
        begun = time.monotonic()
        body = client.upload().json()
        assert body["message"] == "the compression took longer than 0.001 seconds"
        assert time.monotonic() - begun < 5
        assert client.get("/account").status_code == 200


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_a_compression_that_needs_too_much_memory_is_a_failed_job() -> None:
    wide = saved(Image.new("RGB", (9000, 8000)), "png")
    options = SandboxOptions(codec_memory=300 << 20)
    with running(options) as sandbox, client_of(sandbox) as client:
        body = client.upload(wide).json()
        assert body["status"] == "failed"
        assert "more memory than allowed" in body["message"]


@pytest.mark.skipif(sys.platform != "linux", reason="finds the process in /proc")
def test_a_process_that_dies_is_a_failed_job(tmp_path: Path) -> None:
    """Whatever kills it, only the job fails and the server goes on."""
    slow = saved(Image.new("RGB", (6000, 6000)), "png")
    options = SandboxOptions(state_dir=tmp_path, answers="later")
    with running(options) as sandbox, client_of(sandbox) as client:
        job = client.upload(slow).json()["id"]
        home = tmp_path / "jobs" / job
        os.kill(until(lambda: working_in(home)), signal.SIGKILL)
        assert client.ended(job)["message"] == "the compression was ended by its limits (code -9)"
        assert client.ended(client.upload().json()["id"])["status"] == "completed"
