"""`submit`: files, URLs and stdin; options; what is refused before a byte is sent."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from pathlib import Path

import pytest
from conftest import File
from running import ID, Box, Compressor, Elsewhere
from sandbox.pictures import encoded, opened


def sent(box: Box) -> list[str]:
    """The requests that would hand something over."""
    return [route for route in box.routes() if route in ("upload", "fetch")]


@pytest.mark.parametrize("name", ["photo.png", "photo.jpg", "photo.webp"])
@pytest.mark.usefixtures("box")
def test_three_formats_get_smaller(compressor: Compressor, file: File, name: str) -> None:
    """The savings on the closing line are those of the files."""
    source = file(name, width=320, height=240)
    done = compressor("submit", name, "-o", f"small-{name}")
    small = compressor.folder / f"small-{name}"
    assert done.code == 0
    assert small.stat().st_size < source.stat().st_size
    picture = opened(small.read_bytes())
    assert (picture.format, picture.size) == (opened(source.read_bytes()).format, (320, 240))
    change = (small.stat().st_size / source.stat().st_size - 1) * 100
    assert f"−{-change:.1f} %" in done.stderr


def test_a_url_is_fetched_by_the_service(
    compressor: Compressor, box: Box, elsewhere: Elsewhere
) -> None:
    """With the headers that were given; user and query are shown nowhere and kept nowhere."""
    elsewhere.pages["/a/cat.jpg?token=s3cret"] = encoded("jpeg")
    host = elsewhere.url.removeprefix("http://")
    url = f"http://me:pa55@{host}/a/cat.jpg?token=s3cret"
    done = compressor("submit", url, "--header", "X-Who: you", "-o", "./", "--compression", "ultra")
    assert done.code == 0
    assert opened((compressor.folder / "cat.jpg").read_bytes()).format == "JPEG"
    assert sent(box) == ["fetch"]
    assert elsewhere.seen[-1]["x-who"] == "you"
    assert elsewhere.seen[-1]["authorization"].startswith("Basic ")
    listed = compressor("jobs", "--json")
    assert listed.record["source"] == f"{elsewhere.url}/a/cat.jpg"
    for hidden in (b"pa55", b"s3cret"):
        assert hidden not in done.err + done.out + listed.out
        assert not [path for path in compressor.files() if hidden in path.read_bytes()]


def test_stdin_is_a_source(compressor: Compressor, later: Box) -> None:
    """Spooled privately, sent, and gone; a type has to be named for the named options."""
    content = encoded("png")
    done = compressor(
        "submit", "-", "-o", "-", "--type", "image", "--compression", "ultra", stdin=content
    )
    assert done.code == 0
    assert opened(done.out).format == "PNG"
    assert len(done.out) < len(content)
    (upload,) = [r for r in later.requests if r["route"] == "upload"]
    assert upload["sha1"] == hashlib.sha1(content).hexdigest()
    assert compressor("jobs", "--json").record["source"] == "-"
    assert list((compressor.home / "tmp").iterdir()) == []


@pytest.mark.usefixtures("box")
def test_a_result_of_stdin_gets_a_name_in_a_folder(compressor: Compressor) -> None:
    done = compressor("submit", "-", "-o", "here/", stdin=encoded("png"))
    assert done.code == 0
    assert [path.name for path in (compressor.folder / "here").iterdir()] == ["stdin.png"]


@pytest.mark.parametrize("service", ["box", "later"])
def test_many_at_once(
    compressor: Compressor, file: File, service: str, request: pytest.FixtureRequest
) -> None:
    """An id a line in the order of the sources; results under the sources' names."""
    box: Box = request.getfixturevalue(service)
    names = ["a.png", "b.jpg", "c.webp", "d.tif", "e.gif"]
    for seed, name in enumerate(names):
        file(name, seed=seed)
    done = compressor("submit", *names, "-o", "small/", env={"COMPRESSOR_API_URL": box.url})
    assert done.code == 0
    assert len(done.lines) == 5
    assert sorted(path.name for path in (compressor.folder / "small").iterdir()) == names
    entries = compressor("jobs", "--json", env={"COMPRESSOR_API_URL": box.url}).records
    assert [entry["id"] for entry in reversed(entries)] == done.lines
    assert [entry["source"] for entry in reversed(entries)] == names


