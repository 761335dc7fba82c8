"""`config`: settings, where each comes from, profiles."""

from __future__ import annotations

import pytest
from running import KEY, Box, Compressor


@pytest.fixture
def plain(compressor: Compressor) -> Compressor:
    """Nothing is set in the environment but the places."""
    del compressor.env["COMPRESSOR_API_KEY"]
    del compressor.env["COMPRESSOR_API_URL"]
    return compressor


def test_the_path_is_printed_also_of_a_file_that_cannot_be_read(plain: Compressor) -> None:
    plain.config.parent.mkdir()
    plain.config.write_text("not toml [")
    assert plain("config", "path").whole == (
        "exit 0\n-- stdout\n<HOME>/config/config.toml\n-- stderr\n"
    )
    broken = plain("config", "list")
    assert (broken.code, broken.stdout) == (2, "")
    assert str(plain.config) in broken.stderr
    at_home = plain("config", "path", "--json", env={"COMPRESSOR_CONFIG": None}).record
    assert at_home["path"] == f"{plain.env['HOME']}/.config/compressor/config.toml"


def test_everything_in_force_is_listed_with_its_source(plain: Compressor) -> None:
    assert plain("config", "list").whole == (
        "exit 0\n-- stdout\n"
        "profile\tdefault\tdefault\n"
        "api_url\thttps://api.compressor.app/1.0\tdefault\n"
        "api_key\tnot set\t\n"
        "auth\tbearer\tdefault\n"
        "timeout\t1h\tdefault\n"
        "-- stderr\n"
    )
    env = {"COMPRESSOR_API_KEY": KEY, "COMPRESSOR_API_URL": "http://127.0.0.1:9/1.0"}
    records = {r["name"]: r for r in plain("config", "list", "--json", env=env).records}
    assert records["api_key"]["value"] == "set"
    assert records["api_url"]["source"] == "environment COMPRESSOR_API_URL"


def test_set_get_unset(plain: Compressor) -> None:
    """The file's comments stay; what was set is in force; option over environment over file."""
    plain.config.parent.mkdir()
    plain.config.write_text("# mine\n")
    plain.config.chmod(0o600)
    done = plain("config", "set", "timeout", "90m")
    assert done.whole == (
        "exit 0\n-- stdout\n-- stderr\ntimeout set in <HOME>/config/config.toml\n"
    )
    assert plain.config.read_text().startswith("# mine\n")
    assert plain("config", "get", "timeout").stdout == "1h30m\n"
    plain("config", "set", "api_url", "http://127.0.0.1:1/1.0")
    get = ["config", "get", "api_url"]
    env = {"COMPRESSOR_API_URL": "http://127.0.0.1:2/1.0"}
    assert plain(*get).stdout == "http://127.0.0.1:1/1.0\n"
    assert plain(*get, env=env).stdout == "http://127.0.0.1:2/1.0\n"
    option = plain(*get, "--api-url", "http://127.0.0.1:3/1.0", "--json", env=env)
    assert option.record["value"] == "http://127.0.0.1:3/1.0"
    assert plain("config", "unset", "api_url").code == 0
    assert plain(*get).stdout == "https://api.compressor.app/1.0\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["set", "api_key", "x"], "auth login"),
        (["get", "api_key"], "never shown"),
        (["get", "timout"], "timeout"),
        (["set", "colour", "red"], "unknown setting"),
        (["set", "timeout", "soon"], "not a length of time: 'soon'"),
        (["set", "auth", "digest"], "auth"),
        (["set", "api_url", "http://example.com/1.0"], "https"),
        (["get", "auth", "--profile", "nobody"], "nobody"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_set_or_got(plain: Compressor, words: list[str], said: str) -> None:
    """Exit 2 with a hint; the file is not made."""
    done = plain("config", *words)
    assert (done.code, done.stdout) == (2, "")
    assert said in done.stderr
    assert not plain.config.exists()


def test_profiles_are_apart(plain: Compressor, box: Box) -> None:
    """Each has its own API and key, and one may be made the usual one."""
    plain("config", "set", "api_url", box.url, "--profile", "work")
    assert plain("auth", "login", "--profile", "work", stdin=KEY.encode()).code == 0
    assert plain("auth", "status").code == 4
    status = plain("auth", "status", "--json", "--profile", "work").record
    assert (status["profile"], status["api_url"]) == ("work", box.url)
    by_name = plain("auth", "status", env={"COMPRESSOR_PROFILE": "work"})
    assert by_name.code == 0
    assert plain("config", "set", "profile", "work").code == 0
    assert plain("auth", "status").code == 0
    elsewhere = plain("auth", "status", "--api-url", "http://127.0.0.1:1/1.0")
    assert elsewhere.code == 4
    assert "is not sent to http://127.0.0.1:1" in elsewhere.stderr


def test_a_wrong_profile_in_force_can_be_mended(plain: Compressor) -> None:
    """The command that changes the file works where the file is the trouble."""
    plain.config.parent.mkdir()
    plain.config.write_text('timeout = "soon"\n')
    plain.config.chmod(0o600)
    assert plain("config", "list").code == 2
    assert plain("config", "set", "timeout", "5m").code == 0
    assert plain("config", "get", "timeout").stdout == "5m\n"


def test_without_a_home_a_path_is_asked_for(plain: Compressor) -> None:
    """What has all it needs from the environment works all the same."""
    env = {"HOME": "/nowhere/at all", "COMPRESSOR_CONFIG": None}
    done = plain("config", "set", "timeout", "5m", env={**env, "HOME": "/proc/none"})
    assert done.code == 9
    assert plain("config", "list", env=env).code == 0
