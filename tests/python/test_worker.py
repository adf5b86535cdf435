"""Workers as processes of their own: side by side, frozen, killed, told to end."""

from __future__ import annotations

import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from _command import run
from _sessions import Conn, call, scalar, until
from _workers import (
    GATE,
    TABLE,
    codes_of,
    expire,
    open_gate,
    proved,
    shut_gate,
    staged,
    standing,
    submitted,
    worker,
)
from pgimport import _assemble
from pgimport.cli import _main
from pgimport.embedded import EmbeddedServer
from pgimport.worker import Worker, WorkerEvent

ROWS = ["A", "B", "GATE", "Y", "Z"]


@pytest.fixture
def dsn(installed_dsn: str) -> str:
    with psycopg.connect(installed_dsn, autocommit=True) as conn:
        conn.execute(TABLE)
    return installed_dsn


def wait_no_longer(conn: Conn, job: str) -> None:
    """Let the time be over for which a job waits to be tried again."""
    conn.execute("UPDATE pgimport.job_queue SET run_after = now() WHERE job_id = %s", [job])


def test_workers_side_by_side_do_each_job_once(conn: Conn, dsn: str, tmp_path: Path) -> None:
    jobs = [
        submitted(conn, [f"{number}-{row}" for row in range(3)], batch_rows=2)
        for number in range(6)
    ]
    with ExitStack() as stack:
        workers = [
            stack.enter_context(worker(dsn, tmp_path, f"w{number}", "--once"))
            for number in range(3)
        ]
        assert [process.ended() for process in workers] == [0, 0, 0]
    for job in jobs:
        proved(conn, job, 3)
    said = "".join(process.said() for process in workers)
    assert (said.count("completed: "), said.count("lost: ")) == (6, 0)
    assert scalar(conn, "SELECT max(attempts) FROM pgimport.job_queue") == 1


def test_a_worker_that_thaws_writes_nothing(
    conn: Conn, second: Conn, dsn: str, tmp_path: Path
) -> None:
    job = submitted(conn, ROWS, batch_rows=2)
    with shut_gate(second), worker(dsn, tmp_path, "frozen", "--lease", "600") as frozen:
        frozen.backend(conn)
        frozen.send(signal.SIGSTOP)
        # its statement goes on, and what it wrote is committed; nobody tells the worker
        open_gate(second)
        until(lambda: len(codes_of(conn)) == 4, "the batch is committed")
        expire(conn, job)
        with worker(dsn, tmp_path, "next", "--once") as other:
            assert other.ended() == 0
        proved(conn, job, 5)
        frozen.send(signal.SIGCONT)
        frozen.until_said("lost: ")
        frozen.send(signal.SIGTERM)
        assert frozen.ended() == 0
    assert "of job" in frozen.said()
    proved(conn, job, 5)


def test_a_worker_that_is_killed_is_followed_by_another(
    conn: Conn, second: Conn, dsn: str, tmp_path: Path
) -> None:
    job = submitted(conn, ROWS, batch_rows=2)
    with shut_gate(second), worker(dsn, tmp_path, "killed") as killed:
        killed.backend(conn)
        killed.send(signal.SIGKILL)
        killed.ended()
        expire(conn, job)
        # its backend is alive and at work: the job is nobody else's yet
        with worker(dsn, tmp_path, "early", "--once") as early:
            assert early.ended() == 0
        assert "claimed" not in early.said()
    until(lambda: len(codes_of(conn)) == 4, "the batch is committed all the same")
    expire(conn, job)
    with worker(dsn, tmp_path, "next") as other:
        other.until_said("completed: ")
    proved(conn, job, 5)
    events = [event["event"] for event in _events(conn, job)]
    assert events.count("claimed") == 2
    assert "released" in events


def _events(conn: Conn, job: str) -> list[dict[str, object]]:
    rows = conn.execute("SELECT event, details FROM pgimport.job_events(%s)", [job])
    return [{"event": event, **details} for event, details in rows]


