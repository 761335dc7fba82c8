"""What a project says about its own compression: `[tool.compressor]` or `compressor.toml`.

    sources = ["assets"]                       in pyproject.toml under [tool.compressor],
    output = "public"                          in compressor.toml at the top
    max-size = { "*.png" = "200 kB" }

    [tool.compressor.options]
    "**/*.png" = { compression = "ultra" }     later over earlier, key by key
    "hero/*" = { image = { resize = { width = 1600 } } }

It never sets the key or the API: a repository that was cloned must not send a key elsewhere.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from compressor_cli.api.contract import Json
from compressor_cli.engine.globs import matches
from compressor_cli.errors import UsageProblem
from compressor_cli.memory import duration
from compressor_cli.memory.amounts import byte_size as byte_size
from compressor_cli.memory.amounts import share as share
from compressor_cli.memory.configfile import nearest, parse, read_text
from compressor_cli.memory.projectrule import Rule as Rule
from compressor_cli.memory.projectrule import checked_rule
from compressor_cli.memory.projecttable import Table
from compressor_cli.memory.redact import redact_options
from compressor_cli.memory.settings import DEFAULT

OWN_FILE = "compressor.toml"
SHARED_FILE = "pyproject.toml"
KEYS = (
    *("sources", "include", "exclude", "output", "in-place", "name", "options", "max-size"),
    *("budget", "min-savings", "lock", "jobs", "timeout", "allow-larger"),
)
DESTINATIONS = ("output", "in-place", "name")
_NEVER = {"apikey", "apiurl", "auth", "profile", "profiles"}


@dataclass(frozen=True, slots=True)
class Project:
    """The project in force. `path` is None where there is no file.

    Paths and globs are relative to `root`, and paths stay inside it. At most one of `output`,
    `in_place`, `name` is given. `max_size` and `budget` in bytes, `min_savings` from 0 to 1,
    `timeout` in seconds, 0: no end; None: not given. `given` names the keys that the file holds.
    """

    path: Path | None
    root: Path
    sources: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    output: str | None = None
    in_place: bool = False
    name: str | None = None
    rules: tuple[Rule, ...] = ()
    max_size: tuple[tuple[str, int], ...] = ()
    budget: int | None = None
    min_savings: float | None = None
    lock: str | None = None
    jobs: int | None = None
    timeout: float | None = None
    allow_larger: bool = False
    given: frozenset[str] = field(default=frozenset())

    def options_for(self, within: str, name: str) -> Json:
        """The options of the file at `within`, relative to `root` with `/`, as JSON for the API.

        `name` tells its kind. Raises UsageProblem when an option has no namespace for it.
        """
        options: Json = {}
        for rule in self.rules:
            if matches(within, rule.glob):
                options = rule.over(options, name)
        return options


def find(folder: Path) -> Project:
    """The project of `folder`: the first project file in it or above, as far as its repository.

    Nothing is looked at above a folder with `.git`, nor above the home folder. Raises UsageProblem,
    naming file and key, never a value.
    """
    try:
        start = Path(os.path.abspath(folder))  # noqa: PTH100 - Path.resolve would follow links
    except OSError:
        raise UsageProblem("the working directory is gone") from None
    last = _home()
    for place in (start, *start.parents):
        own, shared = place / OWN_FILE, place / SHARED_FILE
        if _exists(own):
            return _project(own, Table(_document(own), str(own)))
        if _exists(shared) and (table := _tool_table(shared)) is not None:
            return _project(shared, Table(table, f"[tool.compressor] of {shared}"))
        if place in last or _exists(place / ".git"):
            break
    return Project(None, start)


def _home() -> set[Path]:
    try:
        home = Path.home()
        return {home, home.resolve()}
    except (RuntimeError, OSError):
        return set()


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # in a folder that may not be searched
        return False


def _document(path: Path, *, only_with: str = "") -> dict[str, object]:
    """The file as TOML; nothing, whatever it is, if the text `only_with` is not in it."""
    try:
        text, _ = read_text(path)
        return parse(text, path) if only_with in text else {}
    except UsageProblem as error:  # without the hint, which is about the user's own file
        raise UsageProblem(error.message) from None


def _tool_table(path: Path) -> Mapping[str, object] | None:
    """[tool.compressor] of a pyproject.toml, None where it has none."""
    tool = _document(path, only_with="compressor").get("tool")
    table = tool.get("compressor") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise UsageProblem(f"tool.compressor in {path} must be a table")
    return table


def _project(path: Path, table: Table) -> Project:
    _check_keys(table)
    budget = table.values.get("budget")
    return Project(
        path=path,
        root=path.parent,
        sources=table.sources("sources"),
        include=table.globs("include"),
        exclude=table.globs("exclude"),
        output=table.path("output"),
        in_place=table.flag("in-place"),
        name=table.path("name"),
        rules=tuple(checked_rule(table, *item) for item in table.by_glob("options").items()),
        max_size=tuple(
            (glob, table.size(f"max-size.{glob!r}", value))
            for glob, value in table.by_glob("max-size").items()
        ),
        budget=None if budget is None else table.size("budget", budget),
        min_savings=table.share("min-savings"),
        lock=table.path("lock"),
        jobs=table.count("jobs"),
        timeout=table.seconds("timeout"),
        allow_larger=table.flag("allow-larger"),
        given=frozenset(table.values),
    )


def _check_keys(table: Table) -> None:
    for key in table.values:
        if re.sub("[-_]", "", key.lower()) in _NEVER:
            raise UsageProblem(
                f"{key} in {table.where} cannot be: a project never sets the key, the API or how "
                "to sign in, so that a cloned repository cannot send your key elsewhere",
                hint="compressor auth login, compressor config set, or COMPRESSOR_API_URL",
            )
        if key not in KEYS:
            hint = nearest(key, KEYS) if key != "tool" else f"in {OWN_FILE} keys stand at the top"
            raise UsageProblem(f"unknown key {key!r} in {table.where}", hint=hint)
    used = [key for key in DESTINATIONS if table.values.get(key) not in (None, False)]
    if len(used) > 1:
        raise UsageProblem(f"{' and '.join(used)} in {table.where}: choose one destination")


def describe(project: Project) -> list[tuple[str, object, str]]:
    """Name, JSON value and source of each of the project's values; secrets are left out.

    Names begin with `project`; `options` and `max-size` have one row a glob. None: not given.
    """
    file = DEFAULT if project.path is None else f"project file {project.path}"
    place = None if project.path is None else str(project.path)
    rows: list[tuple[str, object, str]] = [("project", place, file)]
    for key in KEYS:
        source = file if key in project.given else DEFAULT
        rows += [
            (f"project.{name}", _shown(value), source) for name, value in _values(project, key)
        ]
    return rows


def _values(project: Project, key: str) -> list[tuple[str, object]]:
    """What is shown of one key, by name: one value, or one a glob."""
    if key == "options":
        return [(f"options.{rule.glob}", rule.options) for rule in project.rules] or [(key, None)]
    if key == "max-size":
        return [(f"max-size.{glob}", size) for glob, size in project.max_size] or [(key, None)]
    value = getattr(project, key.replace("-", "_"))
    if key == "timeout" and value is not None:
        value = duration.spelled(value)
    return [(key, value)]


def _shown(value: object) -> object:
    return redact_options({"value": value})["value"]
