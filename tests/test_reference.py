"""The help reads well, and the README's tables say what the code does."""

from __future__ import annotations

import ast
import importlib
import re

import pytest
from conftest import File
from readme import ROOT, rows, section, words
from running import Box, Compressor

from compressor_cli.commands.roster import ROSTER

OF_THE_API = {"id", "status", "url", "input", "output", "message", "success"}
"""Fields that the service sends: those the README names before its table, and one that may come."""


def parts_of(name: str) -> list[str]:
    """The sub-commands of a command, as its module registers them."""
    command = getattr(importlib.import_module(f"compressor_cli.commands.{name}"), name)
    registered = getattr(command, "registered_commands", [])
    return [part.name or part.callback.__name__ for part in registered]


LINES = [
    "", *ROSTER, *(f"{name} {part}" for name in ROSTER for part in parts_of(name)),
]  # fmt: skip
"""The program itself, every command and every sub-command."""


@pytest.mark.parametrize("line", LINES)
def test_help_reads_well(compressor: Compressor, line: str) -> None:
    """On a screen of 100 lines and 80 columns, with an example of its own, nothing cut short."""
    done = compressor(*line.split(), "--help", env={"COLUMNS": "80"})
    assert (done.code, done.stderr) == (0, "")
    assert len(done.lines) <= 100
    assert max(map(len, done.lines)) <= 80
    (example,) = [text for text in done.lines if text.startswith("  Example: ")]
    assert f"compressor {line}".strip() in example
    assert not [text for text in done.lines if re.search(r"\w\.\.\.$", text)]
    listed = done.stdout.partition("\nCommands:\n")[2].partition("\n\n")[0].splitlines()
    parts = parts_of(line) if line in ROSTER else [] if line else list(ROSTER)
    assert sorted(text.split()[0] for text in listed) == sorted(parts)


@pytest.mark.parametrize(
    ("line", "headings"),
    [
        ("submit", ["Arguments", "What the service shall do", "Where results go"]),
        ("check", ["Arguments", "Which files", "Where results go", "What the service shall do"]),
        ("sandbox start", ["How the sandbox serves", "How it speaks", "Options"]),
    ],
)
def test_options_stand_under_the_heading_of_their_group(
    compressor: Compressor, line: str, headings: list[str]
) -> None:
    """Each option once; those of the command alone, and --help, come last."""
    lines = compressor(*line.split(), "--help", env={"COLUMNS": "80"}).lines
    found = [text[:-1] for text in lines if re.fullmatch(r"\w.*:", text)]
    assert found[: len(headings)] == headings
    assert found[-1] == "Options"
    options = [text.split()[0] for text in lines if text.startswith("  -")]
    assert len(options) == len(set(options))
    assert options[-1] == "-h,"


def test_the_readme_lists_the_commands() -> None:
    """All of them, in the order of the help, with their sub-commands, and no other."""
    table = rows(section("Commands"))
    listed = [words(cells[0])[0].split()[0] for cells in table]
    assert listed == list(ROSTER)
    for name, cells in zip(listed, table, strict=True):
        told = [word for cell in cells for word in words(cell)]
        after = [word.split()[1] for word in told if word.startswith(f"{name} ")]
        subs = {sub for each in after for sub in each.split(r"\|")}
        assert {sub for sub in subs if re.fullmatch("[a-z]+", sub)} == set(parts_of(name))


def test_the_readme_lists_the_environment() -> None:
    """Each variable that the code names, and no other."""
    named = {
        node.value
        for file in (ROOT / "compressor_cli").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        and re.fullmatch(r"COMPRESSOR_[A-Z_]*[A-Z]", node.value)
    }  # fmt: skip
    table = rows(section("Configuration"))
    assert {word for cells in table for word in words(cells[0])} == named


def documented(command: str) -> set[str]:
    """The fields that the README names for a command's objects, those of all commands too."""
    found: set[str] = set()
    for names, of, meaning in rows(section("JSON")):
        if of in ("all", command) or command in words(of):
            found |= {*words(names), *(words(meaning) if names == "`kind`" else [])}
    return found - {"file", "summary"}  # values of `kind`


@pytest.fixture
def used(box: Box, compressor: Compressor, file: File) -> Compressor:
    """One job is in the ledger, one was refused."""
    file("f.png")
    file("bad.png", b"no picture")
    assert compressor("submit", "f.png", "-o", "out.png").code == 0
    assert compressor("submit", "bad.png", "--wait").code == 6
    box.forget()
    return compressor


def printed(compressor: Compressor, *line: str) -> set[str]:
    """The fields of all objects that a command prints, without the API's own."""
    found = {name for record in compressor(*line, "--json").records for name in record}
    assert found
    return found - OF_THE_API


_LEDGER = {"number", "options", "api_url", "submitted_at", "updated_at", "finished_at"}


def test_the_readme_names_the_fields_of_jobs(used: Compressor) -> None:
    """Whether they went well or not, beside the API's own."""
    known = documented("jobs") - OF_THE_API - _LEDGER
    for line in ("submit f.png --wait", "submit bad.png --wait", "wait --last", "get --last"):
        assert printed(used, *line.split()) == known
    assert printed(used, "status", "--last") <= known
    record = used("submit", "bad.png", "--wait", "--json").record
    told = next(meaning for names, _, meaning in rows(section("JSON")) if names == "`error`")
    assert list(record["error"]) == words(told)


@pytest.mark.parametrize(
    "line",
    [
        "jobs", "jobs --stats", "compress f.png --in-place", "check f.png --in-place", "doctor",
        "config list", "config explain", "auth status",
    ],
)  # fmt: skip
def test_the_readme_names_the_fields_of(used: Compressor, line: str) -> None:
    """Neither more nor less than is printed, beside the API's own."""
    known = documented(line.partition(" f.png")[0]) - OF_THE_API
    if line == "jobs":
        known -= {"error"}  # of a job's road; the ledger keeps the service's message
    assert printed(used, *line.split()) == known
