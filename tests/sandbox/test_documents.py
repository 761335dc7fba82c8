"""PDF: smaller at each level and still readable by others; what is refused."""

from __future__ import annotations

import io
import subprocess
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from matrix.tools import needs

from compressor_cli.sandbox import codecs, pdfs
from compressor_cli.sandbox.limits import CannotCompress, Limits

from .conftest import LIMITS, Client
from .pictures import photo, saved
from .samples import document, stored


def squeezed(folder: Path, content: bytes, level: str = "high", limits: Limits = LIMITS) -> bytes:
    source, target = folder / "source", folder / "target"
    source.write_bytes(content)
    options = {"pdf": {"compression": level}}
    assert codecs.compress(source, target, options, limits) == "pdf"
    return target.read_bytes()


def opened(content: bytes) -> pikepdf.Pdf:
    return pikepdf.open(io.BytesIO(content))


def test_each_level_is_smaller_than_the_one_before(tmp_path: Path) -> None:
    """Same pages, same words; pictures with fewer pixels, and other programs find no fault."""
    needs("qpdf", "pdfinfo")
    content = document((600, 400), (700, 1000), (2000, 40))
    sizes = [len(content)]
    for level in ("medium", "high", "ultra"):
        output = squeezed(tmp_path, content, level)
        sizes.append(len(output))
        target = tmp_path / "target"
        checked = subprocess.run(["qpdf", "--check", target], capture_output=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, b"")
        info = subprocess.run(["pdfinfo", target], capture_output=True, check=True)
        assert b"Pages:           3" in info.stdout
        with opened(output) as pdf:
            for page in pdf.pages:
                assert b"word word" in page.Contents.read_bytes()
                image = pikepdf.PdfImage(page.Resources.XObject.Im).as_pil_image()
                assert image.mode == "RGB"
    for larger, smaller in pairwise(sizes):
        assert smaller < larger * 0.85


def test_only_pictures_that_are_larger_than_a_page_lose_pixels(tmp_path: Path) -> None:
    with opened(squeezed(tmp_path, document((2000, 40), (300, 200)))) as pdf:
        sizes = [(int(p.Resources.XObject.Im.Width)) for p in pdf.pages]
    assert sizes == [1754, 300]


def test_special_pictures_stay_as_they_are(tmp_path: Path) -> None:
    """Masks, palettes, inverted colours: JPEG cannot say these."""
    pdf = pikepdf.new()
    page = pdf.add_blank_page()
    data = zlib.compress(photo(64, 64, mode="L").tobytes(), 1)
    special: list[dict[str, Any]] = [
        {"Decode": pikepdf.Array([1, 0])},
        {"Mask": pikepdf.Array([0, 3])},
        {"ColorSpace": pikepdf.Array([pikepdf.Name.Indexed, pikepdf.Name.DeviceGray, 255, b"x"])},
    ]
    for number, words in enumerate(special):
        form: dict[str, Any] = {
            "Subtype": pikepdf.Name.Image, "Width": 64, "Height": 64, "BitsPerComponent": 8,
            "ColorSpace": pikepdf.Name.DeviceGray, "Filter": pikepdf.Name.FlateDecode,
        }  # fmt: skip
        page.obj[f"/Im{number}"] = pdf.make_stream(data, **(form | words))
    with opened(squeezed(tmp_path, stored(pdf), "ultra")) as output:
        for number in range(len(special)):
            assert output.pages[0].obj[f"/Im{number}"].Filter == pikepdf.Name.FlateDecode


def test_what_no_page_shows_goes_at_ultra(tmp_path: Path) -> None:
    pdf = pikepdf.new()
    pdf.add_blank_page().obj.PieceInfo = pikepdf.Dictionary(Editor=pikepdf.Dictionary())
    pdf.Root.Metadata = pdf.make_stream(b"<x/>" * 900)
    content = stored(pdf)
    with opened(squeezed(tmp_path, content, "high")) as output:
        assert "/Metadata" in output.Root
    with opened(squeezed(tmp_path, content, "ultra")) as output:
        assert "/Metadata" not in output.Root
        assert "/PieceInfo" not in output.pages[0].obj


