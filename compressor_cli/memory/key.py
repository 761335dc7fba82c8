"""What an API key looks like, and what is said when there is none that can be used.

A key's value never stands in a message, a repr or a traceback of ours: only where it came from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from compressor_cli.errors import KeyProblem

LONGEST_KEY = 4096
_KEY = re.compile(r"[\x21-\x7e]+")
_ASCII_SPACE = " \t\r\n\v\f"
_LARGEST_FILE = 64 * 1024

HOW_TO_SET = (
    "run `compressor auth login`, or set COMPRESSOR_API_KEY; "
    "to try things without a key: `compressor sandbox exec -- compressor …`"
)


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """A usable key and where it came from. Its repr does not show it."""

    value: str
    source: str

    def __repr__(self) -> str:
        return f"Key(…, source={self.source!r})"


def check_key(text: str, *, source: str, basic: bool = False) -> Key:
    """The key without the white space around it, if it can be sent; `basic`: as a Basic user name.

    Raises KeyProblem, which names the source and never the value.
    """
    bare = text.strip(_ASCII_SPACE)
    wrong = ""
    if not bare:
        wrong = "is empty"
    elif len(bare) > LONGEST_KEY:
        wrong = f"is longer than {LONGEST_KEY} characters"
    elif not _KEY.fullmatch(bare):
        wrong = "holds a space, a control character or a non-ASCII character, as no key does"
    elif basic and ":" in bare:
        wrong = 'holds a colon, which HTTP Basic cannot carry: use auth = "bearer"'
    if wrong:
        raise KeyProblem(f"the API key from {source} {wrong}", hint=HOW_TO_SET)
    return Key(bare, source)


def read_key_file(path: str, *, source: str, basic: bool = False) -> Key:
    """The key in a file of at most 64 KiB; a pipe will do. Raises KeyProblem naming the path."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - also /dev/fd/63 and other non-paths
            content = file.read(_LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise KeyProblem(
            f"cannot read the API key from {source}: {reason}", hint=HOW_TO_SET
        ) from None
    if len(content) > _LARGEST_FILE:
        raise KeyProblem(f"the API key from {source} is longer than any key", hint=HOW_TO_SET)
    return check_key(content.decode("utf-8-sig", "replace"), source=source, basic=basic)
