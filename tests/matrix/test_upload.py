"""Rows B: what the network may do while a file is handed over."""

from __future__ import annotations

import time
from shlex import quote

import pytest
from conftest import Faults
from PIL import Image
from running import Box
from sandbox.pictures import saved

from .injected import Injected
from .proxy import FINE, Proxy, Way, Weather
from .scene import Scene, sha1
from .tools import needs, needs_own_network

LARGE = saved(Image.new("RGB", (2400, 1200)), "bmp")
"""More than the buffers of the system hold, so that an upload can be caught half-way."""

IN_DOUBT = (
    "it was not sent again, since that might be paid twice; "
    "look in the dashboard of the service before you submit it anew"
)


@pytest.mark.row("B1", "B2")
@pytest.mark.parametrize("status", [429, 503])
def test_a_request_to_pause_is_kept_and_the_same_is_sent_again(
    scene: Scene, box: Box, faults: Faults, status: int
) -> None:
    """Two seconds and a little, from a new file handle: the service gets the same bytes twice."""
    source = scene.source("photo.png")
    faults({"on": "upload", "status": status, "headers": {"Retry-After": "2"}})
    done = scene.run("submit", "photo.png", "-o", "out/", code=0)
    said = f"photo.png: the service answered {status}: a scripted fault; next try in "
    assert done.stderr.startswith(said)
    first, second = [request for request in box.requests if request["route"] == "upload"]
    assert first["sha1"] == second["sha1"] == sha1(source.read_bytes())
    assert 2.0 <= second["at"] - first["at"] < 3.5
    assert box.stats()["accepted"] == 1


@pytest.mark.row("B1", "B2")
@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_beyond_the_deadline_is_not_waited_for(
    scene: Scene, box: Box, faults: Faults, status: int
) -> None:
    """Temporary trouble; how long to wait before it is run again is said."""
    scene.source("photo.png")
    faults({"on": "upload", "status": status, "headers": {"Retry-After": "3600"}})
    done = scene.run("submit", "photo.png", "--timeout", "30", code=5, within=3)
    assert "the service asks for a pause of 360" in done.stderr
    assert done.stdout == ""
    assert box.stats()["accepted"] == 0


@pytest.mark.row("B4")
@pytest.mark.parametrize(
    ("name", "content", "weather", "code"),
    [
        ("photo.bmp", LARGE, Weather(reset_before_server=True), 0),
        ("photo.bmp", LARGE, Weather(up=Way(reset_at=2_000_000)), 0),
        ("photo.png", None, Weather(down=Way(reset_at=0)), 7),
    ],
    ids=["before any byte", "half-way", "after the last byte"],
)
def test_a_reset_is_tried_again_only_before_the_last_byte(
    scene: Scene, box: Box, name: str, content: bytes | None, weather: Weather, code: int
) -> None:
    """At most one complete body reaches the server. A large file's key is asked about first."""
    scene.source(name, content)
    with Proxy(box.origin, weather, weather, FINE) as proxy:
        scene.api(proxy.url)
        done = scene.run("submit", name, "-o", "out/", code=code)
        assert proxy.fired == (2 if weather.reset_before_server else 1)  # the question, the upload
    assert ("whether it was accepted is unknown" in done.stderr) == (code == 7)
    assert box.stats()["accepted"] == 1


@pytest.mark.row("B4")
@pytest.mark.parametrize("at", [0, 10_000], ids=["before any byte", "half-way"])
def test_a_reset_of_a_small_upload_leaves_doubt(scene: Scene, box: Box, at: int) -> None:
    """The system had taken the whole of it, so nobody here knows how much arrived."""
    scene.source("photo.png")
    with Proxy(box.origin, Weather(up=Way(reset_at=at)), FINE) as proxy:
        scene.api(proxy.url)
        done = scene.run("submit", "photo.png", "-o", "out/", code=7)
        assert proxy.fired == 1
        assert len(proxy.carried) == 1
    assert "whether it was accepted is unknown" in done.stderr
    assert box.stats()["accepted"] == 0


@pytest.mark.row("B5")
@pytest.mark.parametrize(
    "seconds", [1.5, pytest.param(20, marks=pytest.mark.slow)], ids=["1.5 s", "20 s"]
)
def test_a_service_that_thinks_is_waited_for(scene: Scene, faults: Faults, seconds: float) -> None:
    """Small files are worked on while the connection is held open."""
    scene.source("photo.png")
    faults({"on": "upload", "stall": seconds})
    begun = time.monotonic()
    done = scene.run("submit", "photo.png", "-o", "out/", code=0, within=seconds + 5)
    assert time.monotonic() - begun >= seconds
    assert len(done.ids) == 1


@pytest.mark.row("B5")
def test_an_answer_that_does_not_come_in_time_leaves_doubt(scene: Scene, box: Box) -> None:
    """The read time-out is the command's own: three minutes, which strace makes short."""
    scene.source("photo.png")
    fault = Injected(scene.compressor.home / "strace", "recvfrom:error=ETIMEDOUT:when=1")
    done = scene.shell(f"{fault.prefix} compressor submit photo.png", code=7)
    assert fault.fired == 1
    port = box.origin.rpartition(":")[2]
    assert done.stderr.splitlines() == [
        "compressor: photo.png: the upload was sent whole, but whether it was accepted is unknown "
        f"(127.0.0.1:{port} does not answer: timed out)",
        f"  {IN_DOUBT}",
    ]
    assert done.stdout == ""
    assert box.routes() == ["upload"]


