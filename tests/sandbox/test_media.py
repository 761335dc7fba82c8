"""Video and audio: smaller at each level, and still what they were; what is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from matrix.tools import needs

from compressor_cli.sandbox import codecs, kinds, media
from compressor_cli.sandbox.limits import CannotCompress, Limits
from compressor_cli.sandbox.options import SandboxOptions
from compressor_cli.sandbox.running import running

from .conftest import LIMITS, Client, client_of, until
from .samples import AUDIO, VIDEO, clip

TONES = "aevalsrc=0.4*sin(2*PI*440*t*(1+t))+0.3*sin(2*PI*1330*t)+0.01*random(0):d=0.5:s=44100"


def squeezed(source: Path, level: str = "high", limits: Limits = LIMITS, **more: Any) -> Path:
    kind = kinds.of(source)
    assert kind is not None
    target = source.with_name(f"{level}.{kind.format}")
    section = {"compression": level, **more}
    assert codecs.compress(source, target, {kind.type: section}, limits) == kind.format
    return target


def probed(path: Path) -> dict[str, Any]:
    """What another program reads, decoded to its end without an error."""
    needs("ffprobe")
    told = subprocess.run(
        ["ffprobe", "-v", "error", "-of", "json", "-count_frames", "-show_streams",
         "-show_format", path],
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    assert told.stderr == ""
    read: dict[str, Any] = json.loads(told.stdout)
    return read


@pytest.mark.parametrize("format", [*VIDEO, *AUDIO])
def test_each_level_is_smaller_than_the_one_before(tmp_path: Path, format: str) -> None:
    """In the same container, as long as before, and readable by another program."""
    source = clip(tmp_path, format, sound=TONES if format == "flac" else "")
    least = 0.99 if format == "flac" else 0.95
    sizes = [source.stat().st_size]
    before = probed(source)
    for level in ("medium", "high", "ultra"):
        output = squeezed(source, level)
        sizes.append(output.stat().st_size)
        after = probed(output)
        assert after["format"]["format_name"] == before["format"]["format_name"]
        assert float(after["format"]["duration"]) == pytest.approx(0.5, abs=0.15)
        kind = [stream["codec_type"] for stream in after["streams"]]
        assert kind == (["video", "audio"] if format in VIDEO else ["audio"])
    for larger, smaller in pairwise(sizes):
        assert smaller < larger * least


@pytest.mark.parametrize(
    ("resize", "size"),
    [
        ({"width": 32, "height": 16, "mode": "fit"}, (32, 16)),
        ({"width": 32}, (32, 32)),
        ({"height": 15}, (16, 16)),
    ],
)
def test_a_video_is_brought_to_the_size_asked_for(
    tmp_path: Path, resize: dict[str, int], size: tuple[int, int]
) -> None:
    """Covered and cropped; to even sides, as the codecs want them."""
    output = squeezed(clip(tmp_path, "mp4"), resize=resize)
    picture = probed(output)["streams"][0]
    assert (picture["width"], picture["height"]) == size


def test_a_sound_cannot_be_resized(tmp_path: Path) -> None:
    with pytest.raises(CannotCompress, match=r"audio.resize is not possible: this is MP3"):
        squeezed(clip(tmp_path, "mp3"), resize={"width": 2})


def test_a_video_of_too_many_pixels_is_refused(tmp_path: Path) -> None:
    """Before its frames are made room for, and not made larger than allowed either."""
    source = clip(tmp_path, "mp4")
    few = Limits(pixels=4_000, cpu_seconds=60, memory=4 << 30, file_size=1 << 30)
    with pytest.raises(CannotCompress, match="damaged or unusual"):
        squeezed(source, limits=few)
    with pytest.raises(CannotCompress, match="more than 4,000 pixels"):
        squeezed(source, limits=few, resize={"width": 100, "height": 100})


@pytest.mark.parametrize("format", ["mp4", "mkv", "flac", "ogg"])
def test_a_damaged_file_is_refused_in_words(tmp_path: Path, format: str) -> None:
    """The reason names no folder of this machine."""
    source = clip(tmp_path, format)
    content = source.read_bytes()
    half = len(content) // 2
    for damaged in (content[:half], content[:half] + b"\xff" * 600 + content[half + 600 :]):
        source.write_bytes(damaged)
        with pytest.raises(CannotCompress, match=f"{format.upper()} file is damaged") as refusal:
            squeezed(source)
        assert str(tmp_path) not in str(refusal.value)


def test_without_ffmpeg_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither on PATH nor from the extra; with the extra alone it works."""
    source = clip(tmp_path, "mp3")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert squeezed(source).stat().st_size < source.stat().st_size
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(CannotCompress, match=r"ffmpeg: .* 'compressor-cli\[sandbox-media\]'"):
        squeezed(source)


@pytest.fixture
def hooked(tmp_path: Path) -> Any:
    options = SandboxOptions(state_dir=tmp_path / "state", slow_seconds=1, workers=1)
    with running(options) as sandbox, client_of(sandbox) as client:
        yield client


def test_video_is_answered_later_and_told_as_such(hooked: Client, tmp_path: Path) -> None:
    """Enqueued, then completed, with the type and the extension of what it is."""
    source = clip(tmp_path, "mov")
    answer = hooked.upload(source.read_bytes(), name="holiday.avi")
    assert (answer.status_code, answer.json()["status"]) == (202, "enqueued")
    output = hooked.ended(answer.json()["id"])["output"]
    assert (output["name"], output["type"]) == ("holiday.mov", "video")
    assert output["mime"] == "video/quicktime"


@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes in /proc")
def test_ffmpeg_is_ended_with_the_job_that_takes_too_long(hooked: Client, tmp_path: Path) -> None:
    """And the folder that it worked in is gone; the state says processing meanwhile."""
    short = clip(tmp_path, "mkv", sight="testsrc2=size=640x360:rate=30:duration=0.5")
    long = tmp_path / "long.mkv"
    loop = ["-stream_loop", "200", "-i", short, "-c", "copy", long]
    subprocess.run([media.program(), "-nostdin", "-v", "error", *loop], check=True)
    job = hooked.upload(long.read_bytes()).json()["id"]
    home = tmp_path / "state" / "jobs" / job
    until(lambda: _ffmpeg(home))
    assert hooked.get(f"/jobs/{job}").json()["status"] == "processing"
    assert hooked.ended(job)["message"] == "the compression took longer than 1 seconds"
    until(lambda: not _ffmpeg(home))
    assert not list(home.glob("work-*"))


def _ffmpeg(home: Path) -> bool:
    """Whether one is at work in this job's folder."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            at = (process / "cwd").readlink()
            program = (process / "exe").readlink().name
        except OSError:
            continue
        if at.parent == home and program.startswith("ffmpeg"):
            return True
    return False


def test_both_programs_are_found_here() -> None:
    """The tests above mean little where none is: the extra brings one everywhere."""
    import imageio_ffmpeg

    assert shutil.which("ffmpeg") or imageio_ffmpeg.get_ffmpeg_exe()
