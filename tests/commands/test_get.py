"""`get`: where results go, what is verified, what is never replaced."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from conftest import File
from running import Box, Compressor, boxed
from sandbox.pictures import opened


@pytest.fixture
def job(compressor: Compressor, box: Box, file: File) -> str:
    """A finished job of photo.png."""
    file("photo.png")
    found = compressor("submit", "-q", "photo.png").ids[0]
    box.forget()
    return found


@pytest.mark.usefixtures("box")
def test_the_path_of_the_result_is_printed(compressor: Compressor, job: str) -> None:
    """Without -o under a name made from the source's, beside it, and not its own."""
    done = compressor("get", job)
    assert done.whole == (
        "exit 0\n-- stdout\nphoto.min.png\n-- stderr\n"
        "photo.png  37.3 kB → 11.4 kB  −69.3 %  in <TIME>\n"
    )
    assert compressor("jobs", "--json").record["saved_to"].endswith("photo.min.png")


@pytest.mark.parametrize(
    ("output", "path"),
    [("x.png", "x.png"), ("sub", "sub/photo.png"), ("new/", "new/photo.png"), ("-x.png", "-x.png")],
)
@pytest.mark.usefixtures("box")
def test_file_and_folder(compressor: Compressor, job: str, output: str, path: str) -> None:
    (compressor.folder / "sub").mkdir()
    done = compressor("get", job, "-o", output)
    assert (done.code, done.lines) == (0, [path])
    assert opened((compressor.folder / path).read_bytes()).format == "PNG"


@pytest.mark.usefixtures("box")
def test_an_explicit_file_is_replaced_and_keeps_its_mode(
    compressor: Compressor, job: str, file: File
) -> None:
    """A derived name is not replaced without --force; --skip-existing leaves it and is content."""
    old = file("x.png", b"old")
    old.chmod(0o640)
    assert compressor("get", job, "-o", "x.png").code == 0
    assert old.read_bytes() != b"old"
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    derived = file("photo.min.png", b"mine")
    refused = compressor("get", job)
    assert (refused.code, refused.stdout) == (9, "")
    assert derived.read_bytes() == b"mine"
    skipped = compressor("get", job, "--skip-existing")
    assert (skipped.code, skipped.stdout) == (0, "")
    assert "already there" in skipped.stderr
    assert derived.read_bytes() == b"mine"
    assert compressor("get", job, "--force").code == 0
    assert derived.read_bytes() == old.read_bytes()


@pytest.mark.parametrize(("umask", "mode"), [("077", 0o600), ("022", 0o644), ("002", 0o664)])
@pytest.mark.usefixtures("box")
def test_the_mode_of_a_new_file_is_the_umasks(
    compressor: Compressor, job: str, umask: str, mode: int
) -> None:
    assert compressor.shell(f"umask {umask}; compressor get {job} -o new.png").code == 0
    assert stat.S_IMODE((compressor.folder / "new.png").stat().st_mode) == mode


@pytest.mark.usefixtures("box")
def test_devices_pipes_and_links_stay_what_they_are(compressor: Compressor, job: str) -> None:
    """Written to, or followed; a link that leads nowhere and a full device are refused."""
    folder = compressor.folder
    assert compressor("get", job, "-o", "/dev/null").code == 0
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    full = compressor("get", job, "-o", "/dev/full")
    assert full.code == 9
    assert "No space left" in full.stderr
    (folder / "target.png").write_bytes(b"old")
    (folder / "link.png").symlink_to("target.png")
    assert compressor("get", job, "-o", "link.png").code == 0
    assert (folder / "link.png").is_symlink()
    result = (folder / "target.png").read_bytes()
    assert opened(result).format == "PNG"
    (folder / "nowhere.png").symlink_to("missing.png")
    assert compressor("get", job, "-o", "nowhere.png").code == 9
    os.mkfifo(folder / "fifo")
    done = compressor.shell(f"cat fifo > copy & compressor get {job} -o fifo; wait")
    assert done.code == 0
    assert (folder / "copy").read_bytes() == result
    assert stat.S_ISFIFO((folder / "fifo").stat().st_mode)


@pytest.mark.parametrize("output", ["none/x.png", "photo.png/x.png"])
def test_a_target_that_cannot_be_is_told_before_the_download(
    compressor: Compressor, box: Box, job: str, output: str
) -> None:
    done = compressor("get", job, "-o", output)
    assert (done.code, done.stdout) == (9, "")
    assert "output" not in box.routes()


