"""Row E1: text of the service that tries to act on the terminal where it is shown."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from conftest import Faults
from raw import RawServer, message, says
from running import Elsewhere

from .scene import Scene
from .terminal import ATTACK, ATTACKS, MARKS, AtTerminal

pytestmark = pytest.mark.row("E1")


def check_seen(text: str, marks: tuple[str, ...] = MARKS) -> None:
    """The attack is shown, as escapes."""
    missing = [mark for mark in marks if mark not in text.replace("\n", "")]
    assert not missing, text


@pytest.mark.parametrize("kind", ATTACKS)
def test_a_reason_is_shown_and_does_nothing(scene: Scene, faults: Faults, kind: str) -> None:
    """Each sort of attack alone, so that none is hidden by another."""
    scene.source("a.png")
    faults({"on": "upload", "fail": f"no {ATTACKS[kind]} luck"})
    at = AtTerminal(scene, "submit", "a.png", "--wait")
    text = at.ended(6)
    shown = {
        "C0": r"no \x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12",
        "C1": r"no \x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90",
        "OSC": r"no \x1b]0;owned\x07\x1b]2;owned\x1b\\x1b]8;;link:x\x1b\y\x1b]8;;\x07\x1b]52;c;",
        "DCS": r"no \x1bP0q\x1b\\x1b_app\x1b\\x1b^private\x1b\\x9d0;owned\x9c\x90q\x9c luck",
        "CSI": r"no \x1b[2J\x1b[31m\x1b[?25l\x1b[?1049h\x1b[1;1H\x1b(0\x1bc\x9b32m luck",
        "bidi": r"no \u202e\u202d\u2066\u2069\u200e\u200f\u061c\u2028\u2029\u200b\ufeff\U000e0041",
        "markup": "no [/x][link=x]click[/link][red]:smile:{0}%s luck",
        "surrogates": r"no \udc9b\udfff\ud800 luck",
    }
    assert shown[kind] in text


REFUSALS: dict[str, tuple[dict[str, Any], int]] = {
    "422 JSON": ({"on": "upload", "status": 422, "body": {"message": ATTACK}}, 6),
    "422 text": ({"on": "upload", "status": 422, "body": f"x{ATTACK}"}, 6),
    "401": ({"on": "upload", "status": 401, "body": {"message": ATTACK}}, 4),
    "500": ({"on": "upload", "status": 500, "after_work": True, "body": {"message": ATTACK}}, 7),
    "a pause": ({"on": "upload", "status": 429, "headers": {"Retry-After": "0"},
                 "body": {"message": ATTACK}}, 0),
    "an id": ({"on": "upload", "merge": {"id": ATTACK}}, 7),
    "a URL": ({"on": "upload", "merge": {"url": f"https://example.com/{ATTACK}"}}, 6),
    "a host": ({"on": "upload", "merge": {"url": f"https://{ATTACK}/x.png"}}, 6),
    "a look": ({"on": "job", "status": 422, "body": {"message": ATTACK}}, 6),
    "another id": ({"on": "job", "times": 3, "merge": {"id": ATTACK}}, 6),
}  # fmt: skip
UNSEEN = ("an id", "another id", "a host")
"""Cut short, or hidden since a password may be in it."""


@pytest.mark.parametrize("what", REFUSALS)
def test_what_an_answer_says(scene: Scene, faults: Faults, what: str) -> None:
    scene.source("a.png")
    fault, code = REFUSALS[what]
    before = [{"on": "upload", "states": ["processing"]}] if fault["on"] == "job" else []
    faults(*before, fault)
    text = AtTerminal(scene, "submit", "a.png", "-o", "x.png").ended(code)
    if what in UNSEEN:
        assert "compressor: a.png: " in text
    else:
        check_seen(text, MARKS[:2] if what == "a URL" else MARKS)


@pytest.mark.parametrize("words", [["submit", "--wait"], ["submit", "--json"], ["compress", "-oo"]])
def test_every_field_of_a_job(scene: Scene, faults: Faults, words: list[str]) -> None:
    """The state's word, names, kinds, digests, and fields that nobody knows."""
    scene.source("a.png")
    side = dict.fromkeys(("name", "type", "format", "mime", ATTACK), ATTACK)
    fields = {"message": ATTACK, "input": side, "output": {"size": 1, **side}, ATTACK: [ATTACK]}
    asked = [] if words[-1] == "--json" else [{"on": "job", "merge": fields, "times": 2}]
    faults({"on": "upload", "states": [ATTACK], "merge": fields}, *asked)
    at = AtTerminal(scene, *words, "a.png")
    text = at.ended({0, 8})
    if words[-1] == "--wait":
        assert any(r"\x01\x02\x03\x04" in seen for seen in at.seen)
        assert "completed" not in text


def test_a_state_in_a_list(scene: Scene, faults: Faults) -> None:
    """`status` prints the service's word: one line a job, on a terminal and in a pipe."""
    scene.source("a.png")
    faults({"on": "upload", "states": [ATTACK] * 3})
    job = scene.run("submit", "a.png", code=0).ids[0]
    check_seen(AtTerminal(scene, "status", job).ended(0))
    (line,) = scene.run("status", job, code=0).lines
    check_seen(line)
    assert line.count("\t") == 1


