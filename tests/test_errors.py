"""The exit codes: one list in the errors, the help and the README."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from compressor_cli import errors
from compressor_cli.errors import CompressorError, Interrupted, worst

README = (Path(__file__).parents[1] / "README.md").read_text()


def classes() -> list[type[CompressorError]]:
    found = [CompressorError]
    for kind in found:
        found += kind.__subclasses__()
    return [kind for kind in found if kind.__module__ == errors.__name__]


def test_readme_lists_every_exit_code_of_the_errors() -> None:
    """A new code cannot be forgotten in the README's table."""
    listed = {
        int(code)
        for row in re.findall(r"^\| ([0-9, ]+) \| ", README, re.MULTILINE)
        for code in row.split(", ")
    }
    codes = {kind.exit_code for kind in classes()}
    assert listed == codes | {0} | {Interrupted(number).exit_code for number in (1, 2, 15)}


def test_tree_in_the_docstring_names_every_class_with_its_code() -> None:
    """The docstring is what a reader trusts."""
    tree = dict(re.findall(r"(\w+)  +(\d+|128 \+ n)", errors.__doc__ or ""))
    assert tree.keys() == {kind.__name__ for kind in classes()}
    for kind in classes():
        if kind is not Interrupted:
            assert tree[kind.__name__] == str(kind.exit_code)


@pytest.mark.parametrize(
    ("codes", "code"),
    [([], 0), ([0, 0], 0), ([0, 6, 6], 6), ([3], 3), ([5, 6], 1), ([0, 5, 6, 9], 1)],
)
def test_many_codes_become_their_common_one_or_1(codes: list[int], code: int) -> None:
    """0 only if all went well."""
    assert worst(codes) == code


def test_error_tells_its_kind_and_job() -> None:
    """What --json shows of it."""
    error = errors.JobFailed("no", hint="try", job_id="a")
    assert (error.kind, error.exit_code, error.hint, error.job_id) == ("JobFailed", 6, "try", "a")
    assert errors.Throttled("wait", retry_after=2.0).retry_after == 2.0
