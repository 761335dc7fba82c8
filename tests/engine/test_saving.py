"""A result's bytes, from the network to their place."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Faults
from raw import Connection, RawServer, Script, message, says
from running import KEY, Box
from sandbox.pictures import encoded

from compressor_cli.api.client import ApiClient
from compressor_cli.api.contract import Artifact, Job
from compressor_cli.api.http import BULK, Timeouts
from compressor_cli.api.outputs import OutputClient
from compressor_cli.engine import backoff
from compressor_cli.engine.body import UploadBody
from compressor_cli.engine.channel import Stopped
from compressor_cli.engine.gate import Gate
from compressor_cli.engine.part import Part
from compressor_cli.engine.patience import THROTTLES
from compressor_cli.engine.saving import FRESH_URLS, Means, Saved, save
from compressor_cli.engine.target import Target
from compressor_cli.errors import (
    BadResult,
    CompressorError,
    OutputProblem,
    ReaderGone,
    Refused,
    TemporaryTrouble,
)

from .clock import Hasty

CONTENT = bytes(range(256)) * 40
SHA1 = hashlib.sha1(CONTENT).hexdigest()


@dataclass
class Road:
    """A completed job, and all it takes to save its output."""

    means: Means
    crew: Hasty[object]
    api: ApiClient
    job: Job
    folder: Path
    received: list[tuple[int, int | None]]
    content: bytes = b""
    delays: list[tuple[CompressorError, float]] = field(default_factory=list)

    def save(self, goal: Target | None = None, **output: Any) -> Any:
        """Saved, or the error; `output` changes what the service promised. Nothing else is left."""
        job = replace(self.job, output=replace(self.job.output, **output))
        before = set(self.folder.iterdir()) | set(Path(tempfile.gettempdir()).glob(".compressor*"))
        goal = goal or Target(self.folder / "r.png")
        try:
            return save(
                job,
                goal,
                means=self.means,
                received=self._received,
                delayed=lambda error, wait: self.delays.append((error, wait)),
            )
        except CompressorError as error:
            after = set(self.folder.iterdir()) | set(
                Path(tempfile.gettempdir()).glob(".compressor*")
            )
            assert after == before
            return error

    def _received(self, done: int, whole: int | None) -> None:
        self.received.append((done, whole))

    @property
    def result(self) -> bytes:
        (only,) = self.folder.iterdir()
        return only.read_bytes()


@pytest.fixture
def closing() -> Iterator[list[Any]]:
    things: list[Any] = []
    yield things
    for thing in things:
        thing.close()


@pytest.fixture
def road_to(
    tmp_path: Path, closing: list[Any], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Road]:
    """Makes a road to the output of a job of that API."""
    (tmp_path / "tmp").mkdir()
    (tmp_path / "out").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))

    def make(api_url: str, job: Job | None = None) -> Road:
        api = ApiClient(api_url=api_url, key=KEY)
        outputs = OutputClient(api, timeouts=Timeouts(read=2.0))
        closing.extend([outputs, api])
        crew: Hasty[object] = Hasty()
        gate = Gate(clock=crew.clock, chance=lambda: 0.0)
        means = Means(crew, outputs, gate, lambda job_id: api.job(job_id).job, lambda: 1)
        return Road(means, crew, api, job or Job("j", "completed"), tmp_path / "out", [])

    return make


@pytest.fixture(scope="module")
def made(_shared_box: Box, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A completed job."""
    path = tmp_path_factory.mktemp("made") / "a.png"
    path.write_bytes(encoded("png", width=320, height=240))
    api = ApiClient(api_url=_shared_box.url, key=KEY)
    with UploadBody(path, label="", name="a.png", options={}, sent=lambda _d, _w: None) as body:
        job = api.upload(body).job
    api.close()
    assert job.output.size is not None
    assert job.output.size > 20_000
    return job


@pytest.fixture
def road(box: Box, made: Job, road_to: Callable[..., Road]) -> Road:
    """A road to an output of the sandbox."""
    road = road_to(box.url, made)
    with road.means.outputs.open(str(made.url), headers={}) as answer:
        road.content = answer.read(1 << 30)
    box.forget()
    return road


def ranges(box: Box) -> list[str | None]:
    """The Range headers of the downloads."""
    return [seen["range"] for seen in box.requests if seen["route"] == "output"]