def test_a_worker_whose_backend_is_terminated_tries_again(
    conn: Conn, second: Conn, dsn: str, tmp_path: Path
) -> None:
    job = submitted(conn, ROWS, batch_rows=2)
    with shut_gate(second), worker(dsn, tmp_path, "w") as process:
        pid = process.backend(conn)
        conn.execute("SELECT pg_terminate_backend(%s)", [pid])
        process.until_said("waiting: ")
        assert standing(conn, job) == ("waiting", "inserting")
        assert codes_of(conn) == ["A", "B"]
        open_gate(second)
        wait_no_longer(conn, job)
        process.until_said("completed: ")
    proved(conn, job, 5)
    assert [event["sqlstate"] for event in _events(conn, job) if event["event"] == "released"] == [
        "57P01"
    ]


def test_a_worker_goes_on_when_the_server_comes_back(
    tmp_path: Path, server: EmbeddedServer
) -> None:
    with EmbeddedServer.for_tests(server.major) as own:
        with psycopg.connect(own.dsn, autocommit=True) as conn:
            conn.execute(_assemble.assemble())
            conn.execute(TABLE)
            job = submitted(conn, ROWS, batch_rows=2)
            doomed = submitted(conn, ["D"], run_after="2100-01-01 00:00+00")
        with worker(own.dsn, tmp_path, "w", "--lease", "2") as process:
            gate = psycopg.connect(own.dsn, autocommit=True)
            gate.execute("SELECT pg_advisory_lock(%s)", [GATE])
            process.backend(gate)
            os.kill(int((own.cluster / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
            gate.close()
            until(lambda: not own.is_running(), "the server is gone")
            _start_again(own)
            with psycopg.connect(own.dsn, autocommit=True) as conn:
                until(lambda: standing(conn, job)[0] in ("waiting", "done"), "it is given back")
                wait_no_longer(conn, job)
                process.until_said("completed: ")
                proved(conn, job, 5)
                # what was staged but not yet in batches is lost with the server, and says so
                wait_no_longer(conn, doomed)
                process.until_said("dead: ")
                assert standing(conn, doomed) == ("dead", "staging_lost")
            process.send(signal.SIGTERM)
            assert process.ended() == 0


def _start_again(server: EmbeddedServer) -> None:
    """Start a server that was killed; its processes may need a moment to be gone."""

    def starts() -> bool:
        try:
            server.start()
        except Exception:  # the old shared memory is still in use
            return False
        return True

    until(starts, "the server starts again")


def test_a_worker_that_is_told_to_end_finishes_its_step(
    conn: Conn, second: Conn, dsn: str, tmp_path: Path
) -> None:
    job = submitted(conn, ROWS, batch_rows=2)
    with shut_gate(second), worker(dsn, tmp_path, "w") as process:
        process.backend(conn)
        process.send(signal.SIGTERM)
        open_gate(second)
        assert process.ended() == 0
    assert codes_of(conn) == ["A", "B", "GATE", "Y"]
    assert standing(conn, job) == ("waiting", "inserting")
    assert "released: " in process.said()
    assert scalar(conn, "SELECT attempts FROM pgimport.job_queue") == 0
    # and another, at once, goes on where it stopped
    assert run("worker", "--once", dsn=dsn).code == 0
    proved(conn, job, 5)


def test_a_second_signal_undoes_the_step(
    conn: Conn, second: Conn, dsn: str, tmp_path: Path
) -> None:
    job = submitted(conn, ROWS)
    with shut_gate(second), worker(dsn, tmp_path, "w") as process:
        process.backend(conn)
        process.send(signal.SIGINT)
        process.until_said("ending")
        process.send(signal.SIGINT)
        assert process.ended() == 0
        assert codes_of(conn) == []
        assert standing(conn, job) == ("waiting", "queued")
        assert scalar(conn, "SELECT attempts FROM pgimport.job_queue") == 0


def test_a_long_step_keeps_its_lease(conn: Conn, second: Conn, dsn: str, tmp_path: Path) -> None:
    job = submitted(conn, ROWS)
    with shut_gate(second), worker(dsn, tmp_path, "w", "--lease", "1") as process:
        process.backend(conn)
        first = scalar(conn, "SELECT lease_until FROM pgimport.job_queue")
        until(
            lambda: scalar(
                conn, "SELECT lease_until > %s AND clock_timestamp() > %s FROM pgimport.job_queue",
                first, first,
            ),
            "its first lease is over, and it has another",
        )  # fmt: skip
        assert call(conn, "claim_job", "other")["job_id"] is None
        open_gate(second)
        process.until_said("completed: ")
    proved(conn, job, 5)


def test_a_job_that_is_cancelled_stops_at_its_worker(
    conn: Conn, second: Conn, dsn: str, tmp_path: Path
) -> None:
    job = submitted(conn, ROWS)
    with shut_gate(second), worker(dsn, tmp_path, "w") as process:
        process.backend(conn)
        answer = call(conn, "cancel_job", job, "not wanted")
        assert (answer["status"], len(answer["stopped"])) == ("cancelled", 1)
        # it gives the job back before it is cancelled, or finds that it is
        until(lambda: re.search("lost: |waiting: ", process.said()) is not None, "it stopped")
        until(lambda: standing(conn, job) == ("cancelled", "cancelled"), "it is cancelled")
        assert call(conn, "claim_job", "other")["job_id"] is None
    assert codes_of(conn) == []


def test_the_owner_of_a_job_stops_a_worker_that_is_none_of_its_own(
    conn: Conn, second: Conn, dsn: str, tmp_path: Path, plain_role: str
) -> None:
    owner = sql.Identifier(plain_role)
    call(conn, "grant_usage", plain_role, "importer")
    conn.execute(sql.SQL("GRANT INSERT, SELECT ON public.codes TO {}").format(owner))
    with psycopg.connect(make_conninfo(dsn, user=plain_role), autocommit=True) as session:
        job = submitted(session, ROWS)
        with shut_gate(second), worker(dsn, tmp_path, "w") as process:
            process.backend(conn)
            answer = call(session, "cancel_job", job, "not wanted")
            assert (answer["status"], len(answer["stopped"])) == ("cancelled", 1)
    assert standing(conn, job) == ("cancelled", "cancelled")
    assert codes_of(conn) == []


def test_a_worker_in_code(conn: Conn, dsn: str) -> None:
    jobs = [submitted(conn, [f"C{number}"]) for number in range(2)]
    broken = submitted(conn, ["C0"])
    conn.execute(
        "CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'not this one' USING ERRCODE = 'P0777'; END $$;"
        "CREATE TRIGGER no BEFORE INSERT ON public.codes FOR EACH ROW WHEN (new.code = 'X')"
        " EXECUTE FUNCTION public.no()"
    )
    dead = submitted(conn, ["X"])
    seen: list[WorkerEvent] = []
    counts = Worker(dsn, name="in code", on_event=seen.append).run(once=True)
    assert counts == {"claimed": 4, "step": 4, "completed": 3, "dead": 1}
    assert {str(event.job_id) for event in seen if event.what == "completed"} == {*jobs, broken}
    (end,) = [event for event in seen if event.what == "dead"]
    assert str(end.job_id) == dead
    assert "not this one" in end.message
    assert standing(conn, dead) == ("dead", "failed")

    def stop(event: WorkerEvent) -> None:
        if event.what == "step":
            stopping.stop()

    job = submitted(conn, ["S"])
    stopping = Worker(dsn, name="stops", poll=0.05, on_event=stop)
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(stopping.run).result(30) == {"claimed": 1, "step": 1, "released": 1}
    assert standing(conn, job) == ("waiting", "queued")


@pytest.mark.parametrize("words", [["--lease", "0"], ["--poll", "0"], ["--lease", "nan"]])
def test_wrong_words_are_refused(dsn: str, words: list[str]) -> None:
    assert _main.run(["--dsn", dsn, "worker", "--once", *words]) == 2


def test_the_commands_of_the_queue(conn: Conn, dsn: str) -> None:
    job = staged(conn, ["A", "B"])
    done = run("submit", job, "--batch-rows", "1", "--priority", "3", "--json", dsn=dsn)
    assert (done.code, done.json["status"], done.json["state"]) == (0, "queued", "waiting")
    assert _main.run(["--dsn", dsn, "submit", job, "--priority", "4"]) == 1
    assert job in run("queue", dsn=dsn).out
    worked = run("worker", "--once", "--json", "--name", "w", dsn=dsn)
    assert worked.json["events"] == {"claimed": 1, "step": 2, "completed": 1}
    (row,) = run("queue", "--json", "--state", "done", dsn=dsn).json["jobs"]
    assert (row["job_id"], row["worker"], row["priority"]) == (job, "w", 3)
    proved(conn, job, 2)
