"""`status` and `wait`: looks at jobs, and the end of waiting."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from conftest import File
from running import KEY, Box, Compressor, boxed

from compressor_cli.memory.ledger import Ledger

NOBODY = "38a8bb5e-0000-4000-8000-000000000000"
FOREVER = ["processing"] * 99


def submitted(compressor: Compressor, box: Box, *states: str, fail: str | None = None) -> str:
    """A job whose next looks answer these words."""
    fault = {"on": "upload", "states": list(states) or ["processing"]}
    box.script(fault | ({"fail": fail} if fail else {}))
    return compressor("submit", "-q", "a.png").ids[0]


def stranger(compressor: Compressor) -> dict[str, str]:
    """An empty ledger, to which no job is fresh: it is looked at without delay."""
    return {"COMPRESSOR_STATE_DIR": str(compressor.home / secrets.token_hex(4))}


@pytest.fixture(autouse=True)
def _source(file: File) -> None:
    file("a.png")


def test_status_looks_once_and_says_the_services_own_word(compressor: Compressor, box: Box) -> None:
    """An id and a state a line; running, done or failed, looking itself went well."""
    running = submitted(compressor, box, "thawing", *FOREVER)
    failed = submitted(compressor, box, fail="too \x1b[31mred")
    done = compressor("submit", "-q", "a.png").ids[0]
    box.forget()
    compressor("wait", "-q", failed, env=stranger(compressor))
    looked = compressor("status", running, failed, done, env=stranger(compressor))
    assert looked.code == 0
    assert sorted(looked.lines) == sorted(
        [f"{running}\tthawing", f"{failed}\tfailed", f"{done}\tcompleted"]
    )
    assert r"the job failed: too \x1b[31mred" in looked.stderr


def test_exit_status_turns_the_state_into_the_code(compressor: Compressor, box: Box) -> None:
    running = submitted(compressor, box, *FOREVER)
    failed = submitted(compressor, box, fail="no")
    done = compressor("submit", "-q", "a.png").ids[0]
    assert compressor("wait", "-q", failed, env=stranger(compressor)).code == 6
    codes = {
        job: compressor("status", "--exit-status", job, env=stranger(compressor)).code
        for job in (running, failed, done)
    }
    assert codes == {running: 10, failed: 6, done: 0}
    both = compressor("status", "--exit-status", running, failed, env=stranger(compressor))
    assert both.code == 1


@pytest.mark.usefixtures("box")
def test_status_of_a_job_that_nobody_knows(compressor: Compressor) -> None:
    done = compressor("status", NOBODY)
    assert done.whole == (
        "exit 6\n-- stdout\n<ID>\terror\n-- stderr\n"
        "compressor: <ID>: the service answered 404: no job with this id\n"
        "  the jobs that were submitted from here: compressor jobs\n"
    )
    record = compressor("status", NOBODY, "--json").record
    assert (record["id"], record["state"], record["error"]["kind"]) == (NOBODY, "error", "NotKnown")


@pytest.mark.parametrize("command", ["status", "wait", "get"])
@pytest.mark.usefixtures("box")
def test_last_is_the_newest_job_of_this_api(compressor: Compressor, command: str) -> None:
    """Without one there is a hint; the ledger of another API does not count."""
    none = compressor(command, "--last")
    assert (none.code, none.stdout) == (2, "")
    assert "no job of this API yet" in none.stderr
    assert "compressor submit FILE" in none.stderr
    which = compressor(command)
    assert (which.code, which.stdout) == (2, "")
    assert "--last" in which.stderr
    compressor("submit", "-q", "a.png")
    newest = compressor("submit", "-q", "a.png").ids[0]
    record = compressor(command, "--last", "--json").record
    assert record["id"] == newest
    elsewhere = {"COMPRESSOR_API_URL": "http://127.0.0.1:1/1.0"}
    assert compressor(command, "--last", env=elsewhere).code == 2


def test_wait_tells_each_change_and_ends_with_the_state(compressor: Compressor, box: Box) -> None:
    """A line a change on stderr, none twice; id and state on stdout, when it has ended."""
    job = submitted(compressor, box, "processing")
    done = compressor("wait", job)
    assert done.whole == (
        "exit 0\n-- stdout\n<ID>\tcompleted\n-- stderr\n"
        "a.png: processing\n"
        "a.png  37.3 kB → 11.4 kB  −69.3 %  in <TIME>\n"
    )
    assert box.routes().count("job") == 2


def test_wait_any_is_content_with_the_first(compressor: Compressor, box: Box) -> None:
    running = submitted(compressor, box, *FOREVER)
    done = compressor("submit", "-q", "a.png").ids[0]
    box.forget()
    first = compressor("wait", "--any", running, done)
    assert (first.code, first.lines) == (0, [f"{done}\tcompleted"])


@pytest.mark.usefixtures("box")
def test_wait_with_o_downloads(compressor: Compressor) -> None:
    jobs = [compressor("submit", "-q", "a.png").ids[0] for _ in range(2)]
    file = compressor("wait", jobs[0], "-o", "x.png", "--json")
    assert (file.code, file.record["saved_to"]) == (0, "x.png")
    assert (compressor.folder / "x.png").exists()
    both = compressor("wait", *jobs, "-o", "one.png")
    assert (both.code, both.stdout) == (2, "")
    assert "is not a folder, and there are 2 jobs" in both.stderr
    assert "-o one.png/" in both.stderr
    through = compressor("wait", jobs[1], "-o", "-")
    assert through.out == (compressor.folder / "x.png").read_bytes()
    assert f"{jobs[1]}: completed" in through.stderr


@pytest.mark.usefixtures("later")
def test_a_deadline_leaves_the_jobs_running_and_says_how_to_go_on(
    compressor: Compressor, file: File
) -> None:
    """The very command finishes what was left."""
    file("b.png")
    jobs = compressor("submit", "-q", "a.png", "b.png").ids
    late = compressor("wait", *jobs, "-o", "out dir/", "--timeout", "0.3", "--json")
    assert late.code == 10
    assert "2 jobs are not at an end" in late.stderr
    assert {record["id"] for record in late.records} == set(jobs)
    assert {record["state"] for record in late.records} <= {"pending", "error"}
    (command,) = late.commands
    assert command == f"compressor wait {jobs[0]} {jobs[1]} --output 'out dir/'"
    again = compressor.shell(command)
    assert again.code == 0
    assert sorted(again.lines) == sorted(f"{job}\tcompleted" for job in jobs)
    assert len(list((compressor.folder / "out dir").iterdir())) == 2


@pytest.mark.usefixtures("box")
def test_a_command_to_go_on_with_is_never_cut(compressor: Compressor) -> None:
    """With a hundred jobs as with one."""
    jobs = [f"38a8bb5e-0000-4000-8000-{number:012}" for number in range(100)]
    late = compressor(
        "wait", *jobs, "--timeout", "0.2", env={"COMPRESSOR_API_URL": "http://127.0.0.1:1/1.0"}
    )
    assert late.code == 10
    assert late.commands == [f"compressor wait {' '.join(jobs)}"]


def test_trouble_on_the_way_is_told_and_survived(compressor: Compressor, box: Box) -> None:
    """A failed look is a missed look: neither a 502 nor a reset ends the wait."""
    job = submitted(compressor, box, "processing")
    box.forget()
    box.script(
        {"on": "job", "status": 502, "body": "<html>", "content_type": "text/html"},
        {"on": "job", "drop": "before"},
    )
    done = compressor("wait", job)
    assert done.code == 0
    assert "the service answered 502; next try in " in done.stderr
    assert box.fired() == [1, 1]


@pytest.mark.parametrize(("status", "code"), [(401, 4), (403, 4)])
def test_a_refusal_ends_the_wait_and_the_id_stays_known(
    compressor: Compressor, box: Box, status: int, code: int
) -> None:
    """Also when the service repeats our key in its answer."""
    job = submitted(compressor, box, *FOREVER)
    box.script({"on": "job", "status": status, "body": {"message": f"no {KEY} here"}})
    done = compressor("wait", job, env=stranger(compressor))
    assert done.code == code
    assert f"the service answered {status}: no [key] here" in done.stderr
    assert done.lines == [f"{job}\terror"]
    assert compressor("jobs", "--state", "pending").lines[0].startswith(job)
    assert box.fired()[-1] == 1


def test_a_key_that_the_service_echoes_is_not_passed_on(compressor: Compressor, box: Box) -> None:
    """Nor kept: an answer is shown and remembered without it."""
    box.script({"on": "upload", "merge": {"debug": f"Bearer {KEY}"}})
    done = compressor("submit", "a.png", "--json")
    assert done.code == 0
    box.script({"on": "account", "body": {"token": KEY}})
    assert compressor("auth", "status", "--json").code == 0
    assert box.fired() == [1, 1]


def test_the_network_goes_and_comes_back(
    compressor: Compressor, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The service is away in mid-wait and is back on the same port: the wait goes on."""
    state: Path = tmp_path_factory.mktemp("service")
    with boxed(state_dir=state) as box:
        port = int(box.origin.rpartition(":")[2])
        env = {"COMPRESSOR_API_URL": box.url}
        box.script({"on": "upload", "states": ["processing"]})
        job = compressor("submit", "a.png", env=env).ids[0]
        going = compressor.start("wait", job, "-o", "out.png", env=env)
        going.says("a.png: processing")
    going.says("next try in")
    assert going.process.poll() is None
    with boxed(state_dir=state, port=port):
        done = going.ended()
    assert (done.code, done.lines) == (0, [f"{job}\tcompleted"])
    assert (compressor.folder / "out.png").exists()