def test_a_result_is_saved_whole(road: Road, box: Box) -> None:
    size = len(road.content)
    assert road.save() == Saved(road.folder / "r.png", size)
    assert road.result == road.content
    assert hashlib.sha1(road.result).hexdigest() == road.job.output.sha1
    assert road.received[-1] == (size, size)
    assert ranges(box) == [None]
    assert road.crew.slept == []


def test_a_result_takes_the_mode_of_what_it_replaces(road: Road) -> None:
    """A new one what the umask leaves."""
    road.save()
    path = road.folder / "r.png"
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    road.save(Target(path, replace=True, mode=0o604))
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


def test_a_cut_download_goes_on_where_it_was_cut(road: Road, box: Box, faults: Faults) -> None:
    """With Range and If-Range; as often as it makes headway."""
    cuts = backoff.ATTEMPTS + 3
    faults({"on": "output", "truncate": 1000, "times": cuts})
    assert isinstance(road.save(), Saved)
    assert road.result == road.content
    assert ranges(box) == [None, *(f"bytes={n}000-" for n in range(1, cuts + 1))]
    assert all("if-range" in seen["headers"] for seen in box.requests[1:])
    assert len(road.crew.slept) == cuts
    assert max(road.crew.slept) <= backoff.retry(1, chance=1.0)


def test_a_reset_download_is_tried_again(road: Road, faults: Faults) -> None:
    faults({"on": "output", "drop": "before", "times": backoff.ATTEMPTS - 1})
    assert isinstance(road.save(), Saved)
    assert road.result == road.content


@pytest.mark.parametrize("fault", [{"truncate": 0}, {"drop": "before"}, {"status": 502}])
def test_a_download_without_headway_is_given_up(
    road: Road, faults: Faults, fault: dict[str, Any]
) -> None:
    """After five tries in a row, with growing waits."""
    faults({"on": "output", **fault, "times": backoff.ATTEMPTS})
    assert type(road.save()) is TemporaryTrouble
    assert len(road.crew.slept) == backoff.ATTEMPTS - 1


def test_a_server_without_ranges_begins_again(road: Road, box: Box, faults: Faults) -> None:
    """It gave nothing that proves that the bytes are still the same."""
    faults(
        {"on": "output", "truncate": 5000, "no_range": True},
        {"on": "output", "truncate": 7000, "no_range": True},
    )
    assert isinstance(road.save(), Saved)
    assert road.result == road.content
    assert ranges(box) == [None, None, None]


def test_a_server_that_ignores_ranges_begins_again(road: Road, box: Box, faults: Faults) -> None:
    faults({"on": "output", "truncate": 5000}, {"on": "output", "no_range": True})
    assert isinstance(road.save(), Saved)
    assert road.result == road.content
    assert ranges(box) == [None, "bytes=5000-"]


def test_an_output_that_changed_begins_again(road: Road, box: Box, faults: Faults) -> None:
    """The rest of another file is never joined to what is here."""
    faults(
        {"on": "output", "truncate": 5000},
        {"on": "output", "body": "x" * 6, "status": 206, "headers": {
            "Content-Range": f"bytes 5000-5005/{road.job.output.size}", "ETag": '"other"'}},
    )  # fmt: skip
    assert isinstance(road.save(), Saved)
    assert road.result == road.content
    assert ranges(box) == [None, "bytes=5000-", None]


@pytest.mark.parametrize("etag", ['"same"', '"other"', None])
def test_only_the_same_bytes_are_joined(road_to: Callable[..., Road], etag: str | None) -> None:
    """A 206 that names another validator is not gone on with, even where no SHA-1 would tell."""
    headers = {"Content-Range": f"bytes 100-{len(CONTENT) - 1}/{len(CONTENT)}"}
    if etag is not None:
        headers["ETag"] = etag
    rest = CONTENT[100:] if etag != '"other"' else bytes(len(CONTENT) - 100)
    answers = [
        message(200, CONTENT[:100], {"ETag": '"same"'}, length=len(CONTENT)),
        message(206, rest, headers),
        message(200, CONTENT, {"ETag": '"other"'}),
    ]
    with RawServer(*map(says, answers)) as server:
        job = Job("j", "completed", url=server.url, output=Artifact(size=len(CONTENT)))
        road = road_to("http://127.0.0.1:1/1.0", job)
        assert isinstance(road.save(), Saved)
        assert road.result == CONTENT
        assert b'\r\nIf-Range: "same"\r\n' in server.received[1]
        assert len(server.received) == (3 if etag == '"other"' else 2)


