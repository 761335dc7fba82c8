"""Which options the files of one glob of the project file get: short names and the API's own.

`compression`, `resize` and `mode` are short names: each file's kind says in which namespace they
belong. Every other name goes to the API as it stands, as `{ image = { resize = { … } } }`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from compressor_cli.api.contract import Json
from compressor_cli.api.options import Compression, guess_type, merged, named_options
from compressor_cli.errors import UsageProblem
from compressor_cli.memory.configfile import nearest
from compressor_cli.memory.projecttable import Table

_SHORT = ("compression", "resize", "mode")


@dataclass(frozen=True, slots=True)
class Rule:
    """One glob of the options. Its short names, as `compression`, find their namespace by file."""

    glob: str
    options: Mapping[str, object]

    def over(self, options: Json, name: str) -> Json:
        """`options` with this rule's over them, for a file called `name`. Raises UsageProblem."""
        own = {key: value for key, value in self.options.items() if key not in _SHORT}
        short = {key: str(value) for key, value in self.options.items() if key in _SHORT}
        kind = guess_type(name)
        if short and kind is None:
            raise UsageProblem(
                f"{' and '.join(short)} for {self.glob!r} in the project file have no namespace "
                f"for {name}, whose kind has no documented options",
                hint="choose a narrower glob, or name the namespace: { NAMESPACE = { … } }",
            )
        named = named_options(kind, **short)
        before = options.get(kind or "")
        if "resize" in short and isinstance(before, dict):  # a new box, no side of the old one
            kept = {key: value for key, value in before.items() if key != "resize"}
            options = {**options, kind or "": kept}
        return merged(options, own, named)


def checked_rule(table: Table, glob: str, options: object) -> Rule:
    """A rule, checked as far as the kind of file does not matter. Raises UsageProblem."""
    key = f"options.{glob!r}"
    if not isinstance(options, dict):
        raise table.wrong(key, "a table", 'for example: { compression = "ultra" }')
    table.json(key, options)
    for name, value in options.items():
        if name in _SHORT and not (value and isinstance(value, str)):
            raise table.wrong(f"{key}.{name}", "text in quotes")
        if not isinstance(value, dict) and name not in _SHORT:
            guess = nearest(name.lower(), _SHORT)
            if guess.startswith("did you mean"):
                raise UsageProblem(f"unknown option {name!r} in {key} of {table.where}", hint=guess)
    if options.get("compression", "high") not in get_args(Compression):
        raise table.wrong(f"{key}.compression", "one of: " + ", ".join(get_args(Compression)))
    rule = Rule(glob, options)
    try:
        rule.over({}, "any.png")
    except UsageProblem:
        raise table.wrong(
            f"{key}.resize", 'WIDTHxHEIGHT, with mode only beside it, as "800x600" or "800x"'
        ) from None
    return rule
