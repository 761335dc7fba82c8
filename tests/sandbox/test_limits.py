"""What the sandbox does not take: too much, too slow, not well formed, or made to harm it."""

from __future__ import annotations

import io
import itertools
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from compressor_cli.sandbox.options import SandboxOptions
from compressor_cli.sandbox.running import running

from .conftest import Client, client_of, until
from .pictures import encoded, huge_png, photo, saved

MAX_BODY = 3_000_000
SMALL = 1 << 20


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """What the strict sandbox tells."""
    return []


@pytest.fixture(scope="module")
def strict(state: Path, lines: list[str]) -> Iterator[Client]:
    options = SandboxOptions(
        max_body=MAX_BODY, max_pixels=1_000_000, idle_seconds=0.5, state_dir=state
    )
    shown = running(options, on_request=lines.append)
    with shown as sandbox, client_of(sandbox) as client:
        yield client


@pytest.fixture(autouse=True)
def nothing_is_left(strict: Client, state: Path) -> Iterator[None]:
    """After each test the server answers, and no body that came half-way is on disk."""
    yield
    assert strict.get("/account").status_code == 200
    until(lambda: not list((state / "incoming").iterdir()))


def post(client: Client, content: Any, boundary: str = "b") -> Any:
    kind = f"multipart/form-data; boundary={boundary}" if boundary else "multipart/form-data"
    headers = {"Content-Type": kind}
    return client.http.post(f"{client.sandbox.api_url}/upload", content=content, headers=headers)


def part(name: str, content: str = "{}", more: str = "") -> str:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{content}\r\n'


NESTED = "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c--\r\n"
FILE, DATA, END = part("file", "x", '; filename="a"'), part("data"), "--b--\r\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (FILE + END, "data is missing"),
        (DATA + END, "file is missing"),
        (END, "file is missing"),
        (FILE + part("data", "[]") + END, "must be a JSON object"),
        (FILE + part("data", "{") + END, "data is not JSON"),
        (FILE + part("data", "[" * 100_000) + END, "data is not JSON"),
        (FILE + part("data", "\udcff") + END, "data is not JSON"),
        (FILE + FILE + DATA + END, "file comes twice"),
        (FILE + DATA + DATA + END, "data comes twice"),
        (FILE + part("more") + DATA + END, "only the parts file and data"),
        ("".join(part(f"p{number}") for number in range(30_000)), "only the parts"),
        (NESTED + END, "only the parts"),
        (FILE[:-3], "cannot be read"),
        ("--other\r\n\r\n", "cannot be read"),
        ("", "cannot be read"),
        ("--b\r\n" + "X: y\r\n" * 100_000, "cannot be read"),
        ("--b\r\nX: " + "y" * 1_000_000, "cannot be read"),
    ],
    ids=itertools.count(),
)  # fmt: skip
def test_bodies_that_are_not_right_are_refused(strict: Client, content: str, words: str) -> None:
    """With 400 and a reason."""
    answer = post(strict, content.encode(errors="surrogateescape"))
    assert (answer.status_code, answer.json()["success"]) == (400, False)
    assert words in answer.json()["message"]


def test_another_content_type_is_refused(strict: Client) -> None:
    for kind in ("application/json", "application/x-www-form-urlencoded"):
        url = f"{strict.sandbox.api_url}/upload"
        answer = strict.http.post(url, content=b"a=b", headers={"Content-Type": kind})
        assert (answer.status_code, "multipart" in answer.json()["message"]) == (400, True)
    assert post(strict, b"x", boundary="").status_code == 400


def chunks(count: int) -> Iterator[bytes]:
    yield FILE[:-3].encode()
    for _ in range(count):
        yield b"x" * SMALL


def test_a_body_above_the_limit_is_refused(strict: Client) -> None:
    """By its declared length at once, or by counting when none is declared."""
    declared = strict.upload(b"x" * MAX_BODY)
    assert declared.status_code == 413
    assert post(strict, chunks(4)).status_code == 413
    assert post(strict, part("data", "1" * (SMALL + 1)) + END).status_code == 413
    long = strict.fetch({"url": "x" * (SMALL + 1)})
    assert (long.status_code, long.json()["success"]) == (413, False)


