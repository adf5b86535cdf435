"""cancel_job() while another session works on the job: that stops, and nothing is left of it."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import conninfo

from _command import run
from _sessions import PATIENCE, Conn, call, scalar, until
from _standing import (
    GATE,
    checked,
    left_of,
    problems,
    staged,
    standing,
    standing_dsn,
)
from pgimport import Client, JobStopped, import_files

__all__ = ["standing_dsn"]


@pytest.fixture
def dsn(standing_dsn: str) -> str:
    return standing_dsn


def rows(conn: Conn) -> int:
    return int(scalar(conn, "SELECT count(*) FROM public.item"))


def is_gone(conn: Conn, job: str) -> None:
    """A cancelled job leaves nothing but its record."""
    assert scalar(conn, "SELECT status FROM pgimport.job WHERE job_id = %s", job) == "cancelled"
    assert left_of(conn, job) == []
    assert problems(conn) == []


@pytest.mark.parametrize(
    ("act", "function"),
    [("CHECK", "check_job"), ("INSERT", "insert_job"), ("CHECK", "validate_job")],
)
def test_a_check_or_an_insert_is_stopped_and_undone(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor, act: str, function: str
) -> None:
    job = (checked if act == "INSERT" else staged)(conn, 2000)
    with standing(conn, first, second, background, act, 1500, function, job) as future:
        answer = call(conn, "cancel_job", job, "wrong file")
        with pytest.raises(psycopg.errors.QueryCanceled):
            future.result(PATIENCE)
    assert answer["success"] is True
    assert answer["stopped"] == [second.info.backend_pid]
    assert "what ran was stopped" in answer["message"]
    assert rows(conn) == 0
    is_gone(conn, job)
    event = conn.execute(
        "SELECT role_name, details FROM pgimport.job_events(%s) WHERE event = 'cancelled'", [job]
    ).fetchone()
    assert event == ("postgres", {"reason": "wrong file", "stopped": [second.info.backend_pid]})
    again = call(conn, "cancel_job", job)
    assert (again["success"], again["stopped"]) == (True, [])


def copy_until_stopped(loading: Conn, copy_sql: str) -> None:
    """Load more rows than anybody waits for."""
    with loading.cursor().copy(copy_sql.encode()) as copy:
        copy.write("id,body\n")
        for _ in range(20_000):
            copy.write("1,x\n" * 1000)


def test_a_copy_is_stopped(conn: Conn, second: Conn, background: ThreadPoolExecutor) -> None:
    job = str(call(conn, "create_job", "item")["job_id"])
    opened = call(conn, "stage_file", job, "a.csv", ["id", "body"])
    loading = background.submit(copy_until_stopped, second, opened["copy_sql"])
    until(lambda: (call(conn, "job_progress", job)["rows_done"] or 0) > 10_000, "rows of COPY")
    assert call(conn, "cancel_job", job)["stopped"] == [second.info.backend_pid]
    with pytest.raises(psycopg.errors.QueryCanceled):
        loading.result(PATIENCE)
    is_gone(conn, job)


def test_staging_in_one_transaction_is_stopped(
    conn: Conn, first: Conn, background: ThreadPoolExecutor
) -> None:
    job = str(call(conn, "create_job", "item")["job_id"])
    # its table is seen by nobody else: it is known by the run lock alone
    opened = call(first, "stage_file", job, "a.csv", ["id", "body"])
    loading = background.submit(copy_until_stopped, first, opened["copy_sql"])
    assert call(conn, "cancel_job", job)["stopped"] == [first.info.backend_pid]
    with pytest.raises(psycopg.errors.QueryCanceled):
        loading.result(PATIENCE)
    first.rollback()
    is_gone(conn, job)


def test_a_copy_whose_client_is_silent_hears_no_cancel_and_is_named(
    conn: Conn, second: Conn
) -> None:
    job = str(call(conn, "create_job", "item")["job_id"])
    opened = call(conn, "stage_file", job, "a.csv", ["id", "body"])
    conn.execute("SET lock_timeout = '300ms'")
    with (
        suppress(psycopg.OperationalError),
        second.cursor().copy(opened["copy_sql"].encode()) as copy,
    ):
        copy.write("id,body\n1,x\n")
        until(lambda: call(conn, "job_progress", job)["running"], "COPY to run")
        with pytest.raises(psycopg.errors.LockNotAvailable) as caught:
            call(conn, "cancel_job", job)
        assert f"pid {second.info.backend_pid}" in str(caught.value.diag.message_detail)
        conn.execute("SELECT pg_terminate_backend(%s)", [second.info.backend_pid])
        until(lambda: not call(conn, "job_progress", job)["running"], "its end")
        assert call(conn, "cancel_job", job)["success"]
        is_gone(conn, job)


def test_a_rollback_is_stopped_and_its_job_stays_completed(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = checked(conn, 2000)
    assert call(conn, "insert_job", job)["success"]
    with standing(conn, first, second, background, "DELETE", 1500, "rollback_job", job) as future:
        answer = call(conn, "cancel_job", job)
        with pytest.raises(psycopg.errors.QueryCanceled):
            future.result(PATIENCE)
    assert (answer["success"], answer["code"], answer["status"]) == (False, "PI106", "completed")
    assert "2000 rows of it are in the target; what ran was stopped" in answer["message"]
    assert "plan_rollback" in answer["hint"]
    assert rows(conn) == 2000
    assert call(conn, "verify_job", job)["verified"]
    # without a run there is nothing to stop: a completed job is rolled back, not cancelled
    with pytest.raises(psycopg.Error) as caught:
        call(conn, "cancel_job", job)
    assert caught.value.sqlstate == "PI102"
    assert call(conn, "rollback_job", job)["success"]
    assert problems(conn) == []


def test_a_batch_is_stopped_those_before_it_stay_and_the_job_goes_on(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor
) -> None:
    job = checked(conn, 100)
    options = '{"batch_rows": 40}'
    assert call(conn, "insert_job", job, options)["status"] == "inserting"
    with standing(
        conn, first, second, background, "INSERT", 70, "insert_job", job, options
    ) as future:
        now = call(conn, "job_progress", job)
        assert (now["phase"], now["rows_total"], now["status"]) == ("insert", 100, "inserting")
        assert 40 < now["rows_done"] <= 70
        answer = call(conn, "cancel_job", job, "too slow")
        with pytest.raises(psycopg.errors.QueryCanceled):
            future.result(PATIENCE)
    assert (answer["success"], answer["code"], answer["status"]) == (False, "PI106", "inserting")
    assert "40 rows of it are in the target" in answer["message"]
    assert "rollback_job" in answer["hint"]
    assert "insert_in_batches" in answer["hint"]
    assert rows(conn) == 40
    # also with nobody there to be stopped
    assert call(conn, "cancel_job", job)["code"] == "PI106"
    conn.execute("CALL pgimport.insert_in_batches(%s, 40)", [job])
    assert rows(conn) == 100
    assert call(conn, "verify_job", job)["verified"]
    assert problems(conn) == []


def test_a_queued_job_leaves_the_queue_and_its_worker_finds_out(conn: Conn) -> None:
    job = checked(conn, 5)
    call(conn, "submit_job", job)
    claimed = call(conn, "claim_job", "a worker")
    assert claimed["job_id"] == job
    assert call(conn, "cancel_job", job)["status"] == "cancelled"
    assert (
        scalar(conn, "SELECT state FROM pgimport.job_queue WHERE job_id = %s", job) == "cancelled"
    )
    is_gone(conn, job)
    with pytest.raises(psycopg.Error) as caught:
        call(conn, "run_job", job, claimed["fence"])
    assert caught.value.sqlstate == "PI105"


def test_a_worker_whose_run_is_cancelled_takes_the_next_job(
    conn: Conn, first: Conn, background: ThreadPoolExecutor, dsn: str
) -> None:
    job, following = checked(conn, 1000), checked(conn, 10, first=5000)
    call(conn, "submit_job", job, '{"priority": 9}')
    call(conn, "submit_job", following)
    stand_at(conn, first, "INSERT", 500)
    working = background.submit(run, "worker", "--once", dsn=dsn)
    until_standing(conn)
    assert call(conn, "cancel_job", job, "wrong file")["success"]
    ended = working.result(PATIENCE)
    assert ended.code == 0, ended.err
    assert "Traceback" not in ended.err
    is_gone(conn, job)
    assert rows(conn) == 10


def test_who_waits_to_run_the_job_does_not_get_it(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor, dsn: str
) -> None:
    job = checked(conn, 2000)
    with (
        psycopg.connect(dsn, autocommit=True) as third,
        standing(conn, first, second, background, "INSERT", 1500, "insert_job", job) as future,
    ):
        waiting = background.submit(call, third, "insert_job", job)
        until(
            lambda: scalar(
                conn,
                "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'",
                third.info.backend_pid,
            ) == 1,
            "the second insert to wait",
        )  # fmt: skip
        assert call(conn, "cancel_job", job)["success"]
        with pytest.raises(psycopg.errors.QueryCanceled):
            future.result(PATIENCE)
        # it was the next, and was stopped as well; or it saw that the job is cancelled
        with pytest.raises(psycopg.Error) as caught:
            waiting.result(PATIENCE)
        assert caught.value.sqlstate in ("57014", "PI102")
    assert rows(conn) == 0
    is_gone(conn, job)


def test_a_session_idle_in_a_transaction_is_named_after_lock_timeout(
    conn: Conn, first: Conn
) -> None:
    job = staged(conn, 5)
    call(first, "check_job", job)
    conn.execute("SET lock_timeout = '300ms'")
    with pytest.raises(psycopg.errors.LockNotAvailable) as caught:
        call(conn, "cancel_job", job)
    assert "was not let go within 00:00:00.3" in str(caught.value.diag.message_primary)
    assert f"pid {first.info.backend_pid}" in str(caught.value.diag.message_detail)
    assert "idle in transaction" in str(caught.value.diag.message_detail)
    first.rollback()
    assert call(conn, "cancel_job", job)["success"]
    is_gone(conn, job)


def test_only_who_may_cancel_what_runs_stops_it(
    conn: Conn, first: Conn, second: Conn, background: ThreadPoolExecutor, dsn: str
) -> None:
    owner, other = (f"{name}_{os.urandom(4).hex()}" for name in ("owner", "other"))
    for name in (owner, other):
        conn.execute(f"CREATE ROLE {name} LOGIN".encode())
        conn.execute("SELECT pgimport.grant_usage(%s, 'importer')", [name])
    conn.execute(f"GRANT ALL ON public.item, public.stand TO {owner}".encode())

    def session(name: str) -> Conn:
        return psycopg.connect(conninfo.make_conninfo(dsn, user=name), autocommit=True)

    try:
        with session(owner) as mine, session(owner) as also_mine, session(other) as theirs:
            job = checked(mine, 2000)
            # a superuser runs it: its owner may give it up, but not stop a superuser
            with standing(
                conn, first, second, background, "INSERT", 1500, "insert_job", job
            ) as future:
                with pytest.raises(psycopg.Error) as caught:
                    call(theirs, "cancel_job", job)
                assert caught.value.sqlstate == "PI101"
                with pytest.raises(psycopg.Error) as caught:
                    call(mine, "cancel_job", job)
                assert caught.value.sqlstate == "PI601"
                assert "postgres" in str(caught.value.diag.message_primary)
                assert not future.done()
            assert future.result(PATIENCE)["success"]
            # run by the owner in another session it is stopped
            job = checked(mine, 2000, first=5000)
            with standing(
                conn, first, also_mine, background, "INSERT", 5500, "insert_job", job
            ) as future:
                assert call(mine, "cancel_job", job)["success"]
                with pytest.raises(psycopg.errors.QueryCanceled):
                    future.result(PATIENCE)
            is_gone(conn, job)
    finally:
        for name in (owner, other):
            conn.execute(f"DROP OWNED BY {name} CASCADE".encode())
            conn.execute("DELETE FROM pgimport.role_grant WHERE role_name = %s", [name])


def a_file(folder: Path, count: int) -> Path:
    path = folder / "items.csv"
    path.write_text("id,body\n" + "".join(f"{n},x\n" for n in range(1, count + 1)))
    return path


def the_job(conn: Conn) -> str:
    until(lambda: bool(scalar(conn, "SELECT count(*) FROM pgimport.job")), "a job")
    return str(scalar(conn, "SELECT job_id FROM pgimport.job ORDER BY job_id DESC LIMIT 1"))


def stand_at(conn: Conn, gate: Conn, act: str, at: int) -> None:
    gate.execute("SELECT pg_advisory_lock(%s)", [GATE])
    gate.commit()
    conn.execute("INSERT INTO public.stand VALUES (%s, %s)", [at, act])


def until_standing(conn: Conn) -> None:
    until(
        lambda: bool(
            scalar(conn, "SELECT count(*) FROM pg_locks WHERE objid = %s AND NOT granted", GATE)
        ),
        "the run to stand still",
    )


@pytest.mark.parametrize("act", ["CHECK", "INSERT"])
def test_import_files_says_who_cancelled_the_job(
    conn: Conn, first: Conn, background: ThreadPoolExecutor, dsn: str, tmp_path: Path, act: str
) -> None:
    stand_at(conn, first, act, 500)
    future: Any = background.submit(import_files, dsn, "item", [a_file(tmp_path, 1000)])
    until_standing(conn)
    job = the_job(conn)
    Client(conn).cancel_job(job, "wrong file")
    with pytest.raises(JobStopped) as caught:
        future.result(PATIENCE)
    assert str(caught.value) == f'PI106: job {job} was cancelled by "postgres": wrong file'
    is_gone(conn, job)


def test_the_running_command_says_who_cancelled_it(
    conn: Conn, first: Conn, background: ThreadPoolExecutor, dsn: str, tmp_path: Path
) -> None:
    stand_at(conn, first, "INSERT", 500)
    path = str(a_file(tmp_path, 1000))
    future = background.submit(run, "import", "item", path, "--yes", "--json", dsn=dsn)
    until_standing(conn)
    job = the_job(conn)
    cancel = run("cancel", job, "--reason", "wrong file", dsn=dsn)
    assert (cancel.code, "what ran was stopped" in cancel.out) == (0, True)
    ended = future.result(PATIENCE)
    assert ended.code == 1
    assert ended.json["message"] == f'job {job} was cancelled by "postgres": wrong file'
    assert (ended.json["code"], ended.json["job_id"]) == ("PI106", job)
    assert "Traceback" not in ended.err
    is_gone(conn, job)


def test_the_command_that_rolls_back_says_that_it_was_stopped(
    conn: Conn, first: Conn, background: ThreadPoolExecutor, dsn: str
) -> None:
    job = checked(conn, 1000)
    assert call(conn, "insert_job", job)["success"]
    stand_at(conn, first, "DELETE", 500)
    future = background.submit(run, "rollback", job, "--yes", dsn=dsn)
    until_standing(conn)
    cancel = run("cancel", job, "--json", dsn=dsn)
    assert (cancel.code, cancel.json["code"], cancel.json["status"]) == (1, "PI106", "completed")
    ended = future.result(PATIENCE)
    assert ended.code == 1
    assert f'job {job} was stopped by "postgres"' in ended.err
    assert rows(conn) == 1000


def test_the_command_that_stages_says_who_cancelled_it(
    conn: Conn, background: ThreadPoolExecutor, dsn: str, tmp_path: Path
) -> None:
    path = tmp_path / "slow.csv"
    path.write_text("id,body\n" + "".join(f"{n},x\n" for n in range(1, 1_500_000)))
    future = background.submit(run, "stage", "item", str(path), dsn=dsn)
    job = the_job(conn)
    until(lambda: (call(conn, "job_progress", job)["rows_done"] or 0) > 0, "rows of COPY")
    assert call(conn, "cancel_job", job)["success"]
    ended = future.result(PATIENCE)
    assert ended.code == 1
    assert f'job {job} was cancelled by "postgres"' in ended.err
    assert "Traceback" not in ended.err
    is_gone(conn, job)


def test_a_timeout_of_the_statement_is_not_taken_for_a_cancelled_job(
    conn: Conn, first: Conn, dsn: str, tmp_path: Path
) -> None:
    stand_at(conn, first, "CHECK", 500)
    limited = conninfo.make_conninfo(dsn, options="-c statement_timeout=700ms")
    with pytest.raises(psycopg.errors.QueryCanceled):
        import_files(limited, "item", [a_file(tmp_path, 1000)])
