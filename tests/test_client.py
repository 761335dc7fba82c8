"""`from compressor_cli import Client`: the same safety as the commands, as exceptions."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import KEY, Box, boxed
from sandbox.pictures import encoded, opened

from compressor_cli import Client
from compressor_cli.errors import (
    InputProblem,
    JobFailed,
    KeyProblem,
    MaybeAccepted,
    NotFinished,
    OutputProblem,
    TemporaryTrouble,
    UsageProblem,
)


@pytest.fixture(scope="module")
def stage() -> Iterator[Box]:
    with boxed(answers="later") as box:
        yield box


@pytest.fixture
def service(stage: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    """The environment of a program that uses it, and a picture in its folder."""
    stage.forget()
    monkeypatch.setenv("COMPRESSOR_API_URL", stage.url)
    monkeypatch.setenv("COMPRESSOR_API_KEY", KEY)
    monkeypatch.setenv("COMPRESSOR_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("COMPRESSOR_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.chdir(tmp_path)
    Path("photo.png").write_bytes(encoded("png"))
    return stage


def test_the_whole_road(service: Box) -> None:
    """Submit, look, wait, get: verified, and in the ledger of the commands."""
    with Client() as client:
        job = client.submit("photo.png", options={"image": {"compression": "ultra"}})
        assert (job.state, client.status(job).id) == ("pending", job.id)
        done = client.wait(job)
        assert done.state == "completed"
        path = client.get(done, "small.png")
    assert path == Path("small.png")
    assert opened(path.read_bytes()).size == opened(Path("photo.png").read_bytes()).size
    assert path.stat().st_size < Path("photo.png").stat().st_size
    listed = subprocess.run(
        [sys.executable, "-m", "compressor_cli", "jobs"], capture_output=True, text=True, check=True
    )
    assert job.id in listed.stdout
    assert service.stats()["accepted"] == 1


@pytest.mark.usefixtures("service")
def test_a_job_of_another_process_is_taken_up_by_its_id() -> None:
    """A folder as output: the name is the source's, and replaces nothing."""
    with Client() as client:
        job_id = client.submit(Path("photo.png")).id
    Path("out").mkdir()
    with Client() as client:
        assert client.get(job_id, "out", wait=True) == Path("out/photo.png")
        with pytest.raises(OutputProblem):
            client.get(job_id, "out")
        assert client.get(job_id, "out", force=True) == Path("out/photo.png")


def test_what_goes_wrong_is_an_error_that_says_what_to_do(service: Box) -> None:
    """Each with the exit code of the commands; nothing is left behind."""
    with Client() as client:
        with pytest.raises(InputProblem):
            client.submit("missing.png")
        service.script({"on": "upload", "fail": "no luck"})
        with pytest.raises(JobFailed) as failed:
            client.wait(client.submit("photo.png"))
        assert "no luck" in failed.value.message
        service.script({"on": "upload", "drop": "after"})
        with pytest.raises(MaybeAccepted) as doubt:
            client.submit("photo.png")
        assert doubt.value.exit_code == 7
        for wrong in ("-", "/dev/stdout"):
            with pytest.raises(UsageProblem):
                client.get("some-job", wrong)
        with pytest.raises(UsageProblem):
            client.wait("../other")
    with Client(api_key="another-key") as stranger, pytest.raises(KeyProblem):
        stranger.submit("photo.png")
    assert sorted(Path().rglob("*.part")) == []


def test_a_deadline_leaves_the_job_running(service: Box) -> None:
    """NotFinished names it; with nothing accepted it is TemporaryTrouble."""
    service.script({"on": "upload", "states": ["processing"] * 99})
    with Client() as client:
        job = client.submit("photo.png")
        with pytest.raises(NotFinished):
            client.wait(job, timeout=0.3)
        service.script({"on": "upload", "status": 503, "headers": {"Retry-After": "1"}})
    with Client(timeout=0.2) as hasty, pytest.raises(TemporaryTrouble):
        hasty.submit("photo.png")


def test_many_threads_share_one(service: Box) -> None:
    """Each call has its own road; signals of the program are left alone."""
    paths: list[Path] = []

    def work(number: int) -> None:
        source = Path(f"p{number}.png")
        source.write_bytes(encoded("png", seed=number))
        paths.append(client.get(client.submit(source), f"small{number}.png", wait=True))

    with Client() as client:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert len({path.read_bytes() for path in paths}) == 4
    assert service.stats()["accepted"] == 4


def test_the_example_of_the_readme(service: Box) -> None:
    """It runs as it stands there."""
    readme = Path(__file__).parents[1].joinpath("README.md").read_text("utf-8")
    found = re.search(r"<!-- run: python -->\n```python\n(.*?)```", readme, re.DOTALL)
    assert found is not None
    done = subprocess.run(
        [sys.executable, "-c", found[1]], capture_output=True, text=True, check=True
    )
    before, after = Path("photo.png").stat().st_size, Path("small.png").stat().st_size
    assert done.stdout == f"small.png {before} → {after}\n"
    assert service.stats()["accepted"] == 1


def test_importing_the_package_costs_nothing() -> None:
    """The client and all that it needs come when they are asked for."""
    script = (
        "import sys; before = set(sys.modules); import compressor_cli\n"
        "print(sorted(set(sys.modules) - before))\n"
        "from compressor_cli import Client; assert 'httpx' in sys.modules\n"
        "assert 'typer' not in sys.modules\n"
        "try: compressor_cli.nothing\n"
        "except AttributeError: print('no such name')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "['compressor_cli']\nno such name\n"
