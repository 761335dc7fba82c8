"""Rows G6 and G7: whom the sandbox calls, and what its links open."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from raw import RawServer, message, says
from running import KEY, Box, boxed, until

from .scene import Scene
from .serving import said


@pytest.mark.row("G6")
@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:{port}/hook",
        "http://localhost:{port}/hook",
        "http://[::1]:{port}/hook",
        "http://[::ffff:127.0.0.1]:{port}/hook",
        "http://2130706433:{port}/hook",
        "http://10.0.0.1/hook",
        "http://192.168.0.1:{port}/",
        "http://169.254.169.254/latest/meta-data/",
        "https://127.0.0.1:{port}/hook",
    ],
)
def test_webhooks_are_recorded_and_not_sent(scene: Scene, box: Box, target: str) -> None:
    """To private, loopback and metadata addresses; the job is done all the same."""
    scene.source("photo.png")
    with RawServer(says(message())) as private:
        scene.stranger(private)
        url = target.format(port=private.port)
        scene.run("submit", "photo.png", "--webhook", url, "-o", "small.png", code=0)
        (told,) = until(lambda: box.stats()["webhooks"])
        assert (told["url"], told["delivered"]) == (url, False)
        assert told["reason"] == "target not allowed"
        assert told["body"]["output"]["name"] == "photo.png"
        assert private.received == []


@pytest.mark.row("G6")
def test_a_webhook_that_redirects_is_not_followed(scene: Scene) -> None:
    """An allowed one is called once, and where it points to is not called at all."""
    scene.source("photo.png")
    with RawServer(says(message())) as private:
        answer = message(307, headers={"Location": f"{private.url}/secret"})
        with RawServer(says(answer)) as hook, boxed(
            allow_webhook=(f"127.0.0.1:{hook.port}",)
        ) as box:  # fmt: skip
            scene.api(box)
            scene.stranger(private)
            scene.stranger(hook)
            scene.run("submit", "photo.png", "--webhook", hook.url, "-o", "small.png", code=0)
            (told,) = until(lambda: box.stats()["webhooks"])
            assert (told["delivered"], told["status"]) == (True, 307)
            assert len(hook.received) == 1
        assert private.received == []


@pytest.mark.row("G7")
def test_links_open_one_output_and_nothing_else(scene: Scene, tmp_path: Path) -> None:
    """Paths that lead elsewhere, marks of other jobs, changed expiries, ended links."""
    with boxed(state_dir=tmp_path / "state") as box:
        scene.api(box)
        for name in ("a.png", "b.png"):
            scene.source(name, seed=ord(name[0]))
        done = scene.run("submit", "a.png", "b.png", "--wait", "--json", code=0)
        one, other = ((r["id"], r["url"]) for r in done.records)
        expiry, job, mark, name = one[1].removeprefix(f"{box.origin}/").split("/")
        later = str(int(expiry) + 9999)
        for path in (
            f"/{expiry}/{other[0]}/{mark}/{name}",
            f"/{later}/{job}/{mark}/{name}",
            f"/{expiry}/{job}/{mark}/b.png",
            f"/{expiry}/{job}/{'0' * 32}/{name}",
            f"/{expiry}/{job}/{mark}/..%2f..%2fkey",
            f"/{expiry}/..%2f..%2f/{mark}/key",
            f"/{expiry}/{job}/{mark}/../../../../key",
            f"/{expiry}/{job}/{mark}/{name}/../input",
            f"/{expiry}/{job}/{mark}/{name}%00.png",
            "/../../../../../../etc/passwd",
            "//etc/passwd",
            "/%2e%2e/%2e%2e/etc/passwd",
            f"/jobs/{job}/input",
            "/",
        ):
            host = box.origin.removeprefix("http://")
            answer = said(box.origin, f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert answer.split()[1] in ("403", "404"), (path, answer)
            for secret in ("root:", "PNG", KEY, str(tmp_path)):
                assert secret not in answer
        answer = httpx.get(one[1], headers={"Authorization": f"Bearer {KEY}"}, trust_env=False)
        assert answer.status_code == 400
        assert httpx.get(one[1], trust_env=False).status_code == 200


@pytest.mark.row("G7")
def test_an_ended_link_is_told_from_one_that_never_was(scene: Scene) -> None:
    """The command looks for a fresh one, and gives up with the job named where none lives."""
    scene.source("photo.png")
    with boxed(link_seconds=0.0) as box:
        scene.api(box)
        done = scene.run("submit", "photo.png", "--json", code=0)
        url = str(done.record["url"])
        assert httpx.get(url, trust_env=False).status_code == 403
        ended = scene.run("get", "--last", "-o", "small.png", code=6)
        assert ended.stderr == (
            "compressor: photo.png: the output's server answered 403\n"
            "  each link that the job named was refused; if that stays so: submit the file again "
            "(compress: with --force)\n"
        )
        assert "job" in box.routes()  # a fresh one was asked for, and not for ever
        assert 2 < box.routes().count("output") < 15


def test_a_link_that_is_refused_is_no_reason_to_pay_again(scene: Scene) -> None:
    """The job is there: as often as the batch is run, it is taken up and not made anew."""
    scene.source("photo.png")
    with boxed(link_seconds=0.0) as box:
        scene.api(box)
        for _ in range(3):
            done = scene.run("compress", "photo.png", "-o", "small.png", code=6)
            assert "each link that the job named was refused" in done.whole
        assert box.stats()["accepted"] == 1
