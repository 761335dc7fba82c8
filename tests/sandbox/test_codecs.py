"""Compression: every format and level, resizing, and what is refused; without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from compressor_cli.sandbox import codecs
from compressor_cli.sandbox.limits import CannotCompress

from .conftest import LIMITS, Squeeze
from .pictures import FORMATS, colour_profile, encoded, opened, photo, saved


@pytest.mark.parametrize("format", FORMATS)
def test_each_level_is_smaller_than_the_one_before(squeeze: Squeeze, format: str) -> None:
    """By at least a tenth, on a photo; the picture stays the same kind, size and subject."""
    content = encoded(format)
    sizes = [len(content)]
    for level in ("medium", "high", "ultra"):
        output = squeeze(content, compression=level)
        sizes.append(len(output))
        picture = opened(output)
        assert (picture.format, picture.size) == (format.upper(), (160, 120))
        wrong = ImageChops.difference(picture.convert("L"), photo(mode="L"))
        assert ImageStat.Stat(wrong).mean[0] <= 25
    assert sizes[1] < sizes[0]
    assert sizes[2] < sizes[1] * 0.9
    assert sizes[3] < sizes[2] * 0.9


@pytest.mark.parametrize("format", FORMATS)
def test_high_is_the_default(squeeze: Squeeze, format: str) -> None:
    content = encoded(format)
    assert squeeze(content) == squeeze(content, compression="high")


@pytest.mark.parametrize("level", ["none", "", 3, None, ["high"]])
def test_another_level_is_refused_and_the_levels_are_named(squeeze: Squeeze, level: object) -> None:
    with pytest.raises(CannotCompress, match="must be one of: medium, high, ultra"):
        squeeze(encoded("png"), compression=level)


def test_an_already_small_file_comes_back_unchanged(squeeze: Squeeze) -> None:
    small = saved(Image.new("1", (3, 3)), "png", optimize=True)
    assert squeeze(small) == small


@pytest.mark.parametrize(
    ("resize", "size"),
    [
        ({"width": 80, "height": 20, "mode": "fit"}, (80, 20)),
        ({"width": 20, "height": 80, "mode": "stretch"}, (20, 80)),
        ({"width": 80}, (80, 60)),
        ({"height": 60}, (80, 60)),
        ({"width": 320, "height": 240}, (320, 240)),
        ({"width": 1}, (1, 1)),
    ],
)
@pytest.mark.parametrize("format", ["jpeg", "gif", "tiff"])
def test_resize_covers_the_box(
    squeeze: Squeeze, format: str, resize: dict[str, Any], size: tuple[int, int]
) -> None:
    """Cropped to the box, larger too; one side alone keeps the shape; other modes are as fit."""
    assert opened(squeeze(encoded(format), resize=resize)).size == size


def test_fit_crops_and_does_not_squeeze(squeeze: Squeeze) -> None:
    """A wide picture cut to a square keeps its middle and loses its sides."""
    picture = Image.new("RGB", (300, 100), "red")
    picture.paste("blue", (100, 0, 200, 100))
    square = opened(squeeze(saved(picture, "png"), resize={"width": 100, "height": 100}))
    assert square.convert("RGB").getpixel((5, 50)) == (0, 0, 255)
    assert square.convert("RGB").getpixel((95, 50)) == (0, 0, 255)


@pytest.mark.parametrize(
    "resize",
    [{}, [], None, {"mode": "fit"}, {"width": 0}, {"width": -5}, {"height": 1.5}, {"width": "9"},
     {"width": True}, {"width": 16_001}, {"width": 10, "height": None},
     {"width": 2000, "height": 2000}],
)  # fmt: skip
def test_nonsense_sizes_are_refused(squeeze: Squeeze, resize: object) -> None:
    with pytest.raises(CannotCompress, match=r"image\.resize|size asked for"):
        squeeze(encoded("png"), resize=resize)


def test_options_of_no_meaning_here_are_ignored(squeeze: Squeeze, tmp_path: Path) -> None:
    content = encoded("png")
    assert squeeze(content, future={"a": 1}) == squeeze(content)
    (tmp_path / "in").write_bytes(content)
    options: dict[str, object] = {"video": 3, "image": []}
    with pytest.raises(CannotCompress, match="must be an object"):
        codecs.compress(tmp_path / "in", tmp_path / "out", options, LIMITS)


@pytest.mark.parametrize("format", ["gif", "webp", "avif", "png"])
def test_animations_keep_frames_and_durations(squeeze: Squeeze, format: str) -> None:
    frames = [photo(64, 48, seed=seed) for seed in range(4)]
    content = saved(
        frames[0], format, save_all=True, append_images=frames[1:], duration=[100, 200, 300, 400],
        loop=2,
    )  # fmt: skip
    output = squeeze(content, compression="high", resize={"width": 32})
    moving = opened(output)
    durations = []
    for number in range(moving.n_frames):  # type: ignore[attr-defined]
        moving.seek(number)
        moving.load()
        durations.append(round(moving.info["duration"]))
    assert durations == [100, 200, 300, 400]
    assert moving.size == (32, 24)
    if format in ("gif", "webp", "png"):
        assert moving.info["loop"] == 2


def test_an_animation_without_loop_has_none_afterwards(squeeze: Squeeze) -> None:
    frames = [photo(32, 32, seed=seed) for seed in range(2)]
    output = squeeze(saved(frames[0], "gif", save_all=True, append_images=frames[1:]))
    assert "loop" not in opened(output).info


def test_all_pages_are_kept(squeeze: Squeeze) -> None:
    pages = [photo(64, 48, seed=seed) for seed in range(3)]
    content = saved(pages[0], "tiff", save_all=True, append_images=pages[1:])
    assert opened(squeeze(content)).n_frames == 3  # type: ignore[attr-defined]


@pytest.mark.parametrize("format", ["jpeg", "png", "webp", "avif", "tiff"])
def test_the_colour_profile_is_kept(squeeze: Squeeze, format: str) -> None:
    profile = colour_profile()
    output = squeeze(saved(photo(), format, icc_profile=profile, quality=95))
    assert opened(output).info["icc_profile"] == profile


def test_a_turned_photo_comes_out_upright(squeeze: Squeeze) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    upright = opened(squeeze(saved(photo(), "jpeg", quality=95, exif=exif)))
    assert upright.size == (120, 160)
    assert upright.getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize("level", ["medium", "high", "ultra"])
@pytest.mark.parametrize(
    ("format", "mode"),
    [("png", "RGBA"), ("png", "LA"), ("png", "L"), ("png", "1"), ("png", "P"), ("png", "I;16"),
     ("jpeg", "L"), ("jpeg", "CMYK"), ("webp", "RGBA"), ("avif", "RGBA"), ("gif", "L"),
     ("tiff", "RGBA"), ("tiff", "CMYK"), ("tiff", "1"), ("tiff", "F"), ("bmp", "L"), ("bmp", "P"),
     ("bmp", "1")],
)  # fmt: skip
def test_every_colour_mode_works(squeeze: Squeeze, format: str, mode: str, level: str) -> None:
    content = saved(photo(31, 23, mode=mode), format)
    for image in ({}, {"resize": {"width": 17}}):
        output = opened(squeeze(content, compression=level, **image))
        assert output.format == format.upper()
        assert output.width == (17 if image else 31)
        if mode in ("RGBA", "LA"):
            assert len(output.convert("RGBA").getchannel("A").getcolors() or ()) > 1


def test_a_see_through_gif_stays_so(squeeze: Squeeze) -> None:
    picture = photo(40, 40).quantize(16)
    content = saved(picture, "gif", transparency=picture.getpixel((20, 20)))
    output = opened(squeeze(content, compression="ultra", resize={"width": 20}))
    assert output.convert("RGBA").getchannel("A").getextrema()[0] == 0