def test_a_range_that_is_refused_begins_again(road: Road, faults: Faults) -> None:
    faults({"on": "output", "truncate": 5000}, {"on": "output", "status": 416})
    assert isinstance(road.save(), Saved)
    assert road.result == road.content


def test_one_wrong_byte_is_seen(road: Road, faults: Faults) -> None:
    """And nothing is left, not even of what was there before it was begun."""
    path = road.folder / "r.png"
    path.write_bytes(b"old")
    faults({"on": "output", "corrupt": True})
    error = road.save(Target(path, replace=True))
    assert type(error) is BadResult
    assert "SHA-1" in error.message
    assert road.result == b"old"


@pytest.mark.parametrize("size", [1, 1000, 10**9])
@pytest.mark.parametrize("sha1", [None, SHA1])
def test_another_size_than_promised(road: Road, size: int, sha1: str | None) -> None:
    error = road.save(size=size, sha1=sha1)
    assert type(error) is BadResult
    assert f"{size} were promised" in error.message


def test_a_body_that_is_longer_than_promised_is_left(road: Road, faults: Faults) -> None:
    """Where its length was not declared."""
    faults({"on": "output", "no_length": True})
    error = road.save(size=1000)
    assert type(error) is BadResult
    assert "longer than the promised 1000" in error.message
    assert max(done for done, _ in road.received) < len(road.content) + 1


def test_a_chunked_body_is_whole_when_it_says_so(road: Road, faults: Faults) -> None:
    """Also without size and SHA-1: its last chunk tells."""
    faults({"on": "output", "no_length": True})
    assert isinstance(road.save(size=None, sha1=None), Saved)
    assert road.result == road.content
    assert road.received[-1] == (len(road.content), None)


def test_a_declared_length_is_enough(road: Road) -> None:
    assert isinstance(road.save(size=None, sha1=None), Saved)
    assert road.result == road.content


@pytest.mark.parametrize(
    "known", [{}, {"sha1": None}, {"size": None}, {"size": None, "sha1": None}]
)
def test_a_page_instead_of_the_result(road: Road, faults: Faults, known: dict[str, Any]) -> None:
    faults({"on": "output", "body": "<html>sign in</html>", "content_type": "text/html; charset=x"})
    assert type(road.save(**known)) is BadResult


def test_a_page_may_be_the_result(road_to: Callable[..., Road]) -> None:
    with RawServer(says(message(200, b"<html>", {"Content-Type": "text/html"}))) as server:
        job = Job("j", "completed", url=server.url, output=Artifact(mime="text/html"))
        road = road_to("http://127.0.0.1:1/1.0", job)
        assert isinstance(road.save(), Saved)


def closing_after(content: bytes, *, headers: bytes = b"") -> Script:
    """A body that ends with the connection."""
    return says(b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n" + content)


@pytest.mark.parametrize(
    ("known", "sent", "outcome"),
    [
        ({"sha1": SHA1}, CONTENT, Saved),
        ({"size": len(CONTENT)}, CONTENT, Saved),
        ({}, CONTENT, BadResult),
        ({"sha1": SHA1}, CONTENT[:-1], BadResult),
        ({"size": len(CONTENT)}, CONTENT[:-1], TemporaryTrouble),
        ({"size": len(CONTENT), "sha1": SHA1}, CONTENT + b"x", BadResult),
        ({"size": 0, "sha1": hashlib.sha1().hexdigest()}, b"", Saved),
    ],
)
def test_a_body_that_ends_with_the_connection(
    road_to: Callable[..., Road], known: dict[str, Any], sent: bytes, outcome: type
) -> None:
    """Only a promised size or SHA-1 tells whether it is whole."""
    with RawServer(closing_after(sent)) as server:
        job = Job("j", "completed", url=server.url, output=Artifact(**known))
        assert type(road_to("http://127.0.0.1:1/1.0", job).save()) is outcome


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    "known", [{}, {"size": None}, {"sha1": None}, {"size": None, "sha1": None}]
)
def test_an_encoding_that_was_not_asked_for(
    road: Road, box: Box, faults: Faults, known: dict[str, Any], chunked: bool
) -> None:
    """The bytes are not the promised ones: discarded at once, not tried again and again."""
    faults({"on": "output", "gzip": True, "no_length": chunked})
    assert type(road.save(**known)) is BadResult
    assert len(ranges(box)) == 1


