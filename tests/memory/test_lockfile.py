"""The lock: one line a file, safe with many writers, and never silently dropped."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from running import plain_environment

from compressor_cli.errors import InputProblem, OutputProblem
from compressor_cli.memory.digests import AT_REST, Digests
from compressor_cli.memory.lockfile import Lock, Locked

SHA1 = "0123456789abcdef" * 2 + "01234567"


def locked(target: str = "out/a.png", **other: object) -> Locked:
    values = {"input": SHA1, "input_size": 9, "options": {"image": {"x": 1}}, "target": target}
    return Locked(**{**values, "output": SHA1[::-1], "output_size": 5, **other})  # type: ignore[arg-type]


def sources(lock: Lock) -> list[str]:
    """Whose results it has."""
    return [source for source, _ in lock.entries]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "compressor.lock"


def test_what_is_added_is_read_back(path: Path, tmp_path: Path) -> None:
    """At once, from the disk; paths are relative to the lock."""
    Lock(path).add(tmp_path / "in/\udcff a.png", locked(kept=True))
    lock = Lock(path)
    assert lock.find(tmp_path / "in/\udcff a.png", tmp_path / "out/a.png") == locked(kept=True)
    assert sources(lock) == ["in/\udcff a.png"]
    assert lock.key(tmp_path.parent / "x") == "../x"


def test_tidying_sorts_and_keeps_what_others_added(path: Path, tmp_path: Path) -> None:
    mine, other = Lock(path), Lock(path)
    for lock, name in ((mine, "c"), (other, "a"), (mine, "b"), (mine, "c")):
        lock.add(tmp_path / name, locked())
    mine.tidy()
    paths = [json.loads(line).get("path") for line in path.read_text().splitlines()]
    assert paths == [None, "a", "b", "c"]
    before = path.stat().st_ino
    mine.tidy()
    assert path.stat().st_ino == before, "nothing to do, nothing written"


def test_a_later_line_of_a_path_counts(path: Path, tmp_path: Path) -> None:
    lock = Lock(path)
    lock.add(tmp_path / "a", locked(output_size=5))
    lock.add(tmp_path / "a", locked(output_size=4))
    found = Lock(path).find(tmp_path / "a", tmp_path / "out/a.png")
    assert found is not None
    assert found.output_size == 4


def test_one_source_may_have_several_results(path: Path, tmp_path: Path) -> None:
    """As a large picture and a small one of it, by two commands: neither forgets the other's."""
    lock = Lock(path)
    for size, target in ((5, "small/a.png"), (9, "large/a.png"), (4, "small/a.png")):
        lock.add(tmp_path / "a", locked(target, output_size=size))
    lock.tidy()
    again = Lock(path)
    sizes = {target: found.output_size for (_, target), found in again.entries.items()}
    assert sizes == {"large/a.png": 9, "small/a.png": 4}
    assert [target for _, target in again.entries] == ["large/a.png", "small/a.png"]
    assert again.find(tmp_path / "a", tmp_path / "a") is None


def test_a_line_that_was_cut_is_not_there_and_is_written_over(path: Path, tmp_path: Path) -> None:
    """As after a power cut in the middle of an append."""
    lock = Lock(path)
    lock.add(tmp_path / "a", locked())
    path.write_text(path.read_text() + '{"path": "b", "inp')
    assert sources(Lock(path)) == ["a"]
    lock.add(tmp_path / "c", locked())
    assert sources(Lock(path)) == ["a", "c"]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"nonsense\n", 1),
        (b'{"other": 1}\n', 1),
        (b'{"compressor.lock": 1}\n<<<<<<< HEAD\n', 2),
        (b'{"compressor.lock": 1}\n{"path": "a"}\n', 2),
        (b'{"compressor.lock": 1}\n[]\n', 2),
        (b"\xff\n", 1),
        (b"[" * 100_000 + b"\n", 1),
    ],
)
def test_damage_is_named_and_nothing_is_changed(path: Path, content: bytes, line: int) -> None:
    path.write_bytes(content)
    with pytest.raises(InputProblem, match=f"damaged in line {line}"):
        Lock(path)
    assert path.read_bytes() == content


def test_a_newer_form_is_refused(path: Path) -> None:
    path.write_text('{"compressor.lock": 2}\n')
    with pytest.raises(InputProblem, match="newer"):
        Lock(path)


