"""How a command takes a whole group of options, and how what was given is written again.

A command writes one parameter with a group's class, `@grouped` shows its fields to Typer as options
of the command, and hands the command the group as one object.
"""

from __future__ import annotations

import inspect
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import wraps
from typing import Any, TypeVar, get_type_hints

R = TypeVar("R")


def grouped(command: Callable[..., R]) -> Callable[..., R]:
    """Show the fields of each parameter that is an option group as options of their own."""
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: kind for name, kind in hints.items() if is_dataclass(kind)}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        kind = hints[parameter.name]
        if parameter.name in groups:
            parameters += _options(kind)
        else:
            keyword = inspect.Parameter.KEYWORD_ONLY
            parameters.append(parameter.replace(annotation=kind, kind=keyword))

    @wraps(command)
    def call(**values: Any) -> R:
        for name, group in groups.items():
            values[name] = group(
                **{option.name: values.pop(option.name) for option in fields(group)}
            )
        return command(**values)

    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {p.name: p.annotation for p in parameters}
    return call


def _options(group: Any) -> list[inspect.Parameter]:
    """The fields as parameters, each told the heading of its group: how its docstring begins."""
    hints = get_type_hints(group, include_extras=True)
    heading = re.split("[.:]", group.__doc__ or "", maxsplit=1)[0]
    for option in fields(group):
        hints[option.name].__metadata__[0].rich_help_panel = heading
    return [
        inspect.Parameter(
            option.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=_default(option),
            annotation=hints[option.name],
        )
        for option in fields(group)
    ]


def again(*groups: Any) -> list[str]:
    """The options that were given, as words of a command line. Values of headers are left out."""
    words: list[str] = []
    for group in groups:
        for option in fields(group):
            value = getattr(group, option.name)
            if value in (_default(option), False):
                continue
            name = f"--{option.name.replace('_', '-')}"
            values = value if isinstance(value, list) else [value]
            for each in values:
                text = each.partition(":")[0] + ": …" if option.name == "header" else str(each)
                words += [name] if each is True else [name, text]
    return words


def command_line(*words: str, sources: Sequence[str] = ()) -> str:
    """A command to type, quoted for a shell; a source in it is never taken for an option."""
    return shlex.join(["compressor", *words, *(["--", *sources] if sources else [])])


def _default(option: Field[Any]) -> object:
    if option.default is not MISSING:
        return option.default
    return option.default_factory() if option.default_factory is not MISSING else None