@pytest.mark.parametrize("known", [{}, {"size": len(CONTENT)}, {"sha1": SHA1}])
def test_an_encoding_that_makes_the_result_shorter(
    road_to: Callable[..., Road], known: dict[str, Any]
) -> None:
    """It looks as if it were cut, and is not worth another try if its SHA-1 is known."""
    packed = gzip.compress(CONTENT)
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed)
    head = b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"
    with RawServer(closing_after(chunks, headers=head)) as server:
        output = Artifact(**{"sha1": SHA1, **known})
        road = road_to(
            "http://127.0.0.1:1/1.0", Job("j", "completed", url=server.url, output=output)
        )
        assert type(road.save()) is BadResult
        assert len(server.received) == 1


def test_an_encoding_of_the_result_itself(road_to: Callable[..., Road]) -> None:
    """A stored `.svgz` comes with that header; its SHA-1 tells that all is well."""
    packed = gzip.compress(CONTENT)
    known = Artifact(size=len(packed), sha1=hashlib.sha1(packed).hexdigest())
    with RawServer(says(message(200, packed, {"Content-Encoding": "gzip"}))) as server:
        road = road_to(
            "http://127.0.0.1:1/1.0", Job("j", "completed", url=server.url, output=known)
        )
        assert isinstance(road.save(), Saved)
        assert road.result == packed


def test_a_link_that_has_ended(road: Road, box: Box, faults: Faults) -> None:
    """The job tells a fresh one."""
    faults({"on": "output", "status": 403, "times": FRESH_URLS, "body": "expired"})
    assert isinstance(road.save(), Saved)
    assert road.result == road.content
    assert [seen["route"] for seen in box.requests].count("job") == FRESH_URLS


def test_links_that_have_all_ended(road: Road, faults: Faults) -> None:
    faults({"on": "output", "status": 404, "times": FRESH_URLS + 1})
    error = road.save()
    assert type(error) is Refused  # and not NotKnown: the job is there
    assert "submit the file again" in error.hint


def test_a_cut_download_goes_on_at_a_fresh_link(road: Road, box: Box, faults: Faults) -> None:
    faults({"on": "output", "truncate": 5000}, {"on": "output", "status": 410})
    assert isinstance(road.save(), Saved)
    assert road.result == road.content
    assert ranges(box) == [None, "bytes=5000-", "bytes=5000-"]


def test_a_storage_that_asks_for_a_pause(road: Road, faults: Faults) -> None:
    """As long as it asks, and all others pause with us."""
    faults(
        {"on": "output", "status": 429, "headers": {"Retry-After": "7"}},
        {"on": "output", "status": 503},
    )
    assert isinstance(road.save(), Saved)
    assert road.crew.slept == [7.0, 10.0]
    assert [wait for _, wait in road.delays] == [7.0, 10.0], "and it is told"


def test_a_storage_that_never_stops_asking(road: Road, faults: Faults) -> None:
    """Given up after so many, as a submit is."""
    pause = {"status": 503, "headers": {"Retry-After": "9"}}
    faults({"on": "output", **pause, "times": THROTTLES})
    error = road.save()
    assert type(error) is TemporaryTrouble
    assert "pause of 9 s" in error.hint
    assert len(road.crew.slept) == THROTTLES - 1


def test_a_refusal_is_final(road: Road, faults: Faults) -> None:
    faults({"on": "output", "status": 400})
    assert type(road.save()) is Refused


def test_an_output_that_no_disk_holds(road: Road, box: Box) -> None:
    """Found out before it is fetched."""
    faults = {"on": "output", "no_length": True}
    box.script(faults)
    error = road.save(size=2**62, sha1=None)
    assert type(error) is OutputProblem
    assert "no space" in error.message
    assert road.received == [(0, 2**62)] or road.received == []


def test_the_end_of_the_command_stops_a_download(road: Road) -> None:
    """Nothing is left."""
    road.crew.dismiss()
    with pytest.raises(Stopped):
        road.save()
    assert list(road.folder.iterdir()) == []


def test_the_end_in_the_middle_of_a_download(road_to: Callable[..., Road]) -> None:
    def stops(connection: Connection) -> None:
        connection.request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc")
        road.crew.dismiss()
        connection.send(b"def")
        connection.drain()

    with RawServer(stops) as server:
        road = road_to("http://127.0.0.1:1/1.0", Job("j", "completed", url=server.url))
        with pytest.raises(Stopped):
            road.save()
        assert list(road.folder.iterdir()) == []


