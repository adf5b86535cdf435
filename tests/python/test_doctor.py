"""doctor(): what it finds, and that each statement it tells mends what was found.

Targets are looked at in tests/sql/90_admin/doctor_targets.sql; here is what takes several sessions
or transactions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from _command import run
from _sessions import Conn, call, scalar, until
from pgimport import Client

SQL = re.compile(r"^(SELECT|ALTER|CREATE|DROP|GRANT|REINDEX|VACUUM|SET|CALL|DELETE|ROLLBACK) ")
# of a part: all that is older than tomorrow
ANY_AGE = "-1 day"


@pytest.fixture
def dsn(installed_dsn: str) -> str:
    with psycopg.connect(installed_dsn, autocommit=True) as conn:
        conn.execute(
            "CREATE TABLE public.code (id integer PRIMARY KEY, code text);"
            "SELECT pgimport.register_target('public.code', 'code', '{id}')"
        )
    return installed_dsn


def findings(conn: Conn, part: str, *arguments: Any) -> dict[str, dict[str, Any]]:
    """What a part of doctor() finds that is not well."""
    marks = sql.SQL(", ").join(sql.Placeholder() * len(arguments))
    query = sql.SQL("SELECT what, status, found, why, mend FROM pgimport.{}({})")
    rows = conn.execute(query.format(sql.Identifier(part), marks), arguments).fetchall()
    names = ("what", "status", "found", "why", "mend")
    return {row[0]: dict(zip(names, row, strict=True)) for row in rows if row[1] != "ok"}


def mend(conn: Conn, found: dict[str, Any]) -> None:
    """Type what is told, as somebody would: statement by statement."""
    assert SQL.match(found["mend"]), found
    for statement in re.sub(r"--.*", "", found["mend"]).split(";"):
        if statement.strip():
            conn.execute(statement.encode())


def mended(conn: Conn, part: str, *arguments: Any) -> dict[str, dict[str, Any]]:
    """What was found, all of it being mended then; nothing is found afterwards."""
    found = findings(conn, part, *arguments)
    for one in found.values():
        mend(conn, one)
    assert findings(conn, part, *arguments) == {}
    return found


def new_job(conn: Conn, status: str, ids: range = range(3), **options: Any) -> str:
    """A job that has come so far."""
    job = str(call(conn, "create_job", "code", Jsonb(options))["job_id"])
    if status == "pending":
        return job
    opened = call(conn, "stage_file", job, "a.csv", ["id", "code"])
    with conn.cursor().copy(opened["copy_sql"].encode()) as copy:
        copy.write("id,code\n" + "".join(f"{number},x\n" for number in ids))
    if status == "staging":
        return job
    call(conn, "finish_file", job, opened["file_no"], len(ids))
    if status == "staged":
        return job
    call(conn, "check_job", job)
    if status == "inserting":
        assert call(conn, "insert_job", job, Jsonb({"batch_rows": 1}))["status"] == "inserting"
    elif status == "completed":
        assert call(conn, "insert_job", job)["success"]
    return job


def lose(conn: Conn, job: str) -> None:
    """Empty the staging of a job, as a crash of the server does."""
    table = scalar(conn, "SELECT staging_table FROM pgimport.file WHERE job_id = %s", job)
    conn.execute(sql.SQL("TRUNCATE pgimport_staging.{}").format(sql.Identifier(table)))


def status_of(conn: Conn, job: str) -> str:
    return str(scalar(conn, "SELECT status FROM pgimport.job WHERE job_id = %s", job))


# jobs and staging


def test_forgotten_jobs_are_found_and_given_up_or_gone_on_with(conn: Conn) -> None:
    jobs = {status: new_job(conn, status) for status in ("pending", "staging", "staged", "checked")}
    jobs["inserting"] = new_job(conn, "inserting", range(10, 13))
    jobs["staging_lost"] = new_job(conn, "staged")
    lose(conn, jobs["staging_lost"])
    call(conn, "check_job", jobs["staging_lost"])
    assert findings(conn, "_doctor_jobs") == {}  # none of them is forgotten yet
    found = mended(conn, "_doctor_jobs", ANY_AGE)
    assert sorted(found) == sorted(f"jobs {status}" for status in jobs)
    for status, job in jobs.items():
        assert job in found[f"jobs {status}"]["mend"]
        expected = "completed" if status == "inserting" else "cancelled"
        assert status_of(conn, job) == expected


def test_a_job_on_which_a_session_acts_is_not_forgotten(conn: Conn, first: Conn) -> None:
    job = new_job(conn, "staged")
    call(first, "check_job", job)
    assert findings(conn, "_doctor_jobs", ANY_AGE) == {}
    first.rollback()
    assert list(findings(conn, "_doctor_jobs", ANY_AGE)) == ["jobs staged"]


def test_of_many_forgotten_jobs_ten_are_named_at_a_time(conn: Conn) -> None:
    for _ in range(12):
        new_job(conn, "pending")
    found = findings(conn, "_doctor_jobs", ANY_AGE)["jobs pending"]
    assert found["found"].startswith("12 jobs")
    mend(conn, found)
    assert findings(conn, "_doctor_jobs", ANY_AGE)["jobs pending"]["found"].startswith("2 jobs")


def test_jobs_that_no_worker_takes_are_found(conn: Conn) -> None:
    job = new_job(conn, "staged")
    call(conn, "submit_job", job)
    assert findings(conn, "_doctor_jobs") == {}
    assert list(mended(conn, "_doctor_jobs", ANY_AGE)) == ["jobs in the queue"]
    assert status_of(conn, job) == "completed"


def test_a_worker_that_is_gone_is_found_and_a_dead_job_is_submitted_again(conn: Conn) -> None:
    job = new_job(conn, "staged")
    call(conn, "submit_job", job, Jsonb({"max_attempts": 1}))
    assert call(conn, "claim_job", "host 1", "1 second")["job_id"] == job
    conn.execute("UPDATE pgimport.job_queue SET lease_until = now() - interval '1 hour'")
    found = findings(conn, "_doctor_jobs")
    assert list(found) == ["worker host 1"]
    mend(conn, found["worker host 1"])
    # it was the only attempt
    found = findings(conn, "_doctor_jobs")
    assert list(found) == ["dead jobs of the queue"]
    assert job in found["dead jobs of the queue"]["found"]
    mend(conn, found["dead jobs of the queue"])
    assert findings(conn, "_doctor_jobs") == {}
    assert status_of(conn, job) == "queued"


def test_staging_that_serves_nobody_is_found_with_its_size(conn: Conn) -> None:
    job = new_job(conn, "completed")
    closed = new_job(conn, "completed", range(20, 25))
    call(conn, "disable_rollback", closed)
    conn.execute("CREATE TABLE pgimport_staging.job_0123 (a text)")
    conn.execute(
        "CREATE TABLE pgimport_staging.job_0190a1b2c3d47e8f90a1b2c3d4e5f607_f1 AS SELECT 1 AS a"
    )
    assert list(findings(conn, "_doctor_staging")) == ["staging tables of no job"]
    found = mended(conn, "_doctor_staging", ANY_AGE)
    assert sorted(found) == [
        "before-images of closed rollbacks",
        "staged rows of finished jobs",
        "staging tables of no job",
    ]
    assert re.match(r"\d+ kB of 2 jobs", found["staged rows of finished jobs"]["found"])
    assert re.match(r"\d+ kB of 2 tables", found["staging tables of no job"]["found"])
    # what an open rollback needs is still there
    assert call(conn, "rollback_job", job)["rows_deleted"] == 3


def test_staging_that_a_crash_has_emptied_is_a_problem(conn: Conn) -> None:
    job = new_job(conn, "staged")
    lose(conn, job)
    found = mended(conn, "_doctor_staging")
    assert [one["status"] for one in found.values()] == ["problem"]
    assert status_of(conn, job) == "cancelled"


def test_retention_is_asked_for_once_there_is_much_to_keep_small(conn: Conn) -> None:
    new_job(conn, "completed")
    assert findings(conn, "_doctor_retention") == {}
    found = mended(conn, "_doctor_retention", 0)
    assert list(found) == ["retention"]
    assert scalar(conn, "SELECT count(*) FROM pgimport.retention") == 1
    # rows of a time for which no partition is made
    conn.execute(
        "INSERT INTO pgimport.job_event (job_id, event, happened_at)"
        " SELECT job_id, 'note', now() - interval '1 year' FROM pgimport.job"
    )
    assert findings(conn, "_doctor_retention") == {}
    assert list(mended(conn, "_doctor_retention", 0)) == ["partitions of pgimport.job_event"]


# what holds the server back


def test_old_snapshots_and_slots_that_nobody_reads_are_found(conn: Conn, first: Conn) -> None:
    first.execute("SET application_name = 'forgotten window'")
    first.commit()
    first.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    first.execute("SELECT 1")
    pid = first.info.backend_pid
    conn.execute("SELECT pg_create_physical_replication_slot('nobody', true)")
    assert findings(conn, "_doctor_holds") == {}
    found = findings(conn, "_doctor_holds", ANY_AGE, -1)
    assert sorted(found) == [f"old snapshot, pid {pid}", "replication slot nobody"]
    assert "forgotten window" in found[f"old snapshot, pid {pid}"]["found"]
    for one in found.values():
        mend(conn, one)
    first.close()
    until(lambda: findings(conn, "_doctor_holds", ANY_AGE, -1) == {}, "they are gone")


def test_a_prepared_transaction_is_found(conn: Conn) -> None:
    if int(scalar(conn, "SHOW max_prepared_transactions")) == 0:
        pytest.skip("this server prepares none")
    conn.execute("BEGIN")
    conn.execute("INSERT INTO public.code VALUES (1, 'x')")
    conn.execute("PREPARE TRANSACTION 'it''s forgotten'")
    assert list(mended(conn, "_doctor_holds", ANY_AGE)) == ["prepared transaction it's forgotten"]


def test_a_target_near_the_wraparound_of_transaction_ids_is_found(conn: Conn) -> None:
    conn.execute(
        "UPDATE pg_class SET relfrozenxid ="
        " ((pg_current_xact_id()::text::bigint + 4294967296 - 1600000000) %% 4294967296)::text::xid"
        " WHERE oid = 'public.code'::regclass",
        [],
    )
    found = mended(conn, "_doctor_holds")
    assert [(one["what"], one["status"]) for one in found.values()] == [
        ("age of table public.code", "problem")
    ]


# indexes that were left half made


def test_indexes_that_are_not_valid_are_found_and_made_anew(conn: Conn) -> None:
    conn.execute("ALTER TABLE public.code DROP CONSTRAINT code_pkey")
    conn.execute("INSERT INTO public.code VALUES (1, 'x'), (1, 'y')")
    with pytest.raises(psycopg.errors.UniqueViolation):
        conn.execute("CREATE UNIQUE INDEX CONCURRENTLY code_key ON public.code (id)")
    conn.execute("DELETE FROM public.code WHERE code = 'y'")
    conn.execute(
        "UPDATE pg_index SET indisvalid = false"
        " WHERE indexrelid = 'public.code_import_job_id_idx'::regclass"
    )
    found = mended(conn, "_doctor_targets")
    assert {what: one["status"] for what, one in found.items()} == {
        "key of target code": "problem",
        "index on import_job_id of target code": "warning",
    }
    assert all("is not valid" in one["found"] for one in found.values())


# settings


@pytest.fixture
def settings(conn: Conn) -> Iterator[Conn]:
    """A session that may change the server; afterwards it is as it was."""
    yield conn
    conn.execute("SET default_transaction_read_only = off")
    conn.execute("ALTER ROLE CURRENT_USER RESET ALL")
    conn.execute("ALTER SYSTEM RESET ALL")
    conn.execute("SELECT pg_reload_conf()")


def test_settings_that_slow_imports_are_found_and_set(settings: Conn, dsn: str) -> None:
    for statement in (
        "ALTER SYSTEM SET max_wal_size = '1GB'",
        "ALTER SYSTEM SET checkpoint_timeout = '1min'",
        "ALTER SYSTEM SET wal_compression = off",
        "ALTER SYSTEM SET autovacuum = off",
        "ALTER SYSTEM SET track_activities = off",
        "ALTER SYSTEM SET max_parallel_workers = 0",
        "SELECT pg_reload_conf()",
        "ALTER ROLE CURRENT_USER SET work_mem = '1MB'",
        "ALTER ROLE CURRENT_USER SET maintenance_work_mem = '1MB'",
        "ALTER ROLE CURRENT_USER SET max_parallel_workers_per_gather = 0",
        "ALTER ROLE CURRENT_USER SET synchronous_commit = off",
        "ALTER ROLE CURRENT_USER SET session_replication_role = replica",
        "ALTER ROLE CURRENT_USER SET statement_timeout = '90s'",
        "ALTER ROLE CURRENT_USER SET idle_in_transaction_session_timeout = '30s'",
        "ALTER ROLE CURRENT_USER SET default_transaction_read_only = on",
    ):
        settings.execute(statement.encode())
    wanted = {
        "max_wal_size", "checkpoint_timeout", "wal_compression", "autovacuum", "track_activities",
        "max_parallel_workers", "work_mem", "maintenance_work_mem", "synchronous_commit",
        "max_parallel_workers_per_gather", "session_replication_role", "statement_timeout",
        "idle_in_transaction_session_timeout", "default_transaction_read_only",
    }  # fmt: skip
    # what the server of the tests has of its own, and what only a restart mends
    others = {"fsync", "full_page_writes", "shared_buffers"}

    def found(session: Conn) -> dict[str, dict[str, Any]]:
        return findings(session, "_doctor_settings")

    with psycopg.connect(dsn, autocommit=True) as session:
        # the server takes a moment to read its file again
        until(lambda: wanted <= set(found(session)), "all of them are found")
        problems = {what for what, one in found(session).items() if one["status"] == "problem"}
        assert problems == {"session_replication_role", "default_transaction_read_only"}
        for what in sorted(wanted):
            mend(session, found(session).get(what) or found(session)[what])

    def nothing() -> bool:
        with psycopg.connect(dsn, autocommit=True) as session:
            return not set(found(session)) - others

    until(nothing, "none of them is found any more")


# rights


def test_rights_that_an_importer_lacks_are_found_with_the_grant(
    conn: Conn, second: Conn, plain_role: str
) -> None:
    conn.execute("CREATE SCHEMA apart")
    conn.execute("CREATE TABLE apart.note (id integer PRIMARY KEY)")
    call(conn, "register_target", "apart.note", "note", ["id"], Jsonb({"on_duplicate": "update"}))
    call(conn, "grant_usage", plain_role, "importer")
    conn.execute(sql.SQL("REVOKE CREATE ON SCHEMA pgimport_staging FROM {}").format(
        sql.Identifier(plain_role)
    ))  # fmt: skip
    second.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(plain_role)))
    found = findings(second, "_doctor_install")
    # one may be meant to import into some targets only
    assert [one["status"] for one in found.values()] == ["problem", "warning", "warning"]
    conn.execute(sql.SQL("GRANT INSERT ON public.code TO {}").format(sql.Identifier(plain_role)))
    found = findings(second, "_doctor_install")
    assert found["rights on target code"]["status"] == "problem"
    assert {what: one["found"] for what, one in found.items()} == {
        "right to stage": "missing",
        "rights on target code": "SELECT, DELETE missing",
        "rights on target note": "USAGE of its schema, SELECT, INSERT, UPDATE, DELETE missing",
    }
    for one in found.values():
        mend(conn, one)
    assert findings(second, "_doctor_install") == {}
    new_job(second, "completed")


def test_rights_on_columns_are_enough(conn: Conn, second: Conn, plain_role: str) -> None:
    role = sql.Identifier(plain_role)
    call(conn, "grant_usage", plain_role, "importer")
    conn.execute(sql.SQL("GRANT DELETE, SELECT (id), INSERT (id) ON code TO {}").format(role))
    second.execute(sql.SQL("SET ROLE {}").format(role))
    assert findings(second, "_doctor_install") == {}


def test_a_viewer_is_asked_for_no_rights_and_sees_no_jobs_of_others(
    conn: Conn, second: Conn, plain_role: str
) -> None:
    new_job(conn, "staged")
    call(conn, "grant_usage", plain_role, "viewer")
    second.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(plain_role)))
    assert findings(second, "_doctor_install") == {}
    assert findings(second, "_doctor_jobs", ANY_AGE) == {}
    assert {row.what for row in Client(second).doctor()} >= {"role", "work_mem", "targets", "jobs"}


def test_functions_of_another_version_than_the_tables_are_a_problem(conn: Conn) -> None:
    conn.execute("UPDATE pgimport.schema_step SET version = '0.0.1' WHERE name = 'functions'")
    found = findings(conn, "_doctor_install")["version"]
    assert (found["status"], found["mend"]) == ("problem", "pgimport upgrade")


# the whole


def test_the_doctor_waits_for_nobody(conn: Conn, first: Conn, second: Conn) -> None:
    conn.execute("CREATE TABLE public.parted (id integer PRIMARY KEY) PARTITION BY RANGE (id)")
    conn.execute("CREATE TABLE public.part PARTITION OF public.parted DEFAULT")
    call(conn, "register_target", "public.parted", "parted", ["id"])
    job = new_job(conn, "staged")
    call(first, "check_job", job)
    first.execute("LOCK TABLE public.code, public.parted IN ACCESS EXCLUSIVE MODE")
    second.execute("SET lock_timeout = '100ms'")
    assert {row.status for row in Client(second).doctor()} <= {"ok", "warning"}


def test_names_that_need_quotes_are_quoted_in_what_mends(conn: Conn) -> None:
    conn.execute('CREATE SCHEMA "od d"')
    conn.execute('CREATE TABLE "od d"."T;able" ("k""ey" integer, "b\'ar" integer)')
    conn.execute('CREATE TABLE "od d"."refers" (id integer)')
    conn.execute('CREATE UNIQUE INDEX "i x" ON "od d"."T;able" ("k""ey")')
    call(conn, "register_target", '"od d"."T;able"', "it's", ['k"ey'])
    call(conn, "set_column", "it's", "b'ar", Jsonb({"aliases": ["x"]}))
    conn.execute(
        'ALTER TABLE "od d"."refers" ADD FOREIGN KEY (id) REFERENCES "od d"."T;able" ("k""ey")'
    )
    for statement in (
        'ALTER TABLE "od d"."T;able" DROP COLUMN "b\'ar"',
        'ALTER TABLE "od d"."T;able" RENAME COLUMN "k""ey" TO "other"',
    ):
        conn.execute(statement.encode())
    for _ in range(2):
        for one in findings(conn, "_doctor_targets").values():
            conn.execute(one["mend"].encode())
    assert findings(conn, "_doctor_targets") == {}


def test_the_command_shows_what_the_function_finds_and_ends_with_1_for_a_problem(
    conn: Conn, dsn: str
) -> None:
    conn.execute("CREATE TABLE public.refers (id integer REFERENCES public.code)")
    warned = run("--json", "doctor", dsn=dsn)
    named = {one["what"]: one for one in warned.json["findings"]}
    reference = named["references to target code"]
    assert (reference["status"], reference["mend"]) == (
        "warning",
        "CREATE INDEX ON public.refers (id);",
    )

    conn.execute("ALTER TABLE public.code RENAME COLUMN id TO number")
    done = run("--json", "doctor", dsn=dsn)
    assert (done.code, done.json["success"]) == (1, False)
    problem = {one["what"]: one for one in done.json["findings"]}["key of target code"]
    assert problem["mend"] == "ALTER TABLE public.code RENAME COLUMN number TO id;"
    shown = run("doctor", dsn=dsn)
    assert shown.code == 1
    assert "PROBLEM  key of target code" in shown.out
    assert problem["mend"] in shown.out
