"""Limits per role and tenant, with several sessions at work at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from _command import run
from _sessions import Conn, call, scalar, until
from pgimport import Client, errors


@pytest.fixture
def dsn(installed_dsn: str) -> str:
    with psycopg.connect(installed_dsn, autocommit=True) as conn:
        conn.execute(
            "CREATE TABLE public.item (id integer PRIMARY KEY, tenant text);"
            "CREATE TABLE public.other (id integer PRIMARY KEY, tenant text);"
            "SELECT pgimport.register_target('public.item', 'item', '{id}');"
            "SELECT pgimport.register_target('public.other', 'other', '{id}');"
        )
    return installed_dsn


def staged(conn: Conn, target: str = "item", rows: int = 2, **options: Any) -> str:
    job = str(call(conn, "create_job", target, Jsonb(options))["job_id"])
    opened = call(conn, "stage_file", job, "a.csv", ["id"])
    with conn.cursor().copy(opened["copy_sql"].encode()) as copy:
        copy.write("id\n" + "".join(f"{number}\n" for number in range(rows)))
    call(conn, "finish_file", job, opened["file_no"], rows)
    return job


def checked(conn: Conn, target: str = "item", **options: Any) -> str:
    job = staged(conn, target, **options)
    call(conn, "check_job", job)
    return job


def set_limit(conn: Conn, **limits: Any) -> None:
    Client(conn).set_limit(limits)


def refused(conn: Conn, act: str, job: str) -> psycopg.Error:
    with pytest.raises(psycopg.Error) as raised:
        call(conn, act, job)
    assert raised.value.sqlstate == "PI605"
    return raised.value


def test_a_session_at_work_holds_a_slot_until_its_transaction_ends(
    conn: Conn, first: Conn, second: Conn
) -> None:
    one, other = checked(conn), checked(conn, "other")
    set_limit(conn, running_jobs=1)
    call(first, "insert_job", one)
    error = refused(second, "insert_job", other)
    assert str(first.info.backend_pid) in (error.diag.message_detail or "")
    assert [row.running_now for row in Client(conn).list_limits()] == [1]
    refused(second, "check_job", staged(conn, "other"))
    first.rollback()
    assert call(second, "insert_job", other)["success"]
    assert [row.running_now for row in Client(conn).list_limits()] == [0]


def test_nothing_is_left_of_a_session_that_was_killed(conn: Conn, dsn: str, second: Conn) -> None:
    one, other = checked(conn), checked(conn, "other")
    set_limit(conn, running_jobs=1)
    killed = psycopg.connect(dsn)
    call(killed, "insert_job", one)
    refused(second, "insert_job", other)
    conn.execute("SELECT pg_terminate_backend(%s)", [killed.info.backend_pid])
    killed.close()
    until(lambda: Client(conn).list_limits()[0].running_now == 0, "its slot is free")
    assert call(second, "insert_job", other)["success"]


def test_as_many_sessions_work_at_once_as_there_are_slots(conn: Conn, dsn: str) -> None:
    jobs = [staged(conn, rows=2000) for _ in range(8)]
    set_limit(conn, running_jobs=3)

    def check(job: str) -> bool:
        with psycopg.connect(dsn, autocommit=True) as session:
            try:
                return bool(call(session, "check_job", job)["success"])
            except psycopg.Error as error:
                if error.sqlstate != "PI605":
                    raise
                return False

    left = set(jobs)
    with ThreadPoolExecutor(max_workers=8) as pool:
        for _ in range(50):
            order = sorted(left)
            left -= {job for job, done in zip(order, pool.map(check, order), strict=True) if done}
            if not left:
                break
    assert left == set()


def test_a_limit_of_a_tenant_or_role_holds_back_no_other(
    conn: Conn, first: Conn, second: Conn, plain_role: str
) -> None:
    north, again = checked(conn, tenant="north"), checked(conn, "other", tenant="north")
    south = checked(conn, "other", tenant="south")
    set_limit(conn, tenant="north", running_jobs=1)
    set_limit(conn, role=plain_role, running_jobs=0)
    call(first, "insert_job", north)
    refused(second, "insert_job", again)
    assert call(second, "insert_job", south)["success"]
    first.rollback()

    call(conn, "grant_usage", plain_role, "importer")
    role = sql.Identifier(plain_role)
    conn.execute(sql.SQL("GRANT SELECT, INSERT ON public.item TO {}").format(role))
    second.execute(sql.SQL("SET ROLE {}").format(role))
    refused(second, "check_job", staged(second))


def test_a_session_takes_one_slot_also_when_a_lower_one_gets_free(
    conn: Conn, dsn: str, first: Conn, second: Conn
) -> None:
    set_limit(conn, running_jobs=2)
    call(first, "check_job", staged(conn))
    second.autocommit = False
    call(second, "check_job", staged(conn))
    first.rollback()
    call(second, "check_job", staged(conn))
    assert Client(conn).list_limits()[0].running_now == 1
    with psycopg.connect(dsn, autocommit=True) as third:
        assert call(third, "check_job", staged(conn))["success"]
    second.rollback()


def test_a_worker_leaves_a_job_over_its_limit_for_later_and_takes_another(
    conn: Conn, first: Conn, second: Conn
) -> None:
    running = checked(conn, tenant="north")
    north, south = (staged(conn, "other", tenant=tenant) for tenant in ("north", "south"))
    for job in (north, south):
        call(conn, "submit_job", job)
    set_limit(conn, tenant="north", running_jobs=1)
    call(first, "insert_job", running)
    assert call(second, "claim_job", "w1")["job_id"] == south
    assert call(second, "claim_job", "w2")["job_id"] is None
    first.rollback()
    assert call(second, "claim_job", "w2")["job_id"] == north
    # a claimed job counts between its steps, too
    late = staged(conn, "other", tenant="north")
    call(conn, "submit_job", late)
    assert call(second, "claim_job", "w3")["job_id"] is None


def test_a_job_that_had_to_wait_runs_later_by_its_worker(
    conn: Conn, first: Conn, second: Conn
) -> None:
    job = staged(conn, "other")
    call(conn, "submit_job", job)
    claimed = call(second, "claim_job", "w1")
    set_limit(conn, running_jobs=1)
    call(first, "check_job", staged(conn))
    with pytest.raises(psycopg.Error) as raised:
        call(second, "run_job", job, claimed["fence"])
    assert raised.value.sqlstate == "PI605"
    call(second, "release_job", job, claimed["fence"], "PI605", "later")
    state = "SELECT state FROM pgimport.job_queue WHERE job_id = %s"
    assert scalar(conn, state, job) == "waiting"


def test_measuring_what_is_staged_waits_for_no_other_session(
    conn: Conn, first: Conn, second: Conn
) -> None:
    set_limit(conn, staged_bytes="1 GB")
    call(first, "check_job", staged(conn))
    second.execute("SET lock_timeout = '1s'")
    staged(second)
    assert (Client(second).list_limits()[0].staged_now or 0) > 0


def test_the_client_tells_limits_as_its_errors(conn: Conn) -> None:
    client = Client(conn)
    with pytest.raises(errors.ArgumentError):
        client.set_limit({"running_jobs": -1})
    result = client.set_limit({"tenant": "north", "staged_bytes": "1 kB"})
    assert (result.tenant, result.role, result.staged_bytes) == ("north", None, 1024)
    job = client.create_job("item", {"tenant": "north"}).job_id
    assert job is not None
    with pytest.raises(errors.PgImportError) as raised:
        client.stage_file(job, "a.csv", ["id"], {"bytes": 2000})
    assert raised.value.code == "PI606"
    assert raised.value.hint


def test_only_an_administrator_sets_limits(conn: Conn, second: Conn, plain_role: str) -> None:
    role = sql.Identifier(plain_role)
    set_limit(conn, running_jobs=5)
    call(conn, "grant_usage", plain_role, "importer")
    second.execute(sql.SQL("SET ROLE {}").format(role))
    for statement in (
        """SELECT pgimport.set_limit('{"running_jobs": null}')""",
        "DELETE FROM pgimport.job_limit",
        "UPDATE pgimport.job_limit SET running_jobs = 100",
        "INSERT INTO pgimport.job_limit (running_jobs) VALUES (100)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            second.execute(statement.encode())
    assert [row.running_jobs for row in Client(second).list_limits()] == [5]
    second.execute("RESET ROLE")
    call(conn, "grant_usage", plain_role, "admin")
    second.execute(sql.SQL("SET ROLE {}").format(role))
    set_limit(second, running_jobs=None)
    assert Client(second).list_limits() == []


def test_limits_by_the_command(conn: Conn, dsn: str) -> None:
    words = ("--tenant", "north", "--running-jobs", "2", "--staged-bytes", "3 MB")
    done = run("--json", "limit", "set", *words, dsn=dsn)
    assert (done.code, done.json["running_jobs"]) == (0, 2)
    (listed,) = run("--json", "limit", "list", dsn=dsn).json["limits"]
    assert (listed["tenant"], listed["staged_bytes"]) == ("north", 3 * 1024 * 1024)
    assert "3,145,728" in run("limit", "list", dsn=dsn).out
    assert run("limit", "set", "--running-jobs", "many", dsn=dsn).code == 2
    words = ("--tenant", "north", "--running-jobs", "none", "--staged-bytes", "none")
    assert run("limit", "set", *words, dsn=dsn).code == 0
    assert Client(conn).list_limits() == []
