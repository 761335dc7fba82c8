"""Start, stop and restart; what is shown meanwhile."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from PIL import Image

from compressor_cli.sandbox.journal import Journal, amount, printable
from compressor_cli.sandbox.options import SandboxOptions
from compressor_cli.sandbox.running import Sandbox, running

from .conftest import Client, client_of, until, working_in
from .pictures import encoded, saved

ROOT = Path(__file__).parents[2]
_SERVER = """
import signal, sys, time
from pathlib import Path
from compressor_cli.sandbox.running import SandboxOptions, running
options = SandboxOptions(state_dir=Path(sys.argv[1]), answers="later",
                         work_seconds=float(sys.argv[2]))
with running(options) as sandbox:
    signal.signal(signal.SIGINT, lambda *_: None)
    print(sandbox.api_url, sandbox.key, flush=True)
    time.sleep(60)
"""


def test_it_is_on_loopback_only_and_gone_within_a_second() -> None:
    """Also with a job at work and a request that is being held."""
    options = SandboxOptions(work_seconds=60)
    with running(options) as sandbox:
        assert sandbox.api_url.startswith("http://127.0.0.1:")
        assert sandbox.api_url.endswith("/1.0")
        assert sandbox.api_url.startswith(sandbox.outputs_url + "/")
        assert len(sandbox.key) >= 32
        client = Client(sandbox)
        ended: list[str] = []

        def hold() -> None:
            try:
                client.upload()
            except httpx.TransportError as error:
                ended.append(type(error).__name__)

        holding = threading.Thread(target=hold)
        holding.start()
        until(lambda: client.stats()["jobs"])
        begun = time.monotonic()
    assert time.monotonic() - begun < 1
    holding.join(5)
    assert len(ended) == 1
    with pytest.raises(httpx.ConnectError):
        client.plain.get(sandbox.api_url)
    client.close()


@pytest.mark.skipif(sys.platform != "linux", reason="others have no second loopback address")
def test_other_addresses_of_the_machine_are_closed() -> None:
    with running(SandboxOptions(outputs_port=0)) as sandbox:
        for url in (sandbox.api_url, sandbox.outputs_url):
            with pytest.raises(httpx.ConnectError):
                httpx.get(url.replace("127.0.0.1", "127.0.0.2"), trust_env=False)


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        for options in (SandboxOptions(port=port), SandboxOptions(outputs_port=port)):
            with pytest.raises(OSError, match=str(port)), running(options):
                pass


def test_a_state_that_cannot_be_read_is_an_error_of_the_start(tmp_path: Path) -> None:
    (tmp_path / "jobs" / "x").mkdir(parents=True)
    (tmp_path / "jobs" / "x" / "job.json").write_text("{")
    with pytest.raises(ValueError), running(SandboxOptions(state_dir=tmp_path)):
        pass


def test_jobs_links_and_key_survive_a_restart(tmp_path: Path) -> None:
    """On the same port even the links that were given out before."""
    folder = tmp_path / "state"
    with running(SandboxOptions(state_dir=folder)) as first, client_of(first) as client:
        body = client.upload().json()
        output = client.plain.get(body["url"]).content
        failed = client.upload(b"text").json()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "key").stat().st_mode) == 0o600
    port = int(first.api_url.split(":")[2].split("/")[0])
    with running(SandboxOptions(state_dir=folder, port=port)) as second:
        assert second == first
        with client_of(second) as client:
            again = client.get(f"/jobs/{body['id']}").json()
            assert {word: again[word] for word in ("input", "output")} == {
                word: body[word] for word in ("input", "output")
            }
            assert client.plain.get(body["url"]).content == output
            assert client.get(f"/jobs/{failed['id']}").json() == failed


@contextmanager
def separate(folder: Path, work_seconds: float) -> Iterator[tuple[Client, subprocess.Popen[str]]]:
    """A sandbox in a process of its own, the leader of a process group."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(folder), str(work_seconds)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    with process.stdout:
        url, key = process.stdout.readline().split()
        with client_of(Sandbox(url, "", key)) as client:
            yield client, process
        process.wait(10)


def test_an_empty_key_file_is_no_key(tmp_path: Path) -> None:
    """It would let everybody in: a fresh key takes its place."""
    (tmp_path / "key").touch()
    with running(SandboxOptions(state_dir=tmp_path)) as sandbox, client_of(sandbox) as client:
        assert len(sandbox.key) >= 32
        assert (tmp_path / "key").read_text() == sandbox.key
        assert client.plain.get(f"{sandbox.api_url}/account").status_code == 401