def test_a_long_result_is_written_as_it_comes(road_to: Callable[..., Road]) -> None:
    """Piece by piece, not kept in memory until it is whole; cut in between, it goes on there."""
    content = os.urandom(5_000_000)
    known = Artifact(size=len(content), sha1=hashlib.sha1(content).hexdigest())
    cut = message(200, content[:3_500_000], {"ETag": '"a"'}, length=len(content))
    span = f"bytes 3500000-4999999/{len(content)}"
    rest = message(206, content[3_500_000:], {"Content-Range": span})
    with RawServer(says(cut), says(rest)) as server:
        job = Job("j", "completed", url=server.url, output=known)
        road = road_to("http://127.0.0.1:1/1.0", job)
        assert isinstance(road.save(), Saved)
        assert road.result == content
        assert b"Range: bytes=3500000-\r\n" in server.received[1]
    steps = [done for done, _ in road.received]
    assert steps == sorted(steps)
    assert len(steps) >= 5


LONG = os.urandom(BULK * 4)


def long_road(road_to: Callable[..., Road], url: str) -> Road:
    """To a result whose bulk is read past the parser."""
    known = Artifact(size=len(LONG), sha1=hashlib.sha1(LONG).hexdigest())
    return road_to("http://127.0.0.1:1/1.0", Job("j", "completed", url=url, output=known))


def stops_at(count: int, how: Callable[[Connection], None]) -> Script:
    """Send so many bytes of it, then do that."""

    def script(connection: Connection) -> None:
        connection.request()
        connection.send(message(200, LONG[:count], {"ETag": '"a"'}, length=len(LONG)))
        how(connection)

    return script


def resumed(from_: int) -> Script:
    span = f"bytes {from_}-{len(LONG) - 1}/{len(LONG)}"
    return says(message(206, LONG[from_:], {"Content-Range": span}))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (lambda connection: connection.sock.close(), "the output was cut at|the connection to"),
        (lambda connection: connection.drain(), "does not answer: timed out"),
    ],
    ids=["closed", "silent"],
)
def test_trouble_in_the_bulk_of_a_long_result(
    road_to: Callable[..., Road], how: Callable[[Connection], None], said: str
) -> None:
    """It is as any other trouble: what came is kept, and the rest is asked for."""
    count = BULK * 2 + 12_345
    with RawServer(stops_at(count, how), resumed(count)) as server:
        road = long_road(road_to, server.url)
        assert isinstance(road.save(), Saved)
        assert road.result == LONG
        assert f"Range: bytes={count}-\r\n".encode() in server.received[1]
    ((error, _),) = road.delays
    assert isinstance(error, TemporaryTrouble)
    assert re.search(said, error.message)


def test_a_reset_in_the_bulk_of_a_long_result(road_to: Callable[..., Road]) -> None:
    """How much came before it is up to the system."""

    def continues(connection: Connection) -> None:
        head = connection.request()
        found = re.search(rb"Range: bytes=([0-9]+)-", head)
        if found is None:
            connection.send(message(200, LONG, {"ETag": '"a"'}))
        else:
            resumed(int(found[1]))(connection)
        connection.received = b""

    with RawServer(stops_at(BULK * 2, Connection.reset), continues) as server:
        road = long_road(road_to, server.url)
        assert isinstance(road.save(), Saved)
        assert road.result == LONG
    ((error, _),) = road.delays
    assert isinstance(error, TemporaryTrouble)


def test_a_long_result_ends_where_it_said(road_to: Callable[..., Road]) -> None:
    """What a server sends beyond is nobody's."""
    with RawServer(says(message(200, LONG + b"more", length=len(LONG)))) as server:
        road = long_road(road_to, server.url)
        assert isinstance(road.save(), Saved)
        assert road.result == LONG


def test_one_wrong_byte_in_the_bulk_of_a_long_result(road_to: Callable[..., Road]) -> None:
    wrong = bytearray(LONG)
    wrong[BULK * 3] ^= 1
    with RawServer(says(message(200, bytes(wrong)))) as server:
        assert type(long_road(road_to, server.url).save()) is BadResult


# Where it goes


