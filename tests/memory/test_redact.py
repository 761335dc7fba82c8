"""What of a job may be kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from compressor_cli.memory.redact import redact_options, redact_text

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def test_options() -> None:
    """URLs are cut, header values and secrets hidden, all else is kept as it was sent."""
    options = {
        "image": {"compression": "ultra", "resize": {"width": 1, "mode": "fit"}},
        "webhook": {"url": "https://u:hunter2@h/p?hunter2"},
        "headers": {"Authorization": "hunter2", "X": ["hunter2", None], "Y": True},
        "store": {"path": "a", "Headers": "hunter2", "secret_access_key": 5},
        "list": ["see https://h/?hunter2 and ftp://u:hunter2@g/x", 1.5, ("https://h?hunter2",)],
    }
    assert redact_options(options) == {
        "image": {"compression": "ultra", "resize": {"width": 1, "mode": "fit"}},
        "webhook": {"url": "https://h/p"},
        "headers": {"Authorization": "…", "X": ["…", None], "Y": True},
        "store": {"path": "a", "Headers": "…", "secret_access_key": "…"},
        "list": ["see https://h/ and ftp://g/x", 1.5, ["https://h"]],
    }


@given(st.dictionaries(st.text(), JSON))
def test_any_options(options: dict[str, object]) -> None:
    """Nothing breaks it, and once redacted it stays."""
    once = redact_options(options)
    assert redact_options(once) == once
    assert once.keys() == options.keys()


def test_long_text_takes_no_time() -> None:
    """A megabyte inside the options is read once, not once for each of its letters."""
    text = "x" * 1_000_000
    assert redact_text(text) == text
    assert redact_text(f"{text}://u:hunter2@h") == f"{text}://h"


@given(st.text())
def test_any_text(text: str) -> None:
    """What holds no URL is kept to the letter."""
    assert redact_text(text) == text or "://" in text
