"""Which kinds of values the project file's keys take, each checked; what is wrong names its key.

Whoever runs `compressor` in a repository need not have written its project file. So it cannot name
files outside its own folder, and no value is repeated in a message. Links are followed, and held
against that folder, where a path is used (engine/inside.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import TypeVar

from compressor_cli.engine.globs import matches
from compressor_cli.errors import UsageProblem
from compressor_cli.memory import duration
from compressor_cli.memory.amounts import byte_size, share

MOST = 1000
"""The largest number of jobs at once that a project may ask for."""

_MAX_DEPTH = 32
_LARGEST = 2**63  # a number that any reader of JSON takes
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Table:
    """The project's table as TOML gave it. `where` names it and its file in messages."""

    values: Mapping[str, object]
    where: str

    def wrong(self, key: str, must: str, hint: str = "") -> UsageProblem:
        """The problem that `key` has another kind of value than it must."""
        return UsageProblem(f"{key} in {self.where} must be {must}", hint=hint)

    def flag(self, key: str) -> bool:
        """A boolean; False where it is not given."""
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def path(self, key: str) -> str | None:
        """A path, or template of paths, in the project's folder."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or not value:
            raise self.wrong(key, "text in quotes")
        return self._stays_inside(key, value)

    def sources(self, key: str) -> tuple[str, ...]:
        """Paths and globs in the project's folder, and URLs."""
        texts = self._texts(key)
        for text in texts:
            if not text.lower().startswith(("https://", "http://")):
                self._stays_inside(key, text)
        return texts

    def globs(self, key: str) -> tuple[str, ...]:
        """Globs that are held against paths."""
        texts = self._texts(key)
        for text in texts:
            self._check_glob(key, text)
        return texts

    def by_glob(self, key: str) -> Mapping[str, object]:
        """A table whose keys are globs, its values unchecked."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            raise self.wrong(key, "a table", f'for example: {key} = {{ "*.png" = … }}')
        for glob in value:
            self._check_glob(key, glob)
        return value

    def size(self, key: str, value: object) -> int:
        """Bytes, from text or a whole number."""
        return self._read(key, byte_size, _plain(value), "a size")

    def share(self, key: str) -> float | None:
        """A share from 0 to 1, from text or a number."""
        value = self.values.get(key)
        return None if value is None else self._read(key, share, _plain(value), "a share")

    def seconds(self, key: str) -> float | None:
        """A length of time, from text or a number of seconds; 0 for no end."""
        value = self.values.get(key)
        if value is None:
            return None
        return self._read(key, duration.seconds, _plain(value), "a length of time")

    def count(self, key: str) -> int | None:
        """A whole number from 1."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST:
            raise self.wrong(key, f"a whole number from 1 to {MOST}")
        return value

    def json(self, key: str, value: object) -> None:
        """Check that a value can be sent as JSON, which has no dates and no endless numbers."""
        level = [value]
        for _ in range(_MAX_DEPTH):
            if not level:
                return
            if not all(isinstance(v, (str, int, float, list, dict)) for v in level):
                raise self.wrong(key, "text, numbers, true or false, lists and tables of these")
            if not all(abs(v) < _LARGEST for v in level if isinstance(v, (int, float))):
                raise self.wrong(key, "made of numbers that fit into 64 bits")
            level = [inner for outer in level for inner in _inside(outer)]
        raise UsageProblem(f"{key} in {self.where} is nested too deeply")

    def _read(self, key: str, reader: Callable[[str], T], text: str, what: str) -> T:
        try:
            return reader(text)
        except UsageProblem as error:
            raise self.wrong(key, what, error.hint) from None

    def _texts(self, key: str) -> tuple[str, ...]:
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(v and isinstance(v, str) for v in value):
            raise self.wrong(key, "a list of texts", f'for example: {key} = ["…"]')
        return tuple(value)

    def _check_glob(self, key: str, glob: str) -> None:
        try:
            matches("", glob)
        except UsageProblem:
            raise self.wrong(key, f"made of globs, and {glob!r} is none") from None
        if not glob:
            raise self.wrong(key, "made of globs, and one is empty")

    def _stays_inside(self, key: str, text: str) -> str:
        """`text` itself. Read as Windows does, which knows both separators: the same everywhere."""
        path = PureWindowsPath(text)
        if path.drive or path.root or ".." in path.parts or "\0" in text:
            raise UsageProblem(
                f"{key} in {self.where} leads out of the project's folder",
                hint="its paths are relative to the folder of that file and stay inside it",
            )
        return text


def _plain(value: object) -> str:
    """A number without exponent, a text as it is, all else as nothing that could be read."""
    if isinstance(value, str):
        return value
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not abs(value) < _LARGEST:  # type: ignore[arg-type]
        return ""
    return f"{value:.9f}".rstrip("0").rstrip(".")


def _inside(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
