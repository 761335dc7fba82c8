"""How a number of bytes and a share are written: `500`, `200 kB`, `2 MiB`; `5%`, `0.05`."""

from __future__ import annotations

import re

from compressor_cli.errors import UsageProblem

_FACTORS: dict[str, int] = {
    "": 1,
    "b": 1,
    **{f"{letter}b": 1000**power for power, letter in enumerate("kmgt", 1)},
    **{f"{letter}ib": 1024**power for power, letter in enumerate("kmgt", 1)},
}
_NUMBER = r"([0-9]{1,15}(?:\.[0-9]{1,15})?)"
_SIZE = re.compile(rf"{_NUMBER}[ ]?({'|'.join(_FACTORS)})", re.IGNORECASE)
_SHARE = re.compile(rf"{_NUMBER}[ ]?(%?)")


def byte_size(text: str) -> int:
    """The bytes that `text` stands for. kB is 1000 bytes and KiB 1024, in any case of letters.

    Raises UsageProblem. A bare letter is not taken: whether `k` is 1000 or 1024 is anyone's guess.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None or ("." in match[1] and match[2] in {"", "b", "B"}):
        raise UsageProblem(
            f"not a size: {text[:40]!r}", hint="for example: 500, 200 kB, 1.5 MB, 2 MiB"
        )
    return round(float(match[1]) * _FACTORS[match[2].lower()])


def share(text: str) -> float:
    """The share from 0 to 1 that `text` stands for. Raises UsageProblem."""
    match = _SHARE.fullmatch(text.strip())
    value = float(match[1]) / (100 if match[2] else 1) if match else -1.0
    if not 0 <= value <= 1:
        raise UsageProblem(f"not a share: {text[:40]!r}", hint="for example: 5%, 0.05")
    return value