def test_a_network_that_stays_away_ends_with_the_deadline(compressor: Compressor) -> None:
    """And with the way to go on."""
    with boxed() as box:
        env = {"COMPRESSOR_API_URL": box.url}
        box.script({"on": "upload", "states": FOREVER})
        job = compressor("submit", "a.png", env=env).ids[0]
    done = compressor("wait", job, "--timeout", "1.2", env=env)
    assert done.code == 10
    assert "Connection refused" in done.stderr
    assert done.commands == [f"compressor wait {job}"]


def test_an_answer_for_another_job_is_not_believed(compressor: Compressor, box: Box) -> None:
    """Nonsense three times in a row is the end."""
    job = submitted(compressor, box, *FOREVER)
    box.script({"on": "job", "times": 3, "merge": {"id": "another"}})
    done = compressor("status", job, "--json", env=stranger(compressor))
    assert done.code == 6
    assert (done.record["id"], done.record["error"]["kind"]) == (job, "BadAnswer")
    assert box.fired()[-1] == 3


@pytest.mark.usefixtures("box")
def test_a_remembered_answer_that_makes_no_sense_is_not_used(compressor: Compressor) -> None:
    """The service is asked instead."""
    ledger = Ledger(Path(compressor.env["COMPRESSOR_STATE_DIR"]), now=lambda: 0.0)
    number = ledger.begin(source="a.png", options={}, api_url=compressor.env["COMPRESSOR_API_URL"])
    ledger.accepted(
        number, job_id=NOBODY, state="completed", word="", result={"id": "another", "url": "x"}
    )
    ledger.close()
    done = compressor("wait", NOBODY)
    assert done.code == 6
    assert "404" in done.stderr


@pytest.mark.usefixtures("box")
def test_any_says_how_to_go_on_with_the_others(
    compressor: Compressor, box: Box, file: File
) -> None:
    """They still run, and somebody will want them."""
    file("b.png")
    box.script({"on": "upload", "states": FOREVER})
    slow, quick = compressor("submit", "-q", "a.png", "b.png").ids
    done = compressor("wait", slow, quick, "--any")
    assert (done.code, done.ids) == (0, [quick])
    assert f"the others still run; go on with: compressor wait {slow} --any" in done.stderr


@pytest.mark.usefixtures("box")
def test_one_look_at_a_new_job_is_at_once(compressor: Compressor) -> None:
    """The first look of a wait comes after a second; who only asks for a look has it now."""
    (job,) = compressor("submit", "-q", "a.png").ids
    assert compressor("status", job, "--timeout", "0.9").code == 0
