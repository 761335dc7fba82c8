"""How every answer of the service is read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor_cli.api.contract import (
    MAX_SIZE,
    Artifact,
    Job,
    is_job_id,
    read_job,
    read_json,
)
from compressor_cli.errors import BadAnswer

ID = "38a8bb5e-0001-4000-8000-000000000000"
SHA1 = "0123456789abcdef0123456789abcdef01234567"
FINISHED: dict[str, Any] = {
    "id": ID,
    "url": f"https://api.compressor.app/1765712100/{ID}/image.jpeg",
    "input": {
        "name": "image.jpg",
        "type": "image",
        "format": "jpeg",
        "mime": "image/jpeg",
        "size": 588603,
        "sha1": SHA1,
    },
    "output": {"name": "image.jpeg", "size": 257042, "sha1": SHA1.upper()},
}


def test_a_submit_that_is_finished_at_once() -> None:
    """No status and no success: the url tells that it is done."""
    job = read_job(FINISHED)
    assert (job.id, job.state, job.word, job.url) == (ID, "completed", "", FINISHED["url"])
    assert job.input == Artifact("image.jpg", "image", "jpeg", "image/jpeg", 588603, SHA1)
    assert job.output == Artifact("image.jpeg", size=257042, sha1=SHA1)
    assert job.raw is FINISHED
    assert job.shown_state == "completed"


def test_a_look_at_a_job_that_is_done() -> None:
    job = read_job({**FINISHED, "status": "completed"}, asked=ID)
    assert (job.state, job.word) == ("completed", "completed")


@pytest.mark.parametrize("word", ["enqueued", "processing", "thawing", "completed", "\x1b[2J"])
def test_a_job_without_url_is_still_running(word: str) -> None:
    """Whatever its word is: `completed` without an output is of no use yet."""
    job = read_job({"id": ID, "status": word})
    assert (job.state, job.word, job.shown_state) == ("pending", word, word)


def test_a_job_that_has_no_word_is_pending() -> None:
    assert read_job({"id": ID}).shown_state == "pending"


@pytest.mark.parametrize(
    "body",
    [
        {"success": False, "id": ID, "status": "failed", "message": "why"},
        {"success": False, "id": ID, "message": "why"},
        {"id": ID, "status": "failed", "message": "why"},
        {**FINISHED, "success": False, "message": "why"},
        {**FINISHED, "status": "failed", "message": "why"},
    ],
)
def test_a_failed_job(body: dict[str, Any]) -> None:
    """`success` false or `status` failed, each on its own and above a url."""
    job = read_job(body, asked=ID)
    assert (job.state, job.message, job.shown_state) == ("failed", "why", "failed")


@pytest.mark.parametrize("success", [None, True, 0, "false", "", []])
def test_only_false_is_a_failure(success: object) -> None:
    assert read_job({"id": ID, "success": success}).state == "pending"


@pytest.mark.parametrize("url", [None, "", 5, ["https://h/x"], {}])
def test_a_url_that_is_none_does_not_complete(url: object) -> None:
    assert read_job({"id": ID, "url": url}).state == "pending"


@pytest.mark.parametrize(
    "side",
    [
        None,
        [],
        "x",
        {},
        {"name": 3, "size": "12", "sha1": "xyz"},
        {"size": -1, "sha1": SHA1 + "0", "name": ""},
        {"size": True, "sha1": 12, "mime": None},
        {"size": 1.5, "sha1": SHA1[:-1] + "g"},
        {"size": MAX_SIZE + 1, "sha1": "１" * 40},
    ],
)
def test_facts_that_are_missing_or_nonsense(side: object) -> None:
    """They are None, and the rest of the answer counts."""
    job = read_job({"id": ID, "url": "https://h/x", "input": side, "output": side})
    assert job.state == "completed"
    assert job.input == job.output == Artifact()


def test_sizes_up_to_the_largest() -> None:
    for size in (0, 1, MAX_SIZE):
        assert read_job({"id": ID, "output": {"size": size}}).output.size == size


@pytest.mark.parametrize(
    "job_id",
    [
        "",
        ".",
        "..",
        "../../evil",
        "a/b",
        "a?b",
        "a#b",
        "a b",
        "a%2Fb",
        "ä",
        "\x1b[31m",
        "a\n",
        "a" * 129,
        "a" * 10_000,
        True,
        1.5,
        [],
        {},
    ],
)
@pytest.mark.parametrize("asked", [None, ID])
def test_ids_that_are_not_believed(job_id: object, asked: str | None) -> None:
    """They would lead the next request elsewhere; what is told of them is short."""
    with pytest.raises(BadAnswer) as caught:
        read_job({"id": job_id, "url": "https://h/x"}, asked=asked)
    assert len(caught.value.message) < 250


def test_a_number_may_be_an_id() -> None:
    assert read_job({"id": 4711}).id == "4711"
    assert read_job({"id": 4711}, asked="4711").id == "4711"


def test_an_answer_for_another_job() -> None:
    """Its output would be somebody else's file."""
    with pytest.raises(BadAnswer, match="another job") as caught:
        read_job({**FINISHED, "id": "other"}, asked=ID)
    assert caught.value.job_id == ID


