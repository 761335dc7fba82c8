"""compress and check: many assets, unchanged ones skipped, nothing paid twice."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import stat
from pathlib import Path

import pytest
from conftest import File
from running import Box, Compressor, boxed, until
from sandbox.pictures import encoded

TREE = {
    "assets/a.png": "png",
    "assets/b.jpg": "jpeg",
    "assets/deep/c.webp": "webp",
    "assets/deep/er/d.gif": "gif",
}


@pytest.fixture
def tree(compressor: Compressor) -> dict[Path, bytes]:
    """A tree of pictures, and what is in each; beside them what is not for the service."""
    made = {}
    for number, (name, kind) in enumerate(TREE.items()):
        path = compressor.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(kind, width=200 + number, height=150))
        made[path] = path.read_bytes()
    (compressor.folder / "assets/notes.txt").write_text("not for the service")
    (compressor.folder / "assets/.hidden.png").write_bytes(b"not looked at")
    return made


def looked_at(box: Box) -> set[str]:
    """The jobs that were asked for: their ids are known here, and no upload is under way."""
    return {seen["path"] for seen in box.requests if seen["route"] == "job"}


def states(records: list[dict[str, object]]) -> dict[object, object]:
    return {row["path"]: row["state"] for row in records if row["kind"] == "file"}


def test_a_tree_is_mirrored_and_a_second_run_sends_nothing(
    compressor: Compressor, box: Box, tree: dict[Path, bytes]
) -> None:
    """Every source has a smaller, verified target that is newer; the sources are as they were."""
    done = compressor("compress", "assets", "-o", "out", "--json")
    assert done.code == 0
    assert states(done.records) == dict.fromkeys(TREE, "compressed")
    for source, content in tree.items():
        target = compressor.folder / "out" / source.relative_to(compressor.folder / "assets")
        assert source.read_bytes() == content
        assert 0 < target.stat().st_size < len(content)
        assert target.stat().st_mtime_ns > source.stat().st_mtime_ns
    assert box.stats()["accepted"] == len(tree)
    box.forget()
    again = compressor(
        "compress", "assets", "-o", "out", "--json", env={"COMPRESSOR_API_KEY": None}
    )
    assert (again.code, box.requests) == (0, [])
    assert states(again.records) == dict.fromkeys(TREE, "unchanged")


@pytest.mark.usefixtures("box")
def test_the_table_names_each_file_and_the_sum(
    compressor: Compressor, tree: dict[Path, bytes]
) -> None:
    done = compressor("compress", "assets", "-o", "out")
    assert done.code == 0
    assert all(name in done.stdout for name in TREE)
    assert "left out, of other kinds: assets/notes.txt" in done.stderr
    assert len(tree) == 4


def test_in_place_twice_does_nothing_the_second_time(
    compressor: Compressor, box: Box, tree: dict[Path, bytes]
) -> None:
    """The output is known as our own; mode and name stay."""
    for path in tree:
        path.chmod(0o640)
    assert compressor("compress", "assets", "--in-place").code == 0
    small = {path: path.read_bytes() for path in tree}
    assert all(len(small[path]) < len(tree[path]) for path in tree)
    assert {path.stat().st_mode & 0o777 for path in tree} == {0o640}
    box.forget()
    again = compressor("compress", "assets", "--in-place", "--json")
    assert (again.code, box.requests) == (0, [])
    assert {path: path.read_bytes() for path in tree} == small


@pytest.mark.skipif(not hasattr(os, "chown"), reason="no such modes here")
@pytest.mark.parametrize("mode", [0o4755, 0o2754, 0o6711, 0o1600, 0o777])
@pytest.mark.usefixtures("box")
def test_in_place_every_bit_of_the_mode_stays(
    compressor: Compressor, file: File, mode: int
) -> None:
    """Also those that the system takes away when the owner is set."""
    path = file("a.png")
    before = path.read_bytes()
    path.chmod(mode)
    owner = path.stat().st_uid, path.stat().st_gid
    assert compressor("compress", "a.png", "--in-place").code == 0
    status = path.stat()
    assert len(path.read_bytes()) < len(before)
    assert stat.S_IMODE(status.st_mode) == mode
    assert (status.st_uid, status.st_gid) == owner


def test_what_changed_or_has_other_options_is_compressed_anew(
    compressor: Compressor, box: Box, tree: dict[Path, bytes]
) -> None:
    compressor("compress", "assets", "-o", "out")
    box.forget()
    path = compressor.folder / "assets/a.png"
    path.write_bytes(encoded("png", width=222, height=111))
    done = compressor("compress", "assets", "-o", "out", "--json")
    assert states(done.records)["assets/a.png"] == "compressed"
    assert box.stats()["accepted"] == 1
    box.forget()
    done = compressor("compress", "assets", "-o", "out", "--compression", "ultra", "--json")
    assert (done.code, box.stats()["accepted"]) == (0, len(tree))


def test_a_result_that_is_not_smaller_is_not_used(
    compressor: Compressor, box: Box, file: File
) -> None:
    """Elsewhere the source's bytes become the target; in place the source stays."""
    source = file("a.png")
    content = source.read_bytes()
    larger = {"merge": {"output": {"size": len(content) + 1}}, "times": 9}
    box.script({"on": "upload", **larger}, {"on": "job", **larger})
    done = compressor("compress", "a.png", "-o", "b.png", "--json")
    assert (done.code, states(done.records)) == (0, {"a.png": "kept"})
    assert (compressor.folder / "b.png").read_bytes() == content
    assert compressor("compress", "a.png", "--in-place", "--json").code == 0
    assert source.read_bytes() == content
    box.forget()
    assert compressor("compress", "a.png", "-o", "b.png").code in (0,)


