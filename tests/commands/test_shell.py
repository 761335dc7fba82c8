"""The recipes for shell scripts, as they are promised."""

from __future__ import annotations

import hashlib
import shlex
import sys

import pytest
from conftest import File
from running import ID, Box, Compressor
from sandbox.pictures import opened


@pytest.mark.parametrize("service", ["box", "later"], ids=["at once", "later, two ports"])
def test_submit_wait_get_in_sh(
    compressor: Compressor, file: File, service: str, request: pytest.FixtureRequest
) -> None:
    """Each hands the next what it needs, and nothing else is on stdout."""
    box: Box = request.getfixturevalue(service)
    file("f.png")
    done = compressor.shell(
        'id=$(compressor submit f.png) && compressor wait "$id" && '
        'compressor get "$id" -o out.png && echo "id=$id"',
        env={"COMPRESSOR_API_URL": box.url},
    )
    assert done.code == 0
    state, path, named = done.lines
    job = named.removeprefix("id=")
    assert ID.fullmatch(job)
    assert (state, path) == (f"{job}\tcompleted", "out.png")
    assert opened((compressor.folder / "out.png").read_bytes()).format == "PNG"
    assert box.routes().count("upload") == 1


@pytest.mark.usefixtures("box")
def test_the_same_with_json_and_jq(compressor: Compressor, file: File) -> None:
    file("f.png")
    done = compressor.shell(
        "id=$(compressor submit f.png --json | jq -er .id) && "
        'compressor wait "$id" --json | jq -er .state && '
        'compressor get "$id" -o out.png --json | jq -er '
        '"[.saved_to, .output.size, .source] | @tsv"',
        foreign=True,
    )
    assert done.code == 0
    size = (compressor.folder / "out.png").stat().st_size
    assert done.stdout == f"completed\nout.png\t{size}\tf.png\n"


@pytest.mark.usefixtures("box")
def test_the_same_read_with_python(compressor: Compressor, file: File) -> None:
    file("f.png")
    python = shlex.quote(sys.executable)
    done = compressor.shell(
        "compressor submit f.png -o out.png --json > r.json && "
        f'{python} -c \'import json; r = json.load(open("r.json")); '
        'print(r["schema"], r["saved_to"], r["error"], r["output"]["sha1"])\'',
        foreign=True,
    )
    sha1 = hashlib.sha1((compressor.folder / "out.png").read_bytes()).hexdigest()
    assert (done.code, done.stdout) == (0, f"1 out.png None {sha1}\n")


@pytest.mark.usefixtures("box")
def test_a_loop_over_files_and_a_pipe(compressor: Compressor, file: File) -> None:
    """From stdin to stdout, and ids that xargs can take."""
    for seed in (1, 2):
        file(f"{seed}.png", seed=seed)
    done = compressor.shell(
        "compressor submit -q *.png | xargs compressor get -q -o small/ && "
        "compressor submit -q - -o - < 1.png > piped.png && cmp piped.png small/1.png"
    )
    assert done.code == 0
    assert done.stderr == ""
    assert done.lines == ["small/1.png", "small/2.png"] or done.lines == [
        "small/2.png",
        "small/1.png",
    ]


@pytest.mark.usefixtures("later")
def test_an_exit_code_tells_a_script_what_to_do(compressor: Compressor, file: File) -> None:
    """A loop until a job has ended needs no parsing."""
    file("f.png")
    done = compressor.shell(
        "id=$(compressor submit -q f.png)\n"
        'until compressor status -q --exit-status "$id" >states; do test $? = 10 || exit 1; done\n'
        "cut -f2 states"
    )
    assert (done.code, done.stdout) == (0, "completed\n")