def test_windows_line_ends_and_a_merged_header_are_read(path: Path, tmp_path: Path) -> None:
    """autocrlf, and git's merge of two new locks."""
    Lock(path).add(tmp_path / "a", locked())
    text = path.read_text()
    path.write_bytes((text + text.splitlines()[0] + "\n").replace("\n", "\r\n").encode())
    assert sources(Lock(path)) == ["a"]


def test_a_place_that_cannot_be_used_is_an_output_problem(tmp_path: Path) -> None:
    with pytest.raises(OutputProblem):
        Lock(tmp_path)
    with pytest.raises(OutputProblem, match=r"cannot be written"):
        Lock(tmp_path / "none/compressor.lock").add(tmp_path / "a", locked())


def _adds(path: Path, who: int) -> None:
    lock = Lock(path)
    for number in range(20):
        lock.add(path.parent / f"{who}-{number}", locked())
        if number % 7 == 0:
            lock.tidy()


def test_many_writers_lose_nothing_of_each_other(path: Path) -> None:
    """Adding while others put a sorted file in its place."""
    runs = [multiprocessing.Process(target=_adds, args=(path, who)) for who in range(6)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert [run.exitcode for run in runs] == [0] * 6
    assert len(Lock(path).entries) == 120


def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    """Its facts answer; a file touched just now is not trusted, whatever they say."""
    file = tmp_path / "a"
    file.write_bytes(b"one")
    stamp = file.stat().st_ctime
    calm = Digests(tmp_path / "state", now=lambda: stamp + AT_REST + 1)
    hasty = Digests(tmp_path / "other", now=lambda: stamp + AT_REST / 2)
    first = calm.sha1(file)
    assert hasty.sha1(file) == first
    calm.keep()
    hasty.keep()
    assert (tmp_path / "state/digests.json").exists()
    assert not (tmp_path / "other/digests.json").exists()
    atime = file.stat().st_atime_ns
    os.utime(file, ns=(atime, file.stat().st_mtime_ns))  # a new ctime: other facts
    again = Digests(tmp_path / "state")
    assert again.sha1(file) == first
    file.write_bytes(b"two")
    assert again.sha1(file) != first


def test_a_damaged_cache_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "digests.json").write_text("[1, 2")
    (tmp_path / "a").write_bytes(b"x")
    assert len(Digests(tmp_path).sha1(tmp_path / "a")) == 40
    with pytest.raises(InputProblem):
        Digests(tmp_path).sha1(tmp_path / "none")


SHA1S = st.binary(min_size=20, max_size=20).map(bytes.hex)
SIZES = st.integers(min_value=0, max_value=2**63)
NAMES = st.binary(min_size=1, max_size=20).map(os.fsdecode).filter(lambda name: "\0" not in name)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
ENTRIES = st.builds(
    Locked, SHA1S, SIZES, st.dictionaries(st.text(), JSON), NAMES, SHA1S, SIZES, st.booleans()
)