def test_min_savings_is_a_share(compressor: Compressor, box: Box, file: File) -> None:
    """A result that saves less is not worth it."""
    file("a.png")
    done = compressor("compress", "a.png", "-o", "b.png", "--min-savings", "99%", "--json")
    assert (done.code, states(done.records)) == (0, {"a.png": "kept"})
    assert box.stats()["accepted"] == 1


def test_failures_are_named_and_the_others_finish(
    compressor: Compressor, box: Box, tree: dict[Path, bytes]
) -> None:
    """Exit code of the failure; the next run does only what failed."""
    box.script({"on": "upload", "fail": "no such luck"})
    done = compressor("compress", "assets", "-o", "out", "--json", "-j", "1")
    assert done.code == 6
    assert sorted(map(str, states(done.records).values())) == ["compressed"] * 3 + ["failed"]
    assert "no such luck" in done.stderr
    box.forget()
    assert compressor("compress", "assets", "-o", "out").code == 0
    assert box.stats()["accepted"] == 1
    assert len(tree) == 4


def test_dry_run_makes_no_request(
    compressor: Compressor, box: Box, tree: dict[Path, bytes]
) -> None:
    """Nor needs it a key; count and bytes are said."""
    done = compressor(
        "compress", "assets", "-o", "out", "--dry-run", "--json", env={"COMPRESSOR_API_KEY": None}
    )
    assert (done.code, box.requests) == (0, [])
    assert states(done.records) == dict.fromkeys(TREE, "would-send")
    assert not (compressor.folder / "out").exists()
    assert sum(row["before"] for row in done.records if row["kind"] == "file") == sum(
        map(len, tree.values())
    )


def test_max_jobs_is_a_cap(compressor: Compressor, box: Box, tree: dict[Path, bytes]) -> None:
    done = compressor("compress", "assets", "-o", "out", "--max-jobs", "1", "--json")
    assert done.code == 0
    assert box.stats()["accepted"] == 1
    assert sorted(map(str, states(done.records).values())).count("postponed") == len(tree) - 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nope.png", "-o", "x.png"], 3, "No such file"),
        (["assets"], 2, "where shall the results go?"),
        (["assets", "-o", "out", "--in-place"], 2, "give one of them"),
        (["assets", "--name", "{dir}/{size}"], 2, "no placeholder {size}"),
        (["assets", "--name", "x"], 2, "same name"),
        (["empty", "-o", "out"], 3, "no files to compress"),
        (["assets", "-o", "assets"], 2, "would replace itself"),
        ([], 2, "compress what?"),
        (["assets", "-o", "out", "--report", "x.txt"], 2, "x.txt"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
@pytest.mark.usefixtures("tree")
def test_bad_input_is_told_before_anything_is_sent(
    compressor: Compressor, box: Box, words: list[str], code: int, said: str
) -> None:
    (compressor.folder / "empty").mkdir()
    done = compressor("compress", *words)
    assert (done.code, box.requests) == (code, [])
    assert said in done.stderr + done.stdout


@pytest.mark.usefixtures("tree")
def test_a_damaged_lock_is_named_and_kept(compressor: Compressor, box: Box) -> None:
    lock = compressor.folder / "compressor.lock"
    lock.write_text('{"compressor.lock": 1}\nnonsense\n')
    done = compressor("compress", "assets", "-o", "out")
    assert (done.code, box.requests) == (3, [])
    assert "compressor.lock is damaged in line 2" in done.stderr
    assert lock.read_text().endswith("nonsense\n")


def test_an_interrupted_run_is_taken_up(compressor: Compressor, tree: dict[Path, bytes]) -> None:
    """Ctrl-C and SIGKILL: the jobs that were accepted are asked for again, not made again."""
    with boxed(answers="later", work_seconds=0.5) as box:
        compressor.env["COMPRESSOR_API_URL"] = box.url
        words = ("compress", "assets", "-o", "out", "-j", "2")
        for number, known in ((signal.SIGINT, 2), (signal.SIGKILL, 4)):
            going = compressor.start(*words)
            until(lambda most=known: len(looked_at(box)) == most)
            going.process.send_signal(number)
            going.ended()
        done = compressor(*words, "--json")
        assert done.code == 0, done.stderr
        by_sha1 = box.stats()["accepted_by_sha1"]
    assert {hashlib.sha1(content).hexdigest() for content in tree.values()} == set(by_sha1)
    assert set(by_sha1.values()) == {1}


@pytest.mark.usefixtures("box")
def test_the_lock_is_one_line_a_file(compressor: Compressor, tree: dict[Path, bytes]) -> None:
    """Relative paths, sorted, and nothing of the machine."""
    compressor("compress", "assets", "-o", "out")
    lines = (compressor.folder / "compressor.lock").read_text().splitlines()
    paths = [json.loads(line)["path"] for line in lines[1:]]
    assert paths == sorted(TREE)
    assert str(compressor.home) not in "".join(lines)
    assert len(lines) == len(tree) + 1


@pytest.mark.usefixtures("tree")
def test_on_github_each_failure_is_an_annotation(
    compressor: Compressor, box: Box, tmp_path: Path
) -> None:
    """And the table is in the step summary."""
    summary = tmp_path / "summary.md"
    box.script({"on": "upload", "fail": "bad::luck"})
    env = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    done = compressor("compress", "assets", "-o", "out", "-j", "1", env=env)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("::")]
    assert line.startswith("::error file=assets/")
    assert "assets/" in summary.read_text()
    quiet = compressor("compress", "assets", "-o", "o2", "--no-annotations", env=env)
    assert "::error" not in quiet.stderr


