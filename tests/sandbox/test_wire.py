"""The answers of the API, key by key, as its documentation shows them."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import uuid
from pathlib import Path
from typing import Any

import pytest

from compressor_cli.sandbox.jobs import plain_name

from .conftest import Client, Elsewhere
from .pictures import encoded, opened

SIDE = {"name": str, "type": str, "format": str, "mime": str, "size": int, "sha1": str}


def shape(answer: dict[str, Any]) -> dict[str, Any]:
    return {
        word: shape(value) if isinstance(value, dict) else type(value)
        for word, value in answer.items()
    }


def test_a_small_file_is_answered_at_once_without_status_or_success(api: Client) -> None:
    """The held answer has exactly id, url, input and output, and the facts are the real ones."""
    content = encoded("jpeg")
    answer = api.upload(content, name="image.jpg")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    body = answer.json()
    assert shape(body) == {"id": str, "url": str, "input": SIDE, "output": SIDE}
    assert uuid.UUID(body["id"]).version == 4
    assert body["input"] == {
        "name": "image.jpg",
        "type": "image",
        "format": "jpeg",
        "mime": "image/jpeg",
        "size": len(content),
        "sha1": hashlib.sha1(content).hexdigest(),
    }
    output = api.plain.get(body["url"]).content
    assert body["output"] == {
        "name": "image.jpeg",
        "type": "image",
        "format": "jpeg",
        "mime": "image/jpeg",
        "size": len(output),
        "sha1": hashlib.sha1(output).hexdigest(),
    }
    assert opened(output).format == "JPEG"


def test_a_completed_job_answers_the_same_with_a_status(api: Client) -> None:
    body = api.upload().json()
    looked = api.get(f"/jobs/{body['id']}")
    assert looked.status_code == 200
    again = looked.json()
    assert again.pop("status") == "completed"
    assert {"id", "url", "input", "output"} == again.keys()
    assert (again["input"], again["output"]) == (body["input"], body["output"])


def test_a_later_answer_has_only_id_and_status(two_ports: Client) -> None:
    """Accepted for later, then completed."""
    answer = two_ports.upload()
    assert answer.status_code == 202
    assert answer.json() == {"id": answer.json()["id"], "status": "enqueued"}
    assert two_ports.ended(answer.json()["id"])["status"] == "completed"


def test_a_webhook_makes_it_later(api: Client) -> None:
    body = api.upload(data='{"webhook": {"url": "https://example.com/hook"}}').json()
    assert body.keys() == {"id", "status"}
    assert body["status"] == "enqueued"


def test_more_than_32_megabytes_come_later(api: Client) -> None:
    """The documented bound, on a file that cannot be compressed."""
    body = api.upload(b"x" * 32_000_001).json()
    assert body["status"] == "enqueued"
    assert api.ended(body["id"])["status"] == "failed"
    assert api.upload(b"x" * 32_000_000).json()["status"] == "failed"


def test_a_failed_job_says_why(api: Client) -> None:
    """At once with 422, afterwards with 200; the same body both times."""
    answer = api.upload(b"just some text", name="notes.jpg")
    assert answer.status_code == 422
    body = answer.json()
    assert shape(body) == {"success": bool, "id": str, "status": str, "message": str}
    assert (body["success"], body["status"]) == (False, "failed")
    assert "this is text" in body["message"]
    assert "JPEG, PNG, WEBP, AVIF, GIF, TIFF, BMP" in body["message"]
    looked = api.get(f"/jobs/{body['id']}")
    assert (looked.status_code, looked.json()) == (200, body)


@pytest.mark.parametrize("job_id", ["38a8bb5e-0000-4000-8000-000000000000", "x", "..%2F..%2Fkey"])
def test_an_unknown_job_is_not_found(api: Client, job_id: str) -> None:
    answer = api.get(f"/jobs/{job_id}")
    assert answer.status_code == 404
    assert shape(answer.json()) == {"success": bool, "message": str}


def test_the_account_answers(api: Client) -> None:
    answer = api.get("/account")
    assert answer.status_code == 200
    assert isinstance(answer.json(), dict)


def test_unknown_paths_and_methods_are_errors_of_the_same_shape(api: Client) -> None:
    for answer, status in ((api.get("/nothing"), 404), (api.get("/upload"), 405)):
        assert answer.status_code == status
        assert shape(answer.json()) == {"success": bool, "message": str}


def test_the_fields_may_come_in_either_order(api: Client) -> None:
    content = encoded("png")
    file, data = ("file", ("a.png", content)), ("data", (None, b"{}"))
    for parts in ([file, data], [data, file]):
        answer = api.http.post(f"{api.sandbox.api_url}/upload", files=[*parts])
        assert answer.json()["input"]["sha1"] == hashlib.sha1(content).hexdigest()


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\me.png", "me.png"),
        ("tab\there.png", "tab_here.png"),
        ("", "file"),
        ("ünï 😀.png", "ünï 😀.png"),
    ],
)
def test_names_lose_folders_and_control_characters(sent: str, kept: str) -> None:
    """Whatever a client calls its file, it is only a name here."""
    assert plain_name(sent) == kept


@pytest.mark.parametrize("store", [{"id": "mine", "bucket": "b", "region": "eu"}])
def test_store_is_accepted_and_the_output_kept_here(api: Client, store: dict[str, str]) -> None:
    body = api.upload(data=json.dumps({"store": store})).json()
    assert api.plain.get(body["url"]).status_code == 200


def curl(*arguments: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        ["curl", "-q", "-sS", "--max-time", "20", "-w", "\n%{http_code}", *arguments],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body)


def test_the_documented_curl_lines_work(api: Client, elsewhere: Elsewhere, tmp_path: Path) -> None:
    """Upload, fetch, job and account, with both ways to give the key."""
    url, key = api.sandbox.api_url, api.sandbox.key
    image = tmp_path / "image.jpg"
    image.write_bytes(encoded("jpeg"))
    elsewhere.pages["/image.jpg"] = (200, {}, image.read_bytes())
    options = '{"image":{"compression":"high"}}'
    status, body = curl("-u", f"{key}:", "-F", f"file=@{image}", "-F", f"data={options}",
                        f"{url}/upload")  # fmt: skip
    assert (status, body["output"]["name"]) == (200, "image.jpeg")
    bearer = f"Authorization: Bearer {key}"
    assert curl("-H", bearer, f"{url}/jobs/{body['id']}")[1]["status"] == "completed"
    assert curl("-H", bearer, f"{url}/account")[0] == 200
    asked = json.dumps({"url": f"{elsewhere.url}/image.jpg", "image": {"compression": "ultra"}})
    status, fetched = curl("-H", bearer, "-H", "Content-Type: application/json", "-d", asked,
                           f"{url}/fetch")  # fmt: skip
    assert status == 200
    assert fetched["input"] == body["input"]
    assert fetched["output"]["size"] < body["output"]["size"]


def test_the_url_is_on_the_api_host_outside_the_base_path(api: Client) -> None:
    body = api.upload().json()
    pattern = rf"{api.origin}/\d+/{body['id']}/[0-9a-f]{{32}}/photo\.jpeg"
    assert re.fullmatch(pattern, body["url"])
