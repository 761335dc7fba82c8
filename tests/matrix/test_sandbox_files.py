"""Rows G4 and G5: files that are made to harm what opens them, handed over by the command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from raw import RawServer, message, says
from running import boxed, until
from sandbox.conftest import LIMITS
from sandbox.pictures import encoded, huge_png, saved
from sandbox.samples import archive, clip, document
from sandbox.test_documents import bomb, encrypted

from compressor_cli.sandbox import codecs

from .scene import Scene
from .tools import needs

ROOT = Path(__file__).parents[2]
MEGABYTE = 1 << 20


def dots(format: str, count: int) -> bytes:
    """An animation of so many frames of one pixel."""
    frames = [Image.new("L", (1, 1), number % 2 * 255) for number in range(count)]
    return saved(frames[0], format, save_all=True, append_images=frames[1:])


def harmful(folder: Path) -> dict[str, tuple[bytes, str]]:
    """Each file and what is said of it."""
    video = clip(folder, "mp4").read_bytes()
    return {
        "pixels.png": (huge_png(65_500), "the image is more than the 1,000,000 pixels"),
        "frames.gif": (dots("gif", 2_001), "2,001 frames; the limit is 2,000"),
        "frames.png": (dots("png", 2_001), "2,001 frames; the limit is 2,000"),
        "bomb.pdf": (bomb(64 * MEGABYTE), "the PDF unpacks to more"),
        "bomb.zip": (archive({"a": bytes(100 * MEGABYTE)}), "unpacks to 104,857,600 bytes"),
        "locked.pdf": (encrypted(""), "the PDF is encrypted"),
        "cut.png": (encoded("png")[:500], "damaged or unusual"),
        "cut.jpg": (encoded("jpeg")[:20], "cannot be read"),
        "cut.pdf": (document((8, 8))[:300], "damaged or unusual"),
        "cut.zip": (archive({"a": b"word " * 999})[:60], "damaged or unusual"),
        "cut.mp4": (video[: len(video) // 2], "damaged or unusual"),
        "gif and zip.gif": (b"GIF89a" + archive({"a": b"b"}), "GIF"),
        "pdf and page.pdf": (b"%PDF-1.4<html><script>alert(1)</script>", "damaged or unusual"),
        "mp4 and page.mp4": (video[:32] + b"<html>" + b"#EXTM3U\nhttp://a/" * 9, "damaged"),
        "tar.gz": (b"\x1f\x8b\x08" + bytes(50), "a gzip archive"),
    }


@pytest.mark.row("G4")
def test_harmful_files_end_in_failed_jobs(scene: Scene, tmp_path: Path) -> None:
    """All of them in one run, each with its own reason; a good file among them is done."""
    state = tmp_path / "state"
    files = harmful(tmp_path)
    with boxed(max_body=32 * MEGABYTE, max_pixels=1_000_000, state_dir=state) as box:
        scene.api(box)
        for name, (content, _) in files.items():
            scene.source(name, content)
        scene.source("good.png")
        done = scene.run("submit", *files, "good.png", "-o", "out/", "--json", code=6, within=30)
        told = {str(record["source"]): record for record in done.records}
        for name, (_, words) in files.items():
            assert told[name]["state"] == "failed", told[name]
            assert words in told[name]["error"]["message"], name
            assert str(tmp_path) not in told[name]["error"]["message"]
        assert told["good.png"]["state"] == "completed"
        assert not list(state.glob("jobs/*/work-*"))
        assert not list((state / "incoming").iterdir())


@pytest.mark.row("G4")
@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ({"codec_memory": 300 * MEGABYTE}, "needs more memory than allowed"),
        ({"codec_seconds": 0.05}, "the compression took longer than 0.05 seconds"),
    ],
    ids=["memory", "time"],
)
def test_a_worker_is_ended_by_its_limits(
    scene: Scene, tmp_path: Path, limit: dict[str, float], reason: str
) -> None:
    """Only its job fails, and nothing of it stays at work."""
    scene.source("wide.png", saved(Image.new("RGB", (9000, 8000)), "png"))
    with boxed(state_dir=tmp_path / "state", **limit) as box:
        scene.api(box)
        done = scene.run("submit", "wide.png", "-o", "small.png", code=6)
        assert reason in done.stderr
        until(lambda: not working_below(tmp_path / "state"))
        assert not list((tmp_path / "state").glob("jobs/*/work-*"))
        scene.run("jobs", code=0)
        assert box.stats()["jobs"] == 1


def working_below(folder: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            at = (process / "cwd").readlink()
        except OSError:
            continue
        if folder in at.parents:
            found.append(process.name)
    return found


TAGGED = (  # ffmpeg looks behind the tag: left to itself it plays the list
    "ID3\x04\0\0\0\0\0\0#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n"
    "file://{file}\n#EXT-X-ENDLIST\n"
)
POINTERS = {
    "hls.mp4": ("#EXTM3U\n#EXTINF:1,\nfile://{file}\n#EXTINF:1,\n{url}/a.ts\n", "a playlist"),
    "hls.png": ("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI={url}/key\n{url}/a.ts\n", "a playlist"),
    "dash.mp4": ("<?xml version='1.0'?><MPD><BaseURL>{url}/</BaseURL></MPD>", "a playlist"),
    "concat.mp4": ("ffconcat version 1.0\nfile '{file}'\nfile '{url}/a.mp4'\n", "a playlist"),
    "list.mp3": ("[playlist]\nFile1={url}/a.mp3\n", "a playlist"),
    "session.mp4": ("v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 9 RTP/AVP 0\n", "text"),
    "tagged.mp3": (TAGGED, "the MP3 file"),
    "file.png": ("<svg xmlns='a'><image href='file://{file}'/></svg>", "outside it"),
    "net.mp4": ("<svg xmlns='a'><image href='{url}/a.png'/></svg>", "outside it"),
    "style.png": ("<svg><style>@import '{url}/a.css';</style></svg>", "outside it"),
    "entity.png": ("<!DOCTYPE svg [<!ENTITY a SYSTEM '{file}'>]><svg>&a;</svg>", "entities"),
}


def secret_file(folder: Path) -> Path:
    """What the files point to: a sound that could well be read."""
    return clip(folder, "mp3").rename(folder / "secret.mp3")


@pytest.mark.row("G5")
def test_files_that_point_elsewhere_are_refused_by_content(scene: Scene, tmp_path: Path) -> None:
    """Whatever their names say; nobody is called."""
    secret = secret_file(tmp_path)
    with RawServer(says(message(body=b"x"))) as private, boxed() as box:
        scene.api(box)
        scene.stranger(private)
        for name, (text, _) in POINTERS.items():
            scene.source(name, text.format(file=secret, url=private.url).encode("latin-1"))
        done = scene.run("submit", *POINTERS, "-o", "out/", "--json", code=6, within=30)
        told = {str(record["source"]): record for record in done.records}
        for name, (_, words) in POINTERS.items():
            assert told[name]["state"] == "failed"
            assert words in told[name]["error"]["message"], told[name]
        assert private.received == []
        scene.source("good.png")
        scene.run("submit", "good.png", "-o", "good.small.png", code=0)


@pytest.mark.row("G5")
@pytest.mark.parametrize("name", ["tagged.mp3", "hls.mp4", "concat.mp4", "file.png", "good.mp4"])
def test_the_codec_opens_no_socket_and_no_other_file(
    scene: Scene, tmp_path: Path, name: str
) -> None:
    """Seen by strace; a good video makes no connection either."""
    needs("strace")
    secret, log = secret_file(tmp_path), tmp_path / "log"
    text, words = POINTERS.get(name, ("", ""))
    content = text.format(file=secret, url="http://127.0.0.1:9").encode("latin-1")
    source = scene.source(name, content or clip(tmp_path, "mp4").read_bytes())
    traced = subprocess.run(
        ["strace", "-f", "-qq", "-e", "trace=connect,sendto,execve,open,openat", "-o", log,
         sys.executable, "-m", "compressor_cli.sandbox.codecs", source, tmp_path / "output"],
        input=codecs.order({}, LIMITS).encode(), capture_output=True, check=True, cwd=ROOT,
    )  # fmt: skip
    answer = json.loads(traced.stdout)
    assert words in answer.get("message", "") if words else answer == {"format": "mp4"}
    seen = log.read_text()
    assert f'"{source}"' in seen or f"file:{source}" in seen
    assert "connect(" not in seen
    assert "sendto(" not in seen
    assert not [line for line in seen.splitlines() if "secret" in line and "open" in line]
    with boxed() as box:
        scene.api(box)
        scene.run("submit", name, "-o", "out/", code=6 if words else 0)