@given(st.dictionaries(NAMES, ENTRIES, max_size=4))
def test_anything_is_read_back(entries: dict[str, Locked]) -> None:
    """Before and after tidying; each entry is one line of ASCII."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "compressor.lock")
        lock = Lock(path)
        for name, entry in entries.items():
            lock.add(Path(folder, "x", name), entry)
        found = Lock(path)
        assert found.entries == lock.entries
        found.tidy()
        text = path.read_text("ascii") if entries else "\n"
        assert text.count("\n") == len(found.entries) + 1
        for name in entries:
            names = (found.key(Path(folder, "x", name)), entries[name].target)
            assert Lock(path).entries[names] == lock.entries[names]


def test_one_file_is_one_line_of_difference(path: Path, tmp_path: Path) -> None:
    """Whatever order the options came in."""
    lock = Lock(path)
    for name in "badc":
        lock.add(tmp_path / name, locked(options={"x": {"b": 1, "a": 2}}))
    lock.tidy()
    before = path.read_text().splitlines()
    lock.add(tmp_path / "c", locked(output_size=4, options={"x": {"a": 2, "b": 1}}))
    lock.add(tmp_path / "b", locked(options={"x": {"a": 2, "b": 1}}))
    lock.tidy()
    after = path.read_text().splitlines()
    assert [old != new for old, new in zip(before, after, strict=True)] == [0, 0, 0, 1, 0]


def test_two_branches_that_git_merged(path: Path, tmp_path: Path) -> None:
    """Both lists of lines under one header or two, in disorder; tidying puts them in order."""
    one, two = Lock(tmp_path / "one"), Lock(tmp_path / "two")
    for number in range(4):
        (one, two)[number % 2].add(tmp_path / str(number), locked())
    path.write_text(two.path.read_text() + one.path.read_text())
    lock = Lock(path)
    lock.tidy()
    assert sources(Lock(path)) == list("0123")
    assert path.read_text().count("compressor.lock") == 1
    assert Lock(path).entries == lock.entries


@pytest.mark.parametrize("number", [0, 1, 2])
def test_damage_in_the_middle_is_named_by_all_who_read(
    path: Path, tmp_path: Path, number: int
) -> None:
    """Nothing is changed; adding blindly after it is no way to lose it either."""
    lock = Lock(path)
    for name in "abc":
        lock.add(tmp_path / name, locked())
    lines = path.read_text().splitlines(keepends=True)
    lines[number] = lines[number][:9] + "\n"
    path.write_text("".join(lines))
    for look in (lambda: Lock(path), lock.tidy):
        with pytest.raises(InputProblem) as caught:
            look()
        assert caught.value.message == f"{path} is damaged in line {number + 1}"
        assert path.read_text() == "".join(lines)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("path", 1),
        ("input", "abc"),
        ("input", None),
        ("output", SHA1.upper()),
        ("input_size", "9"),
        ("input_size", True),
        ("output_size", -1),
        ("output_size", 1.5),
        ("options", []),
        ("target", None),
        ("kept", 1),
    ],
)
def test_an_entry_of_another_shape_is_damage(
    path: Path, tmp_path: Path, field: str, value: object
) -> None:
    Lock(path).add(tmp_path / "a", locked())
    header, line = path.read_text().splitlines()
    path.write_text(f"{header}\n{json.dumps({**json.loads(line), field: value})}\n")
    with pytest.raises(InputProblem, match="damaged in line 2"):
        Lock(path)


def test_bytes_that_are_no_text_are_damage_where_they_stand(path: Path, tmp_path: Path) -> None:
    Lock(path).add(tmp_path / "a", locked())
    path.write_bytes(path.read_bytes() + b"\xff\n")
    with pytest.raises(InputProblem, match="damaged in line 3"):
        Lock(path)


def test_a_newer_form_is_refused_wherever_it_stands(path: Path, tmp_path: Path) -> None:
    """Also where two forms were merged; a form that never was is damage."""
    Lock(path).add(tmp_path / "a", locked())
    text = path.read_text()
    path.write_text(text + '{"compressor.lock": 2}\n')
    with pytest.raises(InputProblem, match="newer"):
        Lock(path)
    for never in ("0", '"1"', "true"):
        path.write_text(f'{{"compressor.lock": {never}}}\n')
        with pytest.raises(InputProblem, match="damaged in line 1"):
            Lock(path)


def test_an_editor_may_leave_its_marks(path: Path, tmp_path: Path) -> None:
    """A byte order mark, and no end of the last line: nothing is lost."""
    lock = Lock(path)
    lock.add(tmp_path / "a", locked())
    lock.add(tmp_path / "b", locked())
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes()[:-1])
    assert sources(Lock(path)) == ["a", "b"]
    lock.add(tmp_path / "c", locked())
    assert sources(Lock(path)) == ["a", "b", "c"]


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_checkout_that_is_sorted_is_left_as_it_is(path: Path, tmp_path: Path, ends: str) -> None:
    """Whatever its line ends; adding and tidying go on from there."""
    lock = Lock(path)
    for name in "ab":
        lock.add(tmp_path / name, locked())
    content = path.read_bytes().replace(b"\n", ends.encode())
    path.write_bytes(content)
    lock.tidy()
    assert path.read_bytes() == content
    lock.add(tmp_path / "A", locked())
    lock.tidy()
    assert sources(Lock(path)) == ["A", "a", "b"]


def test_every_cut_leaves_a_usable_lock(path: Path, tmp_path: Path) -> None:
    """A power cut at any byte of the first two appends."""
    lock = Lock(path)
    lock.add(tmp_path / "a", locked())
    lock.add(tmp_path / "b", locked(target="longer than what is added next"))
    whole = path.read_bytes()
    first = whole.index(b"\n", whole.index(b"\n") + 1)
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        cut = Lock(path)
        assert sources(cut) == list("ab")[: (length >= first) + (length >= len(whole) - 1)]
        cut.add(tmp_path / "c", locked())
        assert sources(Lock(path)) == sources(cut)


ADD_FOR_EVER = """
import sys
from pathlib import Path
from compressor_cli.memory.lockfile import Lock, Locked
lock = Lock(Path(sys.argv[1]))
for number in range(10**9):
    entry = Locked("a" * 40, 1, {"x": "y" * 9999}, "t", "b" * 40, 1)
    lock.add(Path(sys.argv[1]).parent / str(number), entry)
    print(number, flush=True)
    if number % 5 == 0:
        lock.tidy()
