"""Rows D14 and D19: folders that are not there, and names that a server would like to choose."""

from __future__ import annotations

import shutil
import unicodedata
from pathlib import Path
from urllib.parse import quote

import pytest
from raw import Connection, RawServer, message, says
from running import Box

from .mounts import with_mounts
from .scene import Scene
from .storage import JOB, RESULT, finished, promised, stored
from .variants import slowly

PATH_LIMIT = "/".join(["d" * 200] * 21) + "/x.png"
"""Longer than the 4096 bytes that the system takes."""


@pytest.mark.row("D14")
@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("submit photo.png -o none/x.png", "the folder {folder}/none does not exist"),
        ("submit photo.png -o photo.png/sub/", "cannot be made: Not a directory"),
        ("submit photo.png -o photo.png/", "cannot be made: photo.png is not a folder"),
        ("submit photo.png -o photo.png/x.png", "the folder {folder}/photo.png does not exist"),
        (f"submit photo.png -o {'n' * 256}", "cannot be written: File name too long"),
        (f"submit photo.png -o {'n' * 256}/", "cannot be made: File name too long"),
        (f"submit photo.png -o {PATH_LIMIT}", f"{'d' * 200} does not exist\n"),
        (f"compress photo.png -o {'n' * 256}", "cannot be written: File name too long"),
        (f"compress photo.png -o {PATH_LIMIT}", "cannot be written: File name too long"),
    ],
)
def test_a_place_that_cannot_be(scene: Scene, box: Box, command: str, said: str) -> None:
    """Told before anything is sent."""
    scene.source("photo.png")
    done = scene.run(*command.split(), code=9)
    assert said.format(folder=scene.folder) in done.stderr
    assert done.stdout == ""
    assert box.stats()["accepted"] == 0


@pytest.mark.row("D14")
def test_a_folder_is_made_when_a_result_comes(scene: Scene, box: Box) -> None:
    """With those above it; a command that sends nothing leaves none."""
    scene.source("photo.png")
    scene.run("submit", "photo.png", "-o", "new/deep/", code=4, env={"COMPRESSOR_API_KEY": None})
    scene.run("submit", "missing.png", "-o", "new/deep/", code=3)
    assert not (scene.folder / "new").exists()
    assert box.requests == []
    scene.run("submit", "photo.png", "-o", "new/deep/", code=0)
    assert (scene.folder / "new/deep/photo.png").is_file()


@pytest.mark.row("D14")
@pytest.mark.parametrize("place", ["disk/x.png", "disk/", "disk/sub/"])
@pytest.mark.parametrize("verb", ["submit", "compress"])
def test_a_folder_that_cannot_be_written_to(scene: Scene, box: Box, verb: str, place: str) -> None:
    """A disk that is read-only, for every user. Told before anything is sent."""
    scene.source("photo.png")
    disk = scene.folder / "disk"
    disk.mkdir()
    script = with_mounts(
        f"mount -t tmpfs -o ro tmpfs {disk}", then=f"compressor {verb} photo.png -o {place}"
    )
    done = scene.shell(script, code=9)
    assert "disk" in done.stderr
    assert "denied" in done.stderr or "Read-only" in done.stderr
    assert box.stats()["accepted"] == 0


@pytest.mark.row("D14")
@pytest.mark.parametrize("place", ["out/", "out/x.png"])
def test_a_folder_that_goes_away_meanwhile(scene: Scene, place: str) -> None:
    """One line and how to fetch the result; the job is not lost."""
    (scene.folder / "out").mkdir()

    def meanwhile(connection: Connection) -> None:
        connection.request()
        shutil.rmtree(scene.folder / "out")
        connection.send(message(200, RESULT))

    with stored(scene, meanwhile):
        done = scene.run("submit", "photo.png", "-o", place, code=9)
    assert "cannot be written: No such file or directory" in done.stderr
    assert done.commands == [f"compressor get --wait {JOB} --output {place}"]