def encrypted(user: str) -> bytes:
    return document(encryption=pikepdf.Encryption(owner="owner", user=user))


def with_attachment() -> bytes:
    pdf = opened(document())
    pdf.attachments["inner.pdf"] = document()
    return stored(pdf)


def signed() -> bytes:
    pdf = opened(document())
    pdf.Root.AcroForm = pikepdf.Dictionary(SigFlags=3, Fields=[])
    return stored(pdf)


def packed_twice() -> bytes:
    pdf = pikepdf.new()
    twice = pdf.make_stream(zlib.compress(zlib.compress(b"\0" * 10_000_000)))
    twice.Filter = pikepdf.Array([pikepdf.Name.FlateDecode] * 2)
    pdf.Root.Bomb = twice
    raw = pikepdf.StreamDecodeLevel.none
    return stored(pdf, compress_streams=False, stream_decode_level=raw)


def bomb(size: int) -> bytes:
    """A stream that unpacks to so many zeros."""
    pdf = pikepdf.new()
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(size >> 20)) + packer.flush()
    pdf.Root.Bomb = pdf.make_stream(packed, Filter=pikepdf.Name.FlateDecode)
    return stored(pdf)


def huge_picture() -> bytes:
    pdf = pikepdf.new()
    pdf.Root.Im = pdf.make_stream(
        saved(photo(8, 8), "jpeg"), Subtype=pikepdf.Name.Image, Width=65_500, Height=65_500,
        ColorSpace=pikepdf.Name.DeviceRGB, BitsPerComponent=8, Filter=pikepdf.Name.DCTDecode,
    )  # fmt: skip
    return stored(pdf)


REFUSED = {
    "encrypted": (lambda: encrypted("secret"), "encrypted"),
    "encrypted for no reader": (lambda: encrypted(""), "encrypted"),
    "another PDF in it": (with_attachment, "carries other files"),
    "signed": (signed, "signed"),
    "bomb": (lambda: bomb(64 << 20), "unpacks to more"),
    "bomb in a bomb": (packed_twice, "more than once"),
    "pixels": (huge_picture, "4,290,250,000 pixels"),
    "cut": (lambda: document()[:200], "damaged or unusual"),
    "cut late": (lambda: document((300, 200))[:-200], "damaged or unusual"),
    "only a header": (lambda: b"%PDF-1.7\n", "damaged or unusual"),
    "a web page": (lambda: b"%PDF-1.4<html><script>alert(1)</script>", "damaged or unusual"),
    "nested": (lambda: b"%PDF-1.4\n1 0 obj\n" + b"[" * 200_000, "damaged or unusual"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(tmp_path: Path, name: str) -> None:
    """In words that say why."""
    make, words = REFUSED[name]
    small = Limits(pixels=1_000_000, cpu_seconds=60, memory=4 << 30, file_size=32 << 20)
    with pytest.raises(CannotCompress, match=words):
        squeezed(tmp_path, make(), limits=small)


def test_too_many_objects_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdfs, "MAX_OBJECTS", 3)
    with pytest.raises(CannotCompress, match="more than 3 objects"):
        squeezed(tmp_path, document((8, 8)))


def test_a_pdf_is_answered_later_and_told_as_such(api: Client) -> None:
    """Whatever its name says."""
    content = document((300, 200))
    answer = api.upload(content, name="report.png")
    assert (answer.status_code, answer.json()["status"]) == (202, "enqueued")
    output = api.ended(answer.json()["id"])["output"]
    assert (output["name"], output["type"]) == ("report.pdf", "pdf")
    assert (output["mime"], output["size"] < len(content)) == ("application/pdf", True)
