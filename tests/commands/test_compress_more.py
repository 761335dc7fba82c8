"""compress and check: lists, templates, URLs, doubt, and budgets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import File
from running import Box, Compressor, Elsewhere, until
from sandbox.pictures import encoded


def states(records: list[dict[str, object]]) -> dict[object, object]:
    return {row["path"]: row["state"] for row in records if row["kind"] == "file"}


@pytest.fixture
def two(file: File) -> list[Path]:
    return [file("a.png"), file("b.jpg")]


@pytest.mark.usefixtures("box", "two")
def test_sources_come_from_lists_too(compressor: Compressor) -> None:
    """A line or a NUL each, from a file or stdin; an empty list may be allowed."""
    (compressor.folder / "list").write_text("a.png\n\nb.jpg\n")
    words = ("compress", "-o", "out/", "--dry-run", "--json", "--files-from")
    assert set(states(compressor(*words, "list").records)) == {"a.png", "b.jpg"}
    piped = compressor(*words, "-", stdin=b"a.png\0b.jpg\0")
    assert set(states(piped.records)) == {"a.png", "b.jpg"}
    assert compressor(*words, "nope").code == 3
    assert compressor(*words, "-", stdin=b"").code == 3
    assert compressor(*words, "-", "--allow-empty", stdin=b"").code == 0


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("end", [b"\r\n", b"\0"])
def test_a_mark_at_the_begin_of_a_list_is_no_name(compressor: Compressor, end: bytes) -> None:
    """Some editors write it before the first line; anywhere else it is part of a name."""
    content = b"\xef\xbb\xbfa.png" + end + b"\xef\xbb\xbfb.jpg" + end
    (compressor.folder / "list").write_bytes(content)
    done = compressor("compress", "-o", "out/", "--dry-run", "--json", "--files-from", "list")
    assert states(done.records) == {"a.png": "would-send", "\ufeffb.jpg": "failed"}
    assert done.code == 3


@pytest.mark.usefixtures("box")
def test_a_dry_run_changes_no_times(compressor: Compressor, file: File) -> None:
    """A source that was touched since has an older target until a run that may change something."""
    path, words = file("a.png"), ("compress", "a.png", "-o", "out/")
    assert compressor(*words).code == 0
    target = compressor.folder / "out/a.png"
    before = target.stat().st_mtime_ns
    later = before + 5_000_000_000
    os.utime(path, ns=(later, later))
    done = compressor(*words, "--dry-run", "--json")
    assert states(done.records) == {"a.png": "unchanged"}
    assert target.stat().st_mtime_ns == before
    assert compressor(*words).code == 0
    assert target.stat().st_mtime_ns > later


@pytest.mark.usefixtures("box", "two")
def test_a_template_names_results_beside_their_sources(compressor: Compressor) -> None:
    """And they are not taken for sources the next time."""
    words = ("compress", ".", "--name", "{dir}/{stem}.min{ext}", "--json")
    assert compressor(*words).code == 0
    assert (compressor.folder / "a.min.png").exists()
    assert states(compressor(*words).records) == {"a.png": "unchanged", "b.jpg": "unchanged"}


@pytest.mark.usefixtures("two")
def test_two_results_of_one_source_are_both_remembered(compressor: Compressor, box: Box) -> None:
    """As large and small pictures of the same sources: neither run undoes the other."""
    large = ("compress", "a.png", "b.jpg", "-o", "large/", "--compression", "medium")
    small = ("compress", "a.png", "b.jpg", "-o", "small/", "--resize", "40x40")
    for words in (large, small):
        assert compressor(*words).code == 0
    box.forget()
    for words in (large, small):
        found = states(compressor(*words, "--json").records)
        assert set(found.values()) == {"unchanged"}
        assert compressor("check", *words[1:]).code == 0
    assert box.requests == []


@pytest.mark.usefixtures("two")
def test_a_stage_after_another(compressor: Compressor, box: Box) -> None:
    """Results are the sources of a next run, which names them; check sees them too."""
    assert compressor("compress", "a.png", "b.jpg", "-o", "web/").code == 0
    stage = ("web", "-o", "thumbs/", "--resize", "20x")
    assert compressor("check", *stage).code == 11
    assert compressor("compress", *stage).code == 0
    assert box.stats()["accepted"] == 4
    assert (compressor.folder / "thumbs/a.png").exists()
    assert compressor("compress", "a.png", "b.jpg", "-o", "web/").code == 0
    assert compressor("compress", *stage).code == 0
    assert compressor("check", *stage).code == 0
    assert box.stats()["accepted"] == 4


@pytest.mark.usefixtures("box", "two")
def test_where_a_result_once_lay_another_file_is_a_source(
    compressor: Compressor, file: File
) -> None:
    """A result of a file that is there too is left out, as its content tells; what took its place
    is not."""
    (compressor.folder / "s").mkdir()
    for target in ("s/x.png", "t.png"):
        assert compressor("compress", "a.png", "-o", target).code == 0
    check = ("check", "a.png", "s", "-o", "out/", "--json")
    assert states(compressor(*check).records) == {"a.png": "missing"}
    file("s/x.png", seed=77)
    found = compressor(*check)
    assert states(found.records) == {"a.png": "missing", "s/x.png": "missing"}


@pytest.mark.usefixtures("two")
def test_without_a_key_what_was_not_sent_is_told(compressor: Compressor, box: Box) -> None:
    """The sum does not say that all is well."""
    assert compressor("compress", "a.png", "-o", "out/").code == 0
    box.forget()
    words = ("compress", "a.png", "b.jpg", "-o", "out/")
    done = compressor(*words, "--json", env={"COMPRESSOR_API_KEY": None})
    assert (done.code, states(done.records)) == (4, {"a.png": "unchanged", "b.jpg": "not-sent"})
    plain = compressor(*words, env={"COMPRESSOR_API_KEY": None})
    assert "2 files: 1 not-sent, 1 unchanged" in plain.stdout
    assert box.requests == []


@pytest.mark.usefixtures("box", "two")
def test_check_tells_what_mends_all(compressor: Compressor) -> None:
    """One command; and what is found of all together is no file more."""
    words = ("a.png", "b.jpg", "-o", "out/")
    found = compressor("check", *words)
    assert found.code == 11
    assert "all of them: compressor compress --output out/ -- a.png b.jpg" in found.stderr
    assert compressor("compress", *words).code == 0
    found = compressor("check", *words, "--budget", "1 kB", "--json")
    assert found.code == 11
    assert found.records[-1]["files"] == 2
    assert [row["path"] for row in found.records if row["kind"] == "all"] == ["all files"]


@pytest.mark.usefixtures("two")
def test_fail_fast_ends_at_the_first_failure(compressor: Compressor, box: Box) -> None:
    box.script({"on": "upload", "fail": "no"}, {"on": "upload", "throttle": 1000})
    words = ("compress", "a.png", "b.jpg", "-o", "out/", "-j", "1", "--fail-fast", "--json")
    done = compressor(*words)
    assert done.code == 6
    assert "the others were not sent; go on with: compressor compress" in done.stderr
    *rows, total = done.records
    assert {row["path"]: row["state"] for row in rows} == {"a.png": "failed", "b.jpg": "not-sent"}
    assert total["states"] == {"failed": 1, "not-sent": 1}


@pytest.mark.usefixtures("two")
def test_fail_fast_tells_what_becomes_of_the_others(compressor: Compressor, box: Box) -> None:
    """One that was accepted goes on; of one whose answer had not come that is noted, too."""
    jpg = (compressor.folder / "b.jpg").read_bytes()
    (compressor.folder / "c.jpg").write_bytes(jpg + b"another")
    box.script(
        {"on": "upload", "states": ["processing"] * 99},
        {"on": "upload", "stall": 20},
        {"on": "upload", "stall": 1, "fail": "no"},
    )
    words = ("a.png", "b.jpg", "c.jpg", "-o", "out/", "-j", "3", "--fail-fast", "--json")
    done = compressor("compress", *words)
    assert done.code == 6
    *rows, _ = done.records
    found = states(rows)
    assert sorted(found.values()) == ["failed", "pending", "unknown"]
    assert "some of the others still run; go on with: compressor compress" in done.stderr
    noted = {row["state"] for row in compressor("jobs", "--json").records}
    assert noted == {"failed", "pending", "unknown"}


def test_urls_are_fetched_by_the_service_into_the_folder(
    compressor: Compressor, box: Box, elsewhere: Elsewhere
) -> None:
    elsewhere.pages["/x.png"] = encoded("png", width=90, height=70)
    done = compressor("compress", f"{elsewhere.url}/x.png", "-o", "out/", "--json")
    assert (done.code, list(states(done.records).values())) == (0, ["compressed"])
    assert (compressor.folder / "out/x.png").stat().st_size > 0
    assert box.routes().count("upload") == 0


@pytest.mark.usefixtures("two")
def test_a_job_that_the_service_forgot_is_made_again(compressor: Compressor, box: Box) -> None:
    """The lock is gone, the ledger knows a job, the service does not: then it is sent."""
    assert compressor("compress", "a.png", "-o", "x.png", "--no-lock").code == 0
    box.forget()
    again = compressor("compress", "a.png", "-o", "y.png", "--no-lock")
    assert (again.code, box.stats()["accepted"]) == (0, 0), "the job is taken up"
    box.forget()
    box.script({"on": "job", "status": 404}, {"on": "output", "status": 404})
    anew = compressor("compress", "a.png", "-o", "z.png", "--no-lock")
    assert (anew.code, box.stats()["accepted"]) == (0, 1)
    box.forget()
    assert compressor("compress", "a.png", "-o", "w.png", "--no-lock", "--force").code == 0
    assert box.stats()["accepted"] == 1


@pytest.mark.usefixtures("two")
def test_what_may_have_been_accepted_is_not_sent_again(compressor: Compressor, box: Box) -> None:
    """Until the user says so, with the command that is printed."""
    box.script({"on": "upload", "drop": "after"})
    words = ("compress", "a.png", "-o", "x.png")
    assert compressor(*words).code == 7
    second = compressor(*words)
    assert (second.code, box.stats()["accepted"]) == (7, 1)
    command = next(line for line in second.stderr.splitlines() if "jobs forget" in line)
    assert compressor.shell(command.partition("twice: ")[2]).code == 0
    assert compressor(*words).code == 0
    assert box.stats()["accepted"] == 2


@pytest.mark.usefixtures("box", "two")
def test_budgets_of_check(compressor: Compressor) -> None:
    compressor("compress", "a.png", "b.jpg", "-o", "out/")
    check = ("check", "a.png", "b.jpg", "-o", "out/")
    for words, code in (
        (("--budget", "1 kB"), 11),
        (("--budget", "1 GB"), 0),
        (("--min-savings", "99%"), 11),
        (("--min-savings", "1%"), 0),
        (("--max-size", "*.jpg=1 B"), 11),
        (("--max-size", "*.gif=1 B"), 0),
        (("--max-size", "nonsense"), 2),
        (("--budget", "much"), 2),
        (("https://example.com/x.png",), 2),
    ):
        assert compressor(*check, *words).code == code, words
    found = compressor(*check, "--max-size", "*.jpg=1 B", "--json")
    assert states(found.records)["b.jpg"] == "over-budget"
    (compressor.folder / "a.png").unlink()
    assert compressor(*check).code == 3


@pytest.mark.usefixtures("box", "two")
def test_totals_over_time(compressor: Compressor) -> None:
    compressor("compress", "a.png", "b.jpg", "-o", "out/")
    done = compressor("jobs", "--stats", "--json")
    assert (done.record["jobs"], done.record["states"]) == (2, {"completed": 2})
    assert done.record["saved"] == done.record["before"] - done.record["after"] > 0
    assert compressor("jobs", "--stats").stdout.startswith("2 jobs, 2 completed, ")


@pytest.mark.usefixtures("box", "two")
def test_a_report_file_is_written(compressor: Compressor) -> None:
    assert compressor("compress", "a.png", "-o", "x.png", "--report", "r.md").code == 0
    assert "a.png" in (compressor.folder / "r.md").read_text()
    assert compressor("compress", "a.png", "-o", "x.png", "--report", "r.json").code == 0
    assert "unchanged" in (compressor.folder / "r.json").read_text()


@pytest.mark.usefixtures("two")
def test_a_source_that_changes_while_it_is_compressed_is_not_lost(
    compressor: Compressor, box: Box
) -> None:
    """In place, what was edited meanwhile stays; the result is not used."""
    box.script({"on": "output", "stall": 1.0})
    going = compressor.start("compress", "a.png", "--in-place")
    until(lambda: box.fired() == [1])
    (compressor.folder / "a.png").write_bytes(b"edited")
    done = going.ended()
    assert done.code == 3
    assert (compressor.folder / "a.png").read_bytes() == b"edited"


def test_standard_input_is_a_source_with_a_named_result(compressor: Compressor, box: Box) -> None:
    """It has no digest before it is sent, so nothing is skipped or noted."""
    content = encoded("png", width=80, height=60)
    done = compressor("compress", "-", "-o", "x.png", "--json", stdin=content)
    assert (done.code, states(done.records)) == (0, {"-": "compressed"})
    assert 0 < (compressor.folder / "x.png").stat().st_size < len(content)
    box.forget()
    nowhere = compressor("compress", "-", "-o", "out/", stdin=content)
    assert (nowhere.code, box.requests) == (2, [])