def test_killed_in_the_middle_it_goes_on_where_it_was(tmp_path: Path) -> None:
    """An unfinished job is queued again, a half-arrived body is gone, the same id answers."""
    with separate(tmp_path, 60) as (client, process):
        client.control("POST", "faults", {"on": "upload", "states": ["thawing", "processing"]})
        job = client.upload(encoded("png")).json()["id"]
        assert client.get(f"/jobs/{job}").json()["status"] == "thawing"
        record = tmp_path / "jobs" / job / "job.json"
        assert json.loads(record.read_text())["status"] == "processing"
        process.kill()
    (tmp_path / "incoming" / "half").write_bytes(b"x")
    options = SandboxOptions(state_dir=tmp_path)
    with running(options) as sandbox, client_of(sandbox) as client:
        assert not (tmp_path / "incoming" / "half").exists()
        assert client.get(f"/jobs/{job}").json()["status"] == "processing"
        assert client.ended(job)["status"] == "completed"


@pytest.mark.skipif(sys.platform != "linux", reason="finds the process in /proc")
def test_ctrl_c_at_a_terminal_fails_no_job(tmp_path: Path) -> None:
    """The signal goes to a whole group, but is for the sandbox alone and not for its work."""
    with separate(tmp_path, 0) as (client, process):
        job = client.upload(saved(Image.new("RGB", (4000, 4000)), "png")).json()["id"]
        until(lambda: working_in(tmp_path / "jobs" / job))
        os.killpg(process.pid, signal.SIGINT)
        assert client.ended(job)["status"] == "completed"
        process.kill()


def test_a_private_folder_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with running(SandboxOptions()) as sandbox:
        with client_of(sandbox) as client:
            client.upload()
        (folder,) = tmp_path.iterdir()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list(tmp_path.iterdir()) == []


def test_answers_can_be_forced() -> None:
    """Always now, even with a webhook; always later, even if small."""
    hook = '{"webhook": {"url": "http://127.0.0.1:1/"}}'
    now, later = SandboxOptions(answers="now"), SandboxOptions(answers="later")
    for options, data, status in ((now, hook, 200), (later, "{}", 202)):
        with running(options) as sandbox, client_of(sandbox) as client:
            assert client.upload(data=data).status_code == status


def test_service_time_is_added_and_work_shared(tmp_path: Path) -> None:
    """Two workers take two jobs at a time; the others wait as enqueued."""
    options = SandboxOptions(answers="later", work_seconds=0.8, workers=2, state_dir=tmp_path)
    with running(options) as sandbox, client_of(sandbox) as client:
        begun = time.monotonic()
        jobs = [client.upload().json()["id"] for _ in range(3)]
        assert until(lambda: client.get(f"/jobs/{jobs[1]}").json()["status"] == "processing")
        assert client.get(f"/jobs/{jobs[2]}").json()["status"] == "enqueued"
        assert client.ended(jobs[0])["status"] == "completed"
        assert time.monotonic() - begun >= 0.8
        assert client.ended(jobs[2])["status"] == "completed"
        assert time.monotonic() - begun >= 1.6


def test_lines_tell_what_happens_and_never_the_key() -> None:
    """One plain ASCII line for a request, a job's change and a webhook; names made harmless."""
    lines: list[str] = []
    shown = running(SandboxOptions(), on_request=lines.append)
    with shown as sandbox, client_of(sandbox) as client:
        hook = '{"webhook": {"url": "http://\x1b]0;x:1/"}}'.replace("\x1b", "\\u001b")
        body = client.upload(name="\u202ephoto é.jpg", data=hook).json()
        url = client.ended(body["id"])["url"]
        client.plain.get(url)
        client.get("/nothing")
        until(lambda: client.stats()["webhooks"])
    assert all(line.isprintable() and line.isascii() for line in lines)
    assert not [line for line in lines if sandbox.key in line or url in line]
    text = "\n".join(lines)
    assert "POST /1.0/upload  202  ?photo ?.jpg " in text
    assert f"job  {body['id']}  processing  ?photo ?.jpg" in text
    assert f"job  {body['id']}  completed  " in text
    assert f"webhook  {body['id']}  http://?]0;x:1/  not sent: " in text
    assert "GET /.../?photo ?.jpeg  200  ?photo ?.jpeg" in text
    assert "GET /1.0/nothing  404" in text


def test_an_error_of_the_server_itself_is_a_line(tmp_path: Path) -> None:
    """And a 500, and the next request is answered."""
    lines: list[str] = []
    shown = running(SandboxOptions(state_dir=tmp_path), on_request=lines.append)
    with shown as sandbox, client_of(sandbox) as client:
        (tmp_path / "incoming").rmdir()
        assert client.upload().status_code == 500
        (tmp_path / "incoming").mkdir()
        assert client.upload().status_code == 200
    assert [line for line in lines if line.startswith("error  ") and "FileNotFound" in line]


def test_text_for_a_terminal_is_reduced() -> None:
    assert printable("a\x1b[0m\u202eé\n\x9b\x7f") == "a?[0m??????"[:10]
    assert printable("x" * 300) == "x" * 300
    assert len(printable("x" * 9999)) == 300
    assert [amount(size) for size in (0, 999, 1200, 1_250_000, 3e15)] == [
        "0 B", "999 B", "1.2 kB", "1.2 MB", "3000.0 TB",
    ]  # fmt: skip
    Journal(None).line("nobody listens")