@pytest.mark.usefixtures("box")
def test_the_source_itself_is_no_target(compressor: Compressor, job: str) -> None:
    """Unless --force says so, and then only by a verified whole."""
    before = (compressor.folder / "photo.png").read_bytes()
    refused = compressor("get", job, "-o", "photo.png")
    assert (refused.code, refused.stdout) == (2, "")
    assert "is the source itself" in refused.stderr
    assert (compressor.folder / "photo.png").read_bytes() == before
    assert compressor("get", job, "-o", "photo.png", "--force").code == 0
    assert (compressor.folder / "photo.png").stat().st_size < len(before)


@pytest.mark.usefixtures("box")
def test_many_jobs_go_into_a_folder(compressor: Compressor, file: File) -> None:
    """Two results of one name: the second is refused, not written over the first."""
    file("a.png")
    (compressor.folder / "b").mkdir()
    file("b/a.png", seed=2)
    file("c.jpg")
    jobs = compressor("submit", "-q", "a.png", "b/a.png", "c.jpg").ids
    done = compressor("get", *jobs, "-o", "small/")
    assert done.code == 9
    assert sorted(path.name for path in (compressor.folder / "small").iterdir()) == [
        "a.png",
        "c.jpg",
    ]
    assert "two results of this run would both be small/a.png" in done.stderr
    assert len(done.lines) == 2


def test_an_unfinished_job_is_10_and_wait_waits(
    compressor: Compressor, box: Box, file: File
) -> None:
    file("photo.png")
    box.script({"on": "upload", "states": ["processing"]})
    job = compressor("submit", "-q", "photo.png").ids[0]
    early = compressor("get", job, "-o", "x.png")
    assert early.whole == (
        "exit 10\n-- stdout\n-- stderr\n"
        "compressor: photo.png: job <ID> is still running\n"
        "  go on with: compressor get --wait <ID> --output x.png\n"
    )
    assert compressor.shell(early.commands[0]).code == 0
    assert (compressor.folder / "x.png").exists()


def test_an_expired_link_is_renewed(compressor: Compressor, later: Box, file: File) -> None:
    """The job is asked for a fresh one, once."""
    file("photo.png")
    job = compressor("submit", "-q", "photo.png").ids[0]
    compressor("wait", "-q", job)
    later.forget()
    later.script({"on": "output", "status": 403})
    assert compressor("get", job, "-o", "x.png").code == 0
    assert later.fired() == [1]
    assert later.routes() == ["output", "job", "output"]


def test_a_download_that_is_cut_goes_on(compressor: Compressor, box: Box, job: str) -> None:
    box.script({"on": "output", "truncate": 5000})
    done = compressor("get", job, "-o", "x.png")
    assert done.code == 0
    assert box.fired() == [1]
    assert box.requests[-1]["range"] == "bytes=5000-"


def test_a_result_is_kept_where_the_service_forgot_the_job(
    compressor: Compressor, file: File
) -> None:
    """An end that was told at once is in the ledger; an output that is gone too is told."""
    file("photo.png")
    with boxed() as box:
        env = {"COMPRESSOR_API_URL": box.url}
        job = compressor("submit", "-q", "photo.png", env=env).ids[0]
        box.script({"on": "job", "status": 404, "times": 9})
        assert compressor("wait", job, env=env).lines == [f"{job}\tcompleted"]
        assert "job" not in box.routes()
        assert compressor("get", job, "-o", "x.png", env=env).code == 0
        box.script({"on": "output", "status": 404, "times": 9})
        gone = compressor("get", job, "-o", "y.png", env=env)
    assert (gone.code, gone.stdout) == (6, "")
    assert not (compressor.folder / "y.png").exists()


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "http://169.254.169.254/x", "//[::ffff:10.0.0.1]/x"],
)
def test_an_output_that_leads_astray_is_not_fetched(
    compressor: Compressor, box: Box, file: File, url: str
) -> None:
    file("photo.png")
    box.script({"on": "upload", "merge": {"url": url}})
    done = compressor("submit", "photo.png", "-o", "x.png")
    assert done.code == 6
    assert not (compressor.folder / "x.png").exists()
    assert "output" not in box.routes()


def test_two_ports_never_see_the_key_of_the_other(
    compressor: Compressor, later: Box, file: File
) -> None:
    """The output's host is asked without any credentials."""
    file("photo.png")
    assert compressor("submit", "photo.png", "-o", "x.png").code == 0
    by_route = {request["route"]: request for request in later.requests}
    assert by_route["output"]["host"] != by_route["upload"]["host"]
    assert by_route["output"]["authorization"] == "none"
    assert "cookie" not in by_route["output"]["headers"]
