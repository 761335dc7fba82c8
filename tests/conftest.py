"""The installed command, sandboxes for it, and files to compress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from running import KEY, Box, Compressor, Elsewhere, boxed, environment
from sandbox.pictures import encoded

pytest_plugins = ["matrix.table"]

File = Callable[..., Path]
Faults = Callable[..., None]

hypothesis.settings.register_profile("tests", deadline=None)  # many tests share few cores
hypothesis.settings.load_profile("tests")


@pytest.fixture(scope="module")
def _shared_box() -> Iterator[Box]:
    with boxed() as box:
        yield box


@pytest.fixture(scope="module")
def _shared_later() -> Iterator[Box]:
    with boxed(outputs_port=0, answers="later") as box:
        yield box


@pytest.fixture
def box(_shared_box: Box) -> Box:
    """A sandbox on one port that answers small files at once; nothing is scripted or counted."""
    _shared_box.forget()
    return _shared_box


@pytest.fixture
def later(_shared_later: Box) -> Box:
    """A sandbox on two ports that answers everything later."""
    _shared_later.forget()
    return _shared_later


@pytest.fixture
def compressor(tmp_path: Path, request: pytest.FixtureRequest) -> Compressor:
    """The installed command. It talks to `box`, or to `later` if the test asks only for that."""
    names = request.fixturenames
    url = ""
    if "box" in names or "later" in names:
        name = "box" if "box" in names else "later"
        url = request.getfixturevalue(name).url
    for part in ("user", "tmp", "work"):
        (tmp_path / part).mkdir()
    env = environment(tmp_path, url=url or "http://127.0.0.1:1/1.0", key=KEY)
    return Compressor(tmp_path, tmp_path / "work", env)


@pytest.fixture
def file(compressor: Compressor) -> File:
    """Makes a file in the command's folder: a picture by its extension, or what is given."""

    def make(name: str = "photo.png", content: bytes | None = None, **size: int) -> Path:
        path = compressor.folder / name
        if content is None:
            kind = path.suffix.removeprefix(".")
            content = encoded({"jpg": "jpeg", "tif": "tiff"}.get(kind, kind), **size)
        path.write_bytes(content)
        return path

    return make


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Elsewhere]:
    """Another server, to fetch from."""
    server = Elsewhere()
    yield server
    server.close()


@pytest.fixture
def faults(box: Box) -> Iterator[Faults]:
    """Scripts faults of `box`; after the test each must have fired as often as it was to."""
    given: list[dict[str, Any]] = []

    def add(*more: dict[str, Any]) -> None:
        given.extend(more)
        box.script(*more)

    yield add
    assert given, "nothing was scripted"
    assert box.fired() == [fault.get("times", 1) for fault in given]
