"""ZIP archives and office documents: packed again, with every name and byte of content kept."""

from __future__ import annotations

import io
import random
import struct
import subprocess
import zipfile
from pathlib import Path

import pytest
from matrix.tools import needs

from compressor_cli.sandbox import archives, codecs
from compressor_cli.sandbox.limits import CannotCompress, Limits

from .conftest import LIMITS, Client
from .samples import archive


def text(words: int, seed: int = 1) -> bytes:
    """Words as in a language: few are frequent, most are rare."""
    chance = random.Random(seed)
    lexicon = ["".join(chance.choices("etaoinshrdlu", k=chance.randint(2, 9))) for _ in range(900)]
    weights = [1 / rank for rank in range(1, 901)]
    return " ".join(chance.choices(lexicon, weights, k=words)).encode()


MEMBERS = {
    "read me.txt": text(20_000),
    "folder/": b"",
    "folder/größe.txt": text(3_000, 2),
    "../up.txt": b"a path that points outside is a name like any other",
    "empty": b"",
    "noise.bin": random.Random(1).randbytes(5_000),
}
UNIX_OWNER = struct.pack("<2H4s", 0x7875, 4, b"abcd")
OFFICE = {
    "docx": {"[Content_Types].xml": b"<Types/>", "word/document.xml": text(9_000)},
    "xlsx": {"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": text(9_000)},
    "pptx": {"[Content_Types].xml": b"<Types/>", "ppt/presentation.xml": text(9_000)},
    "odt": {
        "mimetype": b"application/vnd.oasis.opendocument.text",
        "content.xml": text(9_000),
        "META-INF/manifest.xml": b"<manifest/>",
    },
}


def squeezed(folder: Path, content: bytes, level: str = "high", limits: Limits = LIMITS) -> Path:
    source, target = folder / "source", folder / "target"
    source.write_bytes(content)
    level_of = {"compression": level}
    codecs.compress(source, target, {"archive": level_of, "document": level_of}, limits)
    return target


def content_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as packed:
        return {info.filename: packed.read(info) for info in packed.infolist()}


def unpacked_elsewhere(path: Path) -> None:
    """Another program unpacks it without a complaint."""
    needs("unzip")
    told = subprocess.run(["unzip", "-t", path], capture_output=True, check=False)
    assert told.returncode == 0, told.stdout
    assert b"No errors detected" in told.stdout


def test_each_level_is_smaller_than_the_one_before(tmp_path: Path) -> None:
    """Without any loss these are small steps: names, order and content stay."""
    content = archive(MEMBERS)
    sizes = [len(content)]
    for level in ("medium", "high", "ultra"):
        target = squeezed(tmp_path, content, level)
        sizes.append(target.stat().st_size)
        assert list(content_of(target).items()) == list(MEMBERS.items())
        unpacked_elsewhere(target)
    assert sizes[1] < sizes[0] * 0.95
    assert sizes[3] < sizes[2] < sizes[1]


@pytest.mark.parametrize("format", OFFICE)
def test_office_documents_are_archives_too(tmp_path: Path, format: str) -> None:
    """Told by what is in them; the first member of an OpenDocument stays unpacked."""
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_bytes(archive(OFFICE[format]))
    assert codecs.compress(source, target, {}, LIMITS) == format
    assert target.stat().st_size < source.stat().st_size
    assert list(content_of(target).items()) == list(OFFICE[format].items())
    unpacked_elsewhere(target)
    if format == "odt":
        assert target.read_bytes()[30:77] == b"mimetypeapplication/vnd.oasis.opendocument.text"


def old_archive() -> bytes:
    """With a name in an encoding that nobody knows, comments, and a ZIP64 field."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as packed:
        info = zipfile.ZipInfo("caf__.txt", (2001, 2, 3, 4, 5, 6))
        info.external_attr = 0o100751 << 16
        info.extra = b"XX\x08\x00" + bytes(8) + UNIX_OWNER
        info.comment, packed.comment = b"of the file", b"of the archive"
        packed.writestr(info, text(500))
    return sink.getvalue().replace(b"caf__", b"caf\xe9\xe8").replace(b"XX", b"\x01\x00")


def test_names_times_and_modes_stay_as_they_are(tmp_path: Path) -> None:
    """What was said of the old packing does not."""
    for level, extra, comments in (
        ("high", UNIX_OWNER, (b"of the file", b"of the archive")),
        ("ultra", b"", (b"", b"")),
    ):
        target = squeezed(tmp_path, old_archive(), level)
        with zipfile.ZipFile(target) as packed:
            (output,) = packed.infolist()
            assert (output.date_time, output.external_attr >> 16) == (
                (2001, 2, 3, 4, 5, 6), 0o100751,
            )  # fmt: skip
            assert (output.extra, (output.comment, packed.comment)) == (extra, comments)
            assert packed.read(output) == text(500)
        assert target.read_bytes().count(b"caf\xe9\xe8.txt") == 2


def bomb(declared: int = 0) -> bytes:
    """Packs 100 MiB of nothing; `declared` says another size of it."""
    content = archive({"zeros": b"\0" * (100 << 20)})
    if not declared:
        return content
    return content.replace(struct.pack("<L", 100 << 20), struct.pack("<L", declared))


def encrypted() -> bytes:
    content = bytearray(archive({"a": b"secret"}))
    content[6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


REFUSED = {
    "bomb": (bomb, "unpacks to 104,857,600 bytes; the limit is"),
    "bomb that tells less": (lambda: bomb(1000), "damaged or unusual"),
    "many": (lambda: archive({str(n): b"" for n in range(10_001)}), "more than 10,000 files"),
    "encrypted": (encrypted, "encrypted"),
    "cut": (lambda: archive(MEMBERS)[:9_000], "damaged or unusual"),
    "wrong sum": (
        lambda: archive(MEMBERS).replace(MEMBERS["noise.bin"][:20], bytes(20)),
        "damaged",
    ),
    "only a header": (lambda: b"PK\x03\x04" + b"\0" * 40, "damaged or unusual"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(tmp_path: Path, name: str) -> None:
    make, words = REFUSED[name]
    with pytest.raises(CannotCompress, match=words):
        squeezed(tmp_path, make())


def test_honest_archives_may_be_well_packed(tmp_path: Path) -> None:
    """Many times its size is no bomb as long as it is not much."""
    content = archive({"log": b"the same line\n" * 400_000})
    assert len(content) * 180 < 14 * 400_000 < archives.BOMB_FROM
    assert squeezed(tmp_path, content).stat().st_size < len(content)


def test_an_empty_archive_stays(tmp_path: Path) -> None:
    assert squeezed(tmp_path, archive({})).read_bytes() == archive({})


def test_an_archive_in_an_archive_is_not_opened(tmp_path: Path) -> None:
    """So there is no depth to be lost in."""
    inner = bomb()
    assert content_of(squeezed(tmp_path, archive({"a.zip": inner, "b.zip": inner}))) == {
        "a.zip": inner, "b.zip": inner,
    }  # fmt: skip


def test_an_archive_is_told_as_such(api: Client) -> None:
    """At once, and by the content whatever the name says."""
    for content, name, kind in (
        (archive(MEMBERS), "a.docx", ("a.zip", "archive")),
        (archive(OFFICE["docx"]), "a.zip", ("a.docx", "document")),
    ):
        output = api.upload(content, name=name).json()["output"]
        assert (output["name"], output["type"]) == kind
