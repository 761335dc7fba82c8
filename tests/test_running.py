"""The checker of every run: that it sees what it must see."""

from __future__ import annotations

import base64

import pytest
from running import KEY, secrets_of


@pytest.mark.parametrize(
    "text", [KEY, f"Bearer {KEY}", f":{KEY}", f"user:{KEY}", f"{KEY}\n", f"{KEY}:", f"a{KEY}é"]
)
@pytest.mark.parametrize("key", [KEY, "sk~>?>~?>~?~?"])
@pytest.mark.parametrize("encode", [bytes, base64.b64encode, base64.urlsafe_b64encode])
def test_a_key_is_found_whatever_stands_around_it(text: str, key: str, encode: object) -> None:
    seen = b"x: " + encode(text.replace(KEY, key).encode())  # type: ignore[operator]
    assert [secret for secret in secrets_of(key) if secret in seen]


def test_what_is_no_key_is_not_taken_for_one() -> None:
    other = KEY.swapcase().encode()
    for text in (other, base64.b64encode(other), base64.b64encode(b":" + other)):
        assert not [secret for secret in secrets_of(KEY) if secret in text]
