"""`config explain`: every value in force, of the settings and of the project."""

from __future__ import annotations

import pytest
from running import Compressor

UNSET = "".join(
    f"project.{name}\t{value}\tdefault\n"
    for name, value in {
        "sources": "[]",
        "include": "[]",
        "exclude": "[]",
        "output": "",
        "in-place": "false",
        "name": "",
        "options": "",
        "max-size": "",
        "budget": "",
        "min-savings": "",
        "lock": "",
        "jobs": "",
        "timeout": "",
        "allow-larger": "false",
    }.items()
)


@pytest.fixture
def plain(compressor: Compressor) -> Compressor:
    """No key, no API; the folder is a repository of its own."""
    del compressor.env["COMPRESSOR_API_KEY"]
    del compressor.env["COMPRESSOR_API_URL"]
    (compressor.folder / ".git").mkdir()
    return compressor


def test_without_a_project(plain: Compressor) -> None:
    """Needs neither file nor key nor network."""
    assert plain("config", "explain").whole == (
        "exit 0\n-- stdout\n"
        "profile\tdefault\tdefault\n"
        "api_url\thttps://api.compressor.app/1.0\tdefault\n"
        "api_key\tnot set\t\n"
        "auth\tbearer\tdefault\n"
        "timeout\t1h\tdefault\n"
        f"project\t\tdefault\n{UNSET}"
        "-- stderr\n"
    )


def test_with_a_project(plain: Compressor) -> None:
    """From a folder below, each value with its file."""
    (plain.folder / "pyproject.toml").write_text(
        '[tool.compressor]\nsources = ["größe"]\nbudget = "5 MB"\njobs = 3\n'
        '[tool.compressor.options]\n"*.png" = { compression = "ultra" }\n"a\\tb" = {}\n'
    )
    below = plain.folder / "src"
    below.mkdir()
    done = plain("config", "explain", cwd=below)
    mine = "project file <DIR>/pyproject.toml"
    assert f"project\t<DIR>/pyproject.toml\t{mine}\n" in done.whole
    for line in (
        'project.sources\t["größe"]',
        "project.budget\t5000000",
        "project.jobs\t3",
        'project.options.*.png\t{"compression": "ultra"}',
        "project.options.a\\x09b\t{}",
    ):
        assert f"\n{line}\t{mine}\n" in done.whole
    assert "\nproject.lock\t\tdefault\n" in done.whole


def test_json(plain: Compressor) -> None:
    """One object a line; values are JSON of their own, null where nothing is given."""
    (plain.folder / "compressor.toml").write_text('sources = ["a"]\nin-place = true\n')
    env = {"COMPRESSOR_API_URL": "http://127.0.0.1:9/1.0"}
    records = {r["name"]: r for r in plain("config", "explain", "--json", env=env).records}
    assert set(records["project"]) == {"schema", "name", "value", "source"}
    assert records["api_url"]["source"] == "environment COMPRESSOR_API_URL"
    assert records["project"]["value"] == str(plain.folder / "compressor.toml")
    assert records["project.sources"]["value"] == ["a"]
    assert records["project.in-place"]["value"] is True
    assert records["project.lock"]["value"] is None


def test_a_wrong_project_says_nothing_but_what_is_wrong(plain: Compressor) -> None:
    """Exit 2 and an empty stdout, with the file, the key and the nearest right name."""
    file = plain.folder / "compressor.toml"
    file.write_text('api_url = "https://evil.example"\n')
    done = plain("config", "explain")
    assert (done.code, done.stdout) == (2, "")
    assert "api_url in " in done.stderr
    assert "cannot send your key elsewhere" in done.stderr
    assert "evil" not in done.stderr
    file.write_text('sorces = ["a"]\n')
    assert plain("config", "explain").whole == (
        "exit 2\n-- stdout\n-- stderr\n"
        "compressor: unknown key 'sorces' in <DIR>/compressor.toml\n"
        "  did you mean sources?\n"
    )


def test_other_commands_do_not_mind(plain: Compressor) -> None:
    """A broken project file hinders only what uses it."""
    (plain.folder / "compressor.toml").write_text("not toml [")
    assert plain("config", "list").code == 0
    assert plain("config", "explain").code == 2
