"""The table itself: no row without a test by the installed command, and each seen red."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

from .table import fault_rows

HERE = Path(__file__).parent


def acted_out() -> set[str]:
    """The rows for which a test in this folder takes the stage."""
    rows: set[str] = set()
    for file in HERE.glob("test_*.py"):
        module = ast.parse(file.read_text("utf-8"))
        of_all = [n.value for n in module.body if ast.unparse(n).startswith("pytestmark = ")]  # type: ignore[attr-defined]
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                on_stage = "scene" in {argument.arg for argument in node.args.args}
                named = rows_of([*node.decorator_list, *of_all])
                rows |= {row for row in named if on_stage or row.startswith("G")}
    return rows


def rows_of(marks: list[ast.expr]) -> set[str]:
    calls = [mark for mark in marks if isinstance(mark, ast.Call)]
    named = [call for call in calls if ast.unparse(call.func) == "pytest.mark.row"]
    return {ast.literal_eval(argument) for call in named for argument in call.args}


def test_every_row_is_acted_out() -> None:
    """By the installed command with the one checker; rows of the sandbox against the sandbox."""
    assert set(fault_rows()) - acted_out() == set()


def test_every_row_has_broken_code_that_its_test_sees() -> None:
    """`mutants.py` breaks the code so and sees red."""
    mutants = [
        mutant
        for file in (HERE / "mutants").glob("*.toml")
        for mutant in tomllib.loads(file.read_text("utf-8"))["mutant"]
    ]
    assert set(fault_rows()) - {mutant["row"] for mutant in mutants} == set()
    package = HERE.parents[1] / "compressor_cli"
    for mutant in mutants:
        assert (package / mutant["file"]).read_text("utf-8").count(mutant["find"]) == 1, mutant


def test_the_table_and_the_mutants_are_whole() -> None:
    """What was generated knows every row, and nothing in it failed, was skipped or stayed green."""
    table = (HERE / "TABLE.md").read_text("utf-8")
    broken = (HERE / "MUTANTS.md").read_text("utf-8")
    for row in fault_rows():
        assert f"\n| {row} |" in table
        assert f"\n| {row} |" in broken
    assert not [line for line in table.splitlines() if "skipped:" in line or "no test" in line]
    assert "| failed" not in table
    assert "STILL GREEN" not in broken
    assert "RED BEFORE" not in broken