@pytest.mark.slow
@pytest.mark.row("B5")
def test_five_minutes_are_not_waited_for(scene: Scene, box: Box, faults: Faults) -> None:
    """Three, and then nobody knows."""
    scene.source("photo.png")
    faults({"on": "upload", "stall": 300})
    begun = time.monotonic()
    going = scene.start("submit", "photo.png")
    done = scene.held(going.ended(200), 7, within=190)
    assert 180.0 <= time.monotonic() - begun < 190.0
    assert "whether it was accepted is unknown" in done.stderr
    assert box.stats()["accepted"] == 1


@pytest.mark.row("B5")
def test_a_deadline_before_the_answer_leaves_doubt(scene: Scene, box: Box, faults: Faults) -> None:
    """The service takes five minutes, the command half a second."""
    scene.source("photo.png")
    faults({"on": "upload", "stall": 300})
    done = scene.run("submit", "photo.png", "--timeout", "0.5", code=7, within=1)
    assert "0.5 s are over, and the answer to an upload had not come" in done.stderr
    assert "photo.png: sent whole, but whether it was accepted is unknown" in done.stderr
    assert "not sent yet" not in done.stderr
    assert box.stats()["accepted"] == 1


STALLED = "does not answer: timed out; next try in"


@pytest.mark.row("B8")
def test_a_server_that_stops_reading_is_tried_again(scene: Scene, box: Box) -> None:
    """The write time-out of a minute, which strace makes short; the body was not complete."""
    scene.source("photo.bmp", LARGE)
    fault = Injected(scene.compressor.home / "strace", "sendto:error=ETIMEDOUT:when=6")
    done = scene.shell(f"{fault.prefix} compressor submit photo.bmp -o out/", code=0)
    assert fault.fired == 1
    assert STALLED in done.stderr
    assert box.routes().count("upload") == 2
    assert box.stats()["accepted"] == 1


@pytest.mark.row("B8")
def test_a_server_that_never_reads_on_is_given_up_for_now(scene: Scene, box: Box) -> None:
    """Nothing was accepted, so it may be run again; so it is when the deadline comes first."""
    scene.source("photo.bmp", LARGE)
    stalls = Weather(up=Way(stall_at=1_000_000))
    with Proxy(box.origin, FINE, stalls) as proxy:  # the key is asked about first
        scene.api(proxy.url)
        done = scene.run("submit", "photo.bmp", "--timeout", "1", code=5, within=2)
        assert proxy.fired == 1
    assert done.stderr.splitlines() == [
        "compressor: nothing was accepted within 1 s",
        "  not sent yet: compressor submit -- photo.bmp",
    ]
    assert box.stats()["accepted"] == 0


@pytest.mark.slow
@pytest.mark.row("B8")
def test_a_server_that_stops_reading_for_good(scene: Scene, box: Box) -> None:
    """After a minute the file is sent again, over another connection."""
    scene.source("photo.bmp", LARGE)
    stalls = Weather(up=Way(stall_at=1_000_000))
    with Proxy(box.origin, FINE, stalls, FINE) as proxy:
        scene.api(proxy.url)
        begun = time.monotonic()
        going = scene.start("submit", "photo.bmp", "-o", "out/")
        done = scene.held(going.ended(90), 0, within=75)
        assert 60.0 <= time.monotonic() - begun < 75.0
        assert proxy.fired == 1
    assert STALLED in done.stderr
    assert box.stats()["accepted"] == 1


@pytest.mark.slow
@pytest.mark.row("B8")
def test_a_server_that_stops_reading_each_time(scene: Scene, box: Box) -> None:
    """A few tries, and then it is said how many."""
    scene.source("photo.bmp", LARGE)
    fault = Injected(scene.compressor.home / "strace", "sendto:error=ETIMEDOUT:when=6+3")
    done = scene.shell(f"{fault.prefix} compressor submit photo.bmp", code=5)
    assert fault.fired == 5
    assert "tried 5 times: run it again later" in done.stderr
    assert box.stats()["accepted"] == 0


@pytest.mark.row("B11")
@pytest.mark.parametrize(
    "piece",
    [4096, pytest.param(65536, marks=pytest.mark.slow)],
    ids=["as it comes", "in slices of 64 KiB"],
)
def test_a_slow_line_is_no_reason_to_give_up(scene: Scene, box: Box, piece: int) -> None:
    """Four kilobytes a second upwards."""
    size = scene.source("photo.bmp", width=50, height=75).stat().st_size
    begun = time.monotonic()
    with Proxy(box.origin, Weather(up=Way(bandwidth=4000, piece=piece))) as proxy:
        scene.api(proxy.url)
        done = scene.run("submit", "photo.bmp", "-o", "out/", code=0, within=10)
        assert proxy.carried[0].up > size
    assert time.monotonic() - begun >= size / 4000
    assert "next try" not in done.stderr
    assert box.stats()["accepted"] == 1


@pytest.mark.slow
@pytest.mark.row("B11")
def test_a_slow_network(scene: Scene) -> None:
    """800 kB at 32 kB a second, which no buffer on the way takes at once."""
    needs_own_network()
    needs("tc")
    scene.source("photo.bmp", saved(Image.new("RGB", (550, 480)), "bmp"))
    slow = (
        "ip link set lo mtu 1500 && ip link set lo up"
        " && tc qdisc add dev lo root tbf rate 256kbit burst 4kb latency 500ms"
        " && exec compressor sandbox exec -- compressor submit photo.bmp"
    )
    begun = time.monotonic()
    done = scene.shell(
        f"PATH=$PATH:/usr/sbin:/sbin exec unshare -n sh -c {quote(slow)}", code=0, within=40
    )
    assert time.monotonic() - begun > 20
    assert "next try" not in done.stderr