def test_names_made_of_the_services_words(
    scene: Scene, faults: Faults, elsewhere: Elsewhere
) -> None:
    """The result of a URL without a name is called as the service says, made harmless."""
    picture = scene.source("a.png").read_bytes()
    elsewhere.pages["/"] = picture
    faults({"on": "fetch", "merge": {"output": {"name": f"{ATTACK}b.png"}}})
    AtTerminal(scene, "submit", f"{elsewhere.url}/", "-o", "out/").ended(0)
    (made,) = (scene.folder / "out").iterdir()
    assert made.suffix == ".png"
    assert made.name.isprintable()


CONTROLS = b"\x1b]0;owned\x07\x1b]52;c;QUFB\x07"


def test_a_redirects_target_and_the_reason_phrase(scene: Scene) -> None:
    """The one is shown as escapes, the other is not, and neither acts."""
    scene.source("a.png")
    status = b"HTTP/1.1 302 " + CONTROLS + b"\x9b32mphrase\r\n"
    head = status + b"Location: https://x.example/\x80\x9b31m\r\nContent-Length: 0\r\n\r\n"
    with RawServer(says(head)) as server:
        scene.api(server)
        text = AtTerminal(scene, "submit", "a.png").ended(6)
    where = r"the service answered 302, a redirect to https://x.example/\x80\x9b31m, which is not"
    assert where in text
    assert not [word for word in ("phrase", "owned") if word in text]


BROKEN_HEADS = {
    "header": b"HTTP/1.1 302 Found\r\nLocation: https://x/" + CONTROLS + b"\r\n\r\n",
    "name": b"HTTP/1.1 201 Created\r\nX" + CONTROLS + b": 1\r\n\r\n",
}


@pytest.mark.parametrize("where", BROKEN_HEADS)
def test_control_characters_make_a_head_unreadable(scene: Scene, where: str) -> None:
    """No answer, then: whether the upload was accepted is unknown. Nothing of it is repeated."""
    scene.source("a.png")
    with RawServer(says(BROKEN_HEADS[where])) as server:
        scene.api(server)
        text = AtTerminal(scene, "submit", "a.png").ended(7)
    assert "the upload was sent whole, but whether it was accepted is unknown" in text
    assert "owned" not in text


def test_an_account_is_shown_in_json_only(scene: Scene) -> None:
    """The service's own text: not for people, and in JSON as escapes that are read back whole."""
    account = f'{{"name": "{ATTACK}"}}'.encode("utf-8", "surrogatepass")
    with RawServer(says(message(body=account))) as server:
        scene.api(server)
        text = AtTerminal(scene, "auth", "status").ended(0)
        assert f"is accepted by {server.url}/1.0" in text
        assert "owned" not in text
        check_seen(
            AtTerminal(scene, "auth", "status", "--json", width=3000).ended(0),
            (r"\u001b]0;owned\u0007", r"\u009b32m\u202e", "[link=x]click"),
        )
        record = scene.run("auth", "status", "--json", code=0).record
        assert record["account"] == account.decode("utf-8", "replace")


def test_a_failed_batch(scene: Scene, faults: Faults) -> None:
    """The table of a batch, and its annotations for a CI runner."""
    scene.source("a.png")
    faults({"on": "upload", "fail": ATTACK})
    at = AtTerminal(scene, "compress", "a.png", "-o", "out", env={"GITHUB_ACTIONS": "true"})
    text = at.ended(6)
    check_seen(text)
    assert "::error file=" in text


def test_an_old_ledger(scene: Scene, faults: Faults) -> None:
    """What lies in it from before is no more trusted than what comes now."""
    scene.source("a.png")
    faults({"on": "upload", "fail": ATTACK})
    job = scene.run("submit", "a.png", "--wait", code=6).ids[0]
    hostile = ATTACK.replace(ATTACKS["surrogates"], "")
    with closing(sqlite3.connect(scene.compressor.home / "state/ledger.sqlite3")) as ledger:
        ledger.execute("UPDATE jobs SET source = ?, saved_to = ?, word = ?", [hostile] * 3)
        ledger.execute("UPDATE jobs SET message = ?", [hostile])
        ledger.commit()
    text = AtTerminal(scene, "jobs", width=3000).ended(0)
    check_seen(text)
    assert text.startswith(f"{job}  failed")
    assert text.count(MARKS[0]) == 2  # the source and where the result was saved
    (line,) = scene.run("jobs", code=0).lines
    assert line.count("\t") == 4
    check_seen(line, MARKS[:2])
    record = scene.run("jobs", "--json", code=0).record
    assert [record[name] for name in ("source", "saved_to", "status", "message")] == [hostile] * 4
    check_seen(AtTerminal(scene, "jobs", "--json", width=9000).ended(0), (r"\u001b]0;owned",))