def connected(client: Client) -> socket.socket:
    host, _, port = client.origin.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def head(client: Client, path: str = "/1.0/upload", more: str = "") -> bytes:
    host = client.origin.removeprefix("http://")
    return (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {client.sandbox.key}\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 999\r\n{more}\r\n"
    ).encode()


@pytest.mark.parametrize("sent", ["", FILE[:9], FILE[:-3]])
def test_a_body_that_stops_coming_times_out(strict: Client, sent: str) -> None:
    with connected(strict) as connection:
        connection.sendall(head(strict) + sent.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 408 ")


def test_connections_that_bring_no_request_are_ended(strict: Client) -> None:
    """Silent or dripping, and many at once, while others are served."""
    lingering = [connected(strict) for _ in range(50)]
    for connection in lingering[::2]:
        connection.sendall(b"POST /1.0/upload HTTP/1.1\r\nX-a: b\r\n")
    assert strict.get("/account").status_code == 200
    for connection in lingering:
        assert connection.recv(10) == b""
        connection.close()


def test_a_client_that_leaves_half_way_leaves_nothing(strict: Client, lines: list[str]) -> None:
    """It is no error of the server either."""
    lines.clear()
    jobs = strict.stats()["jobs"]
    with connected(strict) as connection:
        connection.sendall(head(strict) + FILE[:-3].encode())
    until(lambda: strict.stats()["requests"][-1]["status"] is None)
    assert strict.stats()["jobs"] == jobs
    assert not [line for line in lines if line.startswith("error")]


def test_an_upload_that_becomes_no_job_leaves_nothing(strict: Client) -> None:
    strict.control("POST", "faults", {"on": "upload", "status": 503})
    assert strict.upload().status_code == 503
    assert strict.control("GET", "faults").json()[0]["fired"] == 1


def test_garbage_is_answered_with_400(strict: Client) -> None:
    with connected(strict) as connection:
        connection.sendall(b"\x16\x03\x01 not HTTP\r\n\r\n")
        assert connection.recv(100).split()[1] == b"400"


def test_a_reader_that_stops_is_let_go() -> None:
    """A download of more than the buffers hold ends when nobody reads it."""
    large = saved(Image.new("RGB", (4000, 4000)), "bmp")
    data = '{"image": {"compression": "medium"}}'
    lines: list[str] = []
    shown = running(SandboxOptions(idle_seconds=0.3), on_request=lines.append)
    with shown as sandbox, client_of(sandbox) as client:
        job = client.upload(large, data).json()["id"]
        path = client.ended(job)["url"].removeprefix(client.origin)
        host = client.origin.removeprefix("http://")
        with connected(client) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            until(lambda: client.stats()["requests"][-1]["path"] == path)
        assert client.stats()["requests"][-1]["status"] is None
    assert not [line for line in lines if line.startswith("error")]


def frames(count: int) -> bytes:
    many = [photo(64, 64, seed=seed) for seed in range(count)]
    return saved(many[0], "gif", save_all=True, append_images=many[1:])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (huge_png(65_500), "pixels"),
        (frames(300), "300 frames"),
        (encoded("png")[:500], "damaged"),
        (encoded("jpeg")[:20], "cannot be read"),
        (b"GIF89a" + b"PK\x03\x04" * 100, "GIF"),
        (b"<svg><image href='file:///etc/passwd'/></svg>", "outside it"),
        (b"#EXTM3U\nhttp://127.0.0.1:1/a.ts\n", "a playlist"),
        (b"", "empty"),
    ],
    ids=["pixels", "frames", "cut", "header", "polyglot", "svg", "playlist", "empty"],
)
def test_harmful_files_end_in_a_failed_job(strict: Client, content: bytes, words: str) -> None:
    answer = strict.http.post(
        f"{strict.sandbox.api_url}/upload",
        files={"file": ("innocent.png", io.BytesIO(content))},
        data={"data": "{}"},
    )
    assert (answer.status_code, answer.json()["status"]) == (422, "failed")
    assert words in answer.json()["message"]