"""


@pytest.mark.parametrize("after", [1, 2, 5, 6, 11])
def test_killed_at_any_moment_what_was_added_is_there(path: Path, after: int) -> None:
    """And the next run adds and tidies as if nothing had been."""
    with subprocess.Popen(
        [sys.executable, "-c", ADD_FOR_EVER, str(path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    ) as run:
        assert run.stdout is not None
        for _ in range(after):
            run.stdout.readline()
        run.send_signal(signal.SIGKILL)
        said = after + len(run.stdout.read().splitlines())
    lock = Lock(path)
    assert {str(number) for number in range(said)} <= set(sources(lock))
    lock.add(path.parent / "next", locked())
    lock.tidy()
    assert "next" in sources(Lock(path))


def test_many_threads_lose_nothing_of_each_other(path: Path, tmp_path: Path) -> None:
    lock = Lock(path)

    def adds(who: int) -> None:
        for number in range(20):
            lock.add(tmp_path / f"{who}-{number}", locked())
            if number % 7 == 0:
                lock.tidy()

    threads = [threading.Thread(target=adds, args=(who,)) for who in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lock.entries) == len(Lock(path).entries) == 120


def test_tidying_keeps_the_mode_and_the_link(path: Path, tmp_path: Path) -> None:
    """And what stands for files that are gone."""
    link = tmp_path / "link/compressor.lock"
    link.parent.mkdir()
    link.symlink_to(path)
    lock = Lock(link)
    for name in "ba":
        lock.add(link.parent / name, locked())
    path.chmod(0o640)
    lock.tidy()
    assert link.is_symlink()
    assert sources(Lock(path)) == ["a", "b"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(each.name for each in tmp_path.iterdir()) == ["compressor.lock", "link"]


def test_a_lock_that_is_not_there_is_not_made_by_tidying(path: Path) -> None:
    Lock(path).tidy()
    assert not path.exists()


def test_what_is_no_regular_file_is_neither_read_nor_replaced(tmp_path: Path) -> None:
    """A pipe would be waited for, a device be lost."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path(os.devnull), tmp_path):
        with pytest.raises(OutputProblem, match="not a regular file"):
            Lock(path)


def test_what_was_not_written_is_not_there(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "none/compressor.lock")
    with pytest.raises(OutputProblem, match="cannot be written"):
        lock.add(tmp_path / "a", locked())
    assert lock.entries == {}


AS_NOBODY = """
import os, sys
from pathlib import Path
from compressor_cli.errors import OutputProblem
from compressor_cli.memory.lockfile import Lock, Locked
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
lock = Lock(Path("compressor.lock"))
lock.tidy()
try:
    lock.add(Path("c"), Locked("a" * 40, 1, {}, "t", "b" * 40, 1))
except OutputProblem as error:
    print(error.message)
print([source for source, _ in lock.entries])
"""


def test_a_lock_in_a_folder_for_reading_only(path: Path, tmp_path: Path) -> None:
    """Nothing to do there is no trouble; root may write everywhere, so the test gives that up."""
    lock = Lock(path)
    lock.add(tmp_path / "a", locked())
    path.chmod(0o444)
    tmp_path.chmod(0o555)
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY],
            preexec_fn=lambda: os.fchdir(descriptor),
            capture_output=True,
            text=True,
            env=plain_environment(),
        )
    finally:
        os.close(descriptor)
        tmp_path.chmod(0o755)
    said = "compressor.lock cannot be written: Permission denied\n['a']\n"
    assert (done.stdout, done.stderr) == (said, "")


def test_keys_are_relative_to_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `/`, from wherever they are asked; outside of its folder with `..`."""
    lock = Lock(tmp_path / "a/compressor.lock")
    (tmp_path / "b").mkdir()
    monkeypatch.chdir(tmp_path / "b")
    assert lock.key(Path("x.png")) == "../b/x.png"
    assert lock.key(Path("../a/./c/x.png")) == lock.key(tmp_path / "a/c/x.png") == "c/x.png"
    assert Lock(Path("compressor.lock")).key(Path("../b/x")) == "x"