def test_a_project_file_makes_arguments_needless(
    compressor: Compressor, box: Box, tree: dict[Path, bytes]
) -> None:
    """Also from a folder below; check agrees with what compress did."""
    (compressor.folder / "compressor.toml").write_text(
        'sources = ["assets"]\noutput = "out"\n[options]\n"**/*.png" = { compression = "ultra" }\n'
    )
    below = compressor.folder / "assets" / "deep"
    assert compressor("check", cwd=below).code == 11
    assert compressor("compress", cwd=below).code == 0
    assert box.stats()["accepted"] == len(tree)
    assert (compressor.folder / "out/deep/er/d.gif").exists()
    assert compressor("check", cwd=below, env={"COMPRESSOR_API_KEY": None}).code == 0
    assert (compressor.folder / "compressor.lock").exists()


def test_check_finds_what_is_missing_changed_or_too_large(
    compressor: Compressor, box: Box, tree: dict[Path, bytes]
) -> None:
    """Exit 11, and each finding names the command that mends it; no request is made."""
    compressor("compress", "assets", "-o", "out")
    box.forget()
    words = ("check", "assets", "-o", "out")
    assert compressor(*words).code == 0
    path = compressor.folder / "assets/a.png"
    path.write_bytes(path.read_bytes() + b"\0")
    found = compressor(*words)
    assert found.code == 11
    assert "compressor compress --output out -- assets/a.png" in found.stdout
    assert compressor(*words, "--compression", "ultra").code == 11
    path.write_bytes(tree[path])
    (compressor.folder / "out/b.jpg").unlink()
    assert compressor(*words).code == 11
    assert compressor("check", "assets/deep", "-o", "out", "--max-size", "*.webp=1 B").code == 11
    assert box.requests == []


def test_urls_with_a_storage_are_reported_not_downloaded(compressor: Compressor, box: Box) -> None:
    """Nothing passes through this machine; that it is public is told once."""
    box.script({"on": "fetch", "merge": {"url": "https://bucket.example/x.png", "status": "done"}})
    done = compressor(
        "compress", f"{box.url.removesuffix('/1.0')}/x.png", "--json",
        "--set", "store.id=s3", "--set", "store.bucket=b",
    )  # fmt: skip
    assert states(done.records) != {}
    assert done.stderr.count("public") == 1
    assert not [seen for seen in box.requests if seen["route"] == "output"]


@pytest.mark.usefixtures("box")
def test_make_is_content_with_the_targets(compressor: Compressor, file: File) -> None:
    """Also where the source's time lies in the future."""
    path = file("a.png")
    later = path.stat().st_mtime + 5000
    os.utime(path, (later, later))
    compressor("compress", "a.png", "-o", "b.png")
    assert (compressor.folder / "b.png").stat().st_mtime_ns > path.stat().st_mtime_ns