@pytest.mark.parametrize("body", [{"status": "processing"}, {"id": None, "status": "processing"}])
def test_an_answer_without_id(body: dict[str, Any]) -> None:
    """It is that of the job that was asked for; without one there is nothing to go on with."""
    assert read_job(body, asked=ID).id == ID
    with pytest.raises(BadAnswer):
        read_job(body)


def test_a_failure_without_id() -> None:
    """A refusal of the request itself makes no job, and one that was asked for is meant."""
    for more in ({}, {"id": None}):
        body = {"success": False, "message": "no", **more}
        assert (read_job(body).id, read_job(body).state) == ("", "failed")
        assert read_job(body, asked=ID).id == ID


@given(
    st.dictionaries(
        st.sampled_from(["id", "success", "status", "url", "message", "input", "output"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
            max_leaves=5,
        ),
    ),
    st.none() | st.just(ID),
)
def test_any_object_is_a_job_or_a_bad_answer(body: dict[str, object], asked: str | None) -> None:
    """Nothing else comes out, and what comes out can be used."""
    try:
        job = read_job(body, asked=asked)
    except BadAnswer:
        return
    assert isinstance(job, Job)
    assert job.id == "" or is_job_id(job.id)
    assert asked is None or job.id == asked
    assert job.state != "completed" or job.url


@pytest.mark.parametrize("text", ["a", "A.b_c~d-e", "0" * 128, "a..b", "...", ID])
def test_job_ids(text: str) -> None:
    assert is_job_id(text)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"<html>Bad gateway</html>", "not JSON"),
        (b"[]", "not an object"),
        (b"null", "not an object"),
        (b'"text"', "not an object"),
        (b"12", "not an object"),
        (b'{"id": "x"', "not JSON"),
        (b'{"id": "x"} {}', "not JSON"),
        ('{"id": "x"}'.encode("utf-16"), "not JSON"),
        (b'{"id": "\xff"}', "not JSON"),
        (b'{"a": NaN}', "not JSON"),
        (b'{"a": -Infinity}', "not JSON"),
        (b'{"a": 1e999}', "not JSON"),
        (b'{"a": ' + b"9" * 4301 + b"}", "not JSON"),
        (b'{"a": ' + b"[" * 200_000, "deep"),
        (b'{"a":' * 200_000 + b"1" + b"}" * 200_000, "deep"),
    ],
)
def test_what_is_no_json_object(body: bytes, said: str) -> None:
    """Each is a bad answer that says what is wrong, and nothing of it."""
    with pytest.raises(BadAnswer) as caught:
        read_json(body)
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"{}", {}),
        (b'\xef\xbb\xbf{"id": "x"}', {"id": "x"}),
        (b'{"id": "x", "id": "y"}', {"id": "y"}),
        (b'{"a": 1.5e300}', {"a": 1.5e300}),
        (b'{"a": "\\ud800"}', {"a": "\ud800"}),
    ],
)
def test_what_is_one(body: bytes, value: dict[str, Any]) -> None:
    """With a byte order mark too; of two same keys the last counts."""
    assert read_json(body) == value


@given(st.binary(max_size=200) | st.text(alphabet='{}[]":,0123456789.eE-tnf\\u ', max_size=60))
def test_reading_never_raises_anything_else(body: bytes | str) -> None:
    raw = body if isinstance(body, bytes) else body.encode()
    try:
        assert json.dumps(read_json(raw), allow_nan=False)
    except BadAnswer as error:
        assert error.exit_code == 6  # noqa: PT017 - either is right