@pytest.mark.row("D14")
def test_a_folder_that_goes_away_during_a_batch(scene: Scene) -> None:
    """The job is known: the next run fetches its result, and sends nothing again."""
    (scene.folder / "out").mkdir()
    goes_away = True

    def meanwhile(connection: Connection) -> None:
        connection.request()
        if goes_away:
            shutil.rmtree(scene.folder / "out")
        connection.send(message(200, RESULT))

    words = ("compress", "photo.png", "-o", "out/")
    with stored(scene, meanwhile) as storage:
        done = scene.run(*words, code=9)
        assert "cannot be written: No such file or directory" in done.stderr
        assert not (scene.folder / "out").exists()
        goes_away = False
        scene.run(*words, code=0)
        assert len(storage.received) == 2
    assert (scene.folder / "out" / "photo.png").read_bytes() == RESULT


@pytest.mark.row("D14")
@pytest.mark.parametrize("letter", ["n", "ä"])
@pytest.mark.usefixtures("box")
def test_the_longest_name_that_the_system_takes(scene: Scene, letter: str) -> None:
    """255 bytes: the temporary file beside it has a shorter one."""
    scene.source("photo.png")
    name = letter * (251 // len(letter.encode())) + ".png"
    done = scene.run("submit", "photo.png", "-o", name, code=0)
    assert done.ids
    assert (scene.folder / name).read_bytes().startswith(b"\x89PNG")


HOSTILE = [
    "../../evil.png",
    "C:\\Windows\\evil.png",
    "nul",
    "-rf",
    "gpj\u202egnp.exe",
    "x" * 300 + ".png",
    *slowly(
        "/tmp/evil.png",
        "..",
        ".",
        "",
        "..\\..\\evil.png",
        "C:evil.png",
        "a\0b.png",
        "CON.png",
        "com1.txt",
        "evil.png. ",
        "evil.png:stream",
        ".bashrc",
        "\x1b]0;title\x07.png",
        "a\r\nb.png",
        "%2e%2e%2fevil.png",
        "~/evil.png",
        "$(touch evil).png",
    ),
]
NAMED = "".join(f"\r\nContent-Disposition: {form}" for form in (
    'attachment; filename="../../../disposed.png"', "attachment; filename*=UTF-8''..%2Fdisposed"
))  # fmt: skip


@pytest.mark.row("D19")
@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("known", [True, False], ids=["our source", "another's"])
@pytest.mark.parametrize("option", [[], ["--json"]], ids=["text", "json"])
def test_names_from_a_server(scene: Scene, name: str, known: bool, option: list[str]) -> None:
    """In JSON, in the URL's path and in Content-Disposition: nothing outside the folder.

    Of our own source the result takes the name. Of a job from elsewhere it may be the server's,
    as one harmless component; it is shown escaped.
    """
    source = scene.source("photo.png").read_bytes()
    scene.promise(RESULT)
    before = _tree(scene.compressor.home)
    content = message(200, RESULT).replace(
        b"Connection: close", b"Connection: close" + NAMED.encode()
    )
    with RawServer(says(content)) as storage:
        url = f"{storage.url}/a/..%2f..%2furl-named.png/{quote(name, safe='')}"
        answer = finished(source, url, promised(name=name))
        with RawServer(says(answer)) as api:
            scene.api(api)
            words = ("submit", "photo.png") if known else ("get", JOB)
            done = scene.run(*words, *option, "-o", "out/", code=0)
            assert len(storage.received) == 1
    (result,) = (scene.folder / "out").iterdir()
    assert result.read_bytes() == RESULT
    if known:
        assert result.name.startswith("photo")
    assert not set(result.name) & set('/\\:\0\x1b\r\n\u202e<>"|?*')
    assert result.name[0] not in ".-"
    assert len(result.name.encode()) <= 255
    new = _tree(scene.compressor.home) - before - {result, result.parent}
    assert {path.relative_to(scene.compressor.home).parts[0] for path in new} <= {"state"}
    assert not Path("/tmp/evil.png").exists()
    for text in (done.stdout, done.stderr):
        assert not [c for c in text if unicodedata.category(c)[0] == "C" and c != "\n"]
    if option == ["--json"]:
        assert done.out.isascii()
        assert done.record["output"]["name"] == name


def _tree(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))
