"""Links in a project that was cloned: what its project file names stays inside the project."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import File
from running import Box, Compressor, Elsewhere
from sandbox.pictures import encoded

PRIVATE = encoded("png", width=64, height=48, seed=5)


@pytest.fixture
def outside(compressor: Compressor) -> Path:
    """A folder beside the project, with a picture that is nobody's business."""
    folder = compressor.home / "priv"
    folder.mkdir()
    (folder / "a.png").write_bytes(PRIVATE)
    return folder


def project(compressor: Compressor, text: str) -> None:
    (compressor.folder / "compressor.toml").write_text(text)


def check_refused(compressor: Compressor, box: Box, outside: Path, link: str, leads: str) -> None:
    """Both commands tell link and place; nothing is sent and nothing outside has changed."""
    for command in ("compress", "check"):
        done = compressor(command)
        assert (done.code, done.stdout) == (2, "")
        assert done.stderr.splitlines()[0] == (
            f"compressor: {link} is a link out of the project's folder, to {leads}"
        )
        assert "on the command line" in done.stderr
    assert "upload" not in box.routes()
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == {"a.png": PRIVATE}


@pytest.mark.parametrize("where", ["in-place = true", 'output = "out"'])
@pytest.mark.parametrize(
    ("place", "target", "sources", "link", "leads"),
    [
        ("assets", "../priv", "assets", "assets", ""),
        ("assets", "../priv", "assets/*.png", "assets", ""),
        ("assets", "../priv", "**/*.png", "assets", ""),
        ("assets", "../priv", "assets/a.png", "assets", ""),
        ("assets/x", "../../priv", "assets", "assets/x", ""),
        ("assets/x", "../../priv", ".", "assets/x", ""),
        ("assets/x.png", "../../priv/a.png", "assets", "assets/x.png", "a.png"),
        ("x.png", "../priv/a.png", "*.png", "x.png", "a.png"),
        ("x.png", "../priv/a.png", "x.png", "x.png", "a.png"),
    ],
)
def test_sources_of_a_project_file(
    compressor: Compressor,
    box: Box,
    outside: Path,
    where: str,
    place: str,
    target: str,
    sources: str,
    link: str,
    leads: str,
) -> None:
    """Folders, globs and files, whether the link is named or found below what is."""
    project(compressor, f'sources = ["{sources}"]\n{where}\n')
    path = compressor.folder / place
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(target)
    check_refused(compressor, box, outside, link, str(outside / leads))


def test_nothing_outside_is_even_listed(compressor: Compressor, file: File) -> None:
    """Files of other kinds are named as left out: those behind such a link are not."""
    project(compressor, 'sources = ["."]\noutput = "out"\n')
    file("a.png")
    folder = compressor.home / "letters"
    folder.mkdir()
    (folder / "secret.txt").write_text("x")
    (compressor.folder / "more").symlink_to(folder)
    done = compressor("compress", "--dry-run")
    assert (done.code, done.stdout) == (2, "")
    assert "more is a link out of the project's folder" in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.parametrize(
    ("place", "target", "where", "leads"),
    [
        ("out", "../priv", 'output = "out"', ""),
        ("out/assets", "../../priv", 'output = "out"', ""),
        ("out", "../priv", 'output = "out/deeper"', ""),
        ("out/b.png", "../../priv/a.png", 'output = "out"', "a.png"),
        ("assets/b.min.png", "../../priv/a.png", 'name = "{dir}/{stem}.min{ext}"', "a.png"),
        ("small", "../priv", 'name = "small/{name}"', ""),
        ("my.lock", "../priv/a.png", 'lock = "my.lock"\nin-place = true', "a.png"),
        ("compressor.lock", "../priv/a.png", "in-place = true", "a.png"),
    ],
)
def test_places_of_a_project_file(
    compressor: Compressor,
    box: Box,
    file: File,
    outside: Path,
    place: str,
    target: str,
    where: str,
    leads: str,
) -> None:
    """Where results go, and the lock, which would be written through the link."""
    project(compressor, f'sources = ["assets/b.png", "assets"]\nexclude = ["*.min.*"]\n{where}\n')
    (compressor.folder / "assets").mkdir()
    file("assets/b.png")
    path = compressor.folder / place
    path.parent.mkdir(exist_ok=True)
    if place == "out/assets":
        (compressor.folder / "assets/assets").mkdir()
        file("assets/assets/c.png", seed=3)
    path.symlink_to(target)
    check_refused(compressor, box, outside, place, str(outside / leads))


def test_results_of_what_is_no_file(
    compressor: Compressor, box: Box, elsewhere: Elsewhere, outside: Path
) -> None:
    """A URL among the sources, and standard input."""
    elsewhere.pages["/x.png"] = encoded("png", width=90, height=70)
    project(compressor, f'sources = ["{elsewhere.url}/x.png"]\noutput = "out/x.png"\n')
    (compressor.folder / "out").mkdir()
    (compressor.folder / "out/x.png").symlink_to(outside / "a.png")
    for words in ([], ["-"]):
        done = compressor("compress", *words, stdin=PRIVATE)
        assert (done.code, done.stdout) == (2, "")
        assert "out/x.png is a link out of the project's folder" in done.stderr
    assert box.requests == []
    assert (outside / "a.png").read_bytes() == PRIVATE


@pytest.mark.usefixtures("box")
def test_links_that_stay_inside_are_followed(compressor: Compressor, file: File) -> None:
    """Also where the project itself is reached by a link, and from a folder below."""
    project(compressor, 'sources = ["assets"]\noutput = "out"\n')
    for folder in ("real", "results"):
        (compressor.folder / folder).mkdir()
    file("real/a.png")
    (compressor.folder / "assets").symlink_to("real")
    (compressor.folder / "out").symlink_to("results")
    other = compressor.home / "other"
    other.symlink_to(compressor.folder)
    assert compressor("compress", cwd=other).code == 0
    assert (compressor.folder / "results/a.png").exists()
    assert compressor("check", cwd=compressor.folder / "real").code == 0


@pytest.mark.usefixtures("box")
def test_what_is_typed_is_the_users_own(compressor: Compressor, outside: Path) -> None:
    """The same links, named on the command line or in a list."""
    project(compressor, 'sources = ["assets"]\nin-place = true\n')
    (compressor.folder / "assets").symlink_to(outside)
    (compressor.folder / "out").symlink_to(outside / "new")
    (outside / "new").mkdir()
    (compressor.folder / "list").write_text("assets/a.png\n")
    assert compressor("compress", "assets", "-o", "out").code == 0
    assert (outside / "new/a.png").exists()
    assert compressor("compress", "--files-from", "list", "--name", "out/{stem}.b.png").code == 0
    assert compressor("compress", "assets/a.png").code == 0
    assert (outside / "a.png").read_bytes() != PRIVATE


@pytest.mark.usefixtures("box")
def test_beside_a_source_that_is_typed_is_the_users_own_too(
    compressor: Compressor, outside: Path
) -> None:
    """The project's template names results; the source lies outside, by a link or by its path."""
    project(compressor, 'name = "{dir}/{stem}.min{ext}"\n')
    (compressor.folder / "assets").symlink_to(outside)
    for source in (outside / "a.png", Path("assets/a.png")):
        assert compressor("compress", source).code == 0
        (outside / "a.min.png").unlink()