@pytest.mark.slow
@pytest.mark.usefixtures("file")
def test_forty_megabytes_are_answered_later(compressor: Compressor, box: Box) -> None:
    """Asynchronous by size; the digest that the service names is that of what was sent."""
    picture = opened(encoded("png", width=100, height=75)).resize((4000, 3334))
    picture.save(compressor.folder / "big.bmp")
    content = (compressor.folder / "big.bmp").read_bytes()
    assert len(content) > 40_000_000
    done = compressor("submit", "big.bmp", "-o", "small/", "--json")
    assert done.code == 0
    record = done.record
    assert record["status"] == "completed"
    assert record["input"]["size"] == len(content)
    assert record["input"]["sha1"] == hashlib.sha1(content).hexdigest()
    assert "enqueued" in done.stderr or "processing" in done.stderr
    assert "job" in box.routes()
    assert Path(compressor.folder, record["saved_to"]).stat().st_size == record["output"]["size"]


def unusable(folder: Path, kind: str) -> str:
    """A source that cannot be one."""
    path = folder / kind
    if kind == "empty":
        path.touch()
    elif kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(os.path.relpath(path))
    elif kind == "loop":
        path.symlink_to(path)
    elif kind.startswith("/"):
        return kind
    return kind


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("missing", "missing cannot be read: No such file or directory"),
        ("folder", "folder is a folder, not a regular file"),
        ("empty", "empty is empty"),
        ("fifo", "fifo is a pipe, not a regular file"),
        ("socket", "socket is a socket, not a regular file"),
        ("loop", "loop cannot be read: Too many levels of symbolic links"),
        ("/dev/zero", "/dev/zero is a device, not a regular file"),
        ("/proc/self/mem", "/proc/self/mem is empty"),
        ("x" * 300, "cannot be read: File name too long"),
    ],
    ids=lambda value: value[:14] if isinstance(value, str) else "",
)
def test_an_unusable_source_is_refused_before_any_request(
    compressor: Compressor,
    box: Box,
    kind: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Exit 3, one line, nothing sent, nothing in the ledger."""
    monkeypatch.chdir(compressor.folder)
    done = compressor("submit", unusable(compressor.folder, kind))
    assert (done.code, done.stdout) == (3, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert box.requests == []
    assert compressor("jobs").stdout == ""


def test_an_unreadable_file_is_refused(compressor: Compressor, box: Box, file: File) -> None:
    """Permission denied; root can read everything, so the test gives that up."""
    file("secret.png").chmod(0o000)
    words = (
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if not os.getuid() else []
    )
    for folder in (compressor.home, *compressor.home.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/") and os.getuid() == 0:
            folder.chmod(folder.stat().st_mode | 0o055)
    for part in ("state", "config", "work"):
        (compressor.home / part).mkdir(exist_ok=True)
        (compressor.home / part).chmod(0o777)
    done = compressor.shell(" ".join([*words, "compressor", "submit", "secret.png"]))
    assert (done.code, done.stdout) == (3, "")
    assert done.stderr == "compressor: secret.png cannot be read: Permission denied\n"
    assert box.requests == []


@pytest.mark.parametrize("stdin", [b"", None], ids=["empty", "closed"])
def test_an_empty_stdin_is_no_source(compressor: Compressor, box: Box, stdin: bytes | None) -> None:
    done = compressor("submit", "-", stdin=stdin or b"")
    assert (done.code, done.stdout) == (3, "")
    assert "standard input is empty" in done.stderr
    assert sent(box) == []


@pytest.mark.usefixtures("box")
def test_one_bad_source_takes_no_other_down(compressor: Compressor, file: File) -> None:
    """The good ones are done; each bad one is told and is a line of JSON; the code is theirs."""
    file("a.png")
    file("b.png", seed=2)
    done = compressor("submit", "a.png", "missing.png", "b.png", "--json")
    assert done.code == 3
    by_source = {record["source"]: record for record in done.records}
    assert by_source.keys() == {"a.png", "missing.png", "b.png"}
    bad = by_source["missing.png"]
    assert (bad["id"], bad["state"], bad["saved_to"]) == (None, "error", None)
    assert bad["error"] == {
        "kind": "InputProblem",
        "message": "missing.png cannot be read: No such file or directory",
        "hint": "",
        "exit_code": 3,
    }
    assert by_source["b.png"]["error"] is None
    assert by_source["b.png"]["state"] == "completed"


def test_a_source_named_twice_is_sent_once(compressor: Compressor, box: Box, file: File) -> None:
    file("a.png")
    done = compressor("submit", "a.png", "a.png")
    assert (done.code, len(done.ids)) == (0, 1)
    assert sent(box) == ["upload"]
    twice = compressor("submit", "-", "-")
    assert (twice.code, twice.stdout) == (2, "")
    assert "only once" in twice.stderr


@pytest.mark.parametrize("link", ["same", "hard", "symbolic", "folder"])
def test_a_source_is_never_its_own_target(
    compressor: Compressor, box: Box, file: File, link: str
) -> None:
    """By whatever name: refused before anything is sent. In a folder it gets another name."""
    source = file("photo.png")
    before = source.read_bytes()
    other = compressor.folder / "other.png"
    if link == "hard":
        other.hardlink_to(source)
    elif link == "symbolic":
        other.symlink_to(source)
    target = {"same": "photo.png", "folder": "."}.get(link, "other.png")
    done = compressor("submit", "photo.png", "-o", target)
    assert source.read_bytes() == before
    if link == "folder":
        assert done.code == 0
        assert (compressor.folder / "photo.min.png").exists()
        return
    assert (done.code, done.stdout) == (2, "")
    assert "is the source itself" in done.stderr
    assert box.requests == []


def test_two_results_of_one_name_are_refused_first(
    compressor: Compressor, box: Box, file: File
) -> None:
    for folder in ("a", "b"):
        (compressor.folder / folder).mkdir()
        file(f"{folder}/x.png")
    done = compressor("submit", "a/x.png", "b/x.png", "-o", "small/")
    assert (done.code, done.stdout) == (2, "")
    assert "several sources are called x.png" in done.stderr
    assert box.requests == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-o", "out.png", "a.png", "b.png"], "is not a folder, and there are 2 jobs"),
        (["-o", "-", "a.png", "b.png"], "one job only"),
        (["a.png", "--data", "{"], "--data is not valid JSON"),
        (["a.png", "--data", "[1]"], "--data must be a JSON object"),
        (["a.png", "--data", "@missing"], "--data cannot be read from missing"),
        (["a.png", "--data", "@a.png"], "not UTF-8 text"),
        (["a.png", "--set", "image"], "--set takes NAME=VALUE"),
        (["a.png", "--resize", "0x9"], "--resize takes WIDTHxHEIGHT"),
        (["a.png", "--mode", "fit"], "there is no --resize"),
        (["notes", "--resize", "9x9"], "name it, for example: --type image"),
        (["a.png", "--webhook", "ftp://x"], "--webhook takes a URL"),
        (["a.png", "--header", "no colon"], "--header takes 'Name: value'"),
        (["http://:0/x"], "is not a usable URL"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_options_are_refused_before_any_request(
    compressor: Compressor, box: Box, file: File, words: list[str], said: str
) -> None:
    for name in ("a.png", "b.png", "notes"):
        file(name, b"\x89content")
    done = compressor("submit", *words)
    assert (done.code, done.stdout) == (2, "")
    assert said in done.stderr
    assert box.requests == []


@pytest.mark.usefixtures("box")
def test_options_are_merged_in_the_documented_order(compressor: Compressor, file: File) -> None:
    """--data below the named options below --set, seen in what came out."""
    file("a.png", width=200, height=100)
    data = {"image": {"resize": {"width": 10, "height": 10, "mode": "fit"}}}
    file("data.json", json.dumps(data).encode())
    sizes = []
    for number, more in enumerate(
        ([], ["--resize", "40x20"], ["--resize", "40x20", "--set", "image.resize.width=80",
                                     "--set", "image.resize.height=40"])
    ):  # fmt: skip
        out = f"{number}.png"
        done = compressor("submit", "a.png", "--data", "@data.json", *more, "-o", out, "-q")
        assert done.code == 0
        sizes.append(opened((compressor.folder / out).read_bytes()).size)
    assert sizes == [(10, 10), (40, 20), (80, 40)]
    latest = compressor("jobs", "--json", "--limit", "1").record["options"]
    assert latest == {"image": {"resize": {"width": 80, "height": 40, "mode": "fit"}}}


@pytest.mark.usefixtures("box")
def test_the_levels_differ_and_data_may_come_from_stdin(compressor: Compressor, file: File) -> None:
    file("a.jpg", width=320, height=240)
    sizes = []
    for level in ("medium", "high", "ultra"):
        data = json.dumps({"image": {"compression": level}}).encode()
        done = compressor("submit", "a.jpg", "--data", "@-", "--json", stdin=data)
        sizes.append(done.record["output"]["size"])
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 3


def test_a_webhook_makes_it_later_and_reaches_the_service(
    compressor: Compressor, box: Box, file: File
) -> None:
    file("a.png")
    done = compressor("submit", "a.png", "--webhook", "https://example.com/hook?k=v")
    assert done.code == 0
    assert compressor("wait", "--last").code == 0
    assert box.stats()["webhooks"][0]["url"].startswith("https://example.com/hook")
    assert compressor("jobs", "--json").record["options"] == {
        "webhook": {"url": "https://example.com/hook"}
    }


@pytest.mark.usefixtures("box")
def test_a_public_store_is_told(compressor: Compressor, file: File) -> None:
    file("a.png")
    store = ["--set", "store.id=s", "--set", "store.bucket=b"]
    assert "public" in compressor("submit", "a.png", *store).stderr
    private = compressor("submit", "a.png", *store, "--set", "store.acl=private")
    assert "public" not in private.stderr


@pytest.mark.usefixtures("box")
def test_the_id_is_in_the_ledger_before_it_is_printed(compressor: Compressor, file: File) -> None:
    """A reader that acts on the id at once finds it there."""
    file("a.png")
    done = compressor.shell(
        "compressor submit a.png | { read id; compressor jobs --json | jq -r .id; echo $id; }",
        foreign=True,
    )
    kept, printed = done.lines
    assert kept == printed


def test_names_cannot_act_on_terminal_header_or_path(
    compressor: Compressor, box: Box, file: File
) -> None:
    """Quotes, line breaks, bidi, markup: one part with one name at the service, escapes here."""
    name = 'a" filename="x\r\n\x1b]0;t\x07\u202e[red]:smile:.png'
    file("ok.png").rename(compressor.folder / name)
    done = compressor("submit", name, "-o", "small/", "--json")
    assert done.code == 0
    assert r"\x1b]0;t\x07\u202e[red]:smile:.png" in done.stderr
    assert done.record["source"] == name
    assert box.stats()["accepted"] == 1
    (result,) = (compressor.folder / "small").iterdir()
    assert result.name.isprintable()
    assert done.record["saved_to"] == f"small/{result.name}"


def test_nothing_is_sent_for_a_target_that_cannot_be(
    compressor: Compressor, box: Box, file: File
) -> None:
    """A folder that is missing; with --skip-existing a result that is there already."""
    file("a.png")
    missing = compressor("submit", "a.png", "-o", "no/where/x.png")
    assert (missing.code, missing.stdout) == (9, "")
    assert "mkdir -p" in missing.stderr
    file("b.png", b"there")
    skipped = compressor("submit", "a.png", "-o", "b.png", "--skip-existing")
    assert (skipped.code, skipped.stdout) == (0, "")
    assert "already there" in skipped.stderr
    assert sent(box) == []


@pytest.mark.usefixtures("box")
def test_quiet_leaves_only_the_id_and_errors(compressor: Compressor, file: File) -> None:
    file("a.png")
    done = compressor("submit", "-q", "a.png", "missing.png")
    assert done.code == 3
    assert ID.fullmatch(done.stdout.strip())
    assert done.stderr == "compressor: missing.png cannot be read: No such file or directory\n"


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_both_schemes_of_authentication(
    compressor: Compressor, box: Box, file: File, auth: str
) -> None:
    """Chosen by a setting; the output's link is asked without the key."""
    compressor("config", "set", "auth", auth)
    file("a.png")
    assert compressor("submit", "a.png", "-o", "b.png").code == 0
    schemes = {r["route"]: r["authorization"] for r in box.requests}
    assert schemes == {"upload": auth, "output": "none"}


def test_the_deadline_of_a_submit_says_how_to_go_on(
    compressor: Compressor, later: Box, file: File
) -> None:
    """What was accepted goes on by its id, what was not is submitted again with all options."""
    file("a.png")
    done = compressor("submit", "a.png", "--wait", "--timeout", "0.5")
    assert done.code == 10
    assert "the job is not at an end" in done.stderr
    assert done.commands == [f"compressor wait {done.ids[0]}"]
    url = "https://me:pw@example.com/x.png?sig=s3cret"
    away = ["--api-url", "http://127.0.0.1:1/1.0"]
    unsent = compressor("submit", url, "--compression", "ultra", "--timeout", "0.3", *away)
    assert (unsent.code, unsent.stdout) == (5, "")
    assert "s3cret" not in unsent.stderr
    assert "me:pw" not in unsent.stderr
    assert unsent.commands == [
        f"compressor submit --compression ultra {' '.join(away)} -- https://example.com/x.png"
    ]
    assert "its query and password are not shown: write them again" in unsent.stderr
    assert later.routes().count("upload") == 1


def test_a_deadline_before_the_answer_is_doubt_not_safety(
    compressor: Compressor, box: Box, file: File
) -> None:
    """All of it was sent: that nothing was accepted would be a guess that is paid for."""
    file("a.png")
    box.script({"on": "upload", "stall": 20, "after_work": True, "status": 200})
    done = compressor("submit", "a.png", "--timeout", "0.5", "--json")
    assert done.code == 7
    assert "nothing was accepted" not in done.stderr
    assert "a.png: sent whole, but whether it was accepted is unknown" in done.stderr
    assert done.commands == []
    assert done.record["state"] == "unknown"
    assert compressor("jobs", "--json").record["state"] == "unknown"
    assert box.stats()["accepted"] == 1


def test_one_file_under_several_names_is_sent_once(
    compressor: Compressor, box: Box, file: File
) -> None:
    """Also by a hard link: it would be paid twice."""
    file("a.png").with_name("b.png").hardlink_to(compressor.folder / "a.png")
    done = compressor("submit", "a.png", "./a.png", "b.png")
    assert (done.code, len(done.ids)) == (0, 1)
    assert "b.png is the same file as a.png: sent once" in done.stderr
    assert box.stats()["accepted"] == 1


def test_an_api_url_that_leads_nowhere(compressor: Compressor, box: Box, file: File) -> None:
    """Nothing of it is a job: what to look at is the URL."""
    file("a.png")
    done = compressor("submit", "a.png", env={"COMPRESSOR_API_URL": f"{box.origin}/2.0"})
    assert done.code == 6
    assert done.stderr.startswith("compressor: a.png: the service answered 404")
    assert done.stderr.endswith("\n  check the API URL: compressor config get api_url\n")
