"""Rows A7 and A8: an API URL to which the key must not go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from raw import RawServer, message, says

from .scene import Scene

PASSWORD = "hunter2"
EXAMPLE = "  for example: https://api.compressor.app/1.0\n"
PLAIN = "must begin with https:// (plain http is for this machine only)"
Given = tuple[list[str], dict[str, str | None], str]


def given(scene: Scene, place: str, url: str) -> Given:
    """Options, environment and the name of the place for an API URL that stands there."""
    if place == "option":
        return [f"--api-url={url}"], {}, "option --api-url"
    if place == "environment":
        return [], {"COMPRESSOR_API_URL": url}, "environment COMPRESSOR_API_URL"
    config = scene.compressor.config
    config.parent.mkdir()
    config.write_text(f"api_url = {json.dumps(url)}\n")
    config.chmod(0o600)
    where = f"api_url in the configuration file {config}"
    return [], {"COMPRESSOR_API_URL": None}, where


@pytest.mark.row("A7")
@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("0.0.0.0", "environment"),
        ("0.0.0.0", "option"),
        ("0.0.0.0", "file"),
        ("2130706433", "environment"),
        ("localhost.", "environment"),
        ("127.0.0.1.nip.example", "environment"),
        ("api.example", "environment"),
    ],
)
def test_plain_http_is_for_this_machine_only(scene: Scene, host: str, place: str) -> None:
    """And only where that is plain to see: the first three do lead here. No connection is made."""
    scene.source("photo.png")
    with RawServer(says(message(200, {}))) as server:
        scene.stranger(server)
        words, env, where = given(scene, place, f"http://{host}:{server.port}/1.0")
        done = scene.run("submit", "photo.png", *words, code=2, within=3, env=env)
        assert server.received == []
    assert done.stderr == f"compressor: the API URL from {where} {PLAIN}\n{EXAMPLE}"


NO_LOGIN = "must not hold a user name or password"
NO_QUERY = "must not have a query (?) or a fragment (#)"
VISIBLE = "must be a URL without spaces, control or non-ASCII characters"
HTTPS = "must begin with https://"
CASES = [
    ("https://user:hunter2@127.0.0.1:{}/1.0", NO_LOGIN),
    ("http://hunter2@127.0.0.1:{}/1.0", NO_LOGIN),
    ("https://127.0.0.1:{}\\@hunter2.example/", NO_LOGIN),
    ("http://127.0.0.1:{}/1.0?token=hunter2", NO_QUERY),
    ("http://127.0.0.1:{}/1.0#hunter2", NO_QUERY),
    ("http://127.0.0.1:{}/1.0\r\nX-Evil: hunter2", VISIBLE),
    ("http://127.0.0.1:{}/\x1b]0;hunter2\x07", VISIBLE),
    ("http://127.0.0.1:{}/ hunter2", VISIBLE),
    ("http://127.0.0.1:{}/höhe/hunter2", VISIBLE),
    ("file:///etc/hunter2", HTTPS),
    ("ftp://127.0.0.1:{}/hunter2", HTTPS),
    ("//127.0.0.1:{}/hunter2", HTTPS),
    ("hunter2", HTTPS),
]


@pytest.mark.row("A8")
@pytest.mark.parametrize(
    ("url", "said", "place"),
    [(*case, "environment") for case in CASES]
    + [(*case, place) for case in CASES[:6:2] for place in ("option", "file")],
)
def test_a_url_that_cannot_be_the_api(scene: Scene, url: str, said: str, place: str) -> None:
    """Refused by the name of its place and never repeated: it may hold a password."""
    scene.source("photo.png")
    with RawServer(says(message(200, {}))) as server:
        words, env, where = given(scene, place, url.format(server.port))
        done = scene.run("submit", "photo.png", *words, code=2, within=3, env=env)
        assert server.received == []
    assert done.stderr == f"compressor: the API URL from {where} {said}\n{EXAMPLE}"
    assert PASSWORD not in done.stdout + done.stderr


@pytest.mark.row("A8")
def test_such_a_url_is_not_saved_either(scene: Scene, tmp_path: Path) -> None:
    done = scene.run("config", "set", "api_url", f"https://u:{PASSWORD}@h/1.0", code=2)
    assert NO_LOGIN in done.stderr
    assert PASSWORD not in done.stderr
    assert not [file for file in tmp_path.rglob("*") if file.name == "config.toml"]
