"""How flags become the JSON that the service is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compressor_cli.api.options import (
    base_options,
    canonical,
    guess_type,
    merged,
    named_options,
    set_options,
)
from compressor_cli.errors import UsageProblem


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.jpg", "image"),
        ("A.JPEG", "image"),
        ("x/y.tar/z.webp", "image"),
        ("clip.MP4", "video"),
        ("paper.pdf", None),
        ("image", None),
        (".png", None),
        ("a.png.zip", None),
        ("", None),
    ],
)
def test_the_namespace_is_guessed_from_the_name(name: str, kind: str | None) -> None:
    """Only the documented ones; the rest is for the user to name."""
    assert guess_type(name) == kind


def test_named_options() -> None:
    assert named_options("image", compression="ultra") == {"image": {"compression": "ultra"}}
    assert named_options("video", resize="800x600", mode="crop", webhook="https://h/w") == {
        "video": {"resize": {"width": 800, "height": 600, "mode": "crop"}},
        "webhook": {"url": "https://h/w"},
    }
    assert named_options(None) == {}
    assert named_options(None, webhook="http://h/w") == {"webhook": {"url": "http://h/w"}}


@pytest.mark.parametrize(
    ("resize", "box"),
    [
        ("800x600", {"width": 800, "height": 600}),
        ("800X600", {"width": 800, "height": 600}),
        ("800×600", {"width": 800, "height": 600}),
        ("800x", {"width": 800}),
        ("x600", {"height": 600}),
    ],
)
def test_resize(resize: str, box: dict[str, int]) -> None:
    """Width and height, or one of them; the mode is `fit` unless said."""
    assert named_options("image", resize=resize) == {"image": {"resize": {**box, "mode": "fit"}}}


@pytest.mark.parametrize(
    "resize",
    ["", "x", "800", "0x5", "-1x5", "5x0", "1e3x5", "８x８", "5x5x5", "5 x 5", "1000000x1"],
)
def test_resize_that_makes_no_sense(resize: str) -> None:
    with pytest.raises(UsageProblem, match="--resize"):
        named_options("image", resize=resize)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"mode": "fit"}, "--resize"),
        ({"compression": "high", "kind": None}, "namespace"),
        ({"resize": "1x1", "kind": None}, "namespace"),
        ({"webhook": "ftp://h"}, "--webhook"),
        ({"webhook": ""}, "--webhook"),
    ],
)
def test_named_options_that_make_no_sense(flags: dict[str, Any], said: str) -> None:
    kind = flags.pop("kind", "image")
    with pytest.raises(UsageProblem, match=said):
        named_options(kind, **flags)


def test_data() -> None:
    """Any JSON object passes through as it is, known to us or not."""
    assert base_options(None) == {}
    assert base_options(' {"audio": {"bitrate": 96.5}, "x": null} ') == {
        "audio": {"bitrate": 96.5},
        "x": None,
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '"x"',
        "{'a': 1}",
        '{"a": NaN}',
        '{"a": 1e999}',
        '{"a": ' + "1" * 4301 + "}",
        '{"a":' * 100_000,
        '{"a":' * 40 + "1" + "}" * 40,
    ],
)
def test_data_that_is_no_object(text: str) -> None:
    """Neither what is not JSON, nor what could not be sent as JSON again, nor a pit."""
    with pytest.raises(UsageProblem, match="--data"):
        base_options(text)


@pytest.mark.parametrize(
    ("assignments", "options"),
    [
        ([], {}),
        (["a=1"], {"a": 1}),
        (["a.b.c=ultra"], {"a": {"b": {"c": "ultra"}}}),
        (["a.b=1", "a.c=2"], {"a": {"b": 1, "c": 2}}),
        (["a=1", "a=2"], {"a": 2}),
        (["a=1", "a.b=2"], {"a": {"b": 2}}),
        (["a.b=2", "a=1"], {"a": 1}),
        (["a="], {"a": ""}),
        (["a=x=y"], {"a": "x=y"}),
        (["a=null"], {"a": None}),
        (['a="1"'], {"a": "1"}),
        (['a={"b": [1, true]}'], {"a": {"b": [1, True]}}),
        (["a=NaN"], {"a": "NaN"}),
        (["a=1e999"], {"a": "1e999"}),
        (["a=True"], {"a": "True"}),
        (["a= 1"], {"a": 1}),
        (["ä ö=ü"], {"ä ö": "ü"}),
    ],
)
def test_set(assignments: list[str], options: dict[str, Any]) -> None:
    """JSON where the value is JSON, text where it is not; the later wins."""
    assert set_options(assignments) == options


@pytest.mark.parametrize(
    "text", ["", "a", "=1", "a..b=1", ".a=1", "a.=1", ".".join("a" * 33) + "=1"]
)
def test_set_without_name(text: str) -> None:
    with pytest.raises(UsageProblem, match="--set"):
        set_options([text])


def test_set_of_a_pit() -> None:
    """A value nested without end is neither JSON that one sends nor plain text."""
    with pytest.raises(UsageProblem, match="deep"):
        set_options(["a=" + "[" * 40 + "]" * 40])


def test_the_order_of_the_layers() -> None:
    """--data is the base, named options stand above it, --set above all."""
    data = base_options('{"image": {"compression": "medium", "strip": true}, "x": [1, 2]}')
    named = named_options("image", compression="high", resize="5x5")
    given = set_options(["image.compression=ultra", "image.resize.mode=pad", "x=[3]"])
    assert merged(data, named, given) == {
        "image": {
            "compression": "ultra",
            "strip": True,
            "resize": {"width": 5, "height": 5, "mode": "pad"},
        },
        "x": [3],
    }
    assert data == {"image": {"compression": "medium", "strip": True}, "x": [1, 2]}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner) | st.lists(inner, max_size=2),
    max_leaves=8,
)
OBJECT = st.dictionaries(st.sampled_from("abc"), JSON)


@given(OBJECT, OBJECT, OBJECT)
def test_merging_is_associative(a: Any, b: Any, c: Any) -> None:
    assert merged(merged(a, b), c) == merged(a, b, c)


@given(OBJECT, OBJECT)
def test_merging(a: Any, b: Any) -> None:
    """Nothing is lost but what is overridden, the inputs stay, and all values of b are there."""
    before = json.dumps([a, b])
    mixed = merged(a, b)
    assert json.dumps([a, b]) == before
    assert merged(mixed, b) == mixed
    assert merged(a, {}) == merged({}, a) == a
    assert mixed.keys() == a.keys() | b.keys()
    for key, value in b.items():
        assert mixed[key] == (value if not isinstance(value, dict) else merged(a_of(a, key), value))


def a_of(a: dict[str, Any], key: str) -> dict[str, Any]:
    old = a.get(key)
    return old if isinstance(old, dict) else {}


@given(OBJECT)
def test_the_one_text_of_options(a: Any) -> None:
    """Equal options give equal text whatever their order, and the text gives them back."""
    turned = dict(reversed(list(a.items())))
    assert canonical(a) == canonical(turned)
    assert json.loads(canonical(a)) == a
    assert canonical({"a": 1}) != canonical({"a": "1"})