def test_a_folder_that_is_not_there(road: Road, box: Box) -> None:
    """Found out before anything is asked for."""
    error = road.save(Target(road.folder / "none" / "r.png"))
    assert type(error) is OutputProblem
    assert "No such file" in error.message
    assert ranges(box) == []


def piped(road: Road, **output: Any) -> tuple[Any, bytes]:
    """The outcome of a result to stdout, and what came there."""
    read_end, write_end = os.pipe()
    got: list[bytes] = []

    def reads() -> None:
        with os.fdopen(read_end, "rb") as stream:
            got.append(stream.read())

    reader = threading.Thread(target=reads)
    reader.start()
    road.means = replace(road.means, stdout=lambda: write_end)
    outcome = road.save(Target(None), **output)
    os.close(write_end)
    reader.join(10)
    return outcome, got[0]


def test_a_result_to_stdout(road: Road) -> None:
    outcome, content = piped(road)
    assert outcome == Saved(None, len(road.content))
    assert content == road.content
    assert list(Path(tempfile.gettempdir()).iterdir()) == []


def test_nothing_unverified_reaches_stdout(road: Road, faults: Faults) -> None:
    """Not a byte."""
    faults({"on": "output", "corrupt": True})
    outcome, content = piped(road)
    assert type(outcome) is BadResult
    assert content == b""


def test_a_reader_that_is_gone(road: Road) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    road.means = replace(road.means, stdout=lambda: write_end)
    assert type(road.save(Target(None))) is ReaderGone
    os.close(write_end)


def test_a_device_that_is_full(road: Road) -> None:
    device = Path("/dev/full")
    error = road.save(Target(device, special=True))
    assert type(error) is OutputProblem
    assert error.message == "/dev/full cannot be written: No space left on device"
    assert stat.S_ISCHR(device.stat().st_mode)


def test_a_device_that_swallows_all(road: Road) -> None:
    """It stays a device."""
    device = Path("/dev/null")
    assert road.save(Target(device, special=True)) == Saved(device, len(road.content))
    assert stat.S_ISCHR(device.stat().st_mode)


def test_a_pipe_with_a_name(road: Road) -> None:
    pipe = road.folder / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    assert road.save(Target(pipe, special=True)) == Saved(pipe, len(road.content))
    reader.join(10)
    assert got == [road.content]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


FULL = """
import resource, signal, sys, json
from pathlib import Path
from compressor_cli.engine.crew import Crew
from compressor_cli.engine.part import Part
from compressor_cli.errors import OutputProblem

resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
said = ""
try:
    with Crew() as crew, Part(Path(sys.argv[1]), crew, mode=None) as part:
        part.write(bytes(90_000))
        part.write(bytes(90_000))
except OutputProblem as error:
    said = error.message
print(json.dumps(said))
"""


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    """In the middle of a result: said, and nothing is left."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "part")],
        capture_output=True,
        timeout=20,
        check=True,
    )
    assert json.loads(done.stdout) == f"the result cannot be written in {tmp_path}: File too large"
    assert list(tmp_path.iterdir()) == []


def test_a_part(tmp_path: Path) -> None:
    """It grows, begins anew, knows its digest, and is gone in the end."""
    crew: Hasty[object] = Hasty()
    with Part(tmp_path / "part", crew, mode=0o640) as part:
        assert stat.S_IMODE((tmp_path / "part").stat().st_mode) == 0o640
        part.write(b"")
        part.write(b"abc")
        part.write(b"def")
        assert (part.size, part.sha1()) == (6, hashlib.sha1(b"abcdef").hexdigest())
        part.start_over()
        part.write(b"x")
        assert (part.size, part.furthest, part.sha1()) == (1, 6, hashlib.sha1(b"x").hexdigest())
        part.sync()
        assert (tmp_path / "part").read_bytes() == b"x"
    assert list(tmp_path.iterdir()) == []


def test_a_part_whose_name_is_taken(tmp_path: Path) -> None:
    """It is not ours to write to, nor to remove."""
    crew: Hasty[object] = Hasty()
    (tmp_path / "part").write_bytes(b"theirs")
    (tmp_path / "link").symlink_to("elsewhere")
    for name in ("part", "link"):
        with pytest.raises(OutputProblem), Part(tmp_path / name, crew, mode=None):
            pytest.fail("it was opened")
    crew.dismiss()
    assert (tmp_path / "part").read_bytes() == b"theirs"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "part"]
