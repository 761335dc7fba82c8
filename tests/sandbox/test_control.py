"""The control routes: slips in a script are refused, and what was seen is told."""

from __future__ import annotations

import itertools

import pytest

from .conftest import Client


@pytest.mark.parametrize(
    "nonsense",
    [
        3,
        {},
        {"on": "nothing"},
        {"on": "job", "statuss": 500},
        {"on": "job", "status": "500"},
        {"on": "job", "status": 9},
        {"on": "job", "early": 1},
        {"on": "job", "times": True},
        {"on": "job", "stall": -1},
        {"on": "job", "drop": "sometimes"},
        {"on": "upload", "states": [1]},
        {"on": "job", "headers": {"A": 1}},
        {"on": "job", "headers": {"A": "b\r\nc: d"}},
        {"on": "job", "body_base64": "???"},
        [{"on": "job"}, {"on": "nowhere"}],
    ],
)
def test_a_fault_that_cannot_be_is_refused_whole(api: Client, nonsense: object) -> None:
    """A slip in a test is an error there, not a fault that never fires."""
    answer = api.control("POST", "faults", nonsense)
    assert (answer.status_code, answer.json()["success"]) == (400, False)
    assert api.control("GET", "faults").json() == []


def test_stats_tell_each_request_and_can_be_cleared(api: Client) -> None:
    api.control("DELETE", "stats")
    url = api.upload().json()["url"]
    api.plain.get(url, headers={"Range": "bytes=0-9"})
    api.plain.get(api.sandbox.api_url + "/account", auth=("x", ""))
    api.plain.get(api.sandbox.api_url + "/account", headers={"Authorization": "Odd x"})
    report = api.stats()
    assert report.keys() == {
        *("requests", "accepted", "accepted_by_sha1", "jobs", "outputs", "results", "webhooks")
    }
    assert report["accepted"] == 1
    seen = report["requests"]
    words = ["method", "path", "route", "authorization", "range", "status"]
    assert [[request[word] for word in words] for request in seen] == [
        ["POST", "/1.0/upload", "upload", "bearer", None, 200],
        ["GET", url.removeprefix(api.origin), "output", "none", "bytes=0-9", 206],
        ["GET", "/1.0/account", "account", "basic", None, 401],
        ["GET", "/1.0/account", "account", "other", None, 401],
    ]
    assert "authorization" in seen[0]["headers"]
    assert all(api.sandbox.key not in str(request) for request in seen)
    for one, next_one in itertools.pairwise(seen):
        assert one.keys() == next_one.keys()
    cleared = api.control("DELETE", "stats").json()
    assert (cleared["requests"], cleared["accepted"]) == ([], 0)
